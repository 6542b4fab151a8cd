"""
Checks one exchange with the local Azure, or a recorded one with the real Azure, against the OpenAPI files.

Called by the pytest plugin for every exchange of the test run and by the tests of the recordings. It finds the
operation, checks parameters and body of a request that was accepted, and status and body of the answer. It changes
nothing and knows no emulator.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.conformance.contradictions import DEVIATIONS
from tests.conformance.specification import Operation, Specification

VERSIONS = {"arm": {"2024-05-01", "2023-07-01"}, "vault": {"7.5"}}
# Where a call that no operation describes is a finding: the rest of ARM has no specification here.
DESCRIBED = ("/providers/microsoft.apimanagement/service/",)
UNDESCRIBED_QUERIES = frozenset({"api-version", "$skiptoken"})


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """
    One request and its answer; bodies as they went over the wire.
    """

    door: str
    method: str
    url: str
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: bytes = b""
    status: int
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: bytes = b""

    @property
    def title(self) -> str:
        return f"{self.method} {urlsplit(self.url).path} -> {self.status}"


class Checker:
    """
    The specifications, read when a door is first asked for, and what was found for bodies seen before.
    """

    def __init__(self, material: Path) -> None:
        self._root = material / "azure-specs"
        self._doors: dict[str, Specification] = {}
        self._known: dict[tuple[Any, ...], tuple[str, ...]] = {}
        self.used: set[tuple[str, str]] = set()

    def check(self, exchange: Exchange, *, recorded: bool = False, requests: bool = True) -> tuple[str, ...]:
        """
        What is wrong with an exchange; empty where all is well or nothing is described. A recorded one may have any
        version; with `requests` off its answer alone is judged.
        """
        parts = urlsplit(exchange.url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if not recorded and query.get("api-version") not in VERSIONS[exchange.door]:
            return ()
        operation, values, methods = self._door(exchange.door).find(exchange.method, parts.path)
        if operation is None:
            return self._undescribed(exchange, parts.path, methods)
        key = (
            operation.id,
            exchange.status,
            parts.path,
            parts.query,
            exchange.request_body,
            exchange.response_body,
            "if-match" in {name.casefold() for name in exchange.request_headers},
        )
        if key not in self._known:
            problems = self._answer(exchange, operation)
            if requests:
                problems = [*self._request(exchange, operation, query, values), *problems]
            self._known[key] = tuple(f"{operation.id}: {problem}" for problem in problems)
        return self._known[key]

    def forget(self) -> None:
        """
        Drop what was found; the schemas stay.
        """
        self._known.clear()

    def _door(self, door: str) -> Specification:
        if door not in self._doors:
            self._doors[door] = Specification(self._root, door)
        return self._doors[door]

    def _undescribed(self, exchange: Exchange, path: str, methods: frozenset[str]) -> tuple[str, ...]:
        folded = path.casefold()
        concerned = exchange.door == "vault" or any(part in folded for part in DESCRIBED)
        if not concerned or exchange.status >= 400 or self._deviates("undescribed", folded):
            return ()
        return (f"{exchange.title}: no operation describes it (described here: {sorted(methods) or 'nothing'})",)

    def _request(
        self, exchange: Exchange, operation: Operation, query: Mapping[str, str], values: Mapping[str, str]
    ) -> list[str]:
        """
        A request that Azure refused may be as wrong as it likes.
        """
        if exchange.status >= 400:
            return []
        headers = {name.casefold(): value for name, value in exchange.request_headers.items()}
        given = {"path": values, "query": {k.casefold(): v for k, v in query.items()}, "header": headers}
        problems = []
        for place, parameters in operation.by_place.items():
            folded = {name.casefold(): value for name, value in given[place].items()}
            for name, parameter in parameters.items():
                if name not in folded:
                    if parameter.required and not self._deviates(operation.id, f"without {parameter.name}"):
                        problems.append(f"the {place} parameter {parameter.name} is missing")
                elif not _fits(parameter.validator, folded[name]) and not self._deviates(
                    operation.id, f"{parameter.name}={folded[name]}"
                ):
                    problems.append(f"the {place} parameter {parameter.name} can't be {folded[name]!r}")
            if place == "query":
                unknown = sorted(set(folded) - set(parameters) - UNDESCRIBED_QUERIES)
                problems += [
                    f"the query parameter {one} is not described"
                    for one in unknown
                    if not self._deviates(operation.id, f"with {one}")
                ]
        return [*problems, *self._request_body(exchange, operation)]

    def _request_body(self, exchange: Exchange, operation: Operation) -> list[str]:
        if operation.body is None:
            given = exchange.request_body.strip() not in (b"", b"{}", b"null")
            allowed = not given or self._deviates(operation.id, "with a body")
            return [] if allowed else ["the request has a body, and none is described"]
        if not exchange.request_body:
            return []
        return self._body("request", operation.body, exchange.request_body)

    def _answer(self, exchange: Exchange, operation: Operation) -> list[str]:
        status = exchange.status
        validator = operation.answer(status)
        if not operation.describes(status) and not self._deviates(operation.id, f"status {status}"):
            return [f"the status {status} is not described ({', '.join(sorted(operation.statuses))})"]
        if not exchange.response_body:
            expected = validator is not None and exchange.method != "HEAD" and status in (200, 201)
            return ["the answer has no body"] if expected else []
        kind = {k.casefold(): v for k, v in exchange.response_headers.items()}.get("content-type", "")
        if kind and not kind.startswith("application/json"):
            return [f"the answer's content type is {kind!r}"]
        if validator is None:
            fine = self._deviates(operation.id, f"a body with {status}")
            return [] if fine else ["the answer has a body, and none is described"]
        if self._deviates(operation.id, f"another body with {status}"):
            return []
        return self._body("answer", validator, exchange.response_body)

    def _body(self, side: str, validator: Any, body: bytes) -> list[str]:
        try:
            value = json.loads(body.decode("utf-8-sig"))
        except ValueError:
            return [f"the {side} is no JSON"]
        if validator.is_valid(value):
            return []
        return [f"{side}: {_told(one)}" for one in validator.iter_errors(value)]

    def _deviates(self, operation: str, what: str) -> bool:
        for one in DEVIATIONS:
            if fnmatch.fnmatchcase(operation, one.operation) and fnmatch.fnmatchcase(what, one.what):
                self.used.add((one.operation, one.what))
                return True
        return False


def _fits(validator: Any, text: str) -> bool:
    """
    Whether a parameter's text fits; numbers and booleans come as text.
    """
    kind = validator.schema.get("type")
    value: Any = text
    if kind in ("integer", "number", "boolean"):
        try:
            value = json.loads(text.lower())
        except ValueError:
            return False
    if kind == "array":
        value = text.split(",")
    return bool(validator.is_valid(value))


def _told(error: Any) -> str:
    place = "/".join(map(str, error.absolute_path)) or "(top)"
    message = error.message if len(error.message) < 200 else error.message[:200] + "…"
    return f"{place}: {message}"
