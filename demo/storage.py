"""
Where the app of a world keeps what it remembers: a SQLite file, or Azurite as `make demo STORAGE=azurite` wants it.

Azurite's time is real and a demo's is virtual, so a delay that the app asks for is kept here: a message goes to Azurite
visible at once, and is handed to the host when its moment has come on the world's clock. Everything else is as in
Azure: records, leases and messages lie in Azurite.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from apimend.ports import Clock, Messages, Remediator
from apimend.settings import AzureStorage, Settings
from apimend.storage.azure import open_azure
from apimend.storage.bells import StoredBells
from apimend.storage.sqlite import SqliteQueue
from apimend.wiring import Wired, Wiring, wire
from devhost.azurite import azurite

_FOR_GOOD = 7 * 24 * 3600
"""Seconds for which Azurite hides what was received: the world's clock decides from then on."""

_HOLD = timedelta(minutes=10)


@dataclass
class Held:
    """A message that was received from Azurite, and when the host may have it."""

    id: str
    body: bytes
    inserted: datetime
    next_visible: datetime
    pop_receipt: str
    dequeue_count: int = 0

    @property
    def expires(self) -> datetime:
        return self.inserted + timedelta(days=7)


@dataclass
class AzuriteQueue:
    """The host's message source: Azurite's queues on the world's clock."""

    connection: str
    clock: Clock
    _clients: dict[str, QueueClient] = field(default_factory=dict)
    _held: dict[str, list[Held]] = field(default_factory=dict)
    _due: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _on_the_way: Counter[str] = field(default_factory=Counter)

    def expect(self, queue: str, body: str, after: float) -> None:
        """A message was sent that is meant to become visible then."""
        self._due[queue, body] = self.clock.now() + timedelta(seconds=after)
        self._on_the_way[queue] += 1

    def receive(self, queue: str, *, now: datetime, count: int) -> Sequence[Held]:
        self._fetch(queue)
        found = [each for each in self._held.get(queue, ()) if each.next_visible <= now][:count]
        for each in found:
            each.next_visible, each.dequeue_count = now + _HOLD, each.dequeue_count + 1
        return [replace(each) for each in found]

    def delete(self, queue: str, message: Held) -> None:
        for held in self._same(queue, message):
            self._held[queue].remove(held)
            self._client(queue).delete_message(held.id, held.pop_receipt)

    def release(self, queue: str, message: Held, *, visible_at: datetime) -> None:
        for held in self._same(queue, message):
            held.next_visible = visible_at

    def bodies(self, queue: str) -> list[bytes]:
        """All messages, hidden ones too."""
        self._fetch(queue)
        return [each.body for each in self._held.get(queue, ())]

    def _same(self, queue: str, message: Held) -> list[Held]:
        """The message, unless another receiver has taken it over meanwhile."""
        key = (message.id, message.dequeue_count)
        return [each for each in self._held.get(queue, ()) if (each.id, each.dequeue_count) == key]

    def put(self, queue: str, body: bytes) -> None:
        self._client(queue).send_message(base64.b64encode(body).decode())
        self._on_the_way[queue] += 1

    def next_visible(self, queue: str) -> datetime | None:
        self._fetch(queue)
        return min((each.next_visible for each in self._held.get(queue, ())), default=None)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _fetch(self, queue: str) -> None:
        """Take over what has arrived in Azurite, where something is known to be on its way."""
        if not self._on_the_way[queue]:
            return
        for message in self._client(queue).receive_messages(visibility_timeout=_FOR_GOOD):
            body = base64.b64decode(message.content)
            due = self._due.pop((queue, body.decode()), self.clock.now())
            held = Held(message.id, body, self.clock.now(), due, message.pop_receipt or "")
            self._held.setdefault(queue, []).append(held)
            self._on_the_way[queue] -= 1

    def _client(self, queue: str) -> QueueClient:
        if queue not in self._clients:
            self._clients[queue] = QueueClient.from_connection_string(self.connection, queue)
            with suppress(ResourceExistsError):
                self._clients[queue].create_queue()
        return self._clients[queue]


@dataclass
class Undelayed:
    """The app's way to Azurite's queues: what is to be delayed is delayed on the world's clock."""

    inner: Messages
    source: AzuriteQueue

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        await self.inner.send(queue, body)
        self.source.expect(queue, body, after)


@dataclass(frozen=True)
class Kept:
    """What a world needs of its storage: settings for the app, how it is wired, and where its messages come from."""

    environ: dict[str, str]
    wiring: Wiring
    source: Any


@contextmanager
def storage_of(kind: str, folder: Path, clock: Clock) -> Iterator[Kept]:
    """The storage of a world, while the block lasts. Raises AzuriteMissing."""
    if kind == "azurite":
        with azurite() as connection, closing(AzuriteQueue(connection, clock)) as source:
            environ = {"APIMEND_STORAGE": "azure", "AzureWebJobsStorage": connection}
            yield Kept(environ, _on_azurite(connection, source), source)
        return
    with closing(SqliteQueue(folder / "apimend.db", clock)) as queue:
        yield Kept({"APIMEND_STORAGE": f"sqlite:{folder / 'apimend.db'}"}, wire, queue)


def _on_azurite(connection: str, source: AzuriteQueue) -> Wiring:
    async def wiring(settings: Settings, *, clock: Clock, remediators: Sequence[Remediator[Any]]) -> Wired:
        azure = open_azure(AzureStorage(connection_string=connection), clock=clock)
        messages = Undelayed(azure.messages, source)
        storage = replace(azure, messages=messages, bells=StoredBells(azure.records, messages, clock))
        return await wire(settings, clock=clock, remediators=remediators, storage=storage)

    return wiring
