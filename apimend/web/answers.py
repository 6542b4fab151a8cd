"""
An HTTP answer as a value, and errors as problem+json (RFC 9457) or, on pages, as a page.

Every handler of this package returns one; the function app turns it into the platform's response.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apimend.model.errors import BadInput, Denied, Final, Gone, LeaseTaken, TryLater
from apimend.report import html
from apimend.web.signin import NotSignedIn

PROBLEM = "application/problem+json"
JSON = "application/json"
HTML = "text/html"
_SAFETY = {
    "Content-Security-Policy": html.CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Status, body and headers."""

    status: int
    body: str
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer."""
    text = json.dumps(body, ensure_ascii=False, indent=2)
    return Answer(status=status, body=_sendable(text), headers={"Cache-Control": "no-store", **(headers or {})})


def page(text: str, *, status: int = 200) -> Answer:
    """A page, with the headers that keep it to itself."""
    return Answer(status=status, body=_sendable(text), content_type=HTML, headers=_SAFETY)


def asset(text: str, content_type: str) -> Answer:
    """A stylesheet or a script: the same for everybody."""
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=300"}
    return Answer(status=200, body=text, content_type=content_type, headers=headers)


def problem(error: Exception, *, status: int = 0) -> Answer:
    """What went wrong, for the caller: all faults at once, with field and line."""
    found, title = kind(error)
    status = status or found
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": str(error)}
    if isinstance(error, BadInput):
        body["errors"] = [
            {"what": f.what, "where": f.where, "mend": f.mend, "file": f.file, "line": f.line} for f in error.faults
        ]
    text = json.dumps(body, ensure_ascii=False)
    return Answer(status=status, body=_sendable(text), content_type=PROBLEM, headers=_retry(error))


def problem_page(error: Exception) -> Answer:
    """The same for a person's eyes."""
    status, title = kind(error)
    sign_in = isinstance(error, NotSignedIn)
    made = page(html.render("problem.html.j2", root="", title=title, detail=str(error), sign_in=sign_in), status=status)
    return Answer(
        status=status, body=made.body, content_type=made.content_type, headers={**made.headers, **_retry(error)}
    )


def kind(error: Exception) -> tuple[int, str]:
    """Status and title of an error."""
    if isinstance(error, BadInput):
        return 400, "The request has faults"
    if isinstance(error, Gone):
        return 404, "There is no such thing"
    if isinstance(error, NotSignedIn):
        return 401, "Sign in first"
    if isinstance(error, Denied):
        return 403, "Not allowed"
    if isinstance(error, LeaseTaken):
        return 409, "Another visit is at work"
    if isinstance(error, TryLater):
        return 503, "Try again later"
    if isinstance(error, Final):
        return 422, "It can't be done"
    return 500, "An error of ours"


def _retry(error: Exception) -> dict[str, str]:
    if isinstance(error, TryLater) and error.after is not None:
        return {"Retry-After": str(round(error.after))}
    return {}


def _sendable(text: str) -> str:
    """What came in as a lone surrogate can't be sent as UTF-8: it goes out escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
