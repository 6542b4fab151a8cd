"""
The two times the local host runs on.

Tests and the demo share one VirtualClock among app, host and emulator, so that an update of 45 minutes takes none;
`python -m devhost` takes the RealClock. The only module here that may touch the machine's clock.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the host and the app need of time."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class VirtualClock:
    """Time that passes only when somebody sleeps or says so."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("A virtual clock starts at an aware time")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Advance at once, then let the others run: nobody waits in virtual time."""
        self._now += timedelta(seconds=max(0.0, seconds))
        await asyncio.sleep(0)  # noqa: TID251 - yields to the loop, takes no time

    def jump(self, to: datetime) -> None:
        """Move to a later moment."""
        if to < self._now:
            raise ValueError(f"Time does not run backwards: {self._now.isoformat()} to {to.isoformat()}")
        self._now = to.astimezone(UTC)


class RealClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is what is injected elsewhere

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - this is what is injected elsewhere
