"""
`apimend undo | relax | release | replay | sweep`: orders in the ledger, with the person's name, and bells that ring.
"""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from apimend.commands.follow import carried_out
from apimend.commands.screen import Screen
from apimend.model.ids import InstanceId
from apimend.model.runs import Order, OrderKind
from apimend.wiring import command_line
from apimend.wiring.command_line import Surroundings
from demo.world import World
from remediators import ALL
from tests.cli.terminal import typed
from tests.job.conftest import INSTANCE, desired, opened, touch


async def placed(world: World) -> Order:
    """The one order that waits."""
    wired = await world.app.door.wired()
    (order,) = await wired.storage.ledger.orders(InstanceId.of(INSTANCE))
    return order


async def applied(world: World) -> str:
    """The id of a run that wrote the policy."""
    await touch(world)
    return next(str(run["run"]) for run in await world.runs() if run["result"] == "applied")


async def test_an_undo_is_ordered() -> None:
    """
    The order names the run, the person and the reason, and the instance is rung.
    """
    async with opened() as world:
        run = await applied(world)
        said = await typed(world, "undo", run[:8], "--yes", "--reason", "OPS-7")
        order = await placed(world)

        assert (0, "undo", run, "ada", "OPS-7") == (said.code, order.kind.value, order.run, order.by, order.reason)


async def test_a_run_that_wrote_nothing_needs_no_undo() -> None:
    """
    There is nothing to take back: the command says so and orders nothing.
    """
    async with opened(desired("report")) as world:
        await touch(world)
        said = await typed(world, "undo", (await world.runs())[0]["run"], "--yes")

        assert (0, True) == (said.code, "wrote nothing" in said.err)


async def test_relaxing_lapses() -> None:
    """
    The order says when it ends.
    """
    async with opened() as world:
        await typed(world, "relax", "contoso-dev", "--hours", "2", "--yes")
        order = await placed(world)

        assert ("relax", order.at + timedelta(hours=2)) == (order.kind.value, order.expires)


@pytest.mark.parametrize("command", ["relax", "release"])
async def test_nothing_is_ordered_without_a_yes(command: str) -> None:
    """
    Both open a door: they ask, and nobody there means no.
    """
    async with opened() as world:
        said = await typed(world, command, "contoso-dev")
        wired = await world.app.door.wired()

        assert (3, ()) == (said.code, await wired.storage.ledger.orders(InstanceId.of(INSTANCE)))


@pytest.mark.parametrize("command", ["relax", "release", "replay", "sweep"])
async def test_orders_need_the_deployed_storage(command: str) -> None:
    """
    R29: without it there is no ledger that the app would read.
    """
    async with opened() as world:
        arguments = [command] if command == "sweep" else [command, "contoso-dev"]
        said = await typed(world, *arguments, environ={"APIMEND_STORAGE": ""})

        assert (3, True) == (said.code, "APIMEND_STORAGE" in said.err)


def event(**more: Any) -> dict[str, Any]:
    """An event on the instance, as Event Grid sends it; a dead-lettered one has more fields."""
    return {
        "id": "e-1",
        "topic": "/subscriptions/11111111-1111-1111-1111-111111111111",
        "subject": INSTANCE,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-11-22T09:00:00Z",
        "dataVersion": "2",
        "data": {"resourceUri": INSTANCE, "operationName": "Microsoft.ApiManagement/service/write"},
        **more,
    }


DEAD = {
    "deadLetterReason": "MaxDeliveryAttemptsExceeded",
    "deliveryAttempts": 30,
    "lastDeliveryOutcome": "GenericError",
}


@pytest.mark.parametrize("body", [event(), [event(), event(id="e-2")], [event(**DEAD)]], ids=["one", "many", "dead"])
async def test_a_replay_by_event(body: Any, tmp_path: Path) -> None:
    """
    One event, many, or a dead-letter blob: each instance that they concern is visited once.
    """
    path = tmp_path / "event.json"
    path.write_text(json.dumps(body), encoding="utf-8")
    async with opened(desired("report")) as world:
        said = await typed(world, "replay", "--event", str(path), "--wait", "-o", "json")

        assert (2, [INSTANCE]) == (said.code, [run["instance"] for run in said.body["runs"]])


