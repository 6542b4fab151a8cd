"""
What is known of sweeps: the record of the last one, and how far the visits it asked for have come.

The sweep notes it; health and the command line ask `status`.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from apimend.model.runs import Result
from apimend.ports import Clock, Ledger

NOTE = "sweep"
_VERSION = 1
MOST_NAMES = 20
"""Names kept of new and vanished instances; the log has all of them."""


@dataclass(frozen=True, kw_only=True)
class SweepRecord:
    """The last sweep. `new` and `vanished` hold the first names, their counts stand beside."""

    started: datetime
    ended: datetime
    seen: int
    overdue: int
    new_count: int
    vanished_count: int
    new: tuple[str, ...]
    vanished: tuple[str, ...]
    blind: dict[str, str]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SweepStatus:
    """
    How the last sweep stands now: how many of its instances have been looked at since, and the oldest look at any.

    `never` counts instances that are known and were never looked at.
    """

    last: SweepRecord | None
    instances: int
    looked_at: int
    never: int
    oldest_look: datetime | None
    oldest_look_seconds: float | None

    def as_json(self) -> dict[str, Any]:
        """For health and for people."""
        last = self.last
        return {
            "startedAt": last.started.isoformat() if last else None,
            "endedAt": last.ended.isoformat() if last else None,
            "seen": last.seen if last else None,
            "overdueBells": last.overdue if last else None,
            "new": list(last.new) if last else [],
            "newCount": last.new_count if last else 0,
            "vanished": list(last.vanished) if last else [],
            "vanishedCount": last.vanished_count if last else 0,
            "blindSubscriptions": last.blind if last else {},
            "spreadSeconds": last.seconds if last else None,
            "instances": self.instances,
            "lookedAtSince": self.looked_at,
            "neverLookedAt": self.never,
            "oldestLookAt": self.oldest_look.isoformat() if self.oldest_look else None,
            "oldestLookSeconds": self.oldest_look_seconds,
        }


async def note(ledger: Ledger, record: SweepRecord) -> None:
    """Keep the record of a sweep."""
    body = asdict(record) | {"started": record.started.isoformat(), "ended": record.ended.isoformat()}
    await ledger.note(NOTE, json.dumps({"v": _VERSION, **body}))


async def last(ledger: Ledger) -> SweepRecord | None:
    """The last sweep; None where there was none, or its record is of another version."""
    try:
        body = json.loads(await ledger.noted(NOTE) or "{}")
        if body.pop("v", None) != _VERSION:
            return None
        return SweepRecord(
            started=datetime.fromisoformat(body["started"]),
            ended=datetime.fromisoformat(body["ended"]),
            seen=int(body["seen"]),
            overdue=int(body["overdue"]),
            new_count=int(body["new_count"]),
            vanished_count=int(body["vanished_count"]),
            new=tuple(map(str, body["new"])),
            vanished=tuple(map(str, body["vanished"])),
            blind={str(id): str(why) for id, why in body["blind"].items()},
            seconds=float(body["seconds"]),
        )
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


async def status(ledger: Ledger, clock: Clock) -> SweepStatus:
    """How the last sweep stands now."""
    record = await last(ledger)
    known = [p for p in await ledger.instances() if p.last_result != Result.GONE.value]
    looks = [progress.seen for progress in known if progress.seen is not None]
    oldest = min(looks, default=None)
    return SweepStatus(
        last=record,
        instances=len(known),
        looked_at=sum(1 for look in looks if record is None or look >= record.started),
        never=sum(1 for progress in known if progress.seen is None),
        oldest_look=oldest,
        oldest_look_seconds=(clock.now() - oldest).total_seconds() if oldest else None,
    )
