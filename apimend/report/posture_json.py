"""
A posture as JSON, for programs. Keys are only added within a version.
"""

from typing import Any

from apimend.model.posture import Evidence
from apimend.report.posture import ControlView, PostureView

VERSION = 1


def render(view: PostureView) -> dict[str, Any]:
    """The posture as JSON-able values."""
    return {
        "version": VERSION,
        "instance": view.instance.text,
        "score": view.score,
        "summary": view.sentence,
        "families": [{"family": family, "score": points} for family, points in view.families],
        "verdicts": {verdict.value: number for verdict, number in view.verdicts},
        "raises": [{"control": each.id, "title": each.title, "points": each.points} for each in view.raises],
        "trend": [{"day": day, "score": points} for day, points in view.trend],
        "looked": view.looked.isoformat() if view.looked else None,
        "read": view.read.isoformat() if view.read else None,
        "controls": [_control(each) for each in view.controls],
    }


def _control(each: ControlView) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "family": each.family,
        "title": each.title,
        "verdict": each.verdict.value,
        "severity": each.severity.word,
        "reason": each.reason,
        "until": each.until.isoformat() if each.until else None,
        "points": each.points,
        "why": each.why,
        "whatToDo": each.mend,
        "limits": each.limits,
        "handOff": "\n".join(each.hand_off),
        "noHandOff": each.no_hand_off,
        "mappings": {
            "mcsb": list(each.mcsb),
            "azurePolicy": list(each.policy),
            "psRule": list(each.psrule),
            "cis": list(each.cis),
            "others": list(each.others),
        },
        "read": each.read.isoformat(),
        "evidence": [_evidence(found) for found in each.evidence],
    }


def _evidence(found: Evidence) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "pointer": found.pointer,
        "observed": found.observed,
        "expected": found.expected,
        "ok": found.ok,
        "why": found.why,
        "severity": found.severity.word,
        "read": found.read.isoformat(),
        "apiVersion": found.api_version,
    }
