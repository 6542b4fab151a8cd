"""The vault's own API: challenge, certificates, versions, secrets, permissions."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.emulator.stand import GROUP, SUBSCRIPTION, Stand, running, tenant_with

VERSION_OF_VAULTS = "2023-07-01"

PEOPLE = [
    {"name": "apimend", "object_id": "11111111-0000-4000-8000-000000000001"},
    {"name": "reader", "object_id": "11111111-0000-4000-8000-000000000002"},
]
READER = [{"principal": "reader", "role": "Key Vault Reader", "scope": "vault kv-apim"}]


def test_a_call_without_a_token_is_challenged(stand: Stand) -> None:
    """
    The challenge names the authority and the resource of the vaults.
    """
    url = f"{stand.azure.vault_url('kv-apim', plain=True)}/certificates"
    challenged = stand.call("GET", url, None, {}, {"api-version": "7.5"})

    assert (401, "Unauthorized") == (challenged.status, challenged.error["code"])
    assert 'resource="https://vault.azure.net"' in challenged.headers["WWW-Authenticate"]
    assert f"{stand.azure.endpoints.login}/{stand.azure.tenant.id}" in challenged.headers["WWW-Authenticate"]


def test_a_token_for_arm_is_not_one_for_vaults(stand: Stand) -> None:
    """
    A token with another audience is challenged again.
    """
    token = stand.azure.identity.token("https://management.azure.com")
    url = f"{stand.azure.vault_url('kv-apim', plain=True)}/certificates"

    assert 401 == stand.call("GET", url, None, {"Authorization": f"Bearer {token}"}, {"api-version": "7.5"}).status


def test_a_list_says_little(stand: Stand) -> None:
    """
    List items have no version in their ids and an empty subject; plain secrets aren't among them.
    """
    found = stand.vault("GET", "/certificates").json

    assert ["host", "client", "curve", "sealed", "off"] == [one["id"].rpartition("/")[2] for one in found["value"]]
    assert {""} == {one["subject"] for one in found["value"]}
    assert found["nextLink"] is None


def test_the_latest_version_embeds_its_policy(stand: Stand) -> None:
    """
    GET of the latest version has policy and sid, GET of that version has no policy, and x5t is the thumbprint.
    """
    latest = stand.vault("GET", "/certificates/client/").json
    identifier = latest["id"].rpartition("/")[2]
    version = stand.vault("GET", f"/certificates/client/{identifier}").json
    digest = base64.urlsafe_b64decode(latest["x5t"] + "=").hex().upper()

    assert ("RSA", True, "application/x-pkcs12") == (
        latest["policy"]["key_props"]["kty"],
        latest["policy"]["key_props"]["exportable"],
        latest["policy"]["secret_props"]["contentType"],
    )
    assert "policy" not in version
    assert stand.azure.certificate("client").thumbprint == digest
    assert latest["sid"].endswith(f"/secrets/client/{identifier}")


def test_a_new_version_becomes_the_latest(stand: Stand) -> None:
    """
    An imported certificate is a further version; the versionless id then means it.
    """
    rolled = stand.azure.certificate("rolled")
    body = {"value": base64.b64encode(rolled.pfx("word")).decode(), "pwd": "word"}
    imported = stand.vault("POST", "/certificates/client/import", body)
    versions = stand.vault("GET", "/certificates/client/versions").json["value"]

    assert (200, 2) == (imported.status, len(versions))
    assert imported.json["x5t"] == stand.vault("GET", "/certificates/client/").json["x5t"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/certificates/none/", 404, "CertificateNotFound"),
        ("/secrets/none/", 404, "SecretNotFound"),
        ("/secrets/off/", 403, "Forbidden"),
        ("/certificates/client/pending", 404, "PendingCertificateNotFound"),
    ],
)
def test_refusals(stand: Stand, path: str, status: int, code: str) -> None:
    """
    What isn't there or is disabled is refused with the vault's codes.
    """
    refused = stand.vault("GET", path)

    assert (status, code) == (refused.status, refused.error["code"])


def test_a_secret_holds_the_key_only_where_it_may(stand: Stand) -> None:
    """
    The secret of an exportable certificate is its PFX, of a sealed one the certificate alone.
    """
    open_one = stand.vault("GET", "/secrets/client/").json
    sealed = stand.vault("GET", "/secrets/sealed/").json

    assert len(base64.b64decode(open_one["value"])) > len(base64.b64decode(sealed["value"]))
    assert (True, "application/x-pkcs12") == (open_one["managed"], open_one["contentType"])


def codes(stand: Stand, principal: str) -> tuple[int, Any]:
    secret = stand.vault("GET", "/secrets/client/", principal=principal)
    return stand.vault("GET", "/certificates/client/", principal=principal).status, secret.error["innererror"]["code"]


def test_a_reader_sees_certificates_and_no_secrets() -> None:
    """
    Key Vault Reader reads a certificate's public part, never the secret; by option not even that.
    """
    with running(tenant_with(principals=PEOPLE, roles=READER)) as stand:
        assert (200, "ForbiddenByRbac") == codes(stand, "reader")
    with running(tenant_with(principals=PEOPLE, roles=READER), vault_reader_reads_certificates=False) as stand:
        assert (403, "ForbiddenByRbac") == codes(stand, "reader")


def test_access_policies_count_where_roles_dont() -> None:
    """
    In a vault with access policies the listed permissions decide.
    """
    vault = {
        "name": "kv-apim",
        "rbac": False,
        "access_policies": [{"principal": "reader", "certificates": ["get", "list"]}],
        "certificates": [{"name": "client", "certificate": "client"}],
    }
    with running(tenant_with(principals=PEOPLE, vaults=[vault], roles=[])) as stand:
        assert (200, "AccessDenied") == codes(stand, "reader")


def test_the_vault_as_arm_shows_it(stand: Stand) -> None:
    """
    The management plane shows the vault's address and rules; a change of its firewall works at once.
    """
    path = stand.azure.vaults.resource("kv-apim")
    assert path is not None
    found = stand.arm("GET", path.id).json["properties"]
    stand.arm("PATCH", path.id, {"properties": {"networkAcls": {"defaultAction": "Deny"}}})

    assert f"{stand.azure.vault_url('kv-apim')}/" == found["vaultUri"]
    assert "ForbiddenByFirewall" == stand.vault("GET", "/certificates").error["innererror"]["code"]


def test_a_deleted_certificate_can_be_had_back(stand: Stand) -> None:
    """
    It is shown among the deleted ones with the day on which it goes, keeps its name, and is back after a recovery.
    """
    gone = stand.vault("DELETE", "/certificates/client").json
    shown = stand.vault("GET", "/deletedcertificates/client").json
    listed = stand.vault("GET", "/deletedcertificates").json["value"]
    pfx = base64.b64encode(stand.azure.certificate("rolled").pfx("word")).decode()
    again = stand.vault("POST", "/certificates/client/import", {"value": pfx, "pwd": "word"})

    assert (gone, 90 * 86400) == (shown, shown["scheduledPurgeDate"] - shown["deletedDate"])
    assert [shown["recoveryId"]] == [one["recoveryId"] for one in listed]
    assert (409, 404) == (again.status, stand.vault("GET", "/certificates/client/").status)
    assert 200 == stand.vault("POST", "/deletedcertificates/client/recover").status
    assert 200 == stand.vault("GET", "/certificates/client/").status


def test_a_purged_certificate_is_gone_for_good(stand: Stand) -> None:
    """
    After a purge it is nowhere.
    """
    stand.vault("DELETE", "/certificates/client")

    assert 204 == stand.vault("DELETE", "/deletedcertificates/client").status
    assert 404 == stand.vault("GET", "/deletedcertificates/client").status


def new_vault(**more: str) -> dict[str, Any]:
    sku = {"family": "A", "name": "standard"}
    return {
        "location": "westeurope",
        "properties": {"tenantId": SUBSCRIPTION, "sku": sku, "accessPolicies": [], **more},
    }


def test_a_deleted_vault_keeps_its_name_and_what_it_holds(stand: Stand) -> None:
    """
    It is listed among the deleted ones, its name is taken, and a recovery brings its certificates back.
    """
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-apim"
    assert 200 == stand.arm("DELETE", vault, None, version=VERSION_OF_VAULTS).status
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/deletedVaults"
    (kept,) = stand.arm("GET", path, None, version=VERSION_OF_VAULTS).json["value"]

    assert vault == kept["properties"]["vaultId"]
    assert 409 == stand.arm("PUT", vault, new_vault(), version=VERSION_OF_VAULTS).status
    assert 200 == stand.arm("PUT", vault, new_vault(createMode="recover"), version=VERSION_OF_VAULTS).status
    assert 200 == stand.vault("GET", "/certificates/client/").status


def test_a_purged_vault_is_gone_for_good(stand: Stand) -> None:
    """
    After a purge its name is free, and a new vault of that name is empty.
    """
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-apim"
    stand.arm("DELETE", vault, None, version=VERSION_OF_VAULTS)
    place = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-apim"
    assert 200 == stand.arm("POST", f"{place}/purge", None, version=VERSION_OF_VAULTS).status
    stand.arm("PUT", vault, new_vault(), version=VERSION_OF_VAULTS)

    assert 404 == stand.arm("GET", place, None, version=VERSION_OF_VAULTS).status
    assert [] == stand.vault("GET", "/certificates").json["value"]
