"""
The campaign's own proof: each planted mistake is caught.
"""

import pytest

from tests.campaign.bugs import BUGS
from tests.campaign.play import Play
from tests.campaign.stage import opened

_MOST = 80
"""Schedules until a mistake has to show: most show in the first."""


@pytest.mark.parametrize("bug", BUGS, ids=str)
async def test_a_planted_bug_is_caught(bug: str) -> None:
    """
    With this mistake in the app, the promise that it breaks is reported broken.
    """
    planted, promise = BUGS[bug]
    caught: list[str] = []
    async with opened() as stage:
        for seed in range(_MOST):
            outcome = await Play(stage, seed, planted=planted).run()
            caught += [what for what in outcome.broken if what.startswith(promise)]
            if caught:
                break

    assert caught
