"""
What takes long, fails, vanishes, or is taken back by somebody else.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from demo.world import World
from emulator import Options
from emulator.events.event import Schema
from emulator.events.resource_manager import resource_event
from emulator.store import Write
from tests.engine.conftest import ID, INSTANCE, POLICY, checks, codes, negotiates, opened, switch, touch
from tests.job.conftest import desired

US = "66666666-6666-6666-6666-666666666666"
LOST = "    onNegotiationLost: observe\n"


async def test_a_failed_update_is_told_with_what_azure_said() -> None:
    """
    An update that Azure accepted and could not finish becomes a finding in Azure's own words, and is tried again later.
    """
    async with opened() as world:
        world.azure.provider.operations.fail_next(INSTANCE, message="Unable to activate API service at this time.")
        await touch(world)
        runs = await (await world.app.door.wired()).storage.ledger.runs(ID)
        said = [f.message for run in runs for f in run.plan.findings if f.code == "update_failed"]

        assert "Unable to activate API service at this time." in said[-1]
        assert ("refuse", True) == (await checks(world), await negotiates(world))


async def test_updates_that_keep_failing_come_to_an_end() -> None:
    """
    After the declared number of failures we stop trying, and no check is written.
    """
    async with opened() as world:
        for _ in range(9):
            world.azure.provider.operations.fail_next(INSTANCE)
        mark = world.mark()
        await touch(world)
        patches = [entry for entry in world.writes(mark) if entry.method == "PATCH"]

        assert (3, "nothing") == (len(patches), await checks(world))
        assert "update_failed" in await codes(world)


async def test_a_service_that_stays_failed_is_not_looked_at_every_minute() -> None:
    """
    Where Azure shows the service itself as failed, nothing is sent, the finding stays, and visits come by the hour.
    """
    options = replace(Options(), update_duration=timedelta(minutes=3), state_after_failed_update="Failed")
    async with opened(options=options) as world:
        world.azure.provider.operations.fail_next(INSTANCE)
        await world.arm("PATCH", INSTANCE, {"tags": {"a": "b"}})
        await world.settle(3600)
        mark, before = world.mark(), len(await world.runs())
        await world.settle(4 * 3600)

        assert [] == world.writes(mark)
        assert len(await world.runs()) - before <= 8
        assert ("nothing", False) == (await checks(world), await negotiates(world))
        assert "update_failed" in await codes(world)


async def test_an_update_that_never_ends_is_told() -> None:
    """
    Longer than any update that is known: a person is told, with the states that Azure shows.
    """
    async with opened(options=replace(Options(), update_duration=timedelta(hours=9))) as world:
        await world.arm("PATCH", POLICY.removesuffix("/policies/policy"), {"tags": {"a": "b"}})
        await world.settle(3 * 3600 + 1200)

        assert "update_stuck" in await codes(world)


@pytest.mark.parametrize(("more", "left"), [("", "refuse"), (LOST, "observe")], ids=["keep", "observe"])
async def test_negotiation_that_vanishes_under_a_check_is_told_at_once(more: str, left: str) -> None:
    """
    R4: a critical finding within a minute, and where it is declared so, the check lets callers in meanwhile.
    """
    async with opened(desired(more=more)) as world:
        await touch(world)
        await switch(world, on=False)
        await world.settle(180 + 60)

        assert (left, False) == (await checks(world), await negotiates(world))
        assert "negotiation_lost" in await codes(world)


async def test_negotiation_that_vanished_is_repaired_and_the_check_comes_back() -> None:
    """
    The rescue lasts as long as the repair, and not longer.
    """
    async with opened(desired(more=LOST)) as world:
        await touch(world)
        await switch(world, on=False)
        await world.settle()

        assert ("refuse", True) == (await checks(world), await negotiates(world))


async def fought(world: World, *, echoed: bool) -> list[str]:
    """Somebody takes our check back, again and again; what the findings say. `echoed`: our events come late."""
    ours: list[Write] = []
    world.azure.store.subscribe(lambda write: ours.append(write) if write.claims.get("oid") == US else None)
    original = (await world.arm("GET", POLICY))["properties"]["value"]
    await touch(world)
    for _ in range(4):
        await world.arm("PUT", POLICY, {"properties": {"format": "rawxml", "value": original}}, by="ada")
        await world.settle(0 if echoed else 600)
        if echoed:
            await late_echo(world, ours[-1])
    runs = await (await world.app.door.wired()).storage.ledger.runs(ID)
    return [f.message for run in runs for f in run.plan.findings if f.code == "fight_detected"]


async def late_echo(world: World, write: Write) -> None:
    """The event of a write of ours, a second time, and all that follows."""
    event = resource_event(write, f"late-{world.clock.now().isoformat()}")
    assert event is not None
    headers = {"aeg-event-type": "Notification"}
    url = world.host.webhook("on_resource_change")
    async with world.session.post(url, json=[event.rendered(Schema.EVENT_GRID)], headers=headers) as answer:
        assert answer.status == 202
    await world.settle(900)


@pytest.mark.parametrize("echoed", [False, True], ids=["heard in order", "our own events come last"])
async def test_a_fight_ends_with_a_finding_that_names_the_other(echoed: bool) -> None:
    """
    R25: what somebody takes back again and again is not written for ever, and the finding says who it is: never us.
    """
    async with opened() as world:
        said = await fought(world, echoed=echoed)

        assert "nothing" == await checks(world)
        assert said
        assert all("taken back each time by ada" in message for message in said)
