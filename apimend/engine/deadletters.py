"""
Events that Event Grid could not deliver: heard again when a person asks for it.

The doors for operators call `hear_again`; the sweep counts. A dead letter is an event like any other, so it passes the
same checks and rings the same bells.
"""

from collections.abc import Sequence
from typing import Protocol

from apimend.engine.intake import Heard, Intake


class DeadLetters(Protocol):
    """Where they lie."""

    async def names(self, *, limit: int = 1000) -> tuple[str, ...]:
        """The batches, by name."""
        ...

    async def count(self) -> int:
        """How many batches there are."""
        ...

    async def read(self, name: str) -> str:
        """The events of one batch, as text. Raises Gone."""
        ...

    async def forget(self, name: str) -> None:
        """Throw one away."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...


async def hear_again(letters: DeadLetters, intake: Intake, name: str) -> Sequence[Heard]:
    """
    Ring for the events of one batch, and throw it away when all bells have rung.

    Raises Gone, or BadInput where it holds no events: then it is left for a person to look at.
    """
    heard = await intake.hear(await letters.read(name))
    await letters.forget(name)
    return heard
