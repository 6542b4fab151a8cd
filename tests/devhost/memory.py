"""
Queues in memory, for the tests of the local host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

HIDDEN = timedelta(minutes=10)
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class MemoryMessage:
    id: str
    body: bytes
    dequeue_count: int
    inserted: datetime
    expires: datetime
    next_visible: datetime
    pop_receipt: str


class MemoryQueues:
    """A QueueSource. `now` stamps what is put."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._queues: dict[str, dict[str, MemoryMessage]] = {}
        self._count = 0

    def put(self, queue: str, body: bytes) -> None:
        now = self._now()
        message = MemoryMessage(self._next_id(), body, 0, now, now + KEPT, now, "")
        self._queues.setdefault(queue, {})[message.id] = message

    def receive(self, queue: str, *, now: datetime, count: int) -> list[MemoryMessage]:
        visible = [each for each in self._queues.get(queue, {}).values() if each.next_visible <= now]
        return [self._hide(queue, each, now) for each in visible[:count]]

    def delete(self, queue: str, message: MemoryMessage) -> None:
        if self._held(queue, message):
            del self._queues[queue][message.id]

    def release(self, queue: str, message: MemoryMessage, *, visible_at: datetime) -> None:
        if self._held(queue, message):
            self._queues[queue][message.id] = replace(message, next_visible=visible_at)

    def next_visible(self, queue: str) -> datetime | None:
        return min((each.next_visible for each in self._queues.get(queue, {}).values()), default=None)

    def bodies(self, queue: str) -> list[bytes]:
        return [each.body for each in self._queues.get(queue, {}).values()]

    def _hide(self, queue: str, message: MemoryMessage, now: datetime) -> MemoryMessage:
        hidden = replace(
            message,
            dequeue_count=message.dequeue_count + 1,
            next_visible=now + HIDDEN,
            pop_receipt=self._next_id(),
        )
        self._queues[queue][message.id] = hidden
        return hidden

    def _held(self, queue: str, message: MemoryMessage) -> bool:
        held = self._queues.get(queue, {}).get(message.id)
        return held is not None and held.pop_receipt == message.pop_receipt

    def _next_id(self) -> str:
        self._count += 1
        return str(self._count)
