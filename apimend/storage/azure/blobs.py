"""
Records and leases in blobs.

For what may be large (runs, orders, pre-images: policies reach 256 KiB) and for leases, which only blobs have. A
container is made when it is first written to.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient, BlobServiceClient

from apimend.model.errors import Changed
from apimend.ports import Record
from apimend.storage.azure.errors import (
    CONDITION_NOT_MET,
    CONFLICT,
    MISSING_PLACE,
    NOT_THERE,
    code_of,
    translated,
)
from apimend.storage.names import check_place, check_prefix
from apimend.storage.together import AT_ONCE, together

T = TypeVar("T")


class _Blobs:
    """One blob container, made when it is first needed."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    def _blob(self, name: str) -> BlobClient:
        return self._container.get_blob_client(name)

    async def _made(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except HttpResponseError as error:
            if code_of(error) not in MISSING_PLACE:
                raise
        with suppress(ResourceExistsError):  # somebody else made it at the same moment
            await self._container.create_container()
        return await call()


class BlobRecords(_Blobs):
    """Records in one blob container: `container/key` is the blob's name."""

    async def get(self, container: str, key: str) -> Record | None:
        """The document; None where there is none."""
        check_place(container, key)
        with translated(f"Reading {container}/{key}"):
            try:
                stream = await self._blob(f"{container}/{key}").download_blob()
                body = await stream.readall()
            except ResourceNotFoundError:
                return None
            return Record(key=key, body=body, etag=str(stream.properties.etag))

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        """Write the document; the new etag. Raises Changed where the condition doesn't hold."""
        check_place(container, key)
        condition: dict[str, Any] = {"overwrite": etag != ""}
        if etag:
            condition |= {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with translated(f"Writing {container}/{key}"):
            try:
                written = await self._made(lambda: self._blob(f"{container}/{key}").upload_blob(body, **condition))
            except HttpResponseError as error:
                if error.status_code not in (CONFLICT, CONDITION_NOT_MET):
                    raise
                raise Changed(f"{container}/{key} is no longer what was read.") from error
        return str(written["etag"])

    async def delete(self, container: str, key: str) -> None:
        """Remove the document, if it is there."""
        check_place(container, key)
        with translated(f"Deleting {container}/{key}"):
            try:
                await self._blob(f"{container}/{key}").delete_blob()
            except ResourceNotFoundError:
                return

    async def list(
        self, container: str, prefix: str = "", *, limit: int | None = None, start: str = ""
    ) -> AsyncIterator[Record]:
        """The documents whose key begins with `prefix`, from `start` on, in order. One that goes meanwhile is not."""
        check_prefix(container, prefix)
        keys = [key for key in await self._keys(container, prefix) if key >= start][:limit]
        for first in range(0, len(keys), AT_ONCE):
            for record in await together(lambda key: self.get(container, key), keys[first : first + AT_ONCE]):
                if record is not None:
                    yield record

    async def _keys(self, container: str, prefix: str) -> tuple[str, ...]:
        with translated(f"Listing {container}"):
            try:
                found = self._container.list_blob_names(name_starts_with=f"{container}/{prefix}")
                return tuple([name.removeprefix(f"{container}/") async for name in found])
            except ResourceNotFoundError:  # the blob container was never written to
                return ()


class BlobLeaseStore(_Blobs):
    """Leases on empty blobs. They run out by Azure's clock, not ours."""

    async def acquire(self, name: str, seconds: int) -> str | None:
        """The token of a new lease; None while another one holds."""
        lease = BlobLeaseClient(self._blob(f"leases/{name}"))
        with translated(f"Leasing {name}"):
            try:
                await self._acquire(lease, name, seconds)
            except HttpResponseError as error:
                if error.status_code != CONFLICT:
                    raise
                return None
        return str(lease.id)

    async def renew(self, name: str, token: str) -> bool:
        """Whether the lease is still ours: then it holds as long again."""
        with translated(f"Renewing the lease on {name}"):
            try:
                await BlobLeaseClient(self._blob(f"leases/{name}"), lease_id=token).renew()
            except HttpResponseError as error:
                if error.status_code not in (CONFLICT, CONDITION_NOT_MET, NOT_THERE):
                    raise
                return False
        return True

    async def release(self, name: str, token: str) -> None:
        """Give it back. Nothing happens if it is no longer ours."""
        with translated(f"Releasing the lease on {name}"):
            try:
                await BlobLeaseClient(self._blob(f"leases/{name}"), lease_id=token).release()
            except HttpResponseError as error:
                if error.status_code not in (CONFLICT, CONDITION_NOT_MET, NOT_THERE):
                    raise

    async def _acquire(self, lease: BlobLeaseClient, name: str, seconds: int) -> None:
        try:
            await lease.acquire(lease_duration=seconds)
        except ResourceNotFoundError:
            try:
                await self._made(lambda: self._blob(f"leases/{name}").upload_blob(b"", overwrite=False))
            except HttpResponseError as error:
                if error.status_code not in (CONFLICT, CONDITION_NOT_MET):  # made, or even leased, by somebody else
                    raise
            await lease.acquire(lease_duration=seconds)
