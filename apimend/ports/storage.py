"""
What ledger, bells and limits are built on: queues, small documents and shared buckets.

Adapters and wiring speak to these; nothing else has a reason to.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol


class Buckets(Protocol):
    """Shared token buckets that stay below Azure's limits (`reads`, `writes`, `deletes`, and `graph` by tenant)."""

    async def take(self, subscription: str, kind: str, *, urgent: bool = True) -> None:
        """Leave to make one call. Raises Throttled; work that is not urgent meets it earlier."""
        ...

    async def drain(self, subscription: str, kind: str, *, after: float) -> None:
        """Azure answered 429 with this Retry-After: nobody gets leave before."""
        ...


class Messages(Protocol):
    """A queue as Azure Storage has it: at least once, delays, no order."""

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        """Put a message that becomes visible in `after` seconds (7 days at the most)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Record:
    """A stored document with the etag it had when it was read."""

    key: str
    body: bytes = field(repr=False)
    etag: str


class Records(Protocol):
    """
    Small documents by container and key, with etags: what ledger and bells are built on.

    `etag` None writes whatever is there; an empty text only where nothing is there yet; any other only where
    it is still the current one. Raises Changed otherwise. Keys sort as text.
    """

    async def get(self, container: str, key: str) -> Record | None: ...
    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        """The new etag."""
        ...

    async def delete(self, container: str, key: str) -> None: ...
    def list(
        self, container: str, prefix: str = "", *, limit: int | None = None, start: str = ""
    ) -> AsyncIterator[Record]:
        """The documents whose key begins with `prefix`, and is not before `start`, in the order of their keys."""
        ...
