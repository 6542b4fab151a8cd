"""
The campaign itself: so many schedules (APIMEND_SCHEDULES), in parts, so that two cores share them.

Every tenth part is played in the world where all rules have work, which costs four times as much, and a further
fiftieth of the schedules on Azurite, which costs ten times as much. A failure names its seed:
`python -m tests.campaign SEED` plays it alone.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from devhost.azurite import azurite
from tests.campaign.figures import Figures
from tests.campaign.play import Play
from tests.campaign.stage import opened
from tests.campaign.worlds import DOOR, ESTATE, World

SCHEDULES = int(os.environ.get("APIMEND_SCHEDULES", "2000"))
PART, PART_ON_AZURITE, ON_AZURITE = 25, 4, 50
ESTATE_EVERY, ESTATE_EVERY_ON_AZURITE = 10, 5

Record = Callable[[str, object], None]


def parts(count: int, size: int, every: int) -> list[object]:
    """The first seed of each part, how many schedules it plays, and in which world."""
    return [
        pytest.param(first * 1_000, min(size, count - first), world, id=f"{world.name} from {first * 1_000}")
        for position, first in enumerate(range(0, count, size))
        for world in [ESTATE if position % every == every - 1 else DOOR]
    ]


@pytest.fixture(scope="module")
def connection() -> Iterator[str]:
    with azurite() as found:
        yield found


@pytest.mark.parametrize(("first", "wanted", "world"), parts(SCHEDULES, PART, ESTATE_EVERY))
async def test_every_promise_holds_under_faults(first: int, wanted: int, world: World, record_property: Record) -> None:
    """
    Whatever fails, in whatever order: converged or honestly parked, and no promise was broken on the way.
    """
    assert {} == await played(first, wanted, world, record_property)


@pytest.mark.azurite
@pytest.mark.parametrize(
    ("first", "wanted", "world"), parts(SCHEDULES // ON_AZURITE, PART_ON_AZURITE, ESTATE_EVERY_ON_AZURITE)
)
async def test_every_promise_holds_on_azure_storage(
    first: int, wanted: int, world: World, record_property: Record, connection: str
) -> None:
    """
    The same where tables, blobs, leases and queues are those of Azure Storage.
    """
    assert {} == await played(first, wanted, world, record_property, azurite=connection)


async def played(
    seed: int, wanted: int, world: World, record_property: Record, *, azurite: str = ""
) -> dict[int, list[str]]:
    """What was broken, by seed. The figures go with the test's report."""
    figures = Figures(world=world.name, storage="Azurite" if azurite else "SQLite")
    broken: dict[int, list[str]] = {}
    async with opened(world, azurite=azurite) as stage:
        while figures.schedules < wanted:
            outcome = await Play(stage, seed).run()
            figures.add(outcome.fired, outcome.recovered)
            if outcome.broken:
                broken[seed] = [*outcome.broken, *outcome.chosen]
            seed += 1
    record_property("campaign", figures.dumped())
    return broken
