"""
Both backends behind one set of fixtures. Tests are coroutines, run on one loop together with what they opened.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from apimend.storage.sqlite import SqliteQueue
from apimend.storage.stores import Storage, open_sqlite
from devhost.clock import VirtualClock
from tests.storage.samples import START


@dataclass(frozen=True)
class Backend:
    """An open store, the clock it was given, and what is visible in a queue now: the bodies, taken out of it."""

    storage: Storage
    clock: VirtualClock
    receive: Callable[[str], Sequence[str]]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    runner = cast("asyncio.Runner", pyfuncitem.funcargs["runner"])
    names = pyfuncitem._fixtureinfo.argnames
    runner.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.fixturenames.append("runner") if "runner" not in item.fixturenames else None


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def queue(tmp_path: Path, clock: VirtualClock) -> Iterator[SqliteQueue]:
    queue = SqliteQueue(tmp_path / "apimend.db", clock)
    yield queue
    queue.close()


@pytest.fixture
def sqlite(tmp_path: Path, clock: VirtualClock, queue: SqliteQueue, runner: asyncio.Runner) -> Iterator[Backend]:
    storage = open_sqlite(tmp_path / "apimend.db", clock)

    def receive(name: str) -> Sequence[str]:
        messages = queue.receive(name, now=clock.now(), count=32)
        for message in messages:
            queue.delete(name, message)
        return [message.body.decode() for message in messages]

    yield Backend(storage, clock, receive)
    runner.run(storage.close())


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> Backend:
    backend: Backend = request.getfixturevalue(request.param)
    return backend


@pytest.fixture
def storage(backend: Backend) -> Storage:
    return backend.storage
