"""
Runs one timer function on its schedule.

Called by the host. A timer that was missed, once or often, runs once, past due; it never overlaps itself, and a
failure waits for the next occurrence.
"""

import asyncio
from datetime import datetime, timedelta

from devhost.clock import Clock
from devhost.functions import Function, TimerTrigger
from devhost.invocation import FunctionFailed, TimerRequest, invoke

PUNCTUAL = timedelta(seconds=1)


class Timer:
    """One timer function and when it runs next."""

    def __init__(self, function: Function, trigger: TimerTrigger, *, clock: Clock) -> None:
        self.name = function.name
        self._function = function
        self._schedule = trigger.schedule
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._next = clock.now() if trigger.run_on_startup else trigger.schedule.after(clock.now())

    def next_due(self) -> datetime:
        return self._next

    async def advance(self) -> int:
        """Run it if it is due; how often it ran."""
        late = self._clock.now() - self._next
        if late < timedelta(0):
            return 0
        await self.run(past_due=late > PUNCTUAL)
        self._next = self._schedule.after(self._clock.now())
        return 1

    async def run(self, *, past_due: bool = False) -> None:
        async with self._one_at_a_time:
            try:
                await invoke(self._function, TimerRequest(past_due=past_due))
            except FunctionFailed:
                return  # logged; a timer has no retry but its schedule
