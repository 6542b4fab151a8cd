"""
A visit in the making: what was read, planned and done so far, and the verdict over it all.

Only `reconcile` makes and fills one. It decides nothing about writing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apimend.engine import settle
from apimend.engine.guard import BUSY_AGAIN
from apimend.engine.takeback import KINDS, TakeBack
from apimend.model.azure import Service
from apimend.model.desired import Desired, Mode
from apimend.model.errors import BadInput, Denied, Final, Throttled, TryLater, Unavailable, Unfinished
from apimend.model.plan import Finding, Plan, Severity, Stage
from apimend.model.posture import Assessment, PostureFigures
from apimend.model.runs import Cause, Handshake, Order, OrderKind, Outcome, Progress, Result, Run, Status, Trigger
from apimend.ports import InstanceReader, Remediator, Safety

_LATER = 60.0
_WALKED = "walked"
_WALKING = "walking"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_WALK_EVERY = timedelta(hours=24)
_FAILED_AGAIN, _FAILED_AGAIN_AT_MOST = 30.0, 900.0
_STUCK_AGAIN = 900.0
_CONFLICTS = "conflicts"
_CONFLICTS_IN_A_ROW = 3


@dataclass(kw_only=True)
class Look:
    """
    A visit in the making. `held` is how long Azure asked us to stay away; `troubled` says that it gave no answer.

    `taking_back` is the order that this visit carries out instead of the rules' plan.
    """

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
    held: float | None = None
    troubled: bool = False
    taking_back: TakeBack | None = None
    urgent: frozenset[str] = frozenset()
    unfinished: bool = False
    walks_since: datetime | None = None
    assessed: tuple[Assessment, ...] = ()
    posture: PostureFigures | None = None

    @property
    def touched(self) -> str:
        """What kind of thing below the instance the event was about (`apis/diagnostics`); empty for none."""
        touched = self.trigger.touched if self.trigger.cause is Cause.EVENT else None
        return "/".join(touched.below_instance.split("/")[::2]) if touched is not None else ""

    @property
    def carried(self) -> tuple[Order, ...]:
        """The orders that this visit carries out: one that takes something back, or all the others."""
        if self.taking_back is not None:
            return (self.taking_back.order,)
        return tuple(order for order in self.orders if order.kind not in KINDS or self.desired is None)

    @property
    def overruled(self) -> tuple[Order, ...]:
        """Approvals that are older than what a person takes back now: they would put it in force again."""
        if self.taking_back is None:
            return ()
        since = self.taking_back.order.at
        return tuple(order for order in self.orders if order.kind is OrderKind.APPROVE and order.at <= since)

    @property
    def sends_again(self) -> bool:
        """A person wants even what Azure refused to be sent once more; an approval alone says nothing of that."""
        return self.trigger.cause is Cause.COMMAND or any(order.kind is OrderKind.REPLAY for order in self.orders)

    @property
    def is_unhurried(self) -> bool:
        """Nobody waits for this visit's writes: a sweep, or a person who wants to know."""
        return self.is_asked_for or self.trigger.cause is Cause.SWEEP

    @property
    def is_asked_for(self) -> bool:
        """A person asked for this visit. Those that follow by themselves have no order any more."""
        return bool(self.orders) or self.trigger.cause is Cause.COMMAND

    @property
    def walks(self) -> bool:
        """Whether to ask every scope for its policy: for people, once a day on a sweep, and until it is done."""
        if self.walks_on:
            return True
        if self.trigger.cause is Cause.SWEEP:
            walked = self.progress.evidence.get(_WALKED)
            return walked is None or self.started - datetime.fromisoformat(walked) >= _WALK_EVERY
        return self.is_unhurried

    @property
    def walks_on(self) -> bool:
        """Whether an earlier visit began a walk that this one goes on with."""
        return bool(self.progress.evidence.get(_WALKING))

    def remember(self, evidence: Mapping[str, str]) -> None:
        """For the next visit; and when this one walked, or how far it got."""
        walked = {_WALKED: self.started.isoformat(), _WALKING: ""} if self.walks else {}
        walked = {_WALKING: (self.walks_since or _EVER).isoformat()} if self.unfinished else walked
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
        """Our own update is on its way, and nobody asked for a look: come back later without a run."""
        if self.service is None or self.desired is None:
            return False
        if any(order.kind is not OrderKind.APPROVE for order in self.orders):
            return False
        waits = self.service.busy and self.progress.update_since and not settle.has_failed(self.service)
        if not waits or settle.stuck(self.progress, self.service, self.started):
            return False
        self.again(BUSY_AGAIN)
        self.result = Result.PENDING
        return True

    def again(self, after: float) -> None:
        """Come back in so many seconds, or sooner."""
        self.next_visit = after if self.next_visit is None else min(self.next_visit, after)

    def later(self, error: TryLater) -> None:
        """The instance could not be read this time."""
        self.result = Result.PENDING if isinstance(error, Unfinished) else Result.FAILED
        self.error = str(error)
        self.put_off(error)

    def put_off(self, error: TryLater) -> None:
        """Something has to wait: as long as Azure says, and nobody but a person comes before that."""
        self.unfinished = self.unfinished or isinstance(error, Unfinished)
        self.again(error.after or _LATER)
        self.troubled = self.troubled or isinstance(error, Unavailable)
        if error.after is not None and isinstance(error, Throttled | Unavailable):
            self.held = max(self.held or 0.0, error.after)

    def conflicted(self, found: bool) -> None:
        """Conflicts in one visit after the other are no coincidence: from the fourth on the pauses grow."""
        evidence = dict(self.progress.evidence)
        before = int(evidence.pop(_CONFLICTS, "0"))
        if found:
            evidence[_CONFLICTS] = str(before + 1)
            self.troubled = self.troubled or before >= _CONFLICTS_IN_A_ROW
        self.progress = replace(self.progress, evidence=evidence)

    def slow_down(self) -> None:
        """One failure after the other makes the pauses longer, for this instance alone."""
        failed = self.result is Result.FAILED or self.troubled
        self.progress = replace(self.progress, failures=self.progress.failures + 1 if failed else 0)
        if self.progress.failures and self.next_visit is not None:
            pause = min(_FAILED_AGAIN * 2.0 ** (self.progress.failures - 1), _FAILED_AGAIN_AT_MOST)
            self.next_visit = max(self.next_visit, pause)
            self.held = self.next_visit if self.progress.failures > 1 else self.held
        if self.held is not None:
            self.next_visit = max(self.next_visit or 0.0, self.held)

    def stuck(self) -> None:
        """Our update takes longer than any that is known."""
        assert self.service is not None
        assert self.progress.update_since is not None
        hours = (self.started - self.progress.update_since).total_seconds() / 3600
        said = f"provisioningState {self.service.provisioning_state}, target {self.service.target_state or 'none'}"
        message = f"The update that was started {hours:.0f} hours ago has not ended: {said}."
        self.findings.append(finding("update_stuck", self, message, Severity.HIGH, why=_WAIT_FOR_AZURE))
        self.again(_STUCK_AGAIN)

    def update_failed(self, limit: int) -> None:
        """The last update of ours, or one that Azure shows on the service, did not go through."""
        said = self.progress.update_error or "Azure shows the service in the state Failed."
        tries = self.progress.update_failures
        why = _STOPPED if tries >= limit or not tries else "It is tried again after a pause."
        told = finding("update_failed", self, f"The service update failed: {said}", Severity.HIGH, why=why)
        self.findings.append(told)

    def too_long(self, seconds: float) -> Finding:
        """Nothing came of a visit, because it was ended."""
        message = f"The visit took longer than {seconds:.0f} seconds and was ended: the instance was not judged."
        return finding("visit_too_long", self, message, Severity.HIGH, why="It is tried again, after longer pauses.")

    @contextmanager
    def as_finding(self, code: str, message: str, severity: Severity) -> Iterator[None]:
        """What is looked at beside the rules may fail without ending the visit; it is said, and tried again."""
        try:
            yield
        except (TryLater, Final) as error:
            if isinstance(error, TryLater):
                self.put_off(error)
            told = finding(code, self, f"{message} {error}", severity)
            self.findings.append(told)
            self.tell([told])

    def hosts_missing(self, names: Sequence[str]) -> Finding:
        """Our update left hostnames out, or Azure did: callers of these are cut off, and nothing follows on it."""
        told = finding(
            "hostnames_lost",
            self,
            f"After the update the service no longer shows: {', '.join(names)}.",
            Severity.CRITICAL,
            why="Nothing is written before they are back. If they were taken out on purpose, replay the instance.",
        )
        return replace(told, blocks=frozenset({Stage.NEGOTIATE, Stage.VALIDATE}))

    def tell(self, findings: Sequence[Finding]) -> None:
        """More findings for the plan, whose changes and figures stay."""
        if findings:
            plan = Plan.of(self.plan.changes, (*self.plan.findings, *findings))
            self.plan = replace(plan, coverage=self.plan.coverage, coverage_after=self.plan.coverage_after)

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

    def not_carried_out(self, order: Order) -> None:
        """An order for an instance that nothing declares, or whose declaration can't be read: nothing is written."""
        why = "Nothing that can be read declares the instance, and then nothing is written. Declare it first."
        told = finding(
            "order_refused",
            self,
            f"The order {order.kind.value} of {order.by} was not carried out.",
            Severity.HIGH,
            why=why,
        )
        self.plan = Plan.of(self.plan.changes, (*self.plan.findings, told))

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
            orders=tuple(order.id for order in self.carried),
            declared=str(self.desired.place) if self.desired else "",
            error=self.error,
            calls=self.reader.calls,
            next_visit=self.next_visit,
            handshakes=self.handshakes,
            posture=self.posture,
        )

    def remembered(self, run: Run) -> Progress:
        """What the next visit should know."""
        managed = self.progress.managed or self.desired is not None
        heard = run.ended if self.trigger.cause is Cause.EVENT else self.progress.heard
        known = replace(self.progress, seen=run.ended, heard=heard, last_result=run.result.value, managed=managed)
        read = self.result not in (None, Result.FAILED) and not self.unfinished
        if self.service is not None and self.desired is not None and read:
            known = replace(
                known,
                negotiated=settle.is_negotiated(self.service, self.plan),
                checked=settle.is_checked(self.plan),
            )
        figures = self.plan.coverage
        return replace(known, coverage=(figures.covered, figures.total)) if figures else known


