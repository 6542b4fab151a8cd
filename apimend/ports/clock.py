"""
Time as the product knows it: handed in at the doors, never read elsewhere.
"""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time, in UTC, aware."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait. A few seconds at the most: anything longer goes back to the queue."""
        ...
