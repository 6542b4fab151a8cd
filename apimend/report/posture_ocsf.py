"""
A posture as OCSF 1.5.0 Compliance Findings, one for each control, for a SIEM.

https://schema.ocsf.io/1.5.0/classes/compliance_finding?profiles=cloud
"""

import hashlib
from typing import Any

from apimend.model.plan import Severity
from apimend.model.posture import Evidence, Verdict
from apimend.report.posture import ControlView, PostureView

VERSION = "1.5.0"
_CLASS, _CATEGORY, _UPDATE = 2003, 2, 2
_SEVERITIES = {
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_STATUSES = {
    Verdict.PASS: (1, "Pass"),
    Verdict.ATTESTED: (1, "Pass"),
    Verdict.UNKNOWN: (2, "Warning"),
    Verdict.ATTESTATION_MISSING: (3, "Fail"),
    Verdict.ATTESTATION_EXPIRED: (3, "Fail"),
    Verdict.FAIL: (3, "Fail"),
    Verdict.WAIVED: (99, "Waived"),
    Verdict.NOT_APPLICABLE: (99, "Not applicable"),
}
_NEW, _SUPPRESSED, _RESOLVED, _OTHER = (1, "New"), (3, "Suppressed"), (4, "Resolved"), (99, "Not applicable")


def render(view: PostureView) -> list[dict[str, Any]]:
    """A finding for each control."""
    return [_finding(view, each) for each in view.controls]


def _finding(view: PostureView, each: ControlView) -> dict[str, Any]:
    severity_id, severity = _SEVERITIES[each.severity]
    status_id, status = _life(each)
    time = round(each.read.timestamp() * 1000)
    return {
        "activity_id": _UPDATE,
        "activity_name": "Update",
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS * 100 + _UPDATE,
        "type_name": "Compliance Finding: Update",
        "time": time,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": each.reason,
        "metadata": {
            "version": VERSION,
            "product": {"name": "Apimend", "vendor_name": "Apimend"},
            "profiles": ["cloud"],
        },
        "cloud": {"provider": "Azure", "account": {"uid": view.instance.subscription, "type": "Azure Account",
                                                   "type_id": 6}},
        "finding_info": {
            "uid": hashlib.sha256(f"{view.instance.key}\n{each.id}".encode()).hexdigest()[:32],
            "title": each.title,
            "desc": each.why or each.title,
            "types": [each.family],
            "modified_time": time,
        },
        "compliance": _compliance(each),
        "remediation": {"desc": each.mend or each.title},
        "resources": [_resource(view, subject) for subject in _subjects(view, each)],
        "unmapped": {"verdict": each.verdict.value, "evidence": [_evidence(found) for found in each.bad]},
    }  # fmt: skip


def _life(each: ControlView) -> tuple[int, str]:
    if each.verdict is Verdict.WAIVED:
        return _SUPPRESSED
    if each.verdict is Verdict.NOT_APPLICABLE:
        return _OTHER
    return _NEW if each.verdict.is_bad else _RESOLVED


def _compliance(each: ControlView) -> dict[str, Any]:
    status_id, status = _STATUSES[each.verdict]
    mapped = {
        "Microsoft cloud security benchmark": each.mcsb,
        "Azure Policy": each.policy,
        "PSRule for Azure": each.psrule,
        "CIS Microsoft Azure Foundations 6.0": each.cis,
    }
    return {
        "control": each.id,
        "desc": each.title,
        "status_id": status_id,
        "status": status,
        "status_details": [each.reason],
        "standards": [name for name, ids in mapped.items() if ids] or ["Apimend"],
        "requirements": [f"{name}: {id}" for name, ids in mapped.items() for id in ids],
    }


def _subjects(view: PostureView, each: ControlView) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.subject for found in each.bad)) or (view.instance.text,)


def _resource(view: PostureView, subject: str) -> dict[str, Any]:
    return {"uid": subject, "name": subject.rpartition("/")[2], "cloud_partition": "Azure"}


def _evidence(found: Evidence) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "pointer": found.pointer,
        "observed": found.observed,
        "expected": found.expected,
        "why": found.why,
    }
