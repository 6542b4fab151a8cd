"""
What a run is about, in the eyes of the person who reads of it: one kind for each run, or none.

The kind is chosen from the run's result and the codes of its findings; every renderer takes its heading, its
colour and its buttons from it. The codes are those that the engine and the rules put into findings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from apimend.model.plan import Severity
from apimend.model.runs import Result, Run, Status

NEGOTIATION_LOST = "negotiation_lost"
FIGHT_DETECTED = "fight_detected"
NO_LONGER_MANAGED = "no_longer_managed"
WAIVER_CODES = frozenset({"waiver_expiring", "waiver_expired"})
CERTIFICATE_CODES = frozenset({"certificate_expiring", "certificate_expired", "vault_certificate_expired"})


class NoticeKind(Enum):
    """What the reader is told. The values stand in queue messages and JSON and never change their meaning."""

    NO_CHANGES = "no_changes"
    PLAN = "plan"
    APPROVAL_NEEDED = "approval_needed"
    STARTED = "started"
    APPLIED = "applied"
    PARTIALLY_APPLIED = "partially_applied"
    REFUSED = "refused"
    FINDINGS = "findings"
    FAILED = "failed"
    UNDONE = "undone"
    NEGOTIATION_LOST = "negotiation_lost"
    FIGHT_DETECTED = "fight_detected"
    WAIVER_EXPIRING = "waiver_expiring"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    NO_LONGER_MANAGED = "no_longer_managed"
    NOT_MANAGED = "not_managed"
    GONE = "gone"
    DIGEST = "digest"

    @property
    def look(self) -> "Look":
        """How this kind is shown."""
        return _LOOKS[self]

    @property
    def is_news(self) -> bool:
        """Whether people are told of it without asking."""
        return self not in (NoticeKind.NO_CHANGES, NoticeKind.NOT_MANAGED, NoticeKind.GONE)


class Tone(Enum):
    """The colour of a heading; the values are the container styles of an Adaptive Card."""

    NEUTRAL = "emphasis"
    ACCENT = "accent"
    GOOD = "good"
    WARNING = "warning"
    ATTENTION = "attention"

    @property
    def colour(self) -> str:
        """The colour of words in this tone."""
        return "default" if self is Tone.NEUTRAL else self.value


@dataclass(frozen=True, kw_only=True)
class Look:
    """
    The heading, the colour and the least severity of a kind. `title_needs_it`: the title alone would not tell the kind.
    """

    label: str
    tone: Tone
    severity: Severity = Severity.INFO
    title_needs_it: bool = False


_LOOKS: Mapping[NoticeKind, Look] = {
    NoticeKind.NO_CHANGES: Look(label="No changes", tone=Tone.GOOD),
    NoticeKind.PLAN: Look(label="Dry run", tone=Tone.ACCENT, severity=Severity.MEDIUM, title_needs_it=True),
    NoticeKind.APPROVAL_NEEDED: Look(label="Approval needed", tone=Tone.WARNING, severity=Severity.MEDIUM),
    NoticeKind.STARTED: Look(label="Under way", tone=Tone.ACCENT),
    NoticeKind.APPLIED: Look(label="Applied", tone=Tone.GOOD),
    NoticeKind.PARTIALLY_APPLIED: Look(label="Partially applied", tone=Tone.WARNING, severity=Severity.MEDIUM),
    NoticeKind.REFUSED: Look(label="Refused", tone=Tone.WARNING, severity=Severity.MEDIUM),
    NoticeKind.FINDINGS: Look(label="Left alone", tone=Tone.WARNING, severity=Severity.MEDIUM, title_needs_it=True),
    NoticeKind.FAILED: Look(label="Failed", tone=Tone.ATTENTION, severity=Severity.HIGH),
    NoticeKind.UNDONE: Look(label="Undone", tone=Tone.NEUTRAL, severity=Severity.LOW),
    NoticeKind.NEGOTIATION_LOST: Look(
        label="Negotiation lost", tone=Tone.ATTENTION, severity=Severity.CRITICAL, title_needs_it=True
    ),
    NoticeKind.FIGHT_DETECTED: Look(
        label="Fight detected", tone=Tone.ATTENTION, severity=Severity.HIGH, title_needs_it=True
    ),
    NoticeKind.WAIVER_EXPIRING: Look(label="Waiver expiring", tone=Tone.WARNING, severity=Severity.LOW),
    NoticeKind.CERTIFICATE_EXPIRING: Look(label="Certificate expiring", tone=Tone.WARNING, severity=Severity.MEDIUM),
    NoticeKind.NO_LONGER_MANAGED: Look(label="No longer managed", tone=Tone.NEUTRAL, severity=Severity.MEDIUM),
    NoticeKind.NOT_MANAGED: Look(label="Not managed", tone=Tone.NEUTRAL),
    NoticeKind.GONE: Look(label="Gone", tone=Tone.NEUTRAL),
    NoticeKind.DIGEST: Look(label="Digest", tone=Tone.NEUTRAL),
}

_OF_RESULT: Mapping[Result, NoticeKind] = {
    Result.CONVERGED: NoticeKind.NO_CHANGES,
    Result.PLANNED: NoticeKind.PLAN,
    Result.ASKED: NoticeKind.APPROVAL_NEEDED,
    Result.APPLIED: NoticeKind.APPLIED,
    Result.PENDING: NoticeKind.STARTED,
    Result.PARTIAL: NoticeKind.PARTIALLY_APPLIED,
    Result.REFUSED: NoticeKind.REFUSED,
    Result.FAILED: NoticeKind.FAILED,
    Result.UNDONE: NoticeKind.UNDONE,
    Result.GONE: NoticeKind.GONE,
    Result.UNMANAGED: NoticeKind.NOT_MANAGED,
}

_BY_CODE: Mapping[str, NoticeKind] = {
    NEGOTIATION_LOST: NoticeKind.NEGOTIATION_LOST,
    FIGHT_DETECTED: NoticeKind.FIGHT_DETECTED,
    NO_LONGER_MANAGED: NoticeKind.NO_LONGER_MANAGED,
}
_WROTE = frozenset({Status.APPLIED, Status.PENDING})
_IN_TURN = frozenset({Status.APPLIED, Status.PENDING, Status.DEFERRED})


def kind_of(run: Run) -> NoticeKind:
    """
    The one kind of a run: callers locked out first, then what became of the plan, then what its findings say.
    """
    codes = {finding.code for finding in run.plan.findings}
    for code, kind in _BY_CODE.items():
        if code in codes:
            return kind
    kind = _OF_RESULT[run.result]
    if run.outcomes or not run.plan.is_empty:
        return _on_its_way(run, kind)
    quiet = kind in (NoticeKind.NO_CHANGES, NoticeKind.PLAN, NoticeKind.REFUSED, NoticeKind.STARTED)
    return _of_findings(run, codes) if quiet else kind


def severity_of(run: Run) -> Severity:
    """How much a run matters: that of its kind, or of its worst finding."""
    return max([kind_of(run).look.severity, *(finding.severity for finding in run.plan.findings)])


def _on_its_way(run: Run, kind: NoticeKind) -> NoticeKind:
    """A run that did its part while the rest waits for its turn is no partial success; one that only waits no news."""
    found = {outcome.status for outcome in run.outcomes}
    if kind is NoticeKind.PARTIALLY_APPLIED and found <= _IN_TURN:
        return NoticeKind.STARTED
    if kind is NoticeKind.STARTED and not found & _WROTE:
        return NoticeKind.NO_CHANGES
    return kind


def _of_findings(run: Run, codes: set[str]) -> NoticeKind:
    """What the findings of a visit without changes are about, if it is anything that a person must hear."""
    serious = {finding.code for finding in run.plan.findings if finding.severity >= Severity.MEDIUM}
    if serious - WAIVER_CODES - CERTIFICATE_CODES:
        return NoticeKind.FINDINGS
    if codes & CERTIFICATE_CODES:
        return NoticeKind.CERTIFICATE_EXPIRING
    return NoticeKind.WAIVER_EXPIRING if codes & WAIVER_CODES else NoticeKind.NO_CHANGES
