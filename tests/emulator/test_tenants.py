"""
The tenants that come with the emulator: they load, and the large one looks like life.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import aiohttp
import pytest

from emulator.azure import LocalAzure
from emulator.events import EventGrid
from emulator.store import Resource
from emulator.teams import TeamsInbox
from emulator.tenant import TenantError, load_tenant
from emulator.tenants import SAMPLE, SMALL

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
POLICIES = sorted(SAMPLE.with_name("policies").glob("*.xml"))


def planted(path: Path) -> list[Resource]:
    """
    What a tenant holds when it has started.
    """

    async def run() -> list[Resource]:
        async with LocalAzure(load_tenant(path), now=lambda: NOW, parts=[EventGrid, TeamsInbox]) as azure:
            return azure.store.all()

    return asyncio.run(run())


@pytest.mark.parametrize("path", [SMALL, SAMPLE], ids=["small", "sample"])
def test_a_tenant_starts(path: Path) -> None:
    """
    Both tenants start with every part, and every service of them is idle.
    """
    services = [one for one in planted(path) if one.type == "Microsoft.ApiManagement/service"]

    assert {("Succeeded", "")} == {
        (one.properties["provisioningState"], one.properties["targetProvisioningState"]) for one in services
    }


def test_the_sample_has_all_tiers_and_some_dozens_of_apis() -> None:
    """
    Four instances of different tiers, two vaults, and dozens of APIs and products.
    """
    resources = planted(SAMPLE)
    count = Counter(one.type for one in resources)
    skus = {one.body["sku"]["name"] for one in resources if one.type == "Microsoft.ApiManagement/service"}

    assert {"Developer", "Premium", "Consumption", "StandardV2"} == skus
    assert 2 == count["Microsoft.KeyVault/vaults"]
    assert count["Microsoft.ApiManagement/service/apis"] > 30
    assert count["Microsoft.ApiManagement/service/products"] > 12


def test_the_premium_instance_has_a_vault_host_and_an_uploaded_one() -> None:
    """
    One custom host comes from a vault, one from an uploaded file.
    """
    (premium,) = [one for one in planted(SAMPLE) if one.body.get("sku") == {"name": "Premium", "capacity": 2}]

    assert ["BuiltIn", "KeyVault", "Custom"] == [
        entry["certificateSource"] for entry in premium.properties["hostnameConfigurations"]
    ]


def test_the_vaults_hold_every_kind_of_trouble() -> None:
    """
    Good, soon expiring, expired, disabled, EC, sealed, PEM and rolled certificates lie in the vaults.
    """

    async def run() -> set[str]:
        async with LocalAzure(load_tenant(SAMPLE), now=lambda: NOW) as azure:
            found = set()
            for vault in ("kv-contoso-dev", "kv-contoso-prod"):
                for entry in azure.vaults.holdings.entries(vault):
                    latest = entry.latest
                    if latest.bundle is None:
                        continue
                    left = latest.bundle.not_after - NOW
                    found |= {"expired"} if left < timedelta(0) else {"soon"} if left.days < 30 else {"good"}
                    found |= {latest.bundle.kind, latest.content_type.rpartition("-")[2]}
                    found |= {"disabled"} if not latest.enabled else set()
                    found |= {"sealed"} if not latest.exportable else set()
                    found |= {"rolled"} if len(entry.versions) > 1 else set()
            return found

    everything = {"good", "soon", "expired", "disabled", "ec", "rsa", "sealed", "rolled", "file", "pkcs12"}

    assert everything == asyncio.run(run())


def test_about_half_of_the_policies_are_not_xml() -> None:
    """
    As people write them: expressions stand unescaped, so an XML parser stumbles over half of the documents.
    """

    def is_xml(path: Path) -> bool:
        try:
            ElementTree.fromstring(path.read_text("utf-8"))
        except ElementTree.ParseError:
            return False
        return True

    broken = [path for path in POLICIES if not is_xml(path)]

    assert len(POLICIES) >= 20
    assert 0.4 < len(broken) / len(POLICIES) < 0.6


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_every_policy_is_used(path: Path) -> None:
    """
    No policy lies about that no tenant uses.
    """
    text = SAMPLE.read_text("utf-8") + SMALL.read_text("utf-8")

    assert f"policies/{path.name}" in text


def test_a_missing_policy_file_is_named(tmp_path: Path) -> None:
    """
    A tenant that names a file which isn't there says which.
    """
    tenant = tmp_path / "tenant.yaml"
    tenant.write_text("services: [{name: x, sku: Developer, policy: {file: nowhere.xml}}]")

    with pytest.raises(TenantError, match=r"nowhere\.xml can't be read"):
        load_tenant(tenant)


def test_everything_in_the_sample_can_be_read() -> None:
    """
    Every resource of the sample answers a GET, and every answer fits the specification where that is at hand.
    """
    links = ("/products/", "/gateways/")

    async def run() -> list[str]:
        async with LocalAzure(load_tenant(SAMPLE), now=lambda: NOW) as azure:
            tls = ssl.create_default_context(cafile=azure.ca_file)
            token = azure.identity.token("https://management.azure.com")
            headers = {"Authorization": f"Bearer {token}"}
            failed = []
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), headers=headers) as session:
                for one in azure.store.all():
                    linked = one.name and any(mark in one.id for mark in links) and "/apis/" in one.id
                    if "Microsoft.ApiManagement/service/" not in one.id or linked:
                        continue
                    async with session.get(f"{azure.endpoints.arm}{one.id}?api-version=2024-05-01") as answer:
                        failed += [] if answer.status == 200 else [f"{answer.status} {one.id}"]
            return failed

    assert [] == asyncio.run(run())
