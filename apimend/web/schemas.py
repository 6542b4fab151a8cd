"""
The schemas of the HTTP API's answers, for the OpenAPI document; docs/run.schema.json has a run in full.
"""

from collections.abc import Mapping
from typing import Any

_TEXT: dict[str, Any] = {"type": "string"}
_TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
_FIGURES: dict[str, Any] = {
    "type": ["object", "null"],
    "properties": {
        "covered": {"type": "integer"},
        "total": {"type": "integer"},
        "percent": {"type": "integer", "minimum": 0, "maximum": 100},
        "verdicts": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "required": ["covered", "total", "percent"],
}


def _object(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


_SUMMARY = {
    "run": _TEXT,
    "kind": _TEXT,
    "result": _TEXT,
    "title": _TEXT,
    "summary": _TEXT,
    "severity": {"enum": ["info", "low", "medium", "high", "critical"]},
    "instance": _TEXT,
    "mode": {"enum": ["report", "ask", "enforce"]},
    "started": _TIME,
    "ended": _TIME,
    "digest": _TEXT,
}
_ORDER = _object({"id": _TEXT, "instance": _TEXT, "status": _TEXT}, kind=_TEXT)
_PARTED = _object({name: _list({"type": "object"}) for name in ("new", "gone", "same")})
_SCORE: Mapping[str, Any] = {
    "type": ["integer", "null"],
    "description": "Of the security baseline, of 100; null where it was not judged.",
}
_SHARE = {
    "instances": {"type": "integer"},
    "coverage": _FIGURES,
    "baseline": _SCORE,
    "findings": {"type": "object", "additionalProperties": {"type": "integer"}},
}
_ROW = _object(
    {
        "instance": _TEXT,
        "managed": {"type": "boolean"},
        "coverage": _FIGURES,
        "baseline": _SCORE,
        "findings": _list({"type": "object"}),
        "seen": {"type": ["string", "null"], "format": "date-time"},
        "result": _TEXT,
        "run": _TEXT,
    }
)
_FAULT = _object({"what": _TEXT, "where": _TEXT}, mend=_TEXT, file=_TEXT, line={"type": "integer"})

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Problem": _object(
        {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}, errors=_list(_FAULT)
    ),
    "Orders": _object({"orders": _list(_ORDER)}, since=_TEXT),
    "Order": _object({"id": _TEXT, "status": {"enum": ["waiting", "done"]}}, run=_TEXT, result=_TEXT, detail=_TEXT),
    "Runs": _object({"runs": _list(_object(_SUMMARY, detail=_TEXT))}),
    "Run": _object(_SUMMARY, changes=_list({"type": "object"}), findings=_list({"type": "object"})),
    "Since": _object(
        {
            "run": _TEXT,
            "since": _TIME,
            "later": _object({"run": _TEXT, "ended": _TIME, "result": _TEXT}),
            "instance": _TEXT,
            "samePlan": {"type": "boolean"},
            "changes": _PARTED,
            "findings": _PARTED,
            "coverage": _object({"then": _FIGURES, "now": _FIGURES}),
        }
    ),
    "Stop": _object({"stopped": _TEXT}),
    "Posture": _object(
        {
            "tenant": _object(_SHARE),
            "subscriptions": _list(_object({"subscription": _TEXT, **_SHARE, "instances": _list(_ROW)})),
        }
    ),
    "Controls": _object(
        {},
        instance=_TEXT,
        score={"type": "integer", "minimum": 0, "maximum": 100},
        summary=_TEXT,
        families=_list(_object({"family": _TEXT, "score": {"type": "integer"}})),
        verdicts={"type": "object", "additionalProperties": {"type": "integer"}},
        controls=_list(_object({"id": _TEXT, "name": _TEXT, "verdict": _TEXT, "reason": _TEXT})),
        findings=_list({"type": "object"}),
    ),
    "Certificates": _object(
        {
            "instance": _TEXT,
            "taken": _TIME,
            "certificates": _list(_object({"name": _TEXT, "held": _TEXT, "source": _TEXT, "uses": _list({})})),
            "problems": _list(
                _object({"code": _TEXT, "severity": _TEXT, "about": _TEXT, "message": _TEXT, "steps": _list(_TEXT)})
            ),
        }
    ),
    "Parked": _object(
        {"parked": _list(_object({"id": _TEXT, "queue": _TEXT, "why": _TEXT, "text": _TEXT, "at": _TIME}))}
    ),
    "DeadLetters": _object({"deadLetters": _list(_TEXT)}),
    "Heard": _object({"heard": _list(_object({"event": _TEXT, "rung": _list(_TEXT), "why": _TEXT}))}),
    "Again": _object({"id": _TEXT, "queue": _TEXT, "again": {"type": "boolean"}}),
    "Health": _object(
        {
            "status": {"enum": ["ok", "degraded"]},
            "problems": _list(_TEXT),
            "modeCeiling": {"enum": ["report", "ask", "enforce"]},
            "signIn": {"enum": ["none", "appservice"]},
            "approval": {"enum": ["entra", "link"]},
            "desiredState": _object({"readable": {"type": "boolean"}, "faults": _list(_TEXT)}),
            "swept": _TEXT,
            "sweepAgeSeconds": {"type": ["number", "null"]},
            "sweep": {"type": "object"},
            "stopped": _TEXT,
            "parked": {"type": "integer"},
        },
        sweep={"type": "object"},
    ),
    "Document": {"type": "object"},
}
"""By the names that routes give their answers."""

REPLAY: Mapping[str, Any] = {
    "description": "Exactly one of event, events, instance and run, and optionally a lower mode; or a list of events, "
    "as a dead-letter blob is.",
    "oneOf": [
        *(
            {
                "type": "object",
                "properties": {
                    name: schema,
                    "mode": {"enum": ["report", "ask", "enforce"], "description": "Report plans and writes nothing."},
                },
                "required": [name],
                "additionalProperties": False,
            }
            for name, schema in (
                ("event", {"type": "object", "description": "An event, in either schema."}),
                ("events", {"type": "array", "items": {"type": "object"}, "minItems": 1}),
                ("instance", {"type": "string", "description": "The Azure resource id of a service."}),
                ("run", {"type": "string", "description": "The id of an earlier run."}),
            )
        ),
        {"type": "array", "items": {"type": "object"}, "minItems": 1},
    ],
}
