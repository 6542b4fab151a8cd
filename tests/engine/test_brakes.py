"""
The brakes: what a person takes back, limits, subscriptions, and visits in which something beside the rules fails.
"""

import re
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apimend.model.runs import Cause, OrderKind, Result, Run, Trigger
from apimend.storage.sqlite import SqliteQueue
from demo.world import TENANTS, World, open_world
from emulator import When
from emulator.tenant import Tenant, load_tenant
from tests.engine.conftest import ID, INSTANCE, POLICY, checks, codes, opened, order, results, switch, touch
from tests.engine.test_orders import last_with
from tests.job.conftest import desired

CUT_OFF = """\
<policies>
    <inbound>
        <set-variable name="a" value="1" />
    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>
"""


async def approve(world: World) -> None:
    """Somebody approves all of the newest run's plan."""
    app = await world.app.door.wired()
    run = (await runs(world))[0]
    await app.approvals.order(run, run.plan.digest, by="ada")


async def runs(world: World) -> tuple[Run, ...]:
    """The newest first."""
    app = await world.app.door.wired()
    return await app.storage.ledger.runs(ID, limit=1000)


def refusing(world: World, method: str, path: str, status: int) -> None:
    """The local Azure answers so from now on."""
    body = {"error": {"code": "ValidationError", "message": "no"}}
    world.azure.faults.add(method=method, path=path, status=status, times=None, body=body)


async def test_a_release_ends_the_approval_before_it() -> None:
    """
    Released while an approved roll-out is under way: the rest of it is not written, and waits for a new approval.
    """
    async with opened(desired("ask")) as world:
        await touch(world)
        await approve(world)
        await world.settle(60)
        await order(world, OrderKind.RELEASE)
        await world.settle()
        app = await world.app.door.wired()

        assert ("nothing", "asked") == (await checks(world), (await runs(world))[0].result.value)
        assert () == tuple(await app.storage.ledger.orders(ID))


async def test_an_undo_ends_the_approval_before_it() -> None:
    """
    Undone while an approved roll-out is under way: the certificate that went in does not come back by itself.
    """
    async with opened(desired("ask")) as world:
        await touch(world)
        await approve(world)
        await world.settle(30)
        await order(world, OrderKind.UNDO, run=await last_with(world, "certificate"))
        await world.settle()
        attached = (await world.arm("GET", f"{INSTANCE}/certificates"))["value"]

        assert ([], "nothing") == (attached, await checks(world))


async def test_an_approval_does_not_send_again_what_azure_refused() -> None:
    """
    A policy that Azure refuses is sent once under an approval, and again when a person replays.
    """
    async with opened(desired("ask")) as world:
        await touch(world)
        refusing(world, "PUT", "*/service/contoso-dev/policies/policy", 400)
        await approve(world)
        await world.settle(20 * 3600)
        sent = [each for each in world.writes() if each.path.endswith("policies/policy")]

        assert 1 == len(sent)


def with_cut_off_apis(count: int) -> Tenant:
    """The small tenant, and APIs that no check for all APIs reaches."""
    tenant = load_tenant(TENANTS / "small.yaml").content
    service = tenant["services"][0]
    operation = {"id": "get", "method": "GET", "url": "/", "name": "Get"}
    more: list[Any] = [
        {"id": f"a{n}", "name": f"A{n}", "path": f"a{n}", "policy": CUT_OFF, "operations": [operation]}
        for n in range(count)
    ]
    return Tenant.of({**tenant, "services": [{**service, "apis": [*service["apis"], *more]}]})


async def test_a_plan_beyond_the_limit_asks_as_a_whole() -> None:
    """
    A plan that would pass the writes of a day writes nothing by itself, and says the numbers.
    """
    text = desired(more="    limits: {writesPerDay: 3}\n")
    async with open_world(with_cut_off_apis(6), desired=text) as world:
        await touch(world)
        run = (await runs(world))[0]
        whys = {outcome.why for outcome in run.outcomes}

        assert "asked" == run.result.value
        assert len(run.plan.changes) > 3
        assert [] == world.writes()
        assert any("pass the limit of 3: it waits for approval." in why for why in whys)


async def test_a_subscription_that_is_no_longer_declared_is_left_alone() -> None:
    """
    Taken out of the setting, an instance is told of as no longer managed, and nothing is written there.
    """
    async with opened() as world:
        await touch(world)
        app = await world.app.door.wired()
        elsewhere = frozenset({"99999999-0000-0000-0000-000000000000"})
        object.__setattr__(app, "engine", replace(app.engine, subscriptions=elsewhere))
        text = (await world.arm("GET", POLICY))["properties"]["value"]
        without = re.sub(r"<validate-client-certificate.*?</validate-client-certificate>", "", text, flags=re.S)
        await world.arm("PUT", POLICY, {"properties": {"format": "rawxml", "value": without}})
        await world.settle()

        assert "nothing" == await checks(world)
        assert "no_longer_managed" in await codes(world)


