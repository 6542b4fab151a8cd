"""
The sweep: everything that can be seen is looked at in the end, without a rush, and what is wrong is said.
"""

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

from apimend.engine import sweeps
from apimend.engine.sweep import CALLS_PER_SECOND, SPREAD, VISIT_CALLS, Sweeper, spread
from apimend.model.errors import TryLater, Unavailable
from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Trigger
from benchmarks.sweep import DESIRED, busiest, fleet, subscription
from demo.world import World, open_world
from devhost.clock import VirtualClock
from emulator import Options


def instance(number: int, home: int = 0) -> InstanceId:
    return InstanceId.of(
        f"/subscriptions/{subscription(home)}/resourceGroups/rg-apim-{number:04d}"
        f"/providers/Microsoft.ApiManagement/service/contoso-{number:04d}"
    )


async def sweeper(world: World, **more: object) -> Sweeper:
    """The app's own sweeper, with something else in places."""
    wired = await world.app.door.wired()
    found = wired.sweeper
    return Sweeper(**{**vars(found), **more})


async def status(world: World) -> sweeps.SweepStatus:
    wired = await world.app.door.wired()
    return await sweeps.status(wired.storage.ledger, world.clock)


def test_a_thousand_instances_are_spread_below_the_limits() -> None:
    """
    No subscription is planned more reads than its share, and the tenant no more visits than Resource Graph bears.
    """
    delays = spread([instance(number, number % 7) for number in range(1000)])
    of_home = defaultdict(list)
    for each, after in delays.items():
        of_home[each.subscription].append(after)
    gaps = [late - early for times in of_home.values() for early, late in pairwise(times)]
    everywhere = sorted(delays.values())

    assert min(gaps) >= VISIT_CALLS / CALLS_PER_SECOND
    assert all(everywhere[n + 60] - everywhere[n] >= 60 * SPREAD * 0.9 for n in range(0, 900, 60))


async def test_every_page_is_read_and_every_instance_visited() -> None:
    """
    12 instances on pages of 5 are all rung, and all have been looked at when the spread is over.
    """
    async with open_world(fleet(12, 3), desired=DESIRED, options=Options(graph_page_size=5)) as world:
        swept = await (await sweeper(world)).sweep()
        before = await status(world)
        await world.settle(swept.seconds + 5)
        after = await status(world)

        assert (12, 12, 0) == (len(swept.rung), len(swept.new), before.looked_at)
        assert (12, 12, 0) == (after.instances, after.looked_at, after.never)


async def test_health_tells_how_far_a_sweep_has_come() -> None:
    """
    Operators see how many instances the last sweep saw, and how many of them have been looked at since.
    """
    async with open_world(fleet(3, 3), desired=DESIRED) as world:
        swept = await (await sweeper(world)).sweep()
        _, before = await world.http("GET", "/api/health")
        await world.settle(swept.seconds + 5)
        _, after = await world.http("GET", "/api/health")

        assert (3, 0, None) == tuple(before["sweep"][name] for name in ("seen", "lookedAtSince", "oldestLookAt"))
        assert (3, 0) == tuple(after["sweep"][name] for name in ("lookedAtSince", "neverLookedAt"))
        assert after["sweep"]["oldestLookSeconds"] >= 0


async def test_visits_stay_below_what_azure_allows() -> None:
    """
    While the visits of a sweep go on, half of the rate of the busiest subscription is left for events.
    """
    async with open_world(fleet(12, 1), desired=DESIRED) as world:
        swept = await (await sweeper(world)).sweep()
        await world.settle(swept.seconds + 5)
        reads, _ = busiest(world.ours(), 30.0)

        assert reads <= 12.5


async def test_a_vanished_instance_is_noted_and_then_left_out() -> None:
    """
    A vanished instance is noted and visited; once its visit has ended with "gone", later sweeps leave it out.
    """
    async with open_world(fleet(2, 1), desired=DESIRED) as world:
        await (await sweeper(world)).sweep()
        await world.settle(20)
        world.azure.store.remove(str(instance(1)), at=world.clock.now())
        first = await (await sweeper(world)).sweep()
        noted = (await status(world)).last
        await world.settle(20)
        second = await (await sweeper(world)).sweep()

        assert noted is not None
        assert ((str(instance(1)),), (instance(1),), ()) == (noted.vanished, first.vanished, second.vanished)
        assert 1 == (await status(world)).instances


