"""A running Azurite, and how to look into its queues. Its time is real: tests here wait for nothing."""

import base64
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueServiceClient

QUEUES = ("apimend-visits", "apimend-notices")


@dataclass(frozen=True)
class Azurite:
    """One that runs, by its connection string."""

    connection_string: str

    def receive(self, queue: str) -> Sequence[str]:
        """What is visible now, taken out of the queue and decoded as the Functions host does."""
        with QueueServiceClient.from_connection_string(self.connection_string) as service:
            client = service.get_queue_client(queue)
            with contextlib.suppress(ResourceNotFoundError):
                found = list(client.receive_messages(max_messages=32))
                for message in found:
                    client.delete_message(message)
                return [base64.b64decode(message.content).decode() for message in found]
        return []

    def clear_queues(self) -> None:
        """What another test left there."""
        with QueueServiceClient.from_connection_string(self.connection_string) as service:
            for queue in QUEUES:
                with contextlib.suppress(ResourceNotFoundError):
                    service.get_queue_client(queue).clear_messages()
