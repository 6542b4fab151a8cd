"""
The one computed view of a run: everything that a renderer shows, as clean text and numbers.

Text, JSON, card and page are made from it and from nothing else, so they can't contradict each other. It drops
nothing: what is left out for want of room, a renderer leaves out and says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from apimend.model.desired import Desired, Mode
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, CoverageFigures, Finding, Kind, Plan, Severity, Stage
from apimend.model.posture import PostureFigures, Verdict
from apimend.model.runs import Cause, Handshake, Outcome, Run, Status, Trigger
from apimend.report import diff, handoff, wording
from apimend.report.kinds import NoticeKind, kind_of, severity_of
from apimend.report.links import Links
from apimend.report.plain import clean, seconds

STAGE_WORDS: Mapping[Stage, str] = {
    Stage.PREPARE: "Prepare",
    Stage.NEGOTIATE: "Negotiate",
    Stage.VALIDATE: "Validate",
}

_FEW = 3
_CAN_BE_UNDONE = frozenset({NoticeKind.APPLIED, NoticeKind.PARTIALLY_APPLIED, NoticeKind.FAILED})
_PROMISED = frozenset({NoticeKind.PLAN, NoticeKind.APPROVAL_NEEDED, NoticeKind.STARTED, NoticeKind.APPLIED})


@dataclass(frozen=True, kw_only=True)
class ChangeView:
    """
    One change, and what became of it. `sign` is + for a creation, - for a deletion, ~ for anything else. Either there
    is a hand-off, or `no_hand_off` says why not.
    """

    id: str
    sign: str
    kind: str
    target: str
    target_id: str
    stage: Stage
    remediator: str
    reason: str
    was: str
    will: str
    minutes: tuple[int, int]
    downtime: str
    status: Status
    why: str
    after: float | None
    code: str
    request_id: str
    diff: tuple[diff.Line, ...]
    hand_off: tuple[str, ...]
    no_hand_off: str

    @property
    def stage_word(self) -> str:
        """The stage, for people."""
        return STAGE_WORDS[self.stage]


@dataclass(frozen=True, kw_only=True)
class FindingView:
    """One finding. `blocks` names the stages that it forbids; `no_hand_off` is why there is no snippet."""

    code: str
    severity: Severity
    target: str
    target_id: str
    remediator: str
    message: str
    why_left: str
    steps: tuple[str, ...]
    hand_off: tuple[str, ...]
    no_hand_off: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CoverageView:
    """
    How many operations are covered now and how many with all changes applied. `promised`: nothing stands in the way
    of these changes, so that the second figure may be shown as where it goes.
    """

    before: CoverageFigures
    after: CoverageFigures | None
    promised: bool

    @property
    def moves(self) -> bool:
        """Whether the changes alter anything about it."""
        after = self.after
        return after is not None and (after.covered, after.total) != (self.before.covered, self.before.total)

    @property
    def percent(self) -> str:
        """`5 % → 94 %`, or `5 %` alone."""
        arrow = f" → {self.after.percent} %" if self.after and self.moves and self.promised else ""
        return f"{self.before.percent} %{arrow}"

    @property
    def operations(self) -> str:
        """The same in operations, and what could be where something stands in the way."""
        if self.after is None or not self.moves:
            return wording.coverage(self.before)
        if self.promised:
            return wording.coverage(self.after)
        return f"{wording.coverage(self.before)}; {self.after.covered:,} with all changes"


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The links of one run; an empty text where a page makes no sense for it, or none is configured."""

    run: str = ""
    changes: str = ""
    findings: str = ""
    approve: str = ""
    undo: str = ""
    relax: str = ""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run as people see it. Every text is one harmless line; nothing is escaped for any format yet."""

    run: str
    kind: NoticeKind
    title: str
    sentence: str
    severity: Severity
    instance: str
    instance_id: str
    resource_group: str
    subscription: str
    mode: Mode
    result: str
    cause: Cause
    why: str
    by: str
    event_id: str
    operation: str
    touched: str
    started: datetime
    ended: datetime
    changes: tuple[ChangeView, ...]
    findings: tuple[FindingView, ...]
    coverage: CoverageView | None
    minutes: tuple[int, int]
    downtime: tuple[str, ...]
    notes: tuple[str, ...]
    next_steps: tuple[str, ...]
    error: str
    declared: str
    digest: str
    counts: Mapping[Status, int]
    calls: Mapping[str, int]
    next_visit: float | None
    handshakes: tuple[Handshake, ...]
    pages: Pages
    posture: PostureFigures | None = None

    @property
    def baseline(self) -> str:
        """How the security baseline stands, in one line: `9 fail, 6 unknown; newly N1 The gateway …`."""
        if self.posture is None:
            return ""
        bad = [f"{self.posture.verdicts.get(each.value, 0)} {each.value}" for each in (Verdict.FAIL, Verdict.UNKNOWN)]
        newly = f"; newly {', '.join(map(clean, self.posture.failing[:_FEW]))}" if self.posture.failing else ""
        return ", ".join(bad) + newly

    @property
    def observed(self) -> tuple[str, ...]:
        """What the hosts showed from outside, a sentence each."""
        return tuple(map(_shown, self.handshakes))

    @classmethod
    def of(cls, run: Run, desired: Desired | None = None, links: Links | None = None, *, token: str = "") -> "RunView":
        """
        The view of a run.

        `desired` adds where the instance is declared, if the run doesn't say. `token` is the secret of an
        approval link: it goes into that link and nowhere else.
        """
        kind = kind_of(run)
        changes = tuple(_change(change, run.outcome_of(change.id), run.instance) for change in run.plan.changes)
        findings = tuple(_finding(finding, run.instance) for finding in run.plan.findings)
        declared = clean(run.declared or (str(desired.place) if desired else ""))
        return cls(
            run=clean(run.id),
            kind=kind,
            title=wording.title(kind, run),
            sentence=clean(wording.sentence(kind, run, declared)),
            severity=severity_of(run),
            instance=clean(run.instance.name),
            instance_id=clean(run.instance.text),
            resource_group=clean(run.instance.resource_group),
            subscription=clean(run.instance.subscription),
            mode=run.mode,
            result=run.result.value,
            cause=run.trigger.cause,
            why=_why(run.trigger),
            by=clean(run.trigger.by),
            event_id=clean(run.trigger.event_id),
            operation=clean(run.trigger.operation),
            touched=clean(run.trigger.touched.text) if run.trigger.touched else "",
            started=run.started,
            ended=run.ended,
            changes=changes,
            findings=findings,
            coverage=_coverage(kind, run.plan),
            minutes=expected_minutes(run.plan),
            downtime=_once(clean(change.downtime) for change in run.plan.changes),
            notes=_notes(kind, run),
            next_steps=_next_steps(kind, run, declared),
            error=clean(run.error),
            declared=declared,
            digest=run.plan.digest,
            counts=_counts(changes),
            calls=dict(run.calls),
            next_visit=run.next_visit,
            handshakes=tuple(replace(h, host=clean(h.host), why=clean(h.why)) for h in run.handshakes),
            pages=_pages(kind, run, links or Links(), token),
            posture=run.posture,
        )

    @property
    def headline(self) -> str:
        """The title so that it can stand alone."""
        return f"{self.kind.look.label}. {self.title}." if self.kind.look.title_needs_it else self.title


def _shown(handshake: Handshake) -> str:
    if handshake.asks is None:
        return f"{handshake.host} can't be reached from here ({handshake.why})"
    asks = "asks for a certificate" if handshake.asks else "does not ask for a certificate"
    canary = f", canary without one: {handshake.canary}" if handshake.canary is not None else ""
    return f"{handshake.host} {asks} ({', '.join(handshake.versions)}){canary}"


def expected_minutes(plan: Plan) -> tuple[int, int]:
    """
    How long Azure is expected to take for a plan: the service changes go in one PATCH, a stage waits for the one
    before, and within a stage the slowest change counts.
    """
    service = [change.minutes for change in plan.changes if change.kind.on_service]
    stages = [
        [change.minutes for change in plan.changes if change.stage is stage and not change.kind.on_service]
        for stage in Stage
    ]
    groups = [group for group in (service, *stages) if group]
    return sum(max(low for low, _ in group) for group in groups), sum(
        max(high for _, high in group) for group in groups
    )


def label(target: ResourceId, instance: ResourceId) -> str:
    """A resource as people name it within its instance: `apis/orders`, `certificates/partner-a`, `service`."""
    if not target.within(instance):
        return target.text
    below = "/".join(target.text.split("/")[len(instance.text.split("/")) :])
    if below == "policies/policy":
        return "all APIs"
    return below.removesuffix("/policies/policy") or "service"


def _change(change: Change, outcome: Outcome | None, instance: InstanceId) -> ChangeView:
    outcome = outcome or Outcome(change=change.id, status=Status.PLANNED)
    lines = diff.of_policy(change.before, change.after) if change.kind is Kind.POLICY else ()
    told = handoff.of_change(change, lines)
    return ChangeView(
        id=change.id,
        sign="+" if change.before is None else "-" if change.after is None else "~",
        kind=change.kind.value,
        target=clean(label(change.target, instance)),
        target_id=clean(change.target.text),
        stage=change.stage,
        remediator=change.remediator,
        reason=clean(change.reason),
        was=clean(change.was),
        will=clean(change.will),
        minutes=change.minutes,
        downtime=clean(change.downtime),
        status=outcome.status,
        why=clean(outcome.why),
        after=outcome.after,
        code=clean(outcome.code),
        request_id=clean(outcome.request_id),
        diff=lines,
        hand_off=told.lines,
        no_hand_off=told.why_none,
    )


def _finding(finding: Finding, instance: ResourceId) -> FindingView:
    told = handoff.of_finding(finding)
    return FindingView(
        code=clean(finding.code),
        severity=finding.severity,
        target=clean(label(finding.target, instance)),
        target_id=clean(finding.target.text),
        remediator=finding.remediator,
        message=clean(finding.message),
        why_left=clean(finding.why_left),
        steps=tuple(map(clean, finding.steps)),
        hand_off=told.lines,
        no_hand_off=told.why_none,
        blocks=tuple(STAGE_WORDS[stage] for stage in sorted(finding.blocks)),
    )


def _coverage(kind: NoticeKind, plan: Plan) -> CoverageView | None:
    if plan.coverage is None:
        return None
    return CoverageView(before=plan.coverage, after=plan.coverage_after, promised=kind in _PROMISED)


def _why(trigger: Trigger) -> str:
    """Why the instance was visited and by whom, in one sentence without its full stop."""
    by = f" by {clean(trigger.by)}" if trigger.by else ""
    operation = clean(trigger.operation).removeprefix("Microsoft.ApiManagement/")
    doors = {
        Cause.EVENT: f"{operation or 'An event'}{by}",
        Cause.SWEEP: "The scheduled sweep",
        Cause.REPLAY: f"A replay{by}",
        Cause.ORDER: f"An order{by}",
        Cause.FOLLOW_UP: "A follow-up of an earlier visit",
        Cause.COMMAND: f"The command line{by}",
    }
    return doors[trigger.cause]


def _next_steps(kind: NoticeKind, run: Run, declared: str) -> tuple[str, ...]:
    steps = [clean(step) for finding in run.plan.findings for step in finding.steps]
    visit = [f"The next visit is in {seconds(run.next_visit)}."] if run.next_visit else []
    return _once([*wording.steps(kind, run, declared), *steps, *visit])


def _notes(kind: NoticeKind, run: Run) -> tuple[str, ...]:
    """The run's notes, and what made it ask: a mode, or a limit that was reached."""
    asked = [outcome.why for outcome in run.outcomes if outcome.status is Status.PLANNED]
    return _once(map(clean, [*(asked if kind is NoticeKind.APPROVAL_NEEDED else []), *run.notes]))


def _counts(changes: tuple[ChangeView, ...]) -> Mapping[Status, int]:
    counts = {status: sum(change.status is status for change in changes) for status in Status}
    return {status: number for status, number in counts.items() if number}


def _pages(kind: NoticeKind, run: Run, links: Links, token: str) -> Pages:
    wrote = kind in _CAN_BE_UNDONE and any(outcome.status is Status.APPLIED for outcome in run.outcomes)
    return Pages(
        run=links.run(run.id),
        changes=links.part(run.id, "changes"),
        findings=links.part(run.id, "findings"),
        approve=links.approve(run.id, token) if kind is NoticeKind.APPROVAL_NEEDED else "",
        undo=links.undo(run.id) if wrote else "",
        relax=links.relax(run.id) if kind is NoticeKind.NEGOTIATION_LOST else "",
    )


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def described(counts: Mapping[Status, int]) -> str:
    """The outcomes of a run in a few words: `2 applied, 1 refused`."""
    return ", ".join(f"{number:,} {status.value}" for status, number in counts.items())
