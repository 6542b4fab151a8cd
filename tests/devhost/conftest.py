"""
One sample app on a local host in virtual time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import aiohttp
import pytest

from devhost.clock import VirtualClock
from devhost.host import Host
from devhost.hostjson import HostJson
from devhost.keys import Keys
from tests.devhost.memory import MemoryQueues
from tests.devhost.sample_app import Seen, create

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEYS = Keys(master="master-key", host="host-key", eventgrid="grid-key", functions={"thing": "thing-key"})
SETTINGS = HostJson(batch_size=4, new_batch_threshold=2, max_dequeue_count=3, visibility_timeout=timedelta(minutes=1))


@dataclass
class Bench:
    """What a test works with."""

    host: Host
    clock: VirtualClock
    queues: MemoryQueues
    seen: Seen
    http: aiohttp.ClientSession


T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine function with a fresh host, and gives back its result."""

    def __call__(self, scenario: Callable[[Bench], Awaitable[T]]) -> T: ...


@pytest.fixture
def run() -> Run:
    async def within(scenario: Callable[[Bench], Awaitable[T]]) -> T:
        clock = VirtualClock(START)
        queues = MemoryQueues(clock.now)
        seen: Seen = []
        host = Host(create(seen), queues=queues, clock=clock, keys=KEYS, host_json=SETTINGS)
        async with host, aiohttp.ClientSession(base_url=host.url) as http:
            return await scenario(Bench(host, clock, queues, seen, http))

    def run(scenario: Callable[[Bench], Awaitable[T]]) -> T:
        return asyncio.run(within(scenario))

    return run


def eventually(true: Callable[[], bool]) -> None:
    """Waits, in real time, for something that another process does."""
    for _ in range(200):
        if true():
            return
        threading.Event().wait(0.05)
    raise AssertionError("It did not come true in ten seconds")
