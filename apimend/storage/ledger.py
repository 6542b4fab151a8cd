"""
What is remembered: runs, intents with their pre-images, orders, progress, notes.

Called by the engine, the pages and the command line. A document is stored before the index row that leads to it, and
a row that leads nowhere is passed over: whoever dies in between leaves nothing half-said. Texts lie apart, in the
container for pre-images (see `codec`). Nothing here decides; it keeps and finds.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import structlog

from apimend.model.errors import Unreadable
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.runs import Intent, Order, Progress, Run
from apimend.ports import Record, Records
from apimend.storage import codec, names
from apimend.storage.names import AFTER_ALL_KEYS, join, newest_first, of_resource, oldest_first, part
from apimend.storage.together import together

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An index row: the key of the document that it leads to."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """A small fact of the whole tenant."""

    key: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """An order, and the run that consumed it."""

    order: Order
    consumed_by: str = ""


class StoredLedger:
    """The ledger, above any Records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def progress(self, instance: InstanceId) -> Progress:
        """What is remembered of an instance; an empty memory where it was never looked at."""
        found = await self._load(Progress, names.PROGRESS, of_resource(instance))
        return found or Progress(instance=instance)

    async def save_progress(self, progress: Progress) -> None:
        """Replace what is remembered. Only the holder of the instance's lease does this."""
        await self._save(names.PROGRESS, of_resource(progress.instance), progress)

    async def instances(self) -> tuple[Progress, ...]:
        """What is remembered of every instance that was ever looked at. One that can't be read is logged."""
        found: list[Progress] = []
        async for record in self._records.list(names.PROGRESS):
            try:
                found.append(await self._open(Progress, names.PROGRESS, record))
            except Unreadable as error:
                _unreadable(record, error)
        return tuple(found)

    async def intend(self, intent: Intent) -> None:
        """Before a write: the intent, with its pre-image, is durable when this returns."""
        key = _intent_key(intent)
        await self._save(names.INTENTS, key, intent)
        await self._refer(names.REQUESTS, names.digest(intent.request_id.casefold()), key)
        await self._refer(names.WRITES, _write_key(intent), key)
        await self._refer(names.OPEN_INTENTS, join(of_resource(intent.instance), key), key)

    async def close(self, intent: Intent) -> None:
        """
        After a write: what came of it. An intent that says nothing yet in `closed` stays open.

        The pre-image is not written again: it stays as `intend` left it, and a policy may forbid to change it.
        """
        key = _intent_key(intent)
        if intent.textless:
            await self._mark(key, intent)
        else:
            await self._records.put(names.INTENTS, key, codec.pack(intent).body)
        if intent.closed:
            await self._records.delete(names.OPEN_INTENTS, join(of_resource(intent.instance), key))

    async def open_intents(self, instance: InstanceId) -> tuple[Intent, ...]:
        """Writes that a crash left open, oldest first."""
        rows = [row async for row in self._records.list(names.OPEN_INTENTS, join(of_resource(instance), ""))]
        found = await self._intents(rows, texts=True)
        return tuple(sorted((intent for intent in found if not intent.closed), key=lambda intent: intent.at))

    async def intents(self, run: str) -> tuple[Intent, ...]:
        """The writes of a run, oldest first."""

        async def opened(record: Record) -> Intent:
            return await self._intent(record, texts=True)

        records = [record async for record in self._records.list(names.INTENTS, join(part(run), ""))]
        return tuple(await together(opened, records))

    async def wrote(
        self, instance: InstanceId, target: ResourceId, *, since: datetime | None = None, texts: bool = False
    ) -> tuple[Intent, ...]:
        """Our writes to one resource since then, newest first; with their texts only where these are asked for."""
        prefix = join(of_resource(instance), of_resource(target), "")
        end = prefix + (newest_first(since) + AFTER_ALL_KEYS if since else AFTER_ALL_KEYS)
        rows: list[Record] = []
        async for row in self._records.list(names.WRITES, prefix):
            if row.key > end:
                break
            rows.append(row)
        return await self._intents(rows, texts=texts)

    async def is_ours(self, request_id: str) -> bool:
        """Whether a client request id is that of one of our recorded writes."""
        if not request_id:
            return False
        return await self._records.get(names.REQUESTS, names.digest(request_id.casefold())) is not None

    async def save_run(self, run: Run) -> None:
        """Keep a run; saving it again replaces it."""
        key = part(run.id)
        await self._save(names.RUNS, key, run)
        newest = newest_first(run.started)
        await self._refer(names.RUNS_OF_INSTANCE, join(of_resource(run.instance), newest, key), key)
        await self._refer(names.RUNS_NEWEST, join(newest, key), key)

    async def run(self, id: str) -> Run | None:
        """The run with this id; None where there is none."""
        return await self._load(Run, names.RUNS, part(id))

    async def runs(self, instance: InstanceId | None = None, *, limit: int = 50) -> tuple[Run, ...]:
        """Runs, newest first. One that can't be read is logged and left out: it hides no other."""
        index, prefix = names.RUNS_NEWEST, ""
        if instance is not None:
            index, prefix = names.RUNS_OF_INSTANCE, join(of_resource(instance), "")

        async def follow(row: Record) -> Run | None:
            try:
                return await self._load(Run, names.RUNS, _reference(row))
            except Unreadable as error:
                _unreadable(row, error)
                return None

        rows = [row async for row in self._records.list(index, prefix, limit=limit)]
        return tuple(found for found in await together(follow, rows) if found is not None)

    async def add_order(self, order: Order) -> None:
        """Keep an order until a visit consumes it."""
        key = part(order.id)
        await self._save(names.ORDERS, key, Ordered(order=order))
        await self._refer(names.OPEN_ORDERS, _order_key(order), key)

    async def orders(self, instance: InstanceId) -> tuple[Order, ...]:
        """Orders that are not consumed, oldest first."""
        found = await self._behind(Ordered, names.ORDERS, names.OPEN_ORDERS, join(of_resource(instance), ""))
        return tuple(each.order for each in found if not each.consumed_by)

    async def order(self, id: str) -> tuple[Order, str] | None:
        """An order by its id, and the run that consumed it: empty while it stands."""
        found = await self._load(Ordered, names.ORDERS, part(id))
        return (found.order, found.consumed_by) if found else None

    async def consume(self, order: Order, run: str) -> None:
        """Note which run took the order up; it is not offered again."""
        await self._save(names.ORDERS, part(order.id), Ordered(order=order, consumed_by=run))
        await self._records.delete(names.OPEN_ORDERS, _order_key(order))

    async def note(self, key: str, value: str) -> None:
        """Keep a small fact of the whole tenant."""
        await self._save(names.NOTES, part(key), Note(key=key, value=value))

    async def noted(self, key: str) -> str:
        """The fact under this key; an empty text where there is none."""
        found = await self._load(Note, names.NOTES, part(key))
        return found.value if found else ""

    async def _save(self, container: str, key: str, value: object) -> None:
        packed = codec.pack(value)
        if packed.aside is not None:
            await self._records.put(names.PREIMAGES, join(container, key), packed.aside)
        await self._records.put(container, key, packed.body)

    async def _refer(self, index: str, row: str, key: str) -> None:
        await self._records.put(index, row, codec.pack(Reference(key=key)).body)

    async def _load(self, cls: type[T], container: str, key: str) -> T | None:
        record = await self._records.get(container, key)
        return None if record is None else await self._open(cls, container, record)

    async def _open(self, cls: type[T], container: str, record: Record) -> T:
        name = f"{cls.__name__} {record.key}"
        envelope = codec.open_envelope(codec.form_of(cls), record.body, name=name)
        aside = None
        if envelope.aside is not None:
            aside = await self._records.get(names.PREIMAGES, join(container, record.key))
        return codec.unpack(cls, envelope, aside.body if aside else None, name=name)

    async def _intents(self, rows: list[Record], *, texts: bool) -> tuple[Intent, ...]:
        async def follow(row: Record) -> Intent | None:
            record = await self._records.get(names.INTENTS, _reference(row))
            return None if record is None else await self._intent(record, texts=texts)

        return tuple(found for found in await together(follow, rows) if found is not None)

    async def _intent(self, record: Record, *, texts: bool) -> Intent:
        """An intent; without its texts where they have expired, as the storage's lifecycle does with pre-images."""
        name = f"Intent {record.key}"
        envelope = codec.open_envelope(codec.form_of(Intent), record.body, name=name)
        aside = None
        if texts and envelope.aside is not None:
            aside = await self._records.get(names.PREIMAGES, join(names.INTENTS, record.key))
        if envelope.aside is None or aside is not None:
            return codec.unpack(Intent, envelope, aside.body if aside else None, name=name)
        return replace(codec.unpack_less_texts(Intent, envelope, name=name), textless=True)

    async def _mark(self, key: str, intent: Intent) -> None:
        """What came of an intent whose texts aren't at hand: the rest of its document stays as it is."""
        record = await self._records.get(names.INTENTS, key)
        if record is not None:
            marks: dict[str, bool | str] = {
                "closed": intent.closed,
                "etag_after": intent.etag_after,
                "undone": intent.undone,
            }
            body = codec.amended(record.body, codec.form_of(Intent), marks, name=f"Intent {key}")
            await self._records.put(names.INTENTS, key, body)

    async def _behind(self, cls: type[T], container: str, index: str, prefix: str) -> tuple[T, ...]:
        async def follow(row: Record) -> T | None:
            return await self._load(cls, container, _reference(row))

        rows = [row async for row in self._records.list(index, prefix)]
        return tuple(found for found in await together(follow, rows) if found is not None)


def _unreadable(record: Record, error: Unreadable) -> None:
    # Only where people look at a list, which one bad document must not hide; a visit never passes one over.
    log.warning("ledger.unreadable", key=record.key, why=str(error))


def _intent_key(intent: Intent) -> str:
    return join(part(intent.run), oldest_first(intent.at), part(intent.id))


def _write_key(intent: Intent) -> str:
    where = (of_resource(intent.instance), of_resource(intent.target))
    return join(*where, newest_first(intent.at), part(intent.id))


def _order_key(order: Order) -> str:
    return join(of_resource(order.instance), oldest_first(order.at), part(order.id))


def _reference(record: Record) -> str:
    return codec.read(Reference, record.body, name=f"Index row {record.key}").key
