"""
Kinds of APIs and names that are easy to overlook: what can be called is counted, and what is named is found.
"""

from typing import Any

import pytest

from demo.world import TENANTS, World, open_world
from emulator.options import Lag, Options
from emulator.tenant import Tenant, load_tenant
from tests.job.conftest import INSTANCE, desired, opened, touch
from tests.job.test_policies_scopes import newest

CHECK = "<validate-client-certificate"
ANSWERS = """\
<policies>
    <inbound>
        <return-response>
            <set-status code="200" reason="OK" />
        </return-response>
    </inbound>
    <backend><base /></backend>
    <outbound><base /></outbound>
    <on-error><base /></on-error>
</policies>
"""
INCLUDES = """\
<policies>
    <inbound>
        <include-fragment fragment-id="SecurityHeaders" />
        <base />
    </inbound>
    <backend><base /></backend>
    <outbound><base /></outbound>
    <on-error><base /></on-error>
</policies>
"""
HEADERS = """\
<fragment>
    <set-header name="X-Frame-Options" exists-action="override">
        <value>DENY</value>
    </set-header>
</fragment>
"""


def small(**changes: Any) -> Tenant:
    """The small tenant, its service changed."""
    tenant = load_tenant(TENANTS / "small.yaml").content
    service = tenant["services"][0]
    return Tenant.of({**tenant, "services": [{**service, **{key: make(service) for key, make in changes.items()}}]})


async def text_of(world: World, scope: str) -> str:
    return str((await world.arm("GET", f"{INSTANCE}/{scope}/policies/policy"))["properties"]["value"])


def with_api_of(kind: str) -> Tenant:
    """An API that lists no operations, and answers everybody."""
    api = {"id": "other", "path": "other", "type": kind, "service_url": "https://x.example", "policy": ANSWERS}
    return small(apis=lambda service: [*service["apis"], {**api, "name": "Other"}])


async def test_an_api_that_lists_no_operations_is_covered_as_a_whole() -> None:
    """
    OData has calls but no operations in Resource Manager: they count as one, and get a check of their own.
    """
    async with open_world(with_api_of("odata"), desired=desired()) as world:
        await touch(world)
        run = await newest(world)

        assert CHECK in await text_of(world, "apis/other")
        assert (100, 4) == (run["coverage"]["before"]["percent"], run["coverage"]["before"]["total"])


@pytest.mark.parametrize("kind", ["mcp", "a2a", "grpc", "brand-new"])
async def test_an_api_of_a_kind_that_is_not_proven_never_counts_as_covered(kind: str) -> None:
    """
    How its calls run is not known well enough: the figure stays below 100 %.
    """
    async with open_world(with_api_of(kind), desired=desired()) as world:
        await touch(world)
        figures = (await newest(world))["coverage"]["before"]

        assert (3, 4) == (figures["covered"], figures["total"])


async def test_a_fragment_is_found_whatever_the_case_of_its_name() -> None:
    """
    Names of fragments have capitals more often than not.
    """
    fragments = [{"id": "SecurityHeaders", "policy": HEADERS}]
    tenant = small(
        fragments=lambda _: fragments,
        apis=lambda service: [{**service["apis"][0], "policy": INCLUDES}, *service["apis"][1:]],
    )
    async with open_world(tenant, desired=desired()) as world:
        await touch(world)
        run = await newest(world)

        assert 100 == run["coverage"]["before"]["percent"]
        assert not any("does not exist" in finding["message"] for finding in run["findings"])


async def test_what_an_event_names_is_read_though_no_list_shows_it() -> None:
    """
    The list of all policies leaves a new document out; the event names it, and it is covered before any walk.
    """
    async with opened(options=Options(all_policies=Lag.OMIT)) as world:
        await touch(world)
        scope = "apis/orders/operations/list-orders"
        body = {"properties": {"format": "rawxml", "value": ANSWERS}}
        await world.arm("PUT", f"{INSTANCE}/{scope}/policies/policy", body)
        await world.settle(1200)

        assert CHECK in await text_of(world, scope)