async def test_those_not_looked_at_for_longest_go_first() -> None:
    """
    A new instance is visited before one that was seen an hour ago.
    """
    async with open_world(fleet(3, 1), desired=DESIRED) as world:
        wired = await world.app.door.wired()
        await wired.engine.visit(Trigger(cause=Cause.COMMAND, instance=instance(0), at=world.clock.now()))
        await (await sweeper(world)).sweep()
        due = [await wired.storage.bells.due(instance(number)) for number in range(3)]

        assert due[0] is not None
        assert due[0] == max(moment for moment in due if moment is not None)


async def test_an_overdue_bell_is_rung() -> None:
    """
    A bell whose message was lost rings again.
    """
    async with open_world(fleet(1, 1), desired=DESIRED) as world:
        wired = await world.app.door.wired()
        await wired.storage.bells.ring(Trigger(cause=Cause.EVENT, instance=instance(0), at=world.clock.now()))
        assert isinstance(world.clock, VirtualClock)
        world.clock.jump(world.clock.now() + timedelta(hours=5))
        swept = await (await sweeper(world)).sweep()

        assert (instance(0),) == swept.overdue


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param("Enabled", "", id="enabled"),
        pytest.param("Warned", "", id="warned"),
        pytest.param("Disabled", "Azure says that it is Disabled: nothing in it can be changed.", id="disabled"),
        pytest.param(
            None,
            "It can't be read: the role Apimend Detect is not assigned there, the id is wrong, or it was moved.",
            id="not there",
        ),
    ],
)
async def test_a_subscription_that_can_not_be_seen_is_named(state: str | None, expected: str) -> None:
    """
    A declared subscription without rights, moved away or switched off is said to be so, and the others are swept.
    """
    async with open_world(fleet(1, 1), desired=DESIRED) as world:
        home = world.azure.store.get(f"/subscriptions/{subscription(0)}")
        assert home is not None
        asked = subscription(0) if state else "99999999-0000-4000-8000-000000000000"
        home.body["state"] = state or "Enabled"
        swept = await (await sweeper(world, subscriptions=frozenset({asked}))).sweep()

        assert ({asked: expected} if expected else {}) == swept.blind


class Refusing:
    """Bells that can't ring for one instance."""

    def __init__(self, bells: object, broken: InstanceId) -> None:
        self._bells, self._broken = bells, broken

    def __getattr__(self, name: str) -> object:
        return getattr(self._bells, name)

    async def ring(self, trigger: Trigger, *, after: float = 0.0) -> None:
        if trigger.instance == self._broken:
            raise Unavailable("The storage account does not answer.")
        await self._bells.ring(trigger, after=after)  # type: ignore[attr-defined]  # as the wrapped one


async def test_one_bell_that_does_not_ring_stops_no_other() -> None:
    """
    The failure rises in the end, so that the timer shows it; all other bells have been rung by then.
    """
    async with open_world(fleet(3, 1), desired=DESIRED) as world:
        wired = await world.app.door.wired()
        broken = await sweeper(world, bells=Refusing(wired.storage.bells, instance(0)))
        with pytest.raises(TryLater):
            await broken.sweep()
        rung = [await wired.storage.bells.due(instance(number)) is not None for number in range(3)]

        assert [False, True, True] == rung


async def test_a_record_of_another_version_is_no_record() -> None:
    """
    What another version has noted, or nobody can read, counts as no sweep.
    """
    async with open_world(fleet(1, 1), desired=DESIRED) as world:
        ledger = (await world.app.door.wired()).storage.ledger
        found = []
        for text in ("", "no JSON", '{"v": 2}', '{"v": 1}', "[]"):
            await ledger.note(sweeps.NOTE, text)
            found.append(await sweeps.last(ledger))

        assert [None] * 5 == found
