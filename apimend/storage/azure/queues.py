"""
Messages on Azure Storage queues, in base64, as the Functions host's trigger expects them.

Only the sending side: the host receives. A queue is made when it is first sent to.
"""

import base64
import math
from collections.abc import Callable

from azure.core.exceptions import HttpResponseError
from azure.storage.queue.aio import QueueClient

from apimend.storage.azure.errors import MISSING_PLACE, code_of, translated
from apimend.storage.names import LONGEST_DELAY, check_message

NEVER_EXPIRES = -1


class QueueMessages:
    """The queues of one account."""

    def __init__(self, client: Callable[[str], QueueClient]) -> None:
        self._client = client
        self._clients: dict[str, QueueClient] = {}

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        """Put a message that becomes visible in `after` seconds (7 days at the most)."""
        check_message(queue, body)
        delay = math.ceil(min(max(0.0, after), LONGEST_DELAY.total_seconds()))
        content = base64.b64encode(body.encode()).decode("ascii")
        client = self._clients.get(queue) or self._clients.setdefault(queue, self._client(queue))
        with translated(f"Sending to {queue}"):
            try:
                await self._send(client, content, delay)
            except HttpResponseError as error:
                if code_of(error) not in MISSING_PLACE:
                    raise
                await client.create_queue()
                await self._send(client, content, delay)

    async def _send(self, client: QueueClient, content: str, delay: int) -> None:
        await client.send_message(content, visibility_timeout=delay, time_to_live=NEVER_EXPIRES)
