"""
Postures as SARIF 2.1.0, for code scanning and other viewers: each control a rule with its help, each finding a result.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from apimend.model.plan import Severity
from apimend.model.posture import Evidence, Verdict
from apimend.report.posture import ControlView, PostureView

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORES = {
    Severity.INFO: "0.0",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
_KINDS = {
    Verdict.PASS: "pass",
    Verdict.ATTESTED: "pass",
    Verdict.NOT_APPLICABLE: "notApplicable",
    Verdict.UNKNOWN: "open",
    Verdict.WAIVED: "fail",
    Verdict.FAIL: "fail",
    Verdict.ATTESTATION_MISSING: "fail",
    Verdict.ATTESTATION_EXPIRED: "fail",
}


def render(views: Iterable[PostureView], *, version: str = "", help_url: str = "") -> dict[str, Any]:
    """One log with one run over all these instances. `help_url` is where docs/controls.md can be read."""
    views = tuple(views)
    rules = {each.id: each for view in views for each in view.controls}
    order = {id: index for index, id in enumerate(rules)}
    driver: dict[str, Any] = {
        "name": "Apimend",
        "rules": [_rule(each, help_url) for each in rules.values()],
    }
    if version:
        driver["version"] = version
    if help_url:
        driver["informationUri"] = help_url
    results = [result for view in views for each in view.controls for result in _results(view, each, order)]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(each: ControlView, help_url: str) -> dict[str, Any]:
    help_text = "\n\n".join(text for text in (each.why, f"What to do: {each.mend}", each.limits) if text)
    mapped = {
        "MCSB": each.mcsb, "Azure Policy": each.policy, "PSRule": each.psrule, "CIS": each.cis, "Others": each.others,
    }  # fmt: skip
    table = "\n".join(f"- {name}: {', '.join(ids)}" for name, ids in mapped.items() if ids)
    return {
        "id": each.id,
        "name": "".join(part.capitalize() for part in each.name.split("_")),
        "shortDescription": {"text": each.title},
        "fullDescription": {"text": each.why or each.title},
        "help": {"text": help_text, "markdown": f"{help_text}\n\n{table}".rstrip()},
        **({"helpUri": f"{help_url}#{each.id.lower()}-{each.name}"} if help_url else {}),
        "defaultConfiguration": {"level": _LEVELS[each.severity]},
        "properties": {
            "tags": ["security", each.family],
            "security-severity": _SCORES[each.severity],
            "mappings": {name: list(ids) for name, ids in mapped.items() if ids},
        },
    }


def _results(view: PostureView, each: ControlView, order: dict[str, int]) -> Iterator[dict[str, Any]]:
    places: tuple[Evidence | None, ...] = each.bad if each.verdict.is_bad else ()
    for found in places or (None,):
        yield _result(view, each, found, order)


def _result(view: PostureView, each: ControlView, found: Evidence | None, order: dict[str, int]) -> dict[str, Any]:
    kind = _KINDS[each.verdict]
    subject = found.subject if found else view.instance.text
    pointer = found.pointer if found else ""
    why = (found.why if found else "") or each.reason or each.title
    severity = found.severity if found and each.verdict is Verdict.FAIL else each.severity
    result: dict[str, Any] = {
        "ruleId": each.id,
        "ruleIndex": order[each.id],
        "kind": kind,
        "level": _LEVELS[severity] if kind == "fail" else "none",
        "message": {"text": why},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": f"azure{subject}"}},
                "logicalLocations": [
                    {"fullyQualifiedName": f"{subject}{'#' if pointer else ''}{pointer}", "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {"apimend/v1": _fingerprint(view, each, subject, pointer)},
        "properties": {"verdict": each.verdict.value, "read": each.read.isoformat()},
    }
    if found:
        result["properties"] |= {"observed": found.observed, "expected": found.expected}
    if each.verdict is Verdict.WAIVED:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": each.reason}]
    return result


def _fingerprint(view: PostureView, each: ControlView, subject: str, pointer: str) -> str:
    text = "\n".join((view.instance.key, each.id, subject.casefold(), pointer))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
