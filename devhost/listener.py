"""
Takes the messages of one queue to its function, as the queue extension of the Functions host does.

Called by the host. At most batchSize + newBatchThreshold messages run at once. A message that failed is hidden for
visibilityTimeout and tried again; at maxDequeueCount it moves to the poison queue. A poison queue has none of its
own: what fails there stays hidden until its ten minutes are over, and is not run again after maxDequeueCount tries.
"""

import asyncio
import logging
from datetime import datetime
from typing import Generic

from devhost.clock import Clock
from devhost.functions import Function
from devhost.hostjson import HostJson
from devhost.invocation import FunctionFailed, QueueMessage, as_annotated, invoke
from devhost.queues import POISON, M, QueueSource

MOST_AT_ONCE = 1_000  # in one call, so that a function which feeds itself can be noticed

log = logging.getLogger("devhost")


class QueueListener(Generic[M]):
    """One queue and its function. `poll` looks for new messages while some run; without it, when one has ended."""

    def __init__(
        self,
        function: Function,
        queue: str,
        *,
        source: QueueSource[M],
        clock: Clock,
        settings: HostJson,
        poll: float | None = None,
    ) -> None:
        self._function = function
        self._queue = queue
        self._source = source
        self._clock = clock
        self._settings = settings
        self._poll = poll
        self._poison = None if queue.endswith(POISON) else queue + POISON

    def next_due(self) -> datetime | None:
        return self._source.next_visible(self._queue)

    async def advance(self, limit: int = MOST_AT_ONCE) -> int:
        """Handle what is due, up to `limit` messages; how many were handled."""
        started = 0
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                if len(running) <= self._settings.new_batch_threshold and started < limit:
                    batch = self._source.receive(
                        self._queue,
                        now=self._clock.now(),
                        count=min(self._settings.batch_size, limit - started),
                    )
                    started += len(batch)
                    running |= {group.create_task(self._handle(message)) for message in batch}
                if not running:
                    return started
                _, running = await asyncio.wait(running, timeout=self._poll, return_when=asyncio.FIRST_COMPLETED)

    async def _handle(self, message: M) -> None:
        if message.dequeue_count > self._settings.max_dequeue_count:  # its receivers died on it
            self._park(message)
            return
        try:
            await invoke(self._function, self._argument(message))
        except FunctionFailed:
            self._failed(message)
        else:
            self._source.delete(self._queue, message)

    def _argument(self, message: M) -> object:
        if self._function.annotation in (str, bytes):
            return as_annotated(self._function, message.body)
        return QueueMessage(message)

    def _failed(self, message: M) -> None:
        if self._poison is None:
            return
        if message.dequeue_count >= self._settings.max_dequeue_count:
            self._park(message)
        else:
            visible_at = self._clock.now() + self._settings.visibility_timeout
            self._source.release(self._queue, message, visible_at=visible_at)

    def _park(self, message: M) -> None:
        if self._poison is None:
            return
        log.warning("queue.poisoned queue=%s message=%s tries=%s", self._queue, message.id, message.dequeue_count)
        self._source.put(self._poison, message.body)
        self._source.delete(self._queue, message)
