"""
`python -m tests.campaign SEED [HOW_MANY] [--world estate] [--azurite]`: plays schedules and tells what happened.

Without a seed: the figures of the last campaign, added up.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import sys

from devhost.azurite import azurite
from tests.campaign.figures import FILE, Figures, table
from tests.campaign.play import Play
from tests.campaign.stage import opened
from tests.campaign.worlds import DOOR, ESTATE, World

WORLDS = {world.name: world for world in (DOOR, ESTATE)}


async def play(first: int, count: int, world: World, connection: str) -> int:
    """The number of schedules in which a promise broke."""
    failed = 0
    async with opened(world, azurite=connection) as stage:
        for seed in range(first, first + count):
            outcome = await Play(stage, seed).run()
            failed += bool(outcome.broken)
            said = "; ".join(outcome.broken) or "all promises held"
            sys.stdout.write(f"{seed}: {', '.join(outcome.chosen)}: {dict(outcome.fired)}: {said}\n")
    return failed


def main() -> int:
    logging.disable(logging.CRITICAL)
    asked = argparse.ArgumentParser()
    asked.add_argument("seed", type=int, nargs="?")
    asked.add_argument("count", type=int, nargs="?", default=1)
    asked.add_argument("--world", choices=sorted(WORLDS), default=DOOR.name)
    asked.add_argument("--azurite", action="store_true")
    given = asked.parse_args()
    if given.seed is None:
        found = [Figures.loaded(each) for each in json.loads(FILE.read_text(encoding="utf-8"))]
        sys.stdout.write(table(found) + "\n")
        return 0
    with azurite() if given.azurite else contextlib.nullcontext("") as connection:
        return min(1, asyncio.run(play(given.seed, given.count, WORLDS[given.world], connection)))


if __name__ == "__main__":
    sys.exit(main())
