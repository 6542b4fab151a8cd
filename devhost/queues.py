"""
Where queue messages come from.

The embedded queue of the app has these methods, and so has the in-memory one of the tests. They are synchronous: a
local queue answers in microseconds. Nothing here knows a function.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

POISON = "-poison"


class Message(Protocol):
    """One message as it was received: hidden from others until `next_visible`."""

    @property
    def id(self) -> str: ...

    @property
    def body(self) -> bytes: ...

    @property
    def dequeue_count(self) -> int:
        """How often it was received, this time included."""
        ...

    @property
    def inserted(self) -> datetime: ...

    @property
    def expires(self) -> datetime: ...

    @property
    def next_visible(self) -> datetime: ...

    @property
    def pop_receipt(self) -> str: ...


M = TypeVar("M", bound=Message)


class QueueSource(Protocol[M]):
    """A store of queues. A message taken over by another receiver is left alone: its receipt no longer fits."""

    def receive(self, queue: str, *, now: datetime, count: int) -> Sequence[M]:
        """Up to `count` visible messages, hidden from now on for ten minutes, as the Functions host hides them."""
        ...

    def delete(self, queue: str, message: M) -> None:
        """Remove a message that was received."""
        ...

    def release(self, queue: str, message: M, *, visible_at: datetime) -> None:
        """Put a message that was received back, visible from then on."""
        ...

    def put(self, queue: str, body: bytes) -> None:
        """Add a message, visible at once; a queue that isn't there is made."""
        ...

    def next_visible(self, queue: str) -> datetime | None:
        """When the next message is or becomes visible; None while the queue is empty."""
        ...
