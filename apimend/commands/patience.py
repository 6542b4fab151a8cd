"""
What a person at a terminal expects where Azure, or our own share of its limits, says "later": to wait a little.

The app puts the instance back on its queue; a command has nobody to come back for it.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from apimend.commands.app import App
from apimend.model.errors import TryLater

T = TypeVar("T")

TRIES = 10
LEAST = 10.0
"""Seconds: the next token alone would not see a whole instance through."""

LONGEST = 120.0
"""Seconds: whoever is told to come back later than this is told so."""


async def patiently(app: App, work: Callable[[], Awaitable[T]]) -> T:
    """The result of the work; while it is told to try again soon, it does. Raises TryLater."""
    for _ in range(TRIES - 1):
        try:
            return await work()
        except TryLater as error:
            if error.after is None or error.after > LONGEST:
                raise
            await app.clock.sleep(max(error.after, LEAST))
    return await work()
