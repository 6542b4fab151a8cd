"""
Resource Graph has limits of its own: who is told to stay away does, and so does every other process.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from apimend.arm.graph import VAULTS
from apimend.model.errors import Throttled
from demo.world import World
from emulator.faults import Fault
from tests.engine.conftest import ID, checks, opened, touch

PATH = "*/providers/Microsoft.ResourceGraph/resources"


def asked(world: World, mark: int) -> list[tuple[int, datetime]]:
    """The queries since then: what was answered, and when."""
    return [(each.status, each.at) for each in world.azure.log.since(mark) if "ResourceGraph" in each.path]


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "240"}, {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:04:00"}],
    ids=["Retry-After", "quota"],
)
async def test_after_a_429_nobody_asks_before_the_time_is_over(headers: dict[str, str]) -> None:
    """
    R29: neither this visit nor the ones after it, and what was to be done is done later.
    """
    async with opened() as world:
        world.azure.faults.add(Fault(name="busy", place="arm", path=PATH, status=429, headers=headers))
        mark = world.mark()
        await touch(world)
        first, *others = asked(world, mark)

        assert 429 == first[0]
        assert all(at - first[1] >= timedelta(seconds=230) for _, at in others)
        assert "refuse" == await checks(world)


async def test_another_process_stays_away_too() -> None:
    """
    The quota is the identity's, so the bucket lies in storage: a process that never met the 429 knows of it.
    """
    async with opened() as world:
        await touch(world)
        wired = await world.app.door.wired()
        await wired.storage.limits.drain("tenant", "graph", after=60.0)
        mark = world.mark()
        world.clock.jump(world.clock.now() + timedelta(seconds=2))  # type: ignore[union-attr]  # it is virtual
        found: list[Any] = []
        with pytest.raises(Throttled) as refused:
            found += await wired.azure.reader(ID).query(f"{VAULTS} | take 1")

        assert ([], []) == (found, asked(world, mark))
        assert 50 < (refused.value.after or 0) <= 60
