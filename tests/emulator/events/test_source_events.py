"""
The events that an API Management instance and a key vault raise themselves.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from emulator.events import CertificateNews, Schema, VaultCertificate
from emulator.events.api_management import instance_event
from emulator.events.key_vault import certificate_event
from emulator.store import WriteStatus
from tests.emulator.events.grid_harness import SERVICE, START, write

VAULT = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-contoso"


@pytest.mark.parametrize(
    ("child", "operation", "created", "kind", "subject"),
    [
        pytest.param("apis/orders", "write", True, "APICreated", "/apis/orders", id="api created"),
        pytest.param("apis/orders", "write", False, "APIUpdated", "/apis/orders;Rev=1", id="api updated"),
        pytest.param("apis/orders;rev=2", "write", True, "APICreated", "/apis/orders;Rev=2", id="revision"),
        pytest.param("apis/orders", "delete", False, "APIDeleted", "/apis/orders;Rev=1", id="api deleted"),
        pytest.param("products/gold", "write", False, "ProductUpdated", "/products/gold", id="product"),
        pytest.param(
            "apis/orders/releases/r1", "write", True, "APIReleaseCreated", "/apis/orders/releases/r1", id="release"
        ),
        pytest.param(
            "gateways/g/apis/orders", "write", True, "GatewayAPIAdded", "/gateways/g/apis/orders", id="gateway api"
        ),
        pytest.param(
            "gateways/g/certificateAuthorities/ca",
            "delete",
            False,
            "GatewayCertificateAuthorityDeleted",
            "/gateways/g/certificateAuthorities/ca",
            id="gateway authority",
        ),
    ],
)
def test_an_instance_tells_of_the_children_it_knows(
    child: str, operation: str, created: bool, kind: str, subject: str
) -> None:
    """
    The instance's event has a relative subject and the full id in its data.
    """
    event = instance_event(write(child, operation, created=created), "id-1")

    assert event is not None
    assert (f"Microsoft.ApiManagement.{kind}", SERVICE, subject, {"resourceUri": SERVICE + subject}) == (
        event.type,
        event.topic,
        event.subject,
        event.data,
    )


@pytest.mark.parametrize(
    "child",
    ["", "certificates/ca", "backends/b", "namedValues/n", "policies/policy", "policyFragments/f", "workspaces/w"],
)
def test_an_instance_is_silent_about_everything_else(child: str) -> None:
    """
    The instance says nothing of itself, of certificates, backends, named values and policies.
    """
    assert instance_event(write(child), "id-1") is None


def test_an_instance_tells_of_no_failure() -> None:
    """
    A failed write is told by Resource Manager alone.
    """
    assert instance_event(write("apis/orders", status=WriteStatus.FAILED), "id-1") is None


def certificate(expires_in_days: int) -> VaultCertificate:
    return VaultCertificate(
        vault_id=VAULT,
        vault_url="https://kv-contoso.vault.azure.net/",
        name="gw",
        version="ee05",
        not_before=START,
        expires=START + timedelta(days=expires_in_days),
    )


def test_a_vault_names_the_version_and_its_dates() -> None:
    """
    A certificate event has the vault's own member names and the dates as Unix seconds.
    """
    event = certificate_event(certificate(365), CertificateNews.NEW_VERSION, START, "id-1")

    assert {
        "Id": "https://kv-contoso.vault.azure.net/certificates/gw/ee05",
        "VaultName": "kv-contoso",
        "ObjectType": "Certificate",
        "ObjectName": "gw",
        "Version": "ee05",
        "NBF": int(START.timestamp()),
        "EXP": int((START + timedelta(days=365)).timestamp()),
    } == event.rendered(Schema.EVENT_GRID)["data"]


@pytest.mark.parametrize(
    ("days", "news"),
    [
        pytest.param(29, [], id="before"),
        pytest.param(30, [CertificateNews.NEAR_EXPIRY], id="thirty days before"),
        pytest.param(60, [CertificateNews.NEAR_EXPIRY, CertificateNews.EXPIRED], id="both at once"),
    ],
)
def test_time_brings_news_of_expiry(days: int, news: list[CertificateNews]) -> None:
    """
    A certificate of sixty days nears its expiry at the thirtieth and expires at the sixtieth.
    """
    assert news == certificate(60).news_due(START, START + timedelta(days=days))
