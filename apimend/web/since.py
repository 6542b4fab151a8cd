"""
What has changed since a run: two runs of one instance, compared.

A replay by run makes the later one; nothing is read here but the two.
"""

from typing import Any

from apimend.model.plan import Change, CoverageFigures, Finding
from apimend.model.runs import Run
from apimend.report.plain import clean
from apimend.report.view import label


def compare(earlier: Run, later: Run) -> dict[str, Any]:
    """What is new, gone and as it was, of changes and findings; and coverage then and now."""
    return {
        "run": earlier.id,
        "since": earlier.ended.isoformat(),
        "later": {"run": later.id, "ended": later.ended.isoformat(), "result": later.result.value},
        "instance": later.instance.text,
        "samePlan": earlier.plan.digest == later.plan.digest,
        "changes": _parted(
            {each.id: _change(each, earlier) for each in earlier.plan.changes},
            {each.id: _change(each, later) for each in later.plan.changes},
        ),
        "findings": _parted(
            {_key(each): _finding(each, earlier) for each in earlier.plan.findings},
            {_key(each): _finding(each, later) for each in later.plan.findings},
        ),
        "coverage": {"then": _figures(earlier.plan.coverage), "now": _figures(later.plan.coverage)},
    }


def _parted(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        "new": [told for key, told in after.items() if key not in before],
        "gone": [told for key, told in before.items() if key not in after],
        "same": [told for key, told in after.items() if key in before],
    }


def _change(change: Change, run: Run) -> dict[str, str]:
    outcome = run.outcome_of(change.id)
    return {
        "id": change.id,
        "target": clean(label(change.target, run.instance)),
        "was": clean(change.was),
        "will": clean(change.will),
        "status": outcome.status.value if outcome else "planned",
    }


def _key(finding: Finding) -> str:
    return f"{finding.code} {finding.target.key} {finding.message}"


def _finding(finding: Finding, run: Run) -> dict[str, str]:
    return {
        "code": finding.code,
        "severity": finding.severity.word,
        "target": clean(label(finding.target, run.instance)),
        "message": clean(finding.message),
    }


def _figures(figures: CoverageFigures | None) -> dict[str, int] | None:
    if figures is None:
        return None
    return {"covered": figures.covered, "total": figures.total, "percent": figures.percent}
