"""
`python -m tests.campaign SEED [HOW_MANY]`: plays schedules and tells what happened.

Without a seed: the figures of the last campaign, added up.
"""

import asyncio
import json
import logging
import sys
from collections import Counter

from tests.campaign.play import Play
from tests.campaign.stage import opened
from tests.campaign.test_campaign import FIGURES


async def play(first: int, count: int) -> int:
    """The number of schedules in which a promise broke."""
    failed = 0
    async with opened() as stage:
        for seed in range(first, first + count):
            outcome = await Play(stage, seed).run()
            failed += bool(outcome.broken)
            said = "; ".join(outcome.broken) or "all promises held"
            sys.stdout.write(f"{seed}: {', '.join(outcome.chosen)}: {dict(outcome.fired)}: {said}\n")
    return failed


def figures() -> None:
    """How often each fault and each way back occurred in the last campaign."""
    total: dict[str, Counter[str]] = {"fired": Counter(), "recovered": Counter()}
    schedules = played = 0
    for path in sorted(FIGURES.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        schedules, played = schedules + found["schedules"], played + found["played"]
        for kind, counter in total.items():
            counter.update(found[kind])
    sys.stdout.write(f"{schedules} schedules counted, {played} played\n")
    for kind, counter in total.items():
        sys.stdout.write(f"\n{kind}:\n" + "".join(f"  {count:7}  {name}\n" for name, count in counter.most_common()))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    if len(sys.argv) == 1:
        figures()
    else:
        sys.exit(min(1, asyncio.run(play(int(sys.argv[1]), int((*sys.argv, "1")[2])))))