@pytest.mark.parametrize("status", [403, 503])
async def test_gateways_that_cannot_be_read_end_no_visit(status: int) -> None:
    """
    Before the rules look, the gateways' hosts are asked for: where that fails, the run is there and says so.
    """
    async with open_world(premium(), desired=desired(), settings={"APIMEND_PROBE": "true"}) as world:
        await touch(world)
        refusing(world, "GET", "*/service/contoso-dev/gateways", status)
        before = len(await runs(world))
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle(600)
        app = await world.app.door.wired()

        assert len(await runs(world)) > before
        assert "handshakes_not_seen" in await codes(world)
        assert () == tuple(await app.parking.all())


def premium() -> Tenant:
    """The small tenant on a tier that has self-hosted gateways."""
    tenant = load_tenant(TENANTS / "small.yaml").content
    return Tenant.of({**tenant, "services": [{**tenant["services"][0], "sku": "Premium"}]})


async def test_lost_negotiation_is_told_where_the_checks_cannot_be_read() -> None:
    """
    A host no longer asks, and the policies give no answer: that is said at once, as critical.
    """
    async with opened() as world:
        await touch(world)
        refusing(world, "GET", "*/service/contoso-dev/policies/policy", 503)
        await switch(world, on=False)
        await world.settle(1800)
        app = await world.app.door.wired()

        assert "negotiation_lost" in await codes(world)
        assert () == tuple(await app.parking.all())


async def test_an_answer_without_a_host_is_told_at_once() -> None:
    """
    Azure accepts the update and its answer lacks a host: that is said in the same run, and the update is followed.
    """
    async with opened() as world:
        service = await world.arm("GET", INSTANCE)
        without = {**service, "properties": {**service["properties"], "hostnameConfigurations": []}}
        world.azure.faults.add(
            method="PATCH", path="*/service/contoso-dev", status=202, when=When.AFTER, nth=2, body=without
        )
        await touch(world)
        told = [each for run in await runs(world) for each in run.plan.findings if each.code == "hostnames_lost"]

        assert ["After the update the service no longer shows: Proxy contoso-dev.azure-api.net."] == [
            each.message for each in told
        ]
        assert "refuse" == await checks(world)


async def test_a_host_that_is_gone_after_an_update_stops_what_follows() -> None:
    """
    The update is over and a host is missing: no check goes in before it is back.
    """
    async with opened() as world:
        await world.arm("PATCH", INSTANCE, {"tags": {"touched": "1"}})
        await world.settle(200)
        had = world.azure.store.get(INSTANCE)
        assert had is not None
        hosts = [{**host, "hostName": "other.azure-api.net"} for host in had.properties["hostnameConfigurations"]]
        world.azure.store.put(replace(had.with_properties(hostnameConfigurations=hosts), etag="other"))
        await world.settle()
        stopped = await checks(world)
        world.azure.store.put(had)
        await touch(world)

        assert "hostnames_lost" in await codes(world)
        assert ("nothing", "refuse") == (stopped, await checks(world))


async def test_a_visit_that_takes_too_long_is_seen() -> None:
    """
    It leaves a run and a card, the next one comes later and later, and what was ordered stays open.
    """
    async with opened() as world:
        await touch(world)
        app = await world.app.door.wired()
        object.__setattr__(app, "engine", replace(app.engine, longest=0.0))
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle(3600)
        seen = await runs(world)
        late = [run for run in seen if any(finding.code == "visit_too_long" for finding in run.plan.findings)]

        assert "failed" in await results(world)
        assert 2 < len(late) < 12
        assert (OrderKind.REPLAY,) == tuple(each.kind for each in await app.storage.ledger.orders(ID))


async def test_what_an_ended_visit_wrote_has_a_run() -> None:
    """
    The visit is ended while Azure takes its time over a write: the write belongs to a run that can be undone.
    """
    async with opened() as world:
        app = await world.app.door.wired()
        world.azure.faults.add(method="PUT", path="*/certificates/*", delay=timedelta(hours=1), when=When.AFTER)
        await app.storage.bells.ring(Trigger(cause=Cause.EVENT, instance=ID, at=world.clock.now()))
        with closing(SqliteQueue(world.folder / "apimend.db", world.clock)) as queue:
            (message,) = queue.peek("apimend-visits")
        await replace(app.engine, longest=5.0).answer(message.body.decode())
        (intent,) = await app.storage.ledger.open_intents(ID)
        run = await app.storage.ledger.run(intent.run)

        assert run is not None
        assert (Result.FAILED, "The visit was ended while it was writing.") == (run.result, run.error)