async def test_a_replay_by_run() -> None:
    """
    The instance of an earlier run is visited again, by the app.
    """
    async with opened(desired("report")) as world:
        await touch(world)
        (first,) = await world.runs()
        said = await typed(world, "replay", "--run", first["run"][:8])
        await world.settle()

        assert (0, {"replay", "event"}) == (said.code, {run["trigger"]["cause"] for run in await world.runs()})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "one of them"),
        (["contoso-dev", "--run", "x"], "one of them"),
        (["--run", "nothing"], "There is no run 'nothing'"),
        (["--event", "no-such-file"], "It can't be read"),
        (["contoso-dev", "--mode", "enforce"], "above what is allowed"),
        (["elsewhere"], "No instance called 'elsewhere'"),
    ],
    ids=["nothing", "two ways", "unknown run", "no file", "higher mode", "unknown instance"],
)
async def test_a_replay_with_faults(arguments: list[str], told: str) -> None:
    """
    One clear error each, and nothing is ordered.
    """
    async with opened(desired("ask")) as world:
        said = await typed(world, "replay", *arguments)
        wired = await world.app.door.wired()

        assert 1 == said.code
        assert told in " ".join(said.err.split())
        assert () == await wired.storage.ledger.orders(InstanceId.of(INSTANCE))


async def test_a_visit_of_the_app_may_be_quicker() -> None:
    """
    Who waits for an order is told of the run that carried it out, whoever made it; there is no second one.
    """
    async with opened(desired("report")) as world:
        around = Surroundings(clock=world.clock, environ=world.environ, remediators=ALL, by="ada")
        async with command_line.opened(around) as app:
            order = await app.orders.place(OrderKind.REPLAY, InstanceId.of(INSTANCE), by="ada")
            await world.settle(60)
            run = await carried_out(app, Screen(out=StringIO(), err=StringIO(), answers=StringIO()), order)

        assert [run.id] == [each["run"] for each in await world.runs()]


async def test_a_sweep_rings_for_every_instance() -> None:
    """
    The app visits what the sweep rang for.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "sweep", "-o", "json")
        await world.settle(60)

        assert (0, [INSTANCE]) == (said.code, said.body["rung"])
        assert ["sweep"] == [run["trigger"]["cause"] for run in await world.runs()]


async def test_an_undo_is_carried_out_while_one_waits() -> None:
    """
    The check that the run put in is taken out, and what came of it is shown.
    """
    async with opened() as world:
        run = await applied(world)
        said = await typed(world, "undo", run, "--yes", "--wait", "-o", "json")
        policy = (await world.arm("GET", f"{INSTANCE}/policies/policy"))["properties"]["value"]

        assert ("undone", False) == (said.body["runs"][0]["result"], "validate-client-certificate" in policy)


async def test_the_glass_is_broken_at_once() -> None:
    """
    With `--wait` the check lets everybody pass when the command comes back.
    """
    async with opened() as world:
        await applied(world)
        said = await typed(world, "relax", "contoso-dev", "--yes", "--wait")
        policy = (await world.arm("GET", f"{INSTANCE}/policies/policy"))["properties"]["value"]

        assert (0, True) == (said.code, 'ignore-error="true"' in policy)


async def test_a_stop_holds_every_write() -> None:
    """
    From the next write on nothing is written, the ledger says who stopped it and why, and resuming lifts it.
    """
    async with opened() as world:
        stopped = await typed(world, "stop", "--reason", "OPS-9", "-o", "json")
        mark = world.mark()
        await touch(world)
        held = world.writes(mark)
        lifted = await typed(world, "resume", "--yes", "-o", "json")
        await touch(world)

        assert ([], True) == (held, stopped.body["why"].startswith("OPS-9 (ada, "))
        assert (False, True) == (lifted.body["stopped"], len(world.writes(mark)) > 0)
