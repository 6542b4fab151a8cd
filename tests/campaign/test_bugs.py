"""
The campaign's own proof: each planted mistake is caught.
"""

import pytest

from tests.campaign.bugs import BUGS, ONLY_EVENTS_SHOW, SHOWS_AT
from tests.campaign.play import Play
from tests.campaign.stage import opened
from tests.campaign.worlds import DOOR, ESTATE, World

_MOST = 80
"""Schedules until a mistake has to show: most show in the first."""


@pytest.mark.parametrize(
    ("bug", "world"),
    [
        pytest.param(bug, world, id=f"{bug}, {world.name}")
        for bug in BUGS
        for world in (DOOR, ESTATE)
        if world is DOOR or bug not in ONLY_EVENTS_SHOW
    ],
)
async def test_a_planted_bug_is_caught(bug: str, world: World) -> None:
    """
    With this mistake in the app, the promise that it breaks is reported broken.
    """
    planted, promise = BUGS[bug]
    caught: list[str] = []
    async with opened(world) as stage:
        first = SHOWS_AT.get(bug, 0)
        for seed in range(first, first + _MOST):
            outcome = await Play(stage, seed, planted=planted).run()
            caught += [what for what in outcome.broken if what.startswith(promise)]
            if caught:
                break

    assert caught
