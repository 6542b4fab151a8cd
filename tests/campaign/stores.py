"""
Where a schedule's two processes keep what they remember: one SQLite file, or containers of their own in Azurite.

`play` opens one for each schedule. It also says what lies there at a moment, read past the product: `watch` asks.
"""

import itertools
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableClient
from azure.storage.blob import BlobServiceClient
from azure.storage.blob.aio import BlobLeaseClient
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient
from azure.storage.queue import QueueServiceClient

from apimend.ports import Clock
from apimend.settings import AzureStorage
from apimend.storage import names
from apimend.storage.azure import open_azure
from apimend.storage.azure.blobs import BlobLeaseStore
from apimend.storage.database import Database
from apimend.storage.leases import LeaseStore
from apimend.storage.sqlite import SqliteLeaseStore, SqliteMessages, SqliteQueue, SqliteRecords
from apimend.storage.stores import Storage, assemble
from demo.storage import AzuriteQueue, Undelayed
from tests.campaign.faulty import FaultyLeases, FaultyMessages, FaultyRecords, Mishaps

VISITS = names.VISITS_QUEUE


class Seen(Protocol):
    """What lies in storage now, for whoever watches."""

    def body(self, container: str, key: str) -> bytes | None:
        """One document; None where there is none."""
        ...

    def bodies(self, container: str) -> list[bytes]:
        """All documents of a container."""
        ...


class Kept(Seen, Protocol):
    """The storage of one schedule."""

    queue: Any

    def storage(self, mishaps: Mishaps) -> Storage:
        """For one process: on connections of its own, failing as told."""
        ...

    def double(self) -> None:
        """A visit's message, once more: both processes may take it up at the same moment."""
        ...

    async def close(self) -> None:
        """Forget it."""
        ...


class Opening(Protocol):
    """How a schedule gets its storage."""

    def __call__(self, clock: Clock) -> Kept: ...


async def _nothing() -> None:
    return None


@dataclass
class OnSqlite:
    """A file in memory, where the machine has such a folder."""

    path: Path
    clock: Clock
    _opened: list[Database] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = SqliteQueue(self.path, self.clock)
        self._watching = sqlite3.connect(self.path, isolation_level=None)

    def storage(self, mishaps: Mishaps) -> Storage:
        database = Database(self.path)
        self._opened.append(database)
        return assemble(
            records=FaultyRecords(SqliteRecords(database), mishaps),
            messages=FaultyMessages(SqliteMessages(database, self.clock), mishaps),
            leases=FaultyLeases(SqliteLeaseStore(database, self.clock), mishaps),
            clock=self.clock,
            close=_nothing,
        )

    def body(self, container: str, key: str) -> bytes | None:
        asked = "SELECT body FROM records WHERE container = ? AND key = ?"
        found = self._watching.execute(asked, (container, key)).fetchone()
        return None if found is None else bytes(found[0])

    def bodies(self, container: str) -> list[bytes]:
        found = self._watching.execute("SELECT body FROM records WHERE container = ?", (container,)).fetchall()
        return [bytes(body) for (body,) in found]

    def double(self) -> None:
        for message in self.queue.peek(VISITS):
            self.queue.put(VISITS, message.body)

    async def close(self) -> None:
        self._watching.close()
        self.queue.close()
        for database in self._opened:
            database.close()
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()


@dataclass
class Expiring:
    """Azurite's leases run out in real time. Here they run out on the schedule's clock, and then one may be broken."""

    inner: LeaseStore
    blobs: AsyncBlobServiceClient
    name: str
    clock: Clock
    until: dict[str, datetime]

    async def acquire(self, name: str, seconds: int) -> str | None:
        if self.until.get(name, self.clock.now()) <= self.clock.now():
            with suppress(HttpResponseError):
                blob = self.blobs.get_blob_client(self.name, f"leases/{name}")
                await BlobLeaseClient(blob).break_lease(lease_break_period=0)
        return self._held(name, seconds, await self.inner.acquire(name, seconds))

    async def renew(self, name: str, token: str) -> bool:
        ours = await self.inner.renew(name, token)
        self._held(name, 60, token if ours else None)
        return ours

    async def release(self, name: str, token: str) -> None:
        await self.inner.release(name, token)

    def _held(self, name: str, seconds: int, token: str | None) -> str | None:
        if token is not None:
            self.until[name] = self.clock.now() + timedelta(seconds=seconds)
        return token


@dataclass
class OnAzurite:
    """A table and blob containers of its own in a running Azurite; the queues are shared, and emptied first."""

    connection: str
    clock: Clock
    name: str = field(default_factory=lambda: f"c{uuid4().hex[:20]}")
    _opened: list[Any] = field(default_factory=list)
    _leases: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with QueueServiceClient.from_connection_string(self.connection) as service:
            for queue in list(service.list_queues()):
                service.get_queue_client(queue).clear_messages()
        self.queue = AzuriteQueue(self.connection, self.clock)
        self._table = TableClient.from_connection_string(self.connection, self.name)
        self._blobs = BlobServiceClient.from_connection_string(self.connection)

    def storage(self, mishaps: Mishaps) -> Storage:
        account = AzureStorage(connection_string=self.connection)
        azure = open_azure(account, clock=self.clock, name=self.name)
        blobs = AsyncBlobServiceClient.from_connection_string(self.connection)
        self._opened += [azure, blobs]
        leases = Expiring(BlobLeaseStore(blobs, self.name), blobs, self.name, self.clock, self._leases)
        return assemble(
            records=FaultyRecords(azure.records, mishaps),
            messages=FaultyMessages(Undelayed(azure.messages, self.queue), mishaps),
            leases=FaultyLeases(leases, mishaps),
            clock=self.clock,
            close=_nothing,
        )

    def body(self, container: str, key: str) -> bytes | None:
        try:
            if container == names.PREIMAGES:
                blob = self._blobs.get_blob_client(f"{self.name}-{container}", f"{container}/{key}")
                return blob.download_blob().readall()
            return _whole(self._table.get_entity(container, key))
        except ResourceNotFoundError:
            return None

    def bodies(self, container: str) -> list[bytes]:
        with suppress(ResourceNotFoundError):
            asked = "PartitionKey eq @container"
            return [_whole(one) for one in self._table.query_entities(asked, parameters={"container": container})]
        return []

    def double(self) -> None:
        for body in self.queue.bodies(VISITS):
            self.queue.put(VISITS, body)

    async def close(self) -> None:
        self.queue.close()
        for opened in self._opened:
            await opened.close()
        with suppress(ResourceNotFoundError, ResourceExistsError):
            self._table.delete_table()
        for container in (self.name, f"{self.name}-{names.PREIMAGES}"):
            with suppress(ResourceNotFoundError):
                self._blobs.delete_container(container)
        self._table.close()
        self._blobs.close()


def _whole(entity: Any) -> bytes:
    return b"".join(entity[name] for name in sorted(entity) if name.startswith("body"))


def sqlite_in(folder: Path) -> Opening:
    """A new file in this folder for each schedule."""
    numbers = itertools.count()
    return lambda clock: OnSqlite(folder / f"{next(numbers)}.db", clock)


def azurite_at(connection: str) -> Opening:
    """New containers in this Azurite for each schedule."""
    return lambda clock: OnAzurite(connection, clock)
