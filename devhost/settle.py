"""
Lets virtual time run until nothing is left to do.

Called by Host.settle, in tests and in the demo. It moves the clock only while nothing is due, under way or on its
way, and always to the next moment at which something is: an update of 45 minutes costs no waiting.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from devhost.clock import VirtualClock


class Part(Protocol):
    """Something that takes part in time: the local Azure, a second host."""

    def next_due(self) -> datetime | None:
        """When there is something to do next; now or earlier if there is already."""
        ...

    async def advance(self) -> int:
        """Do all that is due now; how much that was."""
        ...


class NeverSettled(Exception):
    """Work that brings forth work without end, or something due that nobody does."""


class Pump:
    """Several parts on one clock. `timers` tells when the next timer fires: timers alone keep nothing going."""

    def __init__(
        self,
        clock: VirtualClock,
        parts: Sequence[Part],
        *,
        timers: Callable[[], datetime | None],
        idle: Callable[[], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._parts = parts
        self._timers = timers
        self._idle = idle

    async def run(self, *, until: datetime | None, limit: int) -> int:
        """Pieces of work done. Stops at `until`; without it, when only timers are left."""
        done = 0
        while True:
            done += await self._all_due_now(limit - done)
            due = self._next(until)
            if due is None or (until is not None and due > until):
                break
            if due <= self._clock.now():
                raise NeverSettled(f"Due at {due.isoformat()}, but nobody does it")
            self._clock.jump(due)
        if until is not None and until > self._clock.now():
            self._clock.jump(until)
        return done

    async def _all_due_now(self, limit: int) -> int:
        done = 0
        while True:
            await self._idle()
            step = sum([await part.advance() for part in self._parts])
            if not step:
                return done
            done += step
            if done > limit:
                raise NeverSettled(f"More than {limit} pieces of work at {self._clock.now().isoformat()}")

    def _next(self, until: datetime | None) -> datetime | None:
        work = earliest(*(part.next_due() for part in self._parts))
        if work is None and until is None:
            return None
        return earliest(work, self._timers())


def earliest(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)
