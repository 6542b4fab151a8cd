"""
Lets virtual time run until nothing is left to do.

Called by Host.settle, in tests and in the demo. It moves the clock only while nothing is due or under way, and always
to the next moment at which something is: an update of 45 minutes costs no waiting. One thing moves it under way: a
call that is held up until a moment would otherwise wait for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from devhost.clock import VirtualClock

LOOK_SECONDS = 0.01  # real time between two looks at what is held up


class Part(Protocol):
    """Something that takes part in time: the local Azure, a second host's messages."""

    def next_due(self) -> datetime | None:
        """When there is something to do next; now or earlier if there is already."""
        ...

    async def advance(self) -> object:
        """Do all that is due now."""
        ...


class Waiters(Protocol):
    """Calls under way that wait for a moment, as a slow service makes them wait."""

    def next_due(self) -> datetime | None: ...

    def release(self, now: datetime) -> None: ...


@runtime_checkable
class Holding(Protocol):
    """A part that can hold up calls."""

    @property
    def waiting(self) -> Waiters: ...


class NeverSettled(Exception):
    """Work that brings forth work without end, or something due that nobody does."""


class Pump:
    """
    Several parts on one clock.

    `work` has to come to an end; `timers` come round for ever and keep nothing going. `idle` waits for the HTTP
    requests under way.
    """

    def __init__(
        self,
        clock: VirtualClock,
        *,
        work: Sequence[Part],
        timers: Part,
        idle: Callable[[], Awaitable[object]],
    ) -> None:
        self._clock = clock
        self._work = work
        self._timers = timers
        self._held = [part.waiting for part in work if isinstance(part, Holding)]
        self._idle = idle

    async def run(self, *, until: datetime | None, limit: int) -> int:
        """How often a part had something to do. Stops at `until`; without it, when only timers are left."""
        steps = 0
        while True:
            steps += await self._all_due_now(limit - steps)
            due = self._next(until)
            if due is None or (until is not None and due > until):
                break
            self._clock.jump(due)
        if until is not None and until > self._clock.now():
            self._clock.jump(until)
        return steps

    async def _all_due_now(self, limit: int) -> int:
        steps = 0
        while True:
            await self._while_time_may_pass(self._idle())
            busy = [part for part in (*self._work, self._timers) if self._due_now(part)]
            if not busy:
                return steps
            for part in busy:
                await self._while_time_may_pass(part.advance())
            steps += len(busy)
            if steps > limit:
                names = ", ".join(type(part).__name__ for part in busy)
                raise NeverSettled(f"More than {limit} steps, at {self._clock.now().isoformat()}: {names}")

    async def _while_time_may_pass(self, doing: Awaitable[object]) -> None:
        """Wait for something; if it is held up until a moment, that moment comes."""
        task = asyncio.ensure_future(doing)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK_SECONDS if self._held else None)
                self._release()
            await task
        finally:
            task.cancel()

    def _release(self) -> None:
        moment = earliest(*(held.next_due() for held in self._held))
        if moment is not None:
            self._clock.jump(max(moment, self._clock.now()))
            for held in self._held:
                held.release(self._clock.now())

    def _due_now(self, part: Part) -> bool:
        due = part.next_due()
        return due is not None and due <= self._clock.now()

    def _next(self, until: datetime | None) -> datetime | None:
        work = earliest(*(part.next_due() for part in self._work))
        if work is None and until is None:
            return None
        return earliest(work, self._timers.next_due())


def earliest(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)
