"""
Real time: the one place where it is read.

The doors hand it in when they are given no other clock; nothing below them knows it.
"""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  # this is the clock that the rest of the product is handed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)  # noqa: TID251  # as above
