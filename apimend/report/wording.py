"""
The sentences of a report: what a run of each kind is called, what it says first, what comes next.

The view takes them; renderers never write sentences of their own about a run. Doing nothing has its sentence too.
"""

from collections.abc import Sequence

from apimend.model.desired import Mode
from apimend.model.plan import CoverageFigures, Finding, Severity
from apimend.model.runs import Result, Run, Status
from apimend.report.kinds import CERTIFICATE_CODES, FIGHT_DETECTED, NEGOTIATION_LOST, WAIVER_CODES, NoticeKind
from apimend.report.plain import count, listing


def title(kind: NoticeKind, run: Run) -> str:
    """A few words, without the name of the instance."""
    changes = len(run.plan.changes)
    applied, failed, refused = (_number(run, s) for s in (Status.APPLIED, Status.FAILED, Status.REFUSED))
    titles = {
        NoticeKind.NO_CHANGES: "No changes",
        NoticeKind.PLAN: f"{count(changes, 'change')} planned",
        NoticeKind.APPROVAL_NEEDED: f"{count(changes, 'change')} {'waits' if changes == 1 else 'wait'} for approval",
        NoticeKind.STARTED: f"{count(changes, 'change')} under way",
        NoticeKind.APPLIED: f"{count(applied, 'change')} applied",
        NoticeKind.PARTIALLY_APPLIED: f"{applied} of {count(changes, 'change')} applied",
        NoticeKind.REFUSED: f"{count(refused, 'change')} refused" if refused else "Nothing was written",
        NoticeKind.FINDINGS: f"{count(_serious(run), 'finding')} {'needs' if _serious(run) == 1 else 'need'} a person",
        NoticeKind.FAILED: f"{failed} of {count(changes, 'change')} failed" if failed else "The visit failed",
        NoticeKind.UNDONE: f"{count(applied, 'change')} taken back" if applied else "Changes taken back",
        NoticeKind.NEGOTIATION_LOST: "Callers are being turned away",
        NoticeKind.FIGHT_DETECTED: "Another writer keeps changing this back",
        NoticeKind.WAIVER_EXPIRING: _about(run, WAIVER_CODES, "waiver"),
        NoticeKind.CERTIFICATE_EXPIRING: _about(run, CERTIFICATE_CODES, "certificate"),
        NoticeKind.NO_LONGER_MANAGED: "Nothing declares this instance any more",
        NoticeKind.NOT_MANAGED: "Nothing declares this instance",
        NoticeKind.GONE: "The instance is gone",
        NoticeKind.DIGEST: "Digest",
    }
    return titles[kind]


def sentence(kind: NoticeKind, run: Run, declared: str) -> str:
    """What a reader has to know if nothing else is read."""
    if kind in (NoticeKind.NEGOTIATION_LOST, NoticeKind.FIGHT_DETECTED):
        return _message(run, {NEGOTIATION_LOST, FIGHT_DETECTED})
    if kind is NoticeKind.FAILED:
        return run.error or _first_reason(run, Status.FAILED)
    if kind is NoticeKind.REFUSED:
        return _first_reason(run, Status.REFUSED)
    if kind is NoticeKind.NO_CHANGES:
        return _no_changes(run)
    sentences = {
        NoticeKind.PLAN: "Nothing was written. This is what Apimend would do.",
        NoticeKind.APPROVAL_NEEDED: "Nothing is written until someone approves exactly these changes.",
        NoticeKind.STARTED: "A stage starts when the one before is live. Nothing to do for you.",
        NoticeKind.APPLIED: "All changes are in place.",
        NoticeKind.PARTIALLY_APPLIED: f"{_tally(run)}. What is left is told below.",
        NoticeKind.FINDINGS: "Nothing was written. Apimend leaves this to you.",
        NoticeKind.UNDONE: "The state from before the run is back, where nobody changed it since.",
        NoticeKind.WAIVER_EXPIRING: "Nothing changes by itself: afterwards, the next plan asks for approval.",
        NoticeKind.CERTIFICATE_EXPIRING: "Nothing was written. Renew it before callers are turned away.",
        NoticeKind.NO_LONGER_MANAGED: "It is left exactly as it is: checks stay, and nobody keeps them in order.",
        NoticeKind.NOT_MANAGED: "It was looked at and left alone: no entry of the desired state selects it.",
        NoticeKind.GONE: "The service does not exist any more. Nothing was done.",
    }
    return sentences[kind]


def steps(kind: NoticeKind, run: Run, declared: str) -> Sequence[str]:
    """What a person can do next about a run of this kind."""
    place = f" at {declared}" if declared else ""
    if kind is NoticeKind.PLAN and run.mode is Mode.REPORT:
        return [f"To have it applied: mode ask or enforce{place}, and APIMEND_MODE_CEILING no lower."]
    if kind is NoticeKind.NO_LONGER_MANAGED:
        return ["Declare it again, or take the checks out with: apimend release " + run.instance.text]
    return []


def coverage(figures: CoverageFigures) -> str:
    """Coverage as a fraction in words."""
    if figures.total == 0:
        return "no operations"
    return f"{figures.covered:,} of {count(figures.total, 'operation')}"


def _no_changes(run: Run) -> str:
    if run.result is not Result.CONVERGED:
        reasons = [*(outcome.why for outcome in run.outcomes), *(finding.message for finding in run.plan.findings)]
        return " ".join(["Nothing new was written.", *filter(None, reasons[:1])])
    figures = run.plan.coverage
    rest = f" {coverage(figures).capitalize()} turn away callers without an allowed certificate." if figures else ""
    findings = f" {count(len(run.plan.findings), 'finding')} noted." if run.plan.findings else ""
    return f"{run.instance.name} is as declared.{rest}{findings}"


def _serious(run: Run) -> int:
    return sum(finding.severity >= Severity.MEDIUM for finding in run.plan.findings)


def _about(run: Run, codes: frozenset[str], noun: str) -> str:
    """`A certificate expires soon`, `2 waivers expire soon`, or that one has expired already."""
    found = [finding.code for finding in run.plan.findings if finding.code in codes]
    expired = sum(code.endswith("expired") for code in found)
    number = expired or len(found)
    subject = f"A {noun}" if number == 1 else count(number, noun)
    if expired:
        return f"{subject} {'has' if number == 1 else 'have'} expired"
    return f"{subject} {'expires' if number == 1 else 'expire'} soon"


def _tally(run: Run) -> str:
    words = [f"{_number(run, status)} {status.value}" for status in Status if _number(run, status)]
    return listing(words).capitalize()


def _number(run: Run, status: Status) -> int:
    return sum(outcome.status is status for outcome in run.outcomes)


def _first_reason(run: Run, status: Status) -> str:
    return next((outcome.why for outcome in run.outcomes if outcome.status is status and outcome.why), "")


def _message(run: Run, codes: set[str]) -> str:
    findings: Sequence[Finding] = run.plan.findings
    return next((finding.message for finding in findings if finding.code in codes), "")
