"""
How visits are woken and kept apart: bells and leases, one of each for an instance.

`apimend.storage` fulfils them, on SQLite and on Azure Storage alike.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from apimend.model.ids import InstanceId
from apimend.model.runs import Trigger


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An honoured bell: the instance, and the count of rings that this visit answers."""

    instance: InstanceId
    rung: int
    ticket: str


class Bells(Protocol):
    """How visits are woken: a row and a message for each instance (one that is due, never a heap)."""

    async def ring(self, trigger: Trigger, *, after: float = 0.0) -> None:
        """Ask for a visit in `after` seconds; a message is sent only if none is due sooner."""
        ...

    async def answer(self, message: str) -> Visit | None:
        """The visit that a queue message asks for; None for a message that is no longer the current one.

        Raises Unreadable for a message of an unknown form or version."""
        ...

    async def finish(self, visit: Visit, *, again_after: float | None = None, hold: bool = False) -> None:
        """
        Note what was answered; ring again if it was rung meanwhile, or in `again_after` seconds.

        With `hold` only a person's wish (replay, order, command) wakes the instance before that: for a Retry-After.
        """
        ...

    async def overdue(self) -> tuple[InstanceId, ...]:
        """Instances whose bell should have been answered long ago."""
        ...

    async def trigger(self, instance: InstanceId) -> Trigger | None:
        """The newest trigger that rang this bell, for the log."""
        ...

    async def due(self, instance: InstanceId) -> datetime | None:
        """When the next visit is due: in the past for one that is late or under way, None where none is wanted."""
        ...


class Leases(Protocol):
    """One writer per instance."""

    def hold(self, instance: InstanceId) -> AbstractAsyncContextManager["Lease"]:
        """The lease, held and renewed inside the block. Raises LeaseTaken."""
        ...


class Lease(Protocol):
    """A held lease."""

    async def confirm(self) -> None:
        """Raises LeaseTaken where it was lost meanwhile: ask before every write."""
        ...
