"""
The emulator's own clock when it runs alone: real time, faster or slower, and jumps on request.

In tests the clock belongs to someone else and comes in as a callable; this one is for `python -m emulator` and for
`POST /_emulator/clock`. It also keeps calls that wait for a moment (a fault's delay), so that waiting under virtual
time ends when somebody advances.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta


class Offset:
    """
    A base clock moved forward by jumps.
    """

    def __init__(self, base: Callable[[], datetime]) -> None:
        self._base = base
        self._offset = timedelta(0)

    def now(self) -> datetime:
        return self._base() + self._offset

    def jump(self, moment: datetime) -> None:
        self._offset = max(self._offset, moment - self._base())


class Waiting:
    """
    Calls that wait for a moment of the emulator's time.
    """

    def __init__(self) -> None:
        self._waiters: list[tuple[datetime, asyncio.Future[None]]] = []

    def __len__(self) -> int:
        return len(self._waiters)

    async def until(self, moment: datetime) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((moment, future))
        await future

    def next_due(self) -> datetime | None:
        return min((moment for moment, _ in self._waiters), default=None)

    def release(self, now: datetime) -> None:
        due = [one for one in self._waiters if one[0] <= now]
        self._waiters = [one for one in self._waiters if one[0] > now]
        for _, future in due:
            if not future.done():
                future.set_result(None)
