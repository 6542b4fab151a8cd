"""
The campaign itself: so many schedules (APIMEND_SCHEDULES), in parts, so that two cores share them.

A failure names its seed: `python -m tests.campaign SEED` plays it alone.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.campaign.play import Play
from tests.campaign.stage import opened

SCHEDULES = int(os.environ.get("APIMEND_SCHEDULES", "1600"))
PART = 25
FIGURES = Path(__file__).resolve().parents[2] / "build" / "campaign"


@pytest.mark.parametrize("first", range(0, SCHEDULES, PART), ids=lambda first: f"from {first}")
async def test_every_promise_holds_under_faults(first: int) -> None:
    """
    Whatever fails, in whatever order: converged or honestly parked, and no promise was broken on the way.
    """
    fired: Counter[str] = Counter()
    recovered: Counter[str] = Counter()
    broken: dict[int, list[str]] = {}
    counted, seed = 0, first * 1_000
    wanted = min(PART, SCHEDULES - first)
    async with opened() as stage:
        while counted < wanted:
            outcome = await Play(stage, seed).run()
            seed += 1
            if not outcome.counts:  # no fault fired: it proves nothing, and another one takes its place
                continue
            counted += 1
            fired += outcome.fired
            recovered += outcome.recovered
            if outcome.broken:
                broken[outcome.seed] = [*outcome.broken, *outcome.chosen]
    FIGURES.mkdir(parents=True, exist_ok=True)
    figures = {"schedules": counted, "played": seed - first * 1_000, "fired": fired, "recovered": recovered}
    (FIGURES / f"{first:06}.json").write_text(json.dumps(figures), encoding="utf-8")

    assert {} == broken