def walks_since(progress: Progress, orders: Sequence[Order], trigger: Trigger, now: datetime) -> datetime | None:
    """Since when answers to a walk count: for a person since he asked, and so until that walk is done; else any do."""
    begun = progress.evidence.get(_WALKING)
    asked = [order.at for order in orders] + ([datetime.fromisoformat(begun)] if begun else [])
    return now if trigger.cause is Cause.COMMAND else max(asked, default=None)


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
    """
    An approval stands until all it covers is gone from the plan, or it has lapsed; the others are for one visit,
    unless that one could not even look and will be made again.
    """
    if order.kind is not OrderKind.APPROVE:
        return not (run.error and run.next_visit is not None)
    lapsed = order.expires is not None and order.expires <= run.started
    return lapsed or not (
        run.error
        or any(change.id in order.changes and _still_open(run.outcome_of(change.id)) for change in run.plan.changes)
    )


def _still_open(outcome: Outcome | None) -> bool:
    return outcome is None or outcome.status is not Status.APPLIED


def lowest(modes: Sequence[Mode | None]) -> Mode | None:
    given = [mode for mode in modes if mode is not None]
    return min(given) if given else None


def unread(rule: Remediator[Any], look: Look, error: Exception, severity: Severity) -> Finding:
    denied, unfinished = isinstance(error, Denied), isinstance(error, Unfinished)
    said = str(error) if isinstance(error, TryLater | Final) else type(error).__name__
    code = "walk_unfinished" if unfinished else "rule_failed"
    waits = frozenset({Stage.VALIDATE}) if unfinished else frozenset({Stage.NEGOTIATE, Stage.VALIDATE})
    return Finding(
        code="rule_denied" if denied else code,
        target=look.trigger.instance,
        remediator=rule.name,
        severity=severity,
        message=f"{rule.name} could not look: {said}",
        why_left="The next visit goes on there." if unfinished else "What can't be read is not written.",
        steps=(f"It needs: {', '.join(sorted(rule.reads))}.",) if denied else (),
        blocks=frozenset() if rule.safety is Safety.REPORT_ONLY else waits,
    )


_WAIT_FOR_AZURE = "Azure lets nobody change the service meanwhile. Ask its support, with the time of the update."
_STOPPED = "We stopped trying. Mend the cause, then replay the instance."


def finding(
    code: str, look: Look, message: str, severity: Severity, *, why: str = "What can't be read is not written."
) -> Finding:
    return Finding(
        code=code,
        target=look.trigger.instance,
        remediator="engine",
        severity=severity,
        message=message,
        why_left=why,
    )
