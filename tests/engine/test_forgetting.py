"""
The timer forgets what is old, and what is in force can still be taken back.
"""

from datetime import timedelta

from apimend.model.runs import OrderKind
from tests.engine.conftest import ID, POLICY, checks, opened, order, touch


async def test_what_was_written_years_ago_can_still_be_undone() -> None:
    """
    Runs without a standing write are forgotten; the one that put the check in force is undone as ever.
    """
    async with opened(settings={"APIMEND_KEEP_DAYS": "30"}) as world:
        await touch(world)
        ledger = (await world.app.door.wired()).storage.ledger
        before = await ledger.runs(ID)
        (wrote, *_) = [
            run for run in before if any(i.target.key == POLICY.casefold() for i in await ledger.intents(run.id))
        ]
        world.clock.jump(world.clock.now() + timedelta(days=800))  # type: ignore[union-attr]  # it is virtual
        await world.app.door.sweep()
        kept = {run.id for run in await ledger.runs(ID)}
        await order(world, OrderKind.UNDO, run=wrote.id)

        assert {run.id for run in before} - kept
        assert (True, "nothing") == (wrote.id in kept, await checks(world))
