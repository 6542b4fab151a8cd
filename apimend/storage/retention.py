"""
Forgets what is older than it has to be kept, so that storage does not grow for ever.

The timer's function calls it after a sweep. It goes through what is old once a day, a bounded number at a time, and
keeps, whatever its age, what somebody may still need: the last write to each resource with its pre-image and run (so
that what stands in force can be taken back), writes that a crash left open, and the runs that open orders are about. It
deletes index rows last: whoever dies in between finds the rest again, and a row that leads nowhere is passed over.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from apimend.model.errors import Unreadable
from apimend.model.ids import ResourceId
from apimend.model.runs import Status
from apimend.ports import Clock, Ledger, Record, Records
from apimend.storage import codec, names
from apimend.storage.names import join

NOTE = "tidied"
"""The ledger's note of the day on which everything old was gone through."""

AT_ONCE = 500
"""Documents that one sweep forgets at the most: a function has ten minutes, and there is a next sweep."""

LINK_DAYS = 7
"""Days that the record of an approval's link outlives the link, so that whoever comes late is told why."""

_WRITTEN = (Status.APPLIED.value, Status.PENDING.value)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """How many of each were forgotten."""

    writes: int = 0
    runs: int = 0
    orders: int = 0
    parked: int = 0
    links: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.writes + self.runs + self.orders + self.parked + self.links


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Keeps runs, writes, orders and parked messages for so many days."""

    records: Records
    ledger: Ledger
    clock: Clock
    days: int

    async def tidy(self, *, at_once: int = AT_ONCE) -> Forgotten:
        """Forget what is old: once a day, or again at the next call where that was more than `at_once`."""
        now = self.clock.now()
        today = now.date().isoformat()
        if await self.ledger.noted(NOTE) == today:
            return Forgotten()
        tidying = _Tidying(self.records, now - timedelta(days=self.days), now, left=at_once)
        await tidying.all()
        if tidying.left > 0:
            await self.ledger.note(NOTE, today)
        if tidying.done.total:
            _log.info("storage.tidied", **vars(tidying.done))
        return tidying.done


@dataclass
class _Tidying:
    """One tidying. `left` is how many documents it may still forget."""

    records: Records
    before: datetime
    now: datetime
    left: int
    done: Forgotten = Forgotten()
    ordered: frozenset[str] = frozenset()
    """The runs that open orders are about."""

    async def all(self) -> None:
        self.ordered = frozenset([run async for run in self._ordered()])
        await self._writes()
        await self._runs()
        await self._parked()
        await self._links()

    async def _ordered(self) -> AsyncIterator[str]:
        async for row in self.records.list(names.OPEN_ORDERS):
            found = await self._content(names.ORDERS, await self._refers_to(row), "ordered")
            order = found.get("order")
            if isinstance(order, dict) and order.get("run"):
                yield str(order["run"])

    async def _writes(self) -> None:
        """By resource, newest first."""
        rows = [row async for row in self.records.list(names.WRITES)]
        for _, found in groupby(rows, key=lambda row: row.key.split(".")[:2]):
            of_one = list(found)
            if self._is_old(of_one[-1].key.split(".")[2]):
                await self._writes_to_one(of_one)

    async def _writes_to_one(self, rows: Sequence[Record]) -> None:
        """What is old goes, but for the last write that took effect and what came after it."""
        standing = False
        for row in rows:
            old = self._is_old(row.key.split(".")[2])
            if standing and not old:
                continue
            key = await self._refers_to(row)
            intent = await self._content(names.INTENTS, key, "intent")
            needed = not intent or not intent.get("closed") or intent.get("run") in self.ordered
            if old and standing and not needed and self.left > 0:
                await self._forget_write(row, key, intent)
            standing = standing or (intent.get("closed") in _WRITTEN and not intent.get("undone"))

    async def _forget_write(self, row: Record, key: str, intent: Mapping[str, object]) -> None:
        await self.records.delete(names.REQUESTS, names.digest(str(intent["request_id"]).casefold()))
        await self.records.delete(names.PREIMAGES, join(names.INTENTS, key))
        await self.records.delete(names.INTENTS, key)
        await self.records.delete(names.WRITES, row.key)
        self._count("writes")

    async def _runs(self) -> None:
        """Those whose writes are all forgotten, and that no open order is about; with the orders that they used up."""
        async for row in self.records.list(names.RUNS_NEWEST, start=names.newest_first(self.before)):
            if self.left <= 0:
                return
            key = await self._refers_to(row)
            run = await self._content(names.RUNS, key, "run")
            if not run or run.get("id") in self.ordered or await self._has_writes(key):
                continue
            await self._forget_orders(run)
            where = names.of_resource(ResourceId.of(str(run["instance"])))
            await self.records.delete(names.RUNS_OF_INSTANCE, join(where, row.key))
            await self.records.delete(names.PREIMAGES, join(names.RUNS, key))
            await self.records.delete(names.RUNS, key)
            await self.records.delete(names.RUNS_NEWEST, row.key)
            self._count("runs")

    async def _has_writes(self, key: str) -> bool:
        return bool([record async for record in self.records.list(names.INTENTS, join(key, ""), limit=1)])

    async def _forget_orders(self, run: Mapping[str, object]) -> None:
        """An order that stands, or that another run used up, is not this one's."""
        orders = run.get("orders")
        for id in orders if isinstance(orders, list) else ():
            key = names.part(str(id))
            if (await self._content(names.ORDERS, key, "ordered")).get("consumed_by") == run["id"]:
                await self.records.delete(names.ORDERS, key)
                self._count("orders")

    async def _parked(self) -> None:
        found = [record async for record in self.records.list(names.PARKED)]
        for record in found:
            at = _moment(_opened(record, "parked").get("at"))
            if at is not None and at < self.before and self.left > 0:
                await self.records.delete(names.PARKED, record.key)
                self._count("parked")

    async def _links(self) -> None:
        found = [record async for record in self.records.list(names.APPROVALS)]
        for record in found:
            over = _moment(_json(record).get("expires"))
            if over is not None and over + timedelta(days=LINK_DAYS) < self.now and self.left > 0:
                await self.records.delete(names.APPROVALS, record.key)
                self._count("links")

    async def _refers_to(self, row: Record) -> str:
        return str(_opened(row, "reference").get("key") or "nowhere")

    async def _content(self, container: str, key: str, form: str) -> Mapping[str, object]:
        """What a document says, less its texts; nothing where it is not there or can't be read: then it is kept."""
        record = await self.records.get(container, key)
        return {} if record is None else _opened(record, form)

    def _is_old(self, newest_first: str) -> bool:
        return newest_first > names.newest_first(self.before)

    def _count(self, what: str) -> None:
        self.left -= 1
        self.done = replace(self.done, **{what: getattr(self.done, what) + 1})


def _opened(record: Record, form: str) -> Mapping[str, object]:
    try:
        content = codec.open_envelope(form, record.body, name=record.key).content
    except Unreadable:
        return {}
    return content if isinstance(content, dict) else {}


def _json(record: Record) -> Mapping[str, object]:
    try:
        return codec.parse_object(record.body, name=record.key)
    except Unreadable:
        return {}


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
