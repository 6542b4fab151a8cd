"""
A visit in the making: what was read, planned and done so far, and the verdict over it all.

Only `reconcile` makes and fills one. It decides nothing about writing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from apimend.engine import settle
from apimend.engine.guard import BUSY_AGAIN
from apimend.model.azure import Service
from apimend.model.desired import Desired, Mode
from apimend.model.errors import BadInput, Denied, Final, TryLater
from apimend.model.plan import Finding, Plan, Severity, Stage
from apimend.model.runs import Cause, Handshake, Order, OrderKind, Outcome, Progress, Result, Run, Status, Trigger
from apimend.ports import InstanceReader, Remediator

_LATER = 60.0
_WALKED = "walked"
_WALK_EVERY = timedelta(hours=24)


@dataclass(kw_only=True)
class Look:
    """A visit in the making."""

    trigger: Trigger
    id: str
    started: datetime
    reader: InstanceReader
    progress: Progress
    orders: Sequence[Order]
    requested: Mode | None = None
    service: Service | None = None
    desired: Desired | None = None
    plan: Plan = field(default_factory=Plan)
    findings: list[Finding] = field(default_factory=list)
    outcomes: tuple[Outcome, ...] = ()
    notes: list[str] = field(default_factory=list)
    result: Result | None = None
    mode: Mode | None = None
    error: str = ""
    next_visit: float | None = None
    handshakes: tuple[Handshake, ...] = ()

    @property
    def is_unhurried(self) -> bool:
        """Nobody waits for this visit's writes: a sweep, or a person who wants to know."""
        return self.trigger.cause not in (Cause.EVENT, Cause.FOLLOW_UP)

    @property
    def walks(self) -> bool:
        """Whether to ask every scope for its policy: for people, and once a day on a sweep."""
        if self.trigger.cause is Cause.SWEEP:
            walked = self.progress.evidence.get(_WALKED)
            return walked is None or self.started - datetime.fromisoformat(walked) >= _WALK_EVERY
        return self.is_unhurried

    def remember(self, evidence: Mapping[str, str]) -> None:
        """For the next visit; and when this one walked."""
        walked = {_WALKED: self.started.isoformat()} if self.walks else {}
        self.progress = replace(self.progress, evidence={**self.progress.evidence, **walked, **evidence})

    @property
    def thorough(self) -> bool:
        """Whether to look at what a plain event on the service doesn't call for."""
        return (
            self.trigger.cause is not Cause.EVENT
            or self.trigger.touched is None
            or bool(self.trigger.touched.below_instance)
        )

    @property
    def waits_for_update(self) -> bool:
        """Our own update is on its way, and nobody asked for anything: come back later without a run."""
        if self.service is None or self.desired is None or self.orders:
            return False
        if not (self.service.busy and self.progress.update_since) or settle.stuck(
            self.progress, self.service, self.started
        ):
            return False
        self.again(BUSY_AGAIN)
        self.result = Result.PENDING
        return True

    def again(self, after: float) -> None:
        """Come back in so many seconds, or sooner."""
        self.next_visit = after if self.next_visit is None else min(self.next_visit, after)

    def later(self, error: TryLater) -> None:
        """The instance could not be read this time."""
        self.result, self.error = Result.FAILED, str(error)
        self.again(error.after or _LATER)

    def failed(self, error: Final) -> None:
        """The instance can't be read at all."""
        self.result, self.error = Result.FAILED, str(error)
        self.plan = Plan.of((), (finding("instance_unreadable", self, str(error), Severity.HIGH),))

    def unreadable(self, error: BadInput) -> None:
        """The desired state has faults: fail closed, and say so."""
        self.result, self.error = Result.FAILED, str(error)
        self.plan = Plan.of((), (finding("desired_state_unreadable", self, str(error), Severity.CRITICAL),))

    def abandoned(self) -> None:
        """Nothing declares the instance any more, though something did: it is left as it is, and that is said."""
        told = finding(
            "no_longer_managed", self, f"Nothing declares {self.trigger.instance.name} any more.", Severity.MEDIUM
        )
        self.plan = Plan.of((), (replace(told, why_left="A change of selectors or tags never takes a check out."),))

    def run(self, *, ended: datetime, mode: Mode) -> Run:
        """The visit as a record."""
        result = self.result or (Result.UNMANAGED if self.desired is None else Result.CONVERGED)
        return Run(
            id=self.id,
            instance=self.service.id if self.service else self.trigger.instance,
            trigger=self.trigger,
            mode=mode,
            started=self.started,
            ended=ended,
            result=result,
            plan=self.plan,
            outcomes=self.outcomes,
            notes=tuple(dict.fromkeys(self.notes)),
            orders=tuple(order.id for order in self.orders),
            declared=str(self.desired.place) if self.desired else "",
            error=self.error,
            calls=self.reader.calls,
            next_visit=self.next_visit,
            handshakes=self.handshakes,
        )

    def remembered(self, run: Run) -> Progress:
        """What the next visit should know."""
        managed = self.progress.managed or self.desired is not None
        known = replace(self.progress, seen=run.ended, last_result=run.result.value, managed=managed)
        if self.service is not None and self.desired is not None and self.result not in (None, Result.FAILED):
            known = replace(
                known,
                negotiated=settle.is_negotiated(self.service, self.plan),
                checked=settle.is_checked(self.plan),
            )
        figures = self.plan.coverage
        return replace(known, coverage=(figures.covered, figures.total)) if figures else known


