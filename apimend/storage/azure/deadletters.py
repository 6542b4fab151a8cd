"""
The container in which Event Grid leaves what it could not deliver: counted, shown, read and thrown away.

`wiring` loads it by name where storage is Azure's. Event Grid writes a blob for a batch, as
`SUBSCRIPTION/YEAR/MONTH/DAY/HOUR/guid.json`; nothing else is ours to read there.
https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import ContainerClient

from apimend.model.errors import Gone, Rejected
from apimend.ports import Clock
from apimend.settings import AzureStorage
from apimend.storage.azure.account import ClockedRetry, ClockedTransport
from apimend.storage.azure.errors import MISSING_PLACE, NOT_THERE, code_of, translated

CONTAINER = "deadletters"
MOST = 1000
"""Counted no further: one is an alert already."""

LARGEST = 16 * 1024 * 1024
"""Bytes of a blob that are read: Event Grid's batches are far below."""


class BlobDeadLetters:
    """Fulfils `engine.deadletters.DeadLetters`."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def names(self, *, limit: int = MOST) -> tuple[str, ...]:
        """The blobs, by name; none where nothing was ever written."""
        found: list[str] = []
        with translated("Listing dead letters"):
            try:
                async for name in self._container.list_blob_names():
                    found.append(str(name))
                    if len(found) >= limit:
                        break
            except HttpResponseError as error:
                if code_of(error) not in MISSING_PLACE:
                    raise
        return tuple(found)

    async def count(self) -> int:
        """How many blobs lie there, up to a thousand."""
        return len(await self.names())

    async def read(self, name: str) -> str:
        """The events of one blob. Raises Gone, or Rejected for one that is larger than any batch."""
        with translated(f"Reading the dead letter {name}"):
            try:
                stream = await self._container.download_blob(name)
                if stream.size > LARGEST:
                    raise Rejected(f"The dead letter {name} is larger than any batch of events.")
                body: Any = await stream.readall()
            except HttpResponseError as error:
                if error.status_code == NOT_THERE:
                    raise Gone(f"There is no dead letter {name!r}.") from error
                raise
        return bytes(body).decode(errors="replace")

    async def forget(self, name: str) -> None:
        """Delete one, if it is there."""
        with translated(f"Deleting the dead letter {name}"):
            try:
                await self._container.delete_blob(name)
            except HttpResponseError as error:
                if error.status_code != NOT_THERE:
                    raise

    async def close(self) -> None:
        """Let the connections go."""
        await self._container.close()


def open_dead_letters(
    account: AzureStorage, *, clock: Clock, credential: AsyncTokenCredential, container: str = CONTAINER
) -> BlobDeadLetters:
    """The container of an account, by identity or by connection string; nothing is called before it is needed."""
    given: dict[str, Any] = {"transport": ClockedTransport(clock), "retry_policy": ClockedRetry(clock)}
    if account.connection_string:
        return BlobDeadLetters(ContainerClient.from_connection_string(account.connection_string, container, **given))
    return BlobDeadLetters(ContainerClient(account.blob_url, container, credential=credential, **given))
