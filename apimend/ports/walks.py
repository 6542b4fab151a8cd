"""
What is remembered of walks: which scopes of an instance were asked for a policy and had none.

A walk of a large instance takes longer than a visit may. The engine opens the memory of one instance for each visit,
`apimend.survey` walks with it, and every event that may have changed what is remembered is told to it. No policy is
ever kept in it: what is there is read again.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from apimend.model.ids import InstanceId, ResourceId


class WalkMemory(Protocol):
    """One visit's memory of one instance. Scopes are paths below it, in lower case."""

    @property
    def is_over(self) -> bool:
        """Whether this visit has walked for as long as it may."""
        ...

    def is_absent(self, scope: str) -> bool:
        """Whether a scope had no policy when it was asked, lately, and nothing that was heard of touched it since."""
        ...

    def is_present(self, scope: str) -> bool:
        """Whether an earlier walk found a policy there that the list of all policies may have left out."""
        ...

    def is_touched(self, scope: str) -> bool:
        """Whether an event of the last hour named what the scope belongs to: its API, product or workspace."""
        ...

    async def note(self, *, absent: Iterable[str], present: Iterable[str], asked: datetime) -> None:
        """What scopes answered that were asked at this time or later."""
        ...

    async def save(self) -> None:
        """What was noted is durable when this returns."""
        ...

    def now(self) -> datetime:
        """The time."""
        ...


class Walks(Protocol):
    """The memories of all instances."""

    async def recall(self, instance: InstanceId, *, until: datetime, since: datetime | None = None) -> WalkMemory:
        """
        The memory for a visit that may walk until then. What is too old, or was touched, is forgotten; with `since`
        no answer from before counts: a person wants to know how it is now.
        """
        ...

    async def touched(self, instance: InstanceId, touched: ResourceId | None, operation: str = "") -> None:
        """Something was written, or may have been: what was read of it so far no longer counts."""
        ...
