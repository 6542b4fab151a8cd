"""
One storage account opened: three clients on one connection pool, and each container in its place.

Called by `apimend.wiring`, through the package. Azure's own retries serve short outages; they sleep on the injected
clock, and what lasts longer goes back to the queue.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry
from azure.storage.queue.aio import QueueClient

from apimend.ports import Clock, Record, Records
from apimend.settings import AzureStorage
from apimend.storage import names
from apimend.storage.azure.blobs import BlobLeaseStore, BlobRecords
from apimend.storage.azure.queues import QueueMessages
from apimend.storage.azure.tables import TableRecords
from apimend.storage.stores import Storage, assemble

NAME = "apimend"

MAY_BE_LARGE = frozenset({names.NOTES, names.RUNS, names.ORDERS, names.PARKED, names.WALKS})
"""These go into blobs; all other containers but that of the pre-images into the table."""

# `UseDevelopmentStorage=true` is what the Functions host takes for Azurite on its usual ports; the Python libraries
# don't know it. The key is public: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
_DEVELOPMENT = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
# aiohttp sends bytes in one piece and warns of more than this, so that large bodies go up in blocks.
_PIECES = {"max_single_put_size": 2**20, "max_block_size": 2**20}
_RETRIES = {"initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1, "retry_total": 2}
_TABLE_RETRIES = {"retry_backoff_factor": 0.5, "retry_backoff_max": 5, "retry_total": 2}


class ClockedTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core loads it lazily, so it has no type
    """The aiohttp transport with injected time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(connection_timeout=10, read_timeout=60)
        self._clock = clock

    async def sleep(self, duration: float) -> None:
        """What Azure's retries wait by."""
        await self._clock.sleep(duration)

    async def close(self) -> None:
        """Let the connections go, and the event loop see it: it may end right after this."""
        await super().close()
        await asyncio.sleep(0)  # noqa: TID251 - yields to the loop, takes no time


class ClockedRetry(ExponentialRetry):
    """Retries of blob calls. A client of one blob wraps the transport, and the wrapper sleeps in real time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(initial_backoff=1, increment_base=2, random_jitter_range=1, retry_total=2)
        self._clock = clock

    async def sleep(self, settings: Any, transport: Any) -> None:
        """Wait for the next try."""
        await self._clock.sleep(self.get_backoff_time(settings))


class PlacedRecords:
    """Each container where it belongs: the table, the blobs, or the blobs for pre-images (rules.md R27)."""

    def __init__(self, *, small: Records, large: Records, preimages: Records) -> None:
        self._small = small
        self._large = large
        self._preimages = preimages

    def _place(self, container: str) -> Records:
        if container == names.PREIMAGES:
            return self._preimages
        return self._large if container in MAY_BE_LARGE else self._small

    async def get(self, container: str, key: str) -> Record | None:
        """The document; None where there is none."""
        return await self._place(container).get(container, key)

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        """Write the document; the new etag."""
        return await self._place(container).put(container, key, body, etag=etag)

    async def delete(self, container: str, key: str) -> None:
        """Remove the document, if it is there."""
        await self._place(container).delete(container, key)

    def list(
        self, container: str, prefix: str = "", *, limit: int | None = None, start: str = ""
    ) -> AsyncIterator[Record]:
        """The documents whose key begins with `prefix`, and is not before `start`, in the order of their keys."""
        return self._place(container).list(container, prefix, limit=limit, start=start)


def open_azure(
    account: AzureStorage, *, clock: Clock, credential: AsyncTokenCredential | None = None, name: str = NAME
) -> Storage:
    """
    Storage in an account, by connection string or by identity; nothing is called before it is needed.

    `name` is that of table and blob containers, so that two deployments can share an account.
    """
    transport = ClockedTransport(clock)
    access = _Access(account, credential, transport)
    blobs = access.client(BlobServiceClient, account.blob_url, retry_policy=ClockedRetry(clock), **_PIECES)
    table = access.client(TableClient, account.table_url, table_name=name, **_TABLE_RETRIES)

    def queue(queue_name: str) -> QueueClient:
        client: QueueClient = access.client(QueueClient, account.queue_url, queue_name=queue_name, **_RETRIES)
        return client

    records = PlacedRecords(
        small=TableRecords(table),
        large=BlobRecords(blobs, name),
        preimages=BlobRecords(blobs, f"{name}-{names.PREIMAGES}"),
    )
    return assemble(
        records=records,
        messages=QueueMessages(queue),
        leases=BlobLeaseStore(blobs, name),
        clock=clock,
        close=transport.close,
    )


@dataclass(frozen=True)
class _Access:
    """How clients get into the account: by connection string, or else with an identity."""

    account: AzureStorage
    credential: AsyncTokenCredential | None
    transport: ClockedTransport

    def client(self, kind: Any, url: str, **options: Any) -> Any:
        """A client on the shared connections."""
        if not self.account.connection_string:
            return kind(url, credential=self.credential, transport=self.transport, **options)
        connection = self.account.connection_string
        if "usedevelopmentstorage=true" in connection.casefold().replace(" ", ""):
            connection = _DEVELOPMENT
        return kind.from_connection_string(connection, transport=self.transport, **options)
