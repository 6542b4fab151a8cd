"""
The recorded exchanges with the real Azure, read from the material.

Used by the tests of the checker and by the replay. The files are data of others and no part of the project: without
them these tests skip.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.conformance.openapi import Exchange

MATERIAL = os.environ.get("APIMEND_MATERIAL", "")
MISSING = "APIMEND_MATERIAL is not set: no recordings and no specification to compare with"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """
    One case as recorded; `request` and `response` are as in its file.
    """

    case: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def door(self) -> str:
        return "vault" if self.request["host"].endswith(".vault.azure.net") else "arm"

    @property
    def url(self) -> str:
        return f"{self.request['path']}?{urlencode(self.request['query'])}"

    @property
    def exchange(self) -> Exchange:
        request, response = self.request, self.response
        return Exchange(
            door=self.door,
            method=request["method"],
            url=f"https://{request['host']}{self.url}",
            request_headers=request.get("headers") or {},
            request_body=encoded(request.get("body")),
            status=response["status"],
            response_headers=response.get("headers") or {},
            response_body=encoded(response.get("body")),
        )


@cache
def recordings() -> dict[str, Recording]:
    """
    All cases by their names; empty without the material.
    """
    found = {}
    for path in sorted((Path(MATERIAL) / "arm-traces").glob("*.json")) if MATERIAL else ():
        for one in json.loads(path.read_text("utf-8")):
            found[one["case"]] = Recording(case=one["case"], request=one["request"], response=one["response"])
    return found


def encoded(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
