"""
What can't be read is unknown with the reason: never a pass, never a crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from apimend.model.posture import Verdict
from apimend.posture.table import READS
from emulator import Tenant
from remediators.posture import CONTROLS
from tests.posture.stand import Stand, standing
from tests.posture.tenant import SERVICE, SUBNET, VNET, Edit, tenant

DENIED = {
    "loggers": ("*/loggers", {"S4", "L5"}),
    "namedValues": ("*/namedValues", {"D4", "D9", "D10", "S1", "S2"}),
    "portal": ("*/portalconfigs/default", {"I2", "I4", "I5"}),
    "locks": ("*/service/*/locks", {"C2"}),
    "policies": ("*/apis/orders/policies/policy", {"N7", "D4", "D6", "D11", "S3", "I7", "P1", "P2", "P3", "P4", "P5"}),
}

pytestmark = pytest.mark.nonconforming("the local Azure is bent to answer what no specification allows")


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    """The tenant in which all is well."""
    async with standing() as one:
        yield one


@pytest.mark.parametrize(("path", "controls"), DENIED.values(), ids=DENIED)
async def test_a_missing_right_is_unknown_for_its_controls_only(stand: Stand, path: str, controls: set[str]) -> None:
    """
    Without the right to one resource its controls are unknown and name the action; all the others go on.
    """
    before = await stand.look()
    stand.azure.faults.add(
        path=path, status=403, times=None, body={"error": {"code": "AuthorizationFailed", "message": "no"}}
    )
    found = await stand.look()
    changed = {id for id in found if found[id].verdict is not before[id].verdict}

    assert controls - {"N7"} == changed
    assert all(found[id].verdict is Verdict.UNKNOWN and "/read" in found[id].reason for id in changed)


async def test_a_provider_that_is_not_registered_is_said_to_be_so(stand: Stand) -> None:
    """
    A subscription without the provider is no empty list.
    """
    body = {"error": {"code": "MissingSubscriptionRegistration", "message": "not registered"}}
    stand.azure.faults.add(path="*/microsoft.security/*", status=409, times=None, body=body)
    found = await stand.look()

    assert "The provider Microsoft.Security is not registered in the subscription." == found["L7"].reason
    assert Verdict.UNKNOWN is found["L7"].verdict


async def test_what_resource_graph_hides_is_no_failure() -> None:
    """
    Resource Graph leaves out what we may not read: with rights on the instance alone, nobody is blamed for it.
    """
    roles = [{"principal": "apimend", "role": "API Management Service Reader Role", "scope": "service contoso-prod"}]
    content = Tenant.of({**tenant().content, "roles": [tenant().content["roles"][0], *roles]})
    async with standing(content) as stand:
        found = await stand.look()
    outside = ("N3", "L1", "L3", "L4", "L6", "L8", "L9", "I10", "I11", "I12", "C2", "C3", "C12", "C11", "D10")

    assert [Verdict.UNKNOWN] * len(outside) == [found[id].verdict for id in outside]
    assert Verdict.PASS is found["D1"].verdict


async def test_what_azure_puts_off_is_unknown_for_now(stand: Stand) -> None:
    """
    A read that is throttled is tried again on the next look, and the look is not called whole.
    """
    body = {"error": {"code": "TooManyRequests", "message": "slow down"}}
    stand.azure.faults.add(path="*/loggers", status=429, times=None, body=body, headers={"Retry-After": "600"})
    found = await stand.look()

    assert Verdict.UNKNOWN is found["L5"].verdict
    assert "tried again" in found["L5"].reason
    assert "A1" not in found


async def test_casing_does_not_matter(stand: Stand) -> None:
    """
    Ids and words in another case change no verdict.
    """
    before = await stand.look()
    found = await stand.look(
        Edit(SERVICE, "properties/virtualNetworkConfiguration", {"SubnetResourceId": SUBNET.upper()}),
        Edit(SERVICE, "properties/virtualNetworkType", "EXTERNAL"),
        Edit(SERVICE, "properties/publicNetworkAccess", "disabled"),
        Edit(VNET, "properties/subnets/0/id", SUBNET.lower()),
    )

    assert {id: each.verdict for id, each in before.items()} == {id: each.verdict for id, each in found.items()}


@pytest.mark.parametrize("value", [None, {}, [], "text", 7], ids=["null", "object", "list", "text", "number"])
async def test_properties_of_any_form_crash_nothing(stand: Stand, value: object) -> None:
    """
    Whatever stands where properties should be, every control still gives its verdict, and none newly passes.
    """
    names = ("apis/orders", "backends/orders", "loggers/insights", "diagnostics/applicationinsights", "products/gold")
    before = await stand.look()
    found = await stand.look(*(Edit(f"{SERVICE}/identityProviders/aad", "properties", value),), *(
        Edit(f"{SERVICE}/{name}", f"properties/{member}", value)
        for name, member in zip(names, ("protocols", "tls", "credentials", "frontend", "groups"), strict=True)
    ))  # fmt: skip
    newly = [id for id in found if found[id].verdict is Verdict.PASS and before[id].verdict is not Verdict.PASS]

    assert set(before) == set(found)
    assert [] == newly


async def test_null_is_not_false(stand: Stand) -> None:
    """
    Null zones, null protocols and a null value are unknown, not a failure.
    """
    found = await stand.look(
        Edit(SERVICE, "zones", None),
        Edit(f"{SERVICE}/apis/orders", "properties/protocols", None),
        Edit(SERVICE, "properties/platformVersion", None),
    )

    assert [Verdict.UNKNOWN] * 3 == [found[id].verdict for id in ("C7", "D3", "C5")]


async def test_an_unknown_tier_proves_nothing(stand: Stand) -> None:
    """
    On a SKU that nobody has heard of no control passes, and each says why.
    """
    found = await stand.look(Edit(SERVICE, "sku/name", "PlatinumV9"))
    observed = [found[control.id] for control in CONTROLS]

    assert [] == [each.control for each in observed if each.verdict is Verdict.PASS]
    assert "PlatinumV9" in found["D3"].reason


async def test_an_update_on_its_way_is_waited_for(stand: Stand) -> None:
    """
    While the service is being updated, what it shows is not final.
    """
    found = await stand.look(Edit(SERVICE, "properties/targetProvisioningState", "Updating"))

    assert Verdict.UNKNOWN is found["D1"].verdict
    assert "update" in found["D1"].reason
    assert Verdict.PASS is found["D3"].verdict


async def test_a_list_that_a_tier_refuses_is_not_applicable(stand: Stand) -> None:
    """
    400 MethodNotAllowedInPricingTier is Azure's own word for a tier without the feature.
    """
    body = {"error": {"code": "MethodNotAllowedInPricingTier", "message": "not allowed"}}
    stand.azure.faults.add(path="*/identityProviders", status=400, times=None, body=body)
    found = await stand.look()

    assert Verdict.NOT_APPLICABLE is found["I3"].verdict


def test_every_need_is_read_by_somebody() -> None:
    """
    A control asks for nothing that nobody reads.
    """
    assert [] == [(control.id, need) for control in CONTROLS for need in control.needs if need not in READS]
