"""
What a person takes back by an order: a run (undo), our checks for a while (relax), or for good (release).

`reconcile` asks it for the plan instead of the rules', and tells it what became of it. Everything goes through the same
guards, the same pre-images and the same ledger as any other write.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from apimend.engine.checks import held, observing, taken_out
from apimend.engine.undo import ENGINE, Undo
from apimend.model.desired import Desired
from apimend.model.ids import InstanceId
from apimend.model.plan import Finding, Plan, Severity
from apimend.model.runs import Hold, Intent, Order, OrderKind, Outcome, Progress, Result, Status
from apimend.ports import InstanceReader, Ledger

KINDS = frozenset({OrderKind.UNDO, OrderKind.RELAX, OrderKind.RELEASE})
_RELAXED_FOR = timedelta(hours=4)
_DONE = (Status.APPLIED, Status.PENDING)
_NEVER = (Status.REFUSED.value, Status.FAILED.value)


@dataclass(kw_only=True)
class TakeBack:
    """One order being carried out. `plan` first; then `done` with what came of it."""

    order: Order
    run: str
    now: datetime
    reader: InstanceReader
    ledger: Ledger
    desired: Desired
    progress: Progress
    notes: list[str] = field(default_factory=list)
    _undo: Undo | None = None

    async def plan(self) -> Plan:
        """What the order would write, and what it can't, with the reasons."""
        if self.order.kind is OrderKind.UNDO:
            return await self._undoing()
        if self._lapsed:
            self.notes.append("The time to relax for was over before this visit: nothing was changed.")
            return Plan()
        documents = await held(self.reader, self.progress)
        reason = self.order.reason or f"{self.order.by} ordered it."
        if self.order.kind is OrderKind.RELAX:
            changes = observing([one for one in documents if one.enforcing], reason=reason)
        else:
            changes = taken_out(documents, reason=reason)
        if not changes:
            self.notes.append("No check of ours refuses callers." if documents else "No check of ours is there.")
        return Plan.of(changes, await self._not_ours())

    @property
    def at_once(self) -> bool:
        """Whether it waits for nothing: callers are let in by it."""
        return self.order.kind is OrderKind.RELAX

    @property
    def until(self) -> datetime:
        """Until when the checks stay relaxed."""
        return self.order.expires or self.order.at + _RELAXED_FOR

    async def done(self, plan: Plan, outcomes: Sequence[Outcome], progress: Progress) -> Progress:
        """Mark what was taken back, and hold it."""
        by_change = {change.id: change for change in plan.changes}
        written = [by_change[outcome.change] for outcome in outcomes if outcome.status in _DONE]
        if self._undo is not None:
            back = [*(self._undo.of[change.id] for change in written), *self._undo.restored]
            for intent in back:
                await self.ledger.close(replace(intent, undone=True))
            ended = tuple(hold for hold in progress.holds if hold.run != self.order.run)
            if len(ended) < len(progress.holds):
                self.notes.append("What that run held back is free again: the next visit does as the mode says.")
            took = (self._hold_on(intent) for intent in back if intent.closed not in _NEVER)
            return replace(progress, holds=(*ended, *took))
        if self._is_over(plan, outcomes):
            return replace(progress, holds=(*progress.holds, self._hold()))
        return progress

    def result(self, plan: Plan, outcomes: Sequence[Outcome]) -> Result:
        """How the order ended, in one word."""
        found = {outcome.status for outcome in outcomes}
        refused = plan.findings and not (self._undo and self._undo.restored)
        if self._lapsed or (not found and self.order.kind is OrderKind.UNDO and refused):
            return Result.REFUSED
        if Status.FAILED in found:
            return Result.PARTIAL if found & set(_DONE) else Result.FAILED
        if Status.DEFERRED in found:
            return Result.PENDING
        for status, result in ((Status.REFUSED, Result.REFUSED), (Status.PLANNED, Result.PLANNED)):
            if status in found:
                return Result.PARTIAL if found & set(_DONE) else result
        return Result.APPLIED if self.order.kind is OrderKind.RELAX else Result.UNDONE

    def is_finished(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether the order needs no other visit."""
        return not any(outcome.status is Status.DEFERRED for outcome in outcomes)

    async def _undoing(self) -> Plan:
        found = await self.ledger.run(self.order.run)
        if found is None or found.instance != self.reader.instance:
            return Plan.of((), (self._finding("undo_refused", f"There is no run {self.order.run} of this instance."),))
        self._undo = Undo(reader=self.reader, ledger=self.ledger, desired=self.desired, run=found.id)
        plan = await self._undo.plan()
        if plan.is_empty and not plan.findings:
            self.notes.append("Everything is as it was before that run.")
        return plan

    async def _not_ours(self) -> tuple[Finding, ...]:
        """What an order about our checks can't reach."""
        service = await self.reader.service()
        if service.tier.refuses_without and service.enable_client_certificate:
            what = "On Consumption the gateway itself refuses callers without a certificate."
            return (self._finding("relax_incomplete", what, "Set enableClientCertificate to false, or undo the run."),)
        return ()

    def _finding(self, code: str, message: str, why: str = "") -> Finding:
        instance: InstanceId = self.reader.instance
        return Finding(
            code=code, target=instance, remediator=ENGINE, severity=Severity.HIGH, message=message, why_left=why
        )

    @property
    def _lapsed(self) -> bool:
        return self.order.kind is OrderKind.RELAX and self.until <= self.now

    def _is_over(self, plan: Plan, outcomes: Sequence[Outcome]) -> bool:
        """Whether the checks are now as ordered: then no visit may change that."""
        return not self._lapsed and len(outcomes) == len(plan.changes) and all(o.status in _DONE for o in outcomes)

    def _hold(self) -> Hold:
        until = self.until if self.order.kind is OrderKind.RELAX else None
        return Hold(order=self.order.kind, by=self.order.by, at=self.now, run=self.run, until=until)

    def _hold_on(self, intent: Intent) -> Hold:
        return replace(self._hold(), kind=intent.kind, target=intent.target)


def first(orders: Sequence[Order]) -> Order | None:
    """The order to carry out now: what opens the door goes before what only tidies up, then the oldest."""
    found = [order for order in orders if order.kind in KINDS]
    return min(found, key=lambda order: (order.kind is not OrderKind.RELAX, order.at), default=None)
