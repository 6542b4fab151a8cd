"""
Messages that nobody could handle: kept where a person sees them, and acknowledged, so that they never loop.

The functions of the poison queues call it, and those that meet a message of an unknown form.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

import structlog

from apimend import telemetry
from apimend.ports import Clock, Records

_log = structlog.get_logger(__name__)
CONTAINER = "parked"
_VERSION = 1
_LONGEST = 65_536


@dataclass(frozen=True, kw_only=True)
class Parked:
    """One message: the queue it came from, its text (cut at 64 KiB), and why it could not be handled."""

    id: str
    queue: str
    text: str
    why: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Parking:
    """Where such messages are kept."""

    records: Records
    clock: Clock

    async def park(self, queue: str, text: str, why: str) -> Parked:
        """Keep a message."""
        now = self.clock.now()
        parked = Parked(id=f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4()}", queue=queue, text=text[:_LONGEST], why=why, at=now)
        body = {"v": _VERSION, "queue": parked.queue, "text": parked.text, "why": why, "at": now.isoformat()}
        await self.records.put(CONTAINER, parked.id, json.dumps(body).encode())
        telemetry.count("apimend.parked", {"queue": queue})
        _log.error("message.parked", queue=queue, why=why, parked=parked.id)
        return parked

    async def all(self, *, limit: int = 100) -> tuple[Parked, ...]:
        """What is kept, oldest first."""
        found = []
        async for record in self.records.list(CONTAINER, limit=limit):
            body = json.loads(record.body)
            at = datetime.fromisoformat(body["at"])
            found.append(Parked(id=record.key, queue=body["queue"], text=body["text"], why=body["why"], at=at))
        return tuple(found)

    async def forget(self, id: str) -> None:
        """Drop one, after it was replayed or thrown away."""
        await self.records.delete(CONTAINER, id)
