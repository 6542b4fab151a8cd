"""
What was told last of an instance on a route, so that nothing is told twice, and how much a route got lately.

Kept as notes in the ledger. Two deliveries at once may both count themselves as the same one of a window: then a
route gets a card more than its limit, and nothing is lost.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from apimend.model.ids import InstanceId
from apimend.model.runs import Run, Status
from apimend.ports import Ledger
from apimend.report.kinds import NoticeKind, kind_of

_EACH_IS_NEWS = frozenset({NoticeKind.APPLIED, NoticeKind.PARTIALLY_APPLIED, NoticeKind.UNDONE})
_NEVER = "0001-01-01T00:00:00+00:00"


@dataclass(frozen=True, kw_only=True)
class Told:
    """The run that was told last, and what it said. An empty `said` after a visit that found all in order."""

    run: str = ""
    said: str = ""
    started: str = _NEVER


@dataclass(frozen=True, kw_only=True)
class Window:
    """How many cards a route got since a moment, and whether a digest of the others is queued."""

    since: str = _NEVER
    cards: int = 0
    digest: bool = False

    def ends(self, length: timedelta) -> datetime:
        """When the count begins anew."""
        return datetime.fromisoformat(self.since) + length


class Memory:
    """The notes about what was told."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def told(self, route: str, instance: InstanceId) -> Told:
        """What was told last of an instance on a route."""
        return Told(**await self._read(_key("told", route, instance.key)))

    async def tell(self, route: str, run: Run, said: str) -> None:
        """Note what was told, or, with an empty text, that there is nothing to tell any more."""
        told = Told(run=run.id, said=said, started=run.started.isoformat())
        await self._ledger.note(_key("told", route, run.instance.key), json.dumps(asdict(told)))

    async def window(self, route: str) -> Window:
        """The current window of a route."""
        return Window(**await self._read(_key("window", route)))

    async def keep_window(self, route: str, window: Window) -> None:
        """Note the window of a route."""
        await self._ledger.note(_key("window", route), json.dumps(asdict(window)))

    async def held(self, route: str, instance: InstanceId) -> str:
        """The run of an instance that waits for the route's digest."""
        return await self._ledger.noted(_key("held", route, instance.key))

    async def hold(self, route: str, instance: InstanceId, run: str) -> None:
        """Let a run wait for the route's digest; with an empty text, none waits any more."""
        await self._ledger.note(_key("held", route, instance.key), run)

    async def day(self, route: str) -> str:
        """The day of the last daily digest."""
        return await self._ledger.noted(_key("day", route))

    async def keep_day(self, route: str, day: str) -> None:
        """Note the day of the daily digest."""
        await self._ledger.note(_key("day", route), day)

    async def _read(self, key: str) -> dict[str, Any]:
        text = await self._ledger.noted(key)
        return dict(json.loads(text)) if text else {}


def said_by(run: Run) -> str:
    """
    What a run says, as a digest: two runs that say the same need one card.

    Every run that wrote is news. Others say the same when kind, plan and findings are the same; numbers in the
    wording of a finding (days left) do not count.
    """
    kind = kind_of(run)
    findings = sorted((finding.code, finding.target.key, int(finding.severity)) for finding in run.plan.findings)
    failed = sorted(outcome.change for outcome in run.outcomes if outcome.status is Status.FAILED)
    parts = [kind.value, run.id if kind in _EACH_IS_NEWS else run.plan.digest, findings, failed]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _key(*parts: str) -> str:
    return "notice/" + "/".join(parts)
