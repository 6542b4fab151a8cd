"""
The sweep: what events did not tell. Every instance that we can see is rung, spread over time; overdue bells too.

The timer calls it, and the command line. It visits nothing itself. What it found is noted in the ledger, so that
`sweeps` can tell anybody how far the visits have come.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from apimend import telemetry
from apimend.engine import sweeps
from apimend.engine.deadletters import DeadLetters
from apimend.model.errors import Unreadable
from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Progress, Result, Trigger
from apimend.ports import Azure, Bells, Clock, Ledger

T = TypeVar("T")

_log = structlog.get_logger(__name__)
SWEPT_NOTE = "swept"
"""The ledger's note of when the last sweep ended, in ISO form."""

SPREAD = 1.0
"""Seconds between two instances, wherever they lie: Resource Graph takes 3 queries a second from us, and a visit asks
up to 3 (https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests)."""

VISIT_CALLS = 60
"""Reads that a visit is taken to make; one that makes more meets the shared buckets, and comes later."""

CALLS_PER_SECOND = 10.0
"""Reads a second that a sweep may plan for in one subscription: 40 % of the 25 that Resource Manager refills. The rest
is for events (https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling)."""

_AT_ONCE = 16
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """
    What a sweep found: instances rung, those that were new to us, those no longer seen, overdue bells.

    `blind` are declared subscriptions in which nothing can be seen, each with the reason; `seconds` is how long it
    takes until the last of the rung is due.
    """

    rung: tuple[InstanceId, ...]
    new: tuple[InstanceId, ...]
    vanished: tuple[InstanceId, ...]
    overdue: tuple[InstanceId, ...]
    blind: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Rings for all instances in the declared subscriptions (all readable ones where none is named)."""

    azure: Azure
    bells: Bells
    ledger: Ledger
    clock: Clock
    subscriptions: frozenset[str] = frozenset()
    dead_letters: DeadLetters | None = None
    park: Callable[[InstanceId, str], Awaitable[object]] | None = None

    async def sweep(self) -> Swept:
        """
        One sweep. Raises TryLater or Denied where Resource Graph or our own storage does not answer.

        Bells that could be rung are rung all the same.
        """
        started = self.clock.now()
        overdue = await self.bells.overdue()
        await _each(overdue, self._ring)
        seen = await self.azure.instances(self.subscriptions)
        known = {p.instance: p for p in await self.ledger.instances() if p.last_result != Result.GONE.value}
        swept = Swept(
            rung=seen,
            new=tuple(instance for instance in seen if instance not in known),
            vanished=tuple(sorted(known.keys() - set(seen))),
            overdue=overdue,
            blind=await self._blind(),
        )
        delays = spread(sorted((*seen, *swept.vanished), key=lambda instance: _last_look(known.get(instance))))
        await _each(delays.items(), lambda due: self._ring(due[0], after=due[1]))
        swept = replace(swept, seconds=max(delays.values(), default=0.0))
        await self._note(swept, known.values(), started)
        return swept

    async def _blind(self) -> dict[str, str]:
        """Declared subscriptions that we can't look into, or that Azure has switched off."""
        readable = await self.azure.subscriptions()
        states = {id: readable.get(id) for id in sorted(self.subscriptions or readable)}
        return {id: why for id, state in states.items() if (why := _why_blind(state))}

    async def _ring(self, instance: InstanceId, after: float = 0.0) -> None:
        """One that can't be rung, because its bell can't be read, is put where people see it, and stops no other."""
        trigger = Trigger(cause=Cause.SWEEP, instance=instance, at=self.clock.now(), urgent=False)
        try:
            await self.bells.ring(trigger, after=after)
        except Unreadable as error:
            _log.error("sweep.not_rung", instance=str(instance), why=str(error))
            if self.park is not None:
                await self.park(instance, str(error))

    async def _note(self, swept: Swept, known: Collection[Progress], started: datetime) -> None:
        ended = self.clock.now()
        await self.ledger.note(SWEPT_NOTE, ended.isoformat())
        await sweeps.note(self.ledger, _record(swept, started, ended))
        for instance in swept.new:
            _log.info("sweep.instance_new", instance=str(instance))
        for instance in swept.vanished:
            _log.warning("sweep.instance_vanished", instance=str(instance))
        for id, why in swept.blind.items():
            _log.warning("sweep.subscription_blind", subscription=id, why=why)
        telemetry.measure("apimend.sweep.instances", len(swept.rung))
        telemetry.measure("apimend.sweep.overdue", len(swept.overdue))
        telemetry.measure("apimend.sweep.vanished", len(swept.vanished))
        looks = [progress.seen for progress in known if progress.seen is not None]
        telemetry.measure("apimend.sweep.age", (ended - min(looks)).total_seconds() if looks else 0.0)
        if self.dead_letters is not None:
            telemetry.measure("apimend.deadletters", await self.dead_letters.count())
        _log.info(
            "sweep.ended",
            seen=len(swept.rung),
            new=len(swept.new),
            vanished=len(swept.vanished),
            overdue=len(swept.overdue),
            blind=len(swept.blind),
            seconds=swept.seconds,
        )


def _record(swept: Swept, started: datetime, ended: datetime) -> sweeps.SweepRecord:
    return sweeps.SweepRecord(
        started=started,
        ended=ended,
        seen=len(swept.rung),
        overdue=len(swept.overdue),
        new_count=len(swept.new),
        vanished_count=len(swept.vanished),
        new=tuple(str(instance) for instance in swept.new[: sweeps.MOST_NAMES]),
        vanished=tuple(str(instance) for instance in swept.vanished[: sweeps.MOST_NAMES]),
        blind=swept.blind,
        seconds=swept.seconds,
    )


def spread(instances: Sequence[InstanceId]) -> dict[InstanceId, float]:
    """
    When each is due, in seconds from now: in the given order, below the limits of the tenant and of each subscription.
    """
    apart = max(SPREAD, VISIT_CALLS / CALLS_PER_SECOND)
    before: Counter[str] = Counter()
    delays: dict[InstanceId, float] = {}
    for position, instance in enumerate(instances):
        home = instance.subscription.casefold()
        delays[instance] = max(position * SPREAD, before[home] * apart)
        before[home] += 1
    return delays


def _last_look(progress: Progress | None) -> datetime:
    """Those never looked at go first, then those whose last look is the oldest."""
    return _NEVER if progress is None or progress.seen is None else progress.seen


def _why_blind(state: str | None) -> str:
    if state is None:
        return "It can't be read: the role Apimend Detect is not assigned there, the id is wrong, or it was moved."
    if state.casefold() in ("disabled", "deleted"):
        return f"Azure says that it is {state}: nothing in it can be changed."
    return ""


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """All of them, some at once. When some fail, the others are done before the first failure rises."""
    bound = asyncio.Semaphore(_AT_ONCE)

    async def one(item: T) -> None:
        async with bound:
            await work(item)

    for result in await asyncio.gather(*map(one, items), return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
