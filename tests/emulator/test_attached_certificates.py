"""Certificates of a service: fetched from a vault, uploaded, refreshed, rotated, refused."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from tests.emulator.stand import Reply, Stand, running, tenant_with


def from_vault(stand: Stand, name: str, *, certificate: str = "c", url: str = "") -> Reply:
    secret = url or stand.azure.vaults.secret_url("kv-apim", name)
    return stand.arm("PUT", f"/certificates/{certificate}", {"properties": {"keyVault": {"secretIdentifier": secret}}})


def thumbprint(stand: Stand, certificate: str = "c") -> Any:
    return stand.arm("GET", f"/certificates/{certificate}").json["properties"]["thumbprint"]


def test_a_vault_certificate_is_fetched_while_the_put_waits(stand: Stand) -> None:
    """
    The answer to the PUT holds the fields of the fetched certificate and the state of the fetch.
    """
    made = from_vault(stand, "client")
    properties = made.json["properties"]
    client = stand.azure.certificate("client")

    assert (201, client.thumbprint, client.subject) == (made.status, properties["thumbprint"], properties["subject"])
    assert "Success" == properties["keyVault"]["lastStatus"]["code"]
    assert properties["expirationDate"].endswith("Z")
    assert properties["keyVault"]["identityClientId"] is None


def test_an_uploaded_certificate_shows_no_file(stand: Stand) -> None:
    """
    A PFX is described, and its data and password never come back.
    """
    data = base64.b64encode(stand.azure.certificate("client").pfx("word")).decode()
    stand.arm("PUT", "/certificates/c", {"properties": {"data": data, "password": "word"}})
    properties = stand.arm("GET", "/certificates/c").json["properties"]

    assert ["subject", "thumbprint", "expirationDate", "hasPrivateKey"] == list(properties)


def test_a_public_certificate_has_no_private_key(stand: Stand) -> None:
    """
    A CER file is taken too, and shown as one without a private key.
    """
    data = base64.b64encode(stand.azure.certificate("client").der).decode()
    made = stand.arm("PUT", "/certificates/c", {"properties": {"data": data}})

    assert made.json["properties"]["hasPrivateKey"] is False


def test_the_same_file_again_moves_the_etag(stand: Stand) -> None:
    """
    A PUT of the same certificate answers 200 with a new etag, unlike policies.
    """
    first, second = from_vault(stand, "client"), from_vault(stand, "client")

    assert (201, 200) == (first.status, second.status)
    assert first.etag != second.etag


def test_refresh_answers_a_flat_object(stand: Stand) -> None:
    """
    refreshSecret answers without the properties wrapper, with a short id, and moves the etag.
    """
    made = from_vault(stand, "client")
    fresh = stand.arm("POST", "/certificates/c/refreshSecret")

    assert "/certificates/c" == fresh.json["id"]
    assert "properties" not in fresh.json
    assert made.etag != fresh.etag
    assert fresh.etag == stand.arm("GET", "/certificates/c").etag


REFUSED = [
    ("sealed", "", "does not contain private key"),
    ("off", "", "Failed to access KeyVault Secret"),
    ("absent", "", "Failed to access KeyVault Secret"),
    ("word", "", "is not a PKCS12 file"),
    ("", "https://kv-apim.vault.azure.net/certificates/client", "only accepts KeyVault Secrets type"),
]


@pytest.mark.parametrize(
    ("name", "url", "text"), REFUSED, ids=["sealed", "disabled", "missing", "no file", "wrong kind"]
)
def test_what_cant_be_fetched_is_refused(stand: Stand, name: str, url: str, text: str) -> None:
    """
    Every way in which a vault certificate can't be had is a 400 that says so, and nothing is made.
    """
    refused = from_vault(stand, name, url=url)

    assert 400 == refused.status
    assert text in refused.error["message"]
    assert 404 == stand.arm("GET", "/certificates/c").status


def test_no_identity_and_no_role_are_told_apart() -> None:
    """
    A service without an identity is told to enable one; one without a role hears its ids.
    """
    with running(tenant_with({"identity": None})) as stand:
        none = from_vault(stand, "client").error["message"]
    with running(tenant_with(roles=[])) as stand:
        unauthorised = from_vault(stand, "client").error["message"]

    assert "type: System Assigned which is required" in none
    assert "has GET permissions on secrets" in unauthorised


def test_a_shut_vault_lets_a_system_assigned_identity_in() -> None:
    """
    A vault's firewall stops callers from outside, not the trusted service's own identity.
    """
    shut = [{"name": "kv-apim", "firewall": True, "certificates": [{"name": "client", "certificate": "client"}]}]
    with running(tenant_with(vaults=shut)) as stand:
        outside = stand.vault("GET", "/certificates/client")

        assert 201 == from_vault(stand, "client").status
        assert (403, "ForbiddenByFirewall") == (outside.status, outside.error["innererror"]["code"])


def test_an_elliptic_key_breaks_at_the_second_put(stand: Stand) -> None:
    """
    The first PUT of an EC certificate from a vault succeeds, every later one is a 500.
    """
    first, second = from_vault(stand, "curve"), from_vault(stand, "curve")

    assert (201, 500, "InternalServerError") == (first.status, second.status, second.error["code"])


def test_a_new_version_is_picked_up_within_hours(stand: Stand) -> None:
    """
    A versionless reference follows a rotation only after a delay, and the emulator says when.
    """
    from_vault(stand, "client")
    old = thumbprint(stand)
    rolled = stand.azure.certificate("rolled")
    stand.azure.vaults.put("kv-apim", "client", rolled)
    due = stand.azure.next_due()
    stand.wait(timedelta(hours=1))
    early = thumbprint(stand)
    stand.wait(timedelta(hours=3))

    assert stand.now == due
    assert (old, rolled.thumbprint) == (early, thumbprint(stand))


def test_a_failed_rotation_keeps_the_old_certificate(stand: Stand) -> None:
    """
    When the new version can't be fetched, lastStatus says so and the old certificate stays.
    """
    from_vault(stand, "client")
    old = thumbprint(stand)
    stand.azure.vaults.put("kv-apim", "client", stand.azure.certificate("rolled"), enabled=False)
    stand.wait(timedelta(hours=5))
    status = stand.arm("GET", "/certificates/c").json["properties"]["keyVault"]["lastStatus"]

    assert old == thumbprint(stand)
    assert "Success" != status["code"]
    assert "Failed to access KeyVault Secret" in status["message"]
    assert stand.azure.next_due() is None


def test_a_certificate_in_use_cant_be_deleted(stand: Stand) -> None:
    """
    A certificate that a policy names is refused to be deleted, with the id of what uses it.
    """
    from_vault(stand, "client")
    stand.put_policy("", '<policies><inbound><authentication-certificate certificate-id="c" /></inbound></policies>')
    refused = stand.arm("DELETE", "/certificates/c", headers={"If-Match": "*"})

    assert 400 == refused.status
    assert "policies/policy" in refused.error["message"]


def test_workspaces_take_uploaded_certificates_only(stand: Stand) -> None:
    """
    In a workspace a Key Vault certificate is refused, an uploaded one is taken.
    """
    stand.arm("PUT", "/workspaces/w", {"properties": {"displayName": "W"}})
    secret = stand.azure.vaults.secret_url("kv-apim", "client")
    refused = stand.arm(
        "PUT", "/workspaces/w/certificates/c", {"properties": {"keyVault": {"secretIdentifier": secret}}}
    )
    data = base64.b64encode(stand.azure.certificate("client").pfx()).decode()
    taken = stand.arm("PUT", "/workspaces/w/certificates/c", {"properties": {"data": data}})

    assert (400, 201) == (refused.status, taken.status)
    assert "Microsoft.ApiManagement/service/workspaces/certificates" == taken.json["type"]
