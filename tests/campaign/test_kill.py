"""
A real process, really killed: `kill -9` at a moment that nobody chose.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from apimend.ports import Clock
from apimend.settings import Settings
from apimend.storage.stores import open_sqlite
from apimend.wiring import wire
from demo.world import ROOT, environment
from emulator import LocalAzure
from remediators import ALL
from tests.campaign.process import Ahead
from tests.campaign.stage import Stage, opened
from tests.campaign.stores import OnSqlite
from tests.campaign.watch import Watch
from tests.campaign.worlds import DOOR

_SECONDS = 60.0


@asynccontextmanager
async def process(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker process; what is left of it is killed."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.campaign.process", str(path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def advance(stage: Stage, ahead: Path, seconds: float) -> None:
    """Time passes, for the local Azure and for whoever reads the file."""
    before = float(ahead.read_text(encoding="utf-8"))
    ahead.write_text(str(before + seconds), encoding="utf-8")
    await stage.azure.advance()


@pytest.mark.parametrize("seed", range(1), ids=str)
async def test_a_killed_process_leaves_nothing_that_the_next_one_cannot_finish(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Killed again and again in the middle of a visit; the last process brings the instance to its end.
    """
    chance = random.Random(seed)
    ahead = tmp_path / "ahead"
    ahead.write_text("0", encoding="utf-8")
    clock: Clock = Ahead(ahead)
    async with opened() as stage:
        stage.hands.clock = clock  # the machine's time, moved on by the file
        environ = environ_of(stage, tmp_path, ahead)
        kept = OnSqlite(tmp_path / "apimend.db", clock)
        watch = Watch(azure=stage.azure, world=DOOR, storage=kept)
        watch.began()
        monkeypatch.setattr(LocalAzure, "watchers", [*LocalAzure.watchers, watch.passed])
        await ring(environ, clock)
        for _ in range(3):
            async with process(tmp_path / "environ.json") as worker:
                assert worker.stdout is not None
                await asyncio.wait_for(worker.stdout.readline(), _SECONDS)
                await asyncio.sleep(chance.uniform(0, 0.4))  # noqa: TID251 - a real process dies in real time
                worker.kill()
            await advance(stage, ahead, 700)
        async with process(tmp_path / "environ.json") as worker:
            for _ in range(600):
                if watch.negotiates() and watch.refuses():
                    break
                await advance(stage, ahead, 30)
                await asyncio.sleep(0.05)  # noqa: TID251 - it works in real time

        await kept.close()

        assert watch.negotiates()
        assert watch.refuses()
        assert [] == watch.broken


def environ_of(stage: Stage, folder: Path, ahead: Path) -> dict[str, str]:
    """The settings of the processes, in a file that they read."""
    (folder / "desired.yaml").write_text((stage.folder / "desired.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    found = {
        **environment(stage.azure, folder, "enforce"),
        "APIMEND_TOPIC_ENDPOINT": "",
        "IDENTITY_ENDPOINT": os.environ["IDENTITY_ENDPOINT"],
        "IDENTITY_HEADER": os.environ["IDENTITY_HEADER"],
        "QUEUE": str(folder / "apimend.db"),
        "AHEAD": str(ahead),
    }
    (folder / "environ.json").write_text(json.dumps(found), encoding="utf-8")
    return found


async def ring(environ: dict[str, str], clock: Clock) -> None:
    """Ask for the first visit."""
    storage = open_sqlite(environ["QUEUE"], clock)
    wired = await wire(
        Settings.load(environ), clock=clock, remediators=[r for r in ALL if r.name in DOOR.rules], storage=storage
    )
    await wired.sweeper.sweep()
    await wired.close()
