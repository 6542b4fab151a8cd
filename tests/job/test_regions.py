"""
An instance of several regions: each has a host of its own, and ARM does not tell whether that asks (R1).
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from demo.world import TENANTS, World, open_world
from emulator import Options
from emulator.tenant import Tenant, load_tenant
from tests.job.conftest import HOST, INSTANCE, desired
from tests.job.test_header import key
from tests.job.test_policies import text_of
from tests.job.test_tiers import codes, replayed

WEST, NORTH = (f"contoso-dev-{place}-01.regional.azure-api.net" for place in ("westeurope", "northeurope"))
GLOBAL = f"{INSTANCE}/policies/policy"
CHECK = "<validate-client-certificate"


def region(**more: Any) -> dict[str, Any]:
    """The second region."""
    sku = {"name": "Premium", "capacity": 1}
    return {"location": "North Europe", "sku": sku, "gatewayRegionalUrl": f"https://{NORTH}", **more}


def opened(
    hosts: str = "", *, places: tuple[dict[str, Any], ...] = (region(),), follows: bool = True, probe: bool = False
) -> AbstractAsyncContextManager[World]:
    """The small tenant in several regions; `hosts` is what is said of them."""
    content = dict(load_tenant(TENANTS / "small.yaml").content)
    (service,) = content["services"]
    content["services"] = [{**service, "sku": "Premium", "properties": {"additionalLocations": [*places]}}]
    said = f"    hosts: {{{hosts}}}\n" if hosts else ""
    settings = {"APIMEND_PROBE": "true"} if probe else {}
    options = Options(negotiate_on_regional_hosts=follows)
    return open_world(Tenant.of(content), desired=desired(more=said), options=options, settings=settings)


async def statuses(world: World, host: str) -> tuple[int, int]:
    """What the declared client and a caller without a certificate get at a host."""
    headers = key(world)
    called = [await world.call(host, "/echo/", certificate=who, headers=headers) for who in ("partner-a", "")]
    return called[0].status, called[1].status


BLOCKED = {
    "nothing is known of either": ("", False),
    "one is not spoken of": (f"{WEST}: negotiates", False),
    "the operator's word": (f"{WEST}: negotiates, {NORTH}: negotiates", True),
}


@pytest.mark.parametrize(("hosts", "placed"), BLOCKED.values(), ids=BLOCKED)
async def test_a_check_waits_until_every_region_is_known(hosts: str, placed: bool) -> None:
    """
    While one is unknown nothing goes in, the finding names it, and no operation counts as covered.
    """
    async with opened(hosts) as world:
        run = await replayed(world, INSTANCE)
        said = [finding["message"] for finding in run["findings"] if finding["code"] == "check_refused"]

        assert placed is (CHECK in text_of(world, GLOBAL))
        assert placed is not any(NORTH in each for each in said)
        assert (100 if placed else 0) == run["coverage"]["before"]["percent"]
        if placed:
            assert [(200, 401)] * 3 == [await statuses(world, host) for host in (HOST, WEST, NORTH)]


@pytest.mark.parametrize("follows", [True, False], ids=["they ask", "they don't"])
async def test_what_a_handshake_shows_decides(follows: bool) -> None:
    """
    Seen to ask, the check goes in and their callers pass; seen not to, it would lock them out and stays out.
    """
    async with opened(follows=follows, probe=True) as world:
        run = await replayed(world, INSTANCE)
        shown = {each["host"]: each["asks"] for each in run["observed"]}

        assert {HOST: True, WEST: follows, NORTH: follows} == shown
        assert follows is (CHECK in text_of(world, GLOBAL))
        assert (200, 401) if follows else (200, 200) == await statuses(world, NORTH)


async def test_what_was_seen_counts_until_the_service_changes() -> None:
    """
    A visit that doesn't look goes by the last look; after a change of the service it is unknown again, and so told.
    """
    async with opened(probe=True) as world:
        await replayed(world, INSTANCE)
        found = []
        for name in ("one", "two"):
            await world.arm("PUT", f"{INSTANCE}/products/{name}", {"properties": {"displayName": name}})
            await world.settle(600)
            listed = (await world.http("GET", f"/api/runs?instance={INSTANCE}"))[1]["runs"]
            found.append((await world.http("GET", listed[0]["detail"]))[1])
            await world.arm("PATCH", INSTANCE, {"tags": {"a": name}})
            await world.settle(60)

        assert [[], []] == [run["observed"] for run in found]
        assert [False, True] == ["check_refused" in codes(run) for run in found]


async def test_a_region_that_stays_plain_is_guarded_and_uncovered() -> None:
    """
    Its callers are let in as declared, so whatever can be called there doesn't count as covered.
    """
    async with opened(f"{WEST}: negotiates, {NORTH}: plain") as world:
        run = await replayed(world, INSTANCE)

        assert ((200, 401), (200, 200)) == (await statuses(world, HOST), await statuses(world, NORTH))
        assert {"bypassed"} == set(run["coverage"]["before"]["verdicts"])


async def test_a_region_whose_gateway_is_switched_off_has_no_host() -> None:
    """
    Nobody can call there; with one region left its own name needs no word.
    """
    async with opened(places=(region(disableGateway=True),), probe=True) as world:
        run = await replayed(world, INSTANCE)

        assert {HOST, WEST} == {each["host"] for each in run["observed"]}
        assert "check_refused" not in codes(run)
