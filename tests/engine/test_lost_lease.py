"""
A visit that loses its lease after it wrote: another one goes on, and what was written can be taken back.
"""

import sqlite3

import pytest

from apimend.model.runs import OrderKind
from demo.world import World
from emulator.store import Write
from tests.engine.conftest import ID, POLICY, checks, opened, order, touch


def lose_lease_on(world: World, below: str) -> None:
    """Whoever holds the instance's lease loses it, once, at the moment of a write to this resource."""
    left = [below]

    def heard(write: Write) -> None:
        if left and write.resource_id.casefold().endswith(left[0]):
            left.clear()
            with sqlite3.connect(world.folder / "apimend.db") as connection:
                connection.execute("UPDATE leases SET token = 'another'")
            connection.close()

    world.azure.store.subscribe(heard)


@pytest.mark.parametrize("below", ["/policies/policy", "/service/contoso-dev"], ids=["the check", "the update"])
async def test_the_other_visit_goes_on_and_no_write_is_without_a_run(below: str) -> None:
    """
    The instance converges, and each write in the ledger belongs to a run that can be undone.
    """
    async with opened() as world:
        lose_lease_on(world, below)
        await touch(world)
        ledger = (await world.app.door.wired()).storage.ledger
        wrote = await ledger.wrote(ID, ID.child("policies", "policy"))

        assert "refuse" == await checks(world)
        assert wrote
        assert all([await ledger.run(intent.run) is not None for intent in wrote])


async def test_a_check_that_was_written_without_a_lease_at_the_end_is_undone_like_any_other() -> None:
    """
    Undo finds the run, its pre-image, and the state as it was left.
    """
    async with opened() as world:
        before = (await world.arm("GET", POLICY))["properties"]["value"]
        lose_lease_on(world, "/policies/policy")
        await touch(world)
        ledger = (await world.app.door.wired()).storage.ledger
        (wrote, *_) = await ledger.wrote(ID, ID.child("policies", "policy"))
        await order(world, OrderKind.UNDO, run=wrote.run)

        assert before == (await world.arm("GET", POLICY))["properties"]["value"]
