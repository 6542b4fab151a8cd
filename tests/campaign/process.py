"""
A worker process for the test that kills one: answers the visits of a shared queue against a local Azure, until killed.

Started as `python -m tests.campaign.process ENVIRON_FILE`; it prints a line before each visit, so that the test knows
when to strike.
"""

import asyncio
import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apimend.settings import Settings
from apimend.storage.sqlite import SqliteQueue
from apimend.wiring import wire
from remediators import ALL
from tests.campaign.worlds import DOOR


class Ahead:
    """The machine's clock, ahead by what the test says in a file: so that holds and leases run out in no time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        ahead = float(self._path.read_text(encoding="utf-8") or "0")
        return datetime.now(UTC) + timedelta(seconds=ahead)  # noqa: TID251 - another process has its own time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)  # noqa: TID251 - nobody waits here


async def work(environ: dict[str, str], clock: Ahead) -> None:
    """Take messages and answer them."""
    wired = await wire(
        Settings.load(environ), clock=clock, remediators=[rule for rule in ALL if rule.name in DOOR.rules]
    )
    queue = SqliteQueue(environ["QUEUE"], clock)
    while True:
        for message in queue.receive("apimend-visits", now=clock.now(), count=1):
            sys.stdout.write("visit\n")
            sys.stdout.flush()
            await wired.engine.answer(message.body.decode())
            queue.delete("apimend-visits", message)
        await asyncio.sleep(0.01)  # noqa: TID251 - a real process waits in real time


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.environ.update(given)
    asyncio.run(work(given, Ahead(Path(given["AHEAD"]))))
