"""
What nobody could handle: kept where a person sees it, and acknowledged, so that it never loops.

The functions of the poison queues call it, those that meet a message or a ledger entry of an unknown form, and the
sweep. The same thing is kept once, however often it comes: a sweep meets an unreadable entry again each time, and
nobody is served by a second alert. It decides nothing about what was parked.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from apimend import telemetry
from apimend.model.errors import Changed, Unreadable
from apimend.model.ids import InstanceId
from apimend.ports import Clock, Record, Records
from apimend.storage import codec, names

_log = structlog.get_logger(__name__)
_LONGEST = 65_536
_PASSING = frozenset({"ticket", "tries"})
"""What differs between two messages that ask for the same."""


@dataclass(frozen=True, kw_only=True)
class Parked:
    """One thing: the queue it came from, its text (cut at 64 KiB), and why it could not be handled."""

    id: str
    queue: str
    text: str
    why: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Parking:
    """Where it is kept."""

    records: Records
    clock: Clock

    async def park(self, queue: str, text: str, why: str) -> Parked:
        """Keep a message; where it is kept already, for the same reason, nothing happens."""
        key = names.digest("\n".join((queue, _asked(text), why)))
        kept = Parked(id=key, queue=queue, text=text[:_LONGEST], why=why, at=self.clock.now())
        with suppress(Changed):
            await self.records.put(names.PARKED, key, codec.pack(kept).body, etag="")
            telemetry.count("apimend.parked", {"queue": queue})
            _log.error("message.parked", queue=queue, why=why, parked=key)
        return kept

    async def park_visit(self, instance: InstanceId, why: str) -> Parked:
        """Keep the wish to visit an instance: as its message would be, less a ticket."""
        text = json.dumps({"v": codec.VERSION, "instance": instance.text, "ticket": ""})
        return await self.park(names.VISITS_QUEUE, text, why)

    async def all(self, *, limit: int = 1000) -> tuple[Parked, ...]:
        """What is kept, oldest first. A record that can't be read itself is shown as it lies there."""
        found = [self._read(record) async for record in self.records.list(names.PARKED, limit=limit)]
        return tuple(sorted(found, key=lambda parked: parked.at))

    async def forget(self, id: str) -> None:
        """Drop one, after it was replayed or thrown away."""
        await self.records.delete(names.PARKED, id)

    def _read(self, record: Record) -> Parked:
        try:
            return replace(codec.read(Parked, record.body, name=f"Parked message {record.key}"), id=record.key)
        except Unreadable as error:
            text = record.body.decode(errors="replace")[:_LONGEST]
            return Parked(id=record.key, queue="", text=text, why=str(error), at=self.clock.now())


def _asked(text: str) -> str:
    """What a message asks for: itself, less what makes every message another one."""
    try:
        found = codec.parse_object(text, name="message")
    except Unreadable:
        return text
    return json.dumps({key: value for key, value in found.items() if key not in _PASSING}, sort_keys=True)
