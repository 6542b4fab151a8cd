"""
A run as JSON, for programs: `--output json`, the HTTP API, and the data of outgoing events.

The schema is `docs/run.schema.json`. Keys are only added within a version; a program may rely on all others.
There is no pre-image in it, and of a policy only what the diff shows.
"""

from typing import Any

from apimend.model.plan import CoverageFigures
from apimend.report.plain import clean
from apimend.report.view import ChangeView, FindingView, RunView

VERSION = 1
MOST_IN_AN_EVENT = 100
"""Changes, and findings, in the data of one outgoing event, which Event Grid bounds at 1 MB."""

MOST_APIS = 200
"""APIs whose coverage is told one by one, the least covered first."""

_LENGTHY = frozenset({"diff", "handOff", "noHandOff"})


def render(view: RunView) -> dict[str, Any]:
    """The run as JSON-able values."""
    return {
        "version": VERSION,
        **summary(view),
        "changes": [_change(change) for change in view.changes],
        "findings": [_finding(finding) for finding in view.findings],
        "apis": _apis(view.coverage.before if view.coverage else None),
        "uncovered": _uncovered(view.coverage.before if view.coverage else None),
        "notes": list(view.notes),
        "nextSteps": list(view.next_steps),
        "calls": dict(view.calls),
        "nextVisitSeconds": view.next_visit,
        "observed": [
            {"host": h.host, "asks": h.asks, "versions": list(h.versions), "canary": h.canary, "why": h.why}
            for h in view.handshakes
        ],
    }


def event_data(view: RunView) -> dict[str, Any]:
    """The run for an outgoing event: without diffs and snippets, and with `omitted` counting what is left out."""
    whole = render(view)
    for name in ("changes", "findings"):
        items = whole[name][:MOST_IN_AN_EVENT]
        whole[name] = [{key: value for key, value in item.items() if key not in _LENGTHY} for item in items]
    whole["omitted"] = {
        "changes": len(view.changes) - len(whole["changes"]),
        "findings": len(view.findings) - len(whole["findings"]),
    }
    return whole


def summary(view: RunView) -> dict[str, Any]:
    """The head of a run: what a list of runs shows of each."""
    return {
        "run": view.run,
        "kind": view.kind.value,
        "result": view.result,
        "title": view.title,
        "summary": view.sentence,
        "severity": view.severity.word,
        "instance": view.instance_id,
        "mode": view.mode.word,
        "declared": view.declared,
        "trigger": {
            "cause": view.cause.value,
            "by": view.by,
            "eventId": view.event_id,
            "operation": view.operation,
            "touched": view.touched,
        },
        "started": view.started.isoformat(),
        "ended": view.ended.isoformat(),
        "digest": view.digest,
        "counts": {status.value: number for status, number in view.counts.items()},
        "coverage": {
            "before": _figures(view.coverage.before if view.coverage else None),
            "after": _figures(view.coverage.after if view.coverage else None),
        },
        "posture": _posture(view),
        "expected": {"minutes": list(view.minutes), "downtime": list(view.downtime)},
        "error": view.error,
        "link": view.pages.run,
    }


def _posture(view: RunView) -> dict[str, Any] | None:
    if view.posture is None:
        return None
    return {
        "score": view.posture.score,
        "verdicts": dict(view.posture.verdicts),
        "families": [{"family": family, "score": points} for family, points in view.posture.families],
        "raises": list(view.posture.raises),
        "newlyFailing": list(view.posture.failing),
        "mended": list(view.posture.mended),
        "whole": view.posture.whole,
    }


def _figures(figures: CoverageFigures | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    return {
        "covered": figures.covered,
        "total": figures.total,
        "percent": figures.percent,
        "verdicts": dict(figures.verdicts),
    }


def _apis(figures: CoverageFigures | None) -> list[dict[str, Any]]:
    """The coverage of each API as it stands now, the least covered first."""
    found = sorted(figures.apis, key=lambda api: (api[1] - api[2], api[0])) if figures else ()
    return [{"api": name, "covered": covered, "total": total} for name, covered, total in found[:MOST_APIS]]


def _uncovered(figures: CoverageFigures | None) -> list[dict[str, Any]]:
    return [
        {
            "verdict": each.verdict,
            "api": clean(each.api),
            "operation": clean(each.operation),
            "operations": each.operations,
            "document": clean(each.document),
            "line": each.line,
            "reason": clean(each.reason),
        }
        for each in (figures.worst if figures else ())
    ]


def _change(change: ChangeView) -> dict[str, Any]:
    return {
        "id": change.id,
        "kind": change.kind,
        "target": change.target_id,
        "stage": change.stage.name.lower(),
        "remediator": change.remediator,
        "reason": change.reason,
        "was": change.was,
        "will": change.will,
        "minutes": list(change.minutes),
        "downtime": change.downtime,
        "outcome": {
            "status": change.status.value,
            "why": change.why,
            "afterSeconds": change.after,
            "code": change.code,
            "requestId": change.request_id,
        },
        "diff": [{"sign": line.sign.name.lower(), "text": line.text} for line in change.diff],
        "handOff": "\n".join(change.hand_off),
        "noHandOff": change.no_hand_off,
    }


def _finding(finding: FindingView) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.word,
        "target": finding.target_id,
        "remediator": finding.remediator,
        "message": finding.message,
        "whyLeft": finding.why_left,
        "steps": list(finding.steps),
        "handOff": "\n".join(finding.hand_off),
        "noHandOff": finding.no_hand_off,
        "blocks": [stage.lower() for stage in finding.blocks],
    }
