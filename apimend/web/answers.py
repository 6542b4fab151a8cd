"""
An HTTP answer as a value, and errors as problem+json (RFC 9457).

Every handler of this package returns one; the function app turns it into the platform's response.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apimend.model.errors import BadInput, Denied, Final, Gone, LeaseTaken, TryLater

PROBLEM = "application/problem+json"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, body and headers."""

    status: int
    body: str
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer."""
    return Answer(status=status, body=json.dumps(body, ensure_ascii=False, indent=2), headers=headers or {})


def problem(error: Exception) -> Answer:
    """What went wrong, for the caller: all faults at once, with field and line."""
    status, title = _kind(error)
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": str(error)}
    headers = {}
    if isinstance(error, BadInput):
        body["errors"] = [
            {"what": f.what, "where": f.where, "mend": f.mend, "file": f.file, "line": f.line} for f in error.faults
        ]
    if isinstance(error, TryLater) and error.after is not None:
        headers["Retry-After"] = str(round(error.after))
    return Answer(status=status, body=json.dumps(body, ensure_ascii=False), content_type=PROBLEM, headers=headers)


def _kind(error: Exception) -> tuple[int, str]:
    if isinstance(error, BadInput):
        return 400, "The request has faults"
    if isinstance(error, Gone):
        return 404, "There is no such thing"
    if isinstance(error, Denied):
        return 403, "Not allowed"
    if isinstance(error, LeaseTaken):
        return 409, "Another visit is at work"
    if isinstance(error, TryLater):
        return 503, "Try again later"
    if isinstance(error, Final):
        return 422, "It can't be done"
    return 500, "An error of ours"