def result_of(look: Look) -> Result:
    found = {outcome.status for outcome in look.outcomes}
    if not found:
        blocked = any(finding.blocks for finding in look.plan.findings)
        return Result.REFUSED if blocked else Result.CONVERGED
    if Status.FAILED in found:
        return Result.PARTIAL if found & {Status.APPLIED, Status.PENDING} else Result.FAILED
    if Status.PENDING in found:
        return Result.PENDING
    if Status.APPLIED in found:
        return Result.APPLIED if found == {Status.APPLIED} else Result.PARTIAL
    if any(o.status is Status.PLANNED and "approval" in o.why for o in look.outcomes):
        return Result.ASKED
    if found == {Status.REFUSED}:
        return Result.REFUSED
    return Result.PLANNED if Status.PLANNED in found else Result.PENDING


def approves(order: Order, look: Look) -> bool:
    return order.kind is OrderKind.APPROVE and (order.expires is None or order.expires > look.started)


def is_done(order: Order, run: Run) -> bool:
    """An approval stands until all it covers is gone from the plan, or it has lapsed; the others are for one visit."""
    if order.kind is not OrderKind.APPROVE:
        return run.result is not Result.FAILED or run.next_visit is None
    lapsed = order.expires is not None and order.expires <= run.started
    return lapsed or not any(
        change.id in order.changes and _still_open(run.outcome_of(change.id)) for change in run.plan.changes
    )


def _still_open(outcome: Outcome | None) -> bool:
    return outcome is None or outcome.status is not Status.APPLIED


def lowest(modes: Sequence[Mode | None]) -> Mode | None:
    given = [mode for mode in modes if mode is not None]
    return min(given) if given else None


def unread(rule: Remediator[Any], look: Look, error: Exception, severity: Severity) -> Finding:
    denied = isinstance(error, Denied)
    said = str(error) if isinstance(error, TryLater | Final) else type(error).__name__
    return Finding(
        code="rule_denied" if denied else "rule_failed",
        target=look.trigger.instance,
        remediator=rule.name,
        severity=severity,
        message=f"{rule.name} could not look: {said}",
        why_left="What can't be read is not written.",
        steps=(f"It needs: {', '.join(sorted(rule.reads))}.",) if denied else (),
        blocks=frozenset({Stage.NEGOTIATE, Stage.VALIDATE}),
    )


def finding(code: str, look: Look, message: str, severity: Severity) -> Finding:
    return Finding(
        code=code,
        target=look.trigger.instance,
        remediator="engine",
        severity=severity,
        message=message,
        why_left="What can't be read is not written.",
    )
