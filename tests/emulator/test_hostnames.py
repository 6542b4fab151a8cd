"""Hostname entries, CA certificates and identities of a service."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator import Uploaded
from tests.emulator.stand import Stand, running, tenant_with

UPDATE = timedelta(minutes=25)
KEYS = [
    "type",
    "hostName",
    "encodedCertificate",
    "keyVaultId",
    "certificatePassword",
    "negotiateClientCertificate",
    "certificate",
    "defaultSslBinding",
    "identityClientId",
    "certificateSource",
    "certificateStatus",
]
HOSTS = tenant_with(
    {
        "sku": "Premium",
        "hostnames": [
            {"host": "api.contoso.com", "vault": "kv-apim/host", "default": True},
            {"host": "old.contoso.com", "uploaded": "host"},
            {"host": "free.contoso.com", "managed": True},
        ],
        "ca_certificates": [{"authority": "root", "store": "Root"}],
    }
)


def shown(stand: Stand, member: str = "hostnameConfigurations") -> Any:
    return stand.arm("GET", "").json["properties"][member]


def less_nulls(entries: Any) -> Any:
    return [{name: value for name, value in one.items() if value is not None} for one in entries]


def patch(stand: Stand, entries: Any, member: str = "hostnameConfigurations") -> Any:
    return stand.arm("PATCH", "", {"properties": {member: entries}})


def pfx(stand: Stand, name: str = "host") -> str:
    return base64.b64encode(stand.azure.certificate(name).pfx("word")).decode()


def test_the_default_host_comes_first_with_all_keys() -> None:
    """
    The built-in host is first, all eleven keys are there, and it isn't the default where a custom host is.
    """
    with running(HOSTS) as stand:
        entries = shown(stand)

        assert ["apim.azure-api.net", "api.contoso.com", "old.contoso.com", "free.contoso.com"] == [
            one["hostName"] for one in entries
        ]
        assert [KEYS] * 4 == [list(one) for one in entries]
        assert ["BuiltIn", "KeyVault", "Custom", "Managed"] == [one["certificateSource"] for one in entries]
        assert [False, True, False, False] == [one["defaultSslBinding"] for one in entries]


def test_expiry_is_local_time_of_the_back_end() -> None:
    """
    A host's certificate expires at the same instant as everywhere, written with another offset.
    """
    with running(HOSTS) as stand:
        text = shown(stand)[1]["certificate"]["expiry"]

        assert text.endswith("-08:00")
        assert stand.azure.certificate("host").not_after == datetime.fromisoformat(text)


def test_every_source_survives_being_sent_back() -> None:
    """
    Entries of every source copied from GET without nulls are kept with their certificates.
    """
    with running(HOSTS) as stand:
        before = shown(stand)
        entries = less_nulls(before)
        entries[1]["negotiateClientCertificate"] = True
        status = patch(stand, entries).status
        stand.wait(UPDATE)
        after = shown(stand)

        assert 202 == status
        assert [one["certificate"] for one in before] == [one["certificate"] for one in after]
        assert [False, True, False, False] == [one["negotiateClientCertificate"] for one in after]


def test_a_service_may_refuse_descriptions_of_uploaded_certificates() -> None:
    """
    By option, an uploaded certificate that comes back as its description is refused as if nothing was sent.
    """
    with running(HOSTS, uploaded_certificates=Uploaded.REFUSE) as stand:
        refused = patch(stand, less_nulls(shown(stand)))

        assert (400, "InvalidParameters") == (refused.status, refused.error["code"])
        assert refused.error["message"].startswith(
            "Invalid parameter: Either encodedCertificate or keyVaultId should be provided"
        )


def test_a_description_with_another_thumbprint_is_refused() -> None:
    """
    Only the description of the stored certificate keeps it.
    """
    with running(HOSTS) as stand:
        entries = less_nulls(shown(stand))
        entries[2]["certificate"]["thumbprint"] = "0" * 40

        assert 400 == patch(stand, entries).status


def test_what_isnt_sent_is_removed() -> None:
    """
    An array replaces the old one whole, but the default host always stays.
    """
    with running(HOSTS) as stand:
        patch(stand, less_nulls(shown(stand))[1:2])
        stand.wait(UPDATE)

        assert ["apim.azure-api.net", "api.contoso.com"] == [one["hostName"] for one in shown(stand)]


def test_a_put_without_the_list_removes_custom_hosts() -> None:
    """
    A PUT that leaves the hostnames out takes all custom ones away.
    """
    with running(HOSTS) as stand:
        owner = {"publisherEmail": "api@contoso.example", "publisherName": "Contoso"}
        stand.arm("PUT", "", {"location": "westeurope", "sku": {"name": "Premium", "capacity": 1}, "properties": owner})
        stand.wait(UPDATE)

        assert 1 == len(shown(stand))


@pytest.mark.parametrize("field", ["encodedCertificate", "certificatePassword", "keyVaultId"])
def test_the_default_host_takes_no_certificate(stand: Stand, field: str) -> None:
    """
    Any certificate field on the default host, an empty string included, is refused.
    """
    refused = patch(stand, [{"type": "Proxy", "hostName": "apim.azure-api.net", field: ""}])

    assert 400 == refused.status
    assert "Certificate management for the default domain is not allowed" in refused.error["message"]


def test_an_uploaded_file_is_never_shown(stand: Stand) -> None:
    """
    A PFX is taken with its password, and neither comes back.
    """
    patch(
        stand,
        [
            {
                "type": "Proxy",
                "hostName": "new.contoso.com",
                "encodedCertificate": pfx(stand),
                "certificatePassword": "word",
            }
        ],
    )
    stand.wait(UPDATE)
    entry = shown(stand)[1]

    assert (None, None, "Custom") == (
        entry["encodedCertificate"],
        entry["certificatePassword"],
        entry["certificateSource"],
    )
    assert stand.azure.certificate("host").thumbprint == entry["certificate"]["thumbprint"]


def test_a_vault_host_needs_an_identity() -> None:
    """
    Without a managed identity a Key Vault host is refused with the service's own text.
    """
    with running(tenant_with({"identity": None})) as stand:
        url = stand.azure.vaults.secret_url("kv-apim", "host")
        refused = patch(stand, [{"type": "Proxy", "hostName": "api.contoso.com", "keyVaultId": url}])

        assert (400, "InvalidOperation") == (refused.status, refused.error["code"])
        assert "is not enabled on the API Management service" in refused.error["message"]


def test_a_vault_certificate_that_is_gone_fails_later_updates() -> None:
    """
    Once a host's vault certificate can't be fetched, updates are accepted and fail.
    """
    with running(HOSTS) as stand:
        stand.vault("DELETE", "/certificates/host")
        accepted = stand.arm("PATCH", "", {"properties": {"customProperties": {"a": "b"}}})
        stand.wait(UPDATE)
        polled = stand.follow(accepted.headers["Azure-AsyncOperation"])

        assert (202, "Failed") == (accepted.status, polled.json["status"])
        assert "a" not in shown(stand, "customProperties")


def test_ca_certificates_are_kept_by_description_and_added_by_file() -> None:
    """
    CA entries follow the same rules as hosts; their files never come back.
    """
    with running(HOSTS) as stand:
        entries = less_nulls(shown(stand, "certificates"))
        der = base64.b64encode(stand.azure.certificate("client").der).decode()
        patch(stand, [*entries, {"encodedCertificate": der, "storeName": "CertificateAuthority"}], "certificates")
        stand.wait(UPDATE)
        after = shown(stand, "certificates")

        assert ["Root", "CertificateAuthority"] == [one["storeName"] for one in after]
        assert {"encodedCertificate", "certificatePassword", "storeName", "certificate"} == set(after[1])


@pytest.mark.parametrize("sku", ["Consumption", "BasicV2"])
def test_tiers_without_ca_certificates(sku: str) -> None:
    """
    Consumption and the v2 tiers refuse CA certificates.
    """
    with running(tenant_with({"sku": sku})) as stand:
        der = base64.b64encode(stand.azure.certificate("root").der).decode()

        assert 400 == patch(stand, [{"encodedCertificate": der, "storeName": "Root"}], "certificates").status


def test_several_custom_hosts_need_developer_or_premium() -> None:
    """
    A Standard service has one custom gateway host.
    """
    with running(tenant_with({"sku": "Standard"})) as stand:
        url = stand.azure.vaults.secret_url("kv-apim", "host")
        hosts = [{"type": "Proxy", "hostName": f"{name}.contoso.com", "keyVaultId": url} for name in "ab"]

        assert 400 == patch(stand, hosts).status


def test_user_assigned_identities_are_sent_as_empty_objects(stand: Stand) -> None:
    """
    Ids come back with principal and client; sending those back is refused.
    """
    name = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u"
    body = {"type": "UserAssigned", "userAssignedIdentities": {name: {}}}
    stand.arm("PATCH", "", {"identity": body})
    stand.wait(UPDATE)
    identity = stand.arm("GET", "").json["identity"]

    assert {"principalId", "clientId"} == set(identity["userAssignedIdentities"][name])
    assert 400 == stand.arm("PATCH", "", {"identity": identity}).status
