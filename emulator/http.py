"""
A call that reached the emulator and the answer it gets, free of any web server.

The server builds a `Call`, the routes' handlers return an `Answer`. Parts (Event Grid, Teams, gateway) write their
handlers in the same form. Nothing here knows a resource.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy


class Layout(enum.Enum):
    """
    How JSON is written: the resource provider writes it compact, the management API indented with CRLF.
    """

    COMPACT = "compact"
    INDENTED = "crlf-indent-2"


@dataclass(kw_only=True)
class Call:
    """
    One request. `params` are the values of the route's placeholders, percent-decoded; `claims` are those of the
    caller's token once the front has checked it.
    """

    method: str
    url: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: CIMultiDictProxy[str]
    body: bytes
    at: datetime
    vault: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    correlation_id: str = ""
    stale: bool = False

    def json(self) -> Any:
        """
        The body as JSON; ValueError when it is none.
        """
        return json.loads(self.body.decode("utf-8-sig"))

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")

    @property
    def client_request_id(self) -> str:
        return self.headers.get("x-ms-client-request-id", "")


@dataclass(kw_only=True)
class Answer:
    """
    One answer. `body` None means no content at all; bytes are sent as they are.
    """

    status: int = 200
    body: Any = None
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    layout: Layout = Layout.COMPACT
    content_type: str = "application/json; charset=utf-8"

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        if self.layout is Layout.COMPACT:
            return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()
        return json.dumps(self.body, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode()


class Refusal(Exception):
    """
    A handler's way to end a call with an error answer from any depth.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body!r}")
        self.answer = answer
