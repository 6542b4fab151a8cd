"""
Records in a table: one partition for each container, the key as row key, the body in binary properties.

For what is small and often read: bells, progress, indexes, intents without their texts. A property takes 64 KiB, so
a body is cut into several; an entity takes 1 MiB.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from apimend.model.errors import Changed, Rejected, Unreadable
from apimend.ports import Record
from apimend.storage.azure.errors import CONDITION_NOT_MET, MISSING_PLACE, code_of, translated
from apimend.storage.names import AFTER_ALL_KEYS, check_place, check_prefix

PIECE = 60_000
MOST_PIECES = 15

_PREFIX = "PartitionKey eq @container and RowKey ge @first and RowKey lt @end"


class TableRecords:
    """Records in one table, which is made when it is first written to."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def get(self, container: str, key: str) -> Record | None:
        """The document; None where there is none."""
        check_place(container, key)
        with translated(f"Reading {container}/{key}"):
            try:
                return _record(await self._table.get_entity(container, key))
            except ResourceNotFoundError:
                return None

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        """Write the document; the new etag. Raises Changed where the condition doesn't hold."""
        check_place(container, key)
        entity = {"PartitionKey": container, "RowKey": key, **_pieces(container, key, body)}

        async def write() -> Mapping[str, Any]:
            if etag is None:
                return await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)
            if not etag:
                return await self._table.create_entity(entity)
            return await self._table.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )

        with translated(f"Writing {container}/{key}"):
            try:
                written = await self._made(write)
            except (ResourceExistsError, ResourceNotFoundError) as error:
                raise Changed(f"{container}/{key} is no longer what was read.") from error
            except HttpResponseError as error:
                if error.status_code != CONDITION_NOT_MET:
                    raise
                raise Changed(f"{container}/{key} is no longer what was read.") from error
        return str(written["etag"])

    async def delete(self, container: str, key: str) -> None:
        """Remove the document, if it is there."""
        check_place(container, key)
        with translated(f"Deleting {container}/{key}"):
            try:
                await self._table.delete_entity(container, key)
            except ResourceNotFoundError:
                return

    async def list(
        self, container: str, prefix: str = "", *, limit: int | None = None, start: str = ""
    ) -> AsyncIterator[Record]:
        """The documents whose key begins with `prefix`, from `start` on, in the order of their keys."""
        check_prefix(container, prefix)
        told = {"container": container, "first": max(prefix, start), "end": prefix + AFTER_ALL_KEYS}
        found = self._table.query_entities(_PREFIX, parameters=told, results_per_page=min(limit or 1000, 1000))
        count = 0
        with translated(f"Listing {container}"):
            try:
                async for entity in found:
                    if limit is not None and count >= limit:
                        return
                    count += 1
                    yield _record(entity)
            except ResourceNotFoundError:
                return

    async def _made(self, write: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        try:
            return await write()
        except HttpResponseError as error:
            if code_of(error) not in MISSING_PLACE:
                raise
        with suppress(ResourceExistsError):  # somebody else made it at the same moment
            await self._table.create_table()
        return await write()


def _pieces(container: str, key: str, body: bytes) -> dict[str, bytes]:
    if len(body) > PIECE * MOST_PIECES:
        raise Rejected(f"{container}/{key} has {len(body)} bytes; a table takes {PIECE * MOST_PIECES}.")
    starts = range(0, max(len(body), 1), PIECE)
    return {f"body{number:02d}": body[start : start + PIECE] for number, start in enumerate(starts)}


def _record(entity: Any) -> Record:
    key = str(entity["RowKey"])
    pieces = [entity[name] for name in sorted(entity) if name.startswith("body")]
    if not all(isinstance(piece, bytes) for piece in pieces):
        raise Unreadable(f"{entity['PartitionKey']}/{key}: Apimend did not write this.")
    return Record(key=key, body=b"".join(pieces), etag=str(entity.metadata["etag"]))
