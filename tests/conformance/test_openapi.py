"""
The checker of exchanges: what it finds, what it lets through, and that its list of exceptions is deserved.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.contradictions import CONTRADICTIONS, DEVIATIONS, NOT_KEPT, Contradiction, Kind
from tests.conformance.openapi import Checker, Exchange
from tests.conformance.recordings import MATERIAL, MISSING, recordings

needs_material = pytest.mark.skipif(not MATERIAL, reason=MISSING)
VERSION = "2024-05-01"
THINGS = "/subscriptions/s/providers/Microsoft.ApiManagement/service/x/things"
# Recorded answers that can't be judged by the specification at hand.
NOT_JUDGED = {
    "discovery/03": "an old version of another provider, whose sku name was capital",
    "discovery/04": "the list was shortened in the file by a line of text",
}

SPECIFICATION: dict[str, Any] = {
    "paths": {
        "/subscriptions/{s}/providers/Microsoft.ApiManagement/service/{name}/things/{thing}": {
            "put": {
                "operationId": "Thing_CreateOrUpdate",
                "parameters": [
                    {"name": "thing", "in": "path", "required": True, "type": "string", "pattern": "^[a-z]+$"},
                    {"name": "api-version", "in": "query", "required": True, "type": "string"},
                    {"name": "$top", "in": "query", "type": "integer", "minimum": 1},
                    {"name": "If-Match", "in": "header", "required": True, "type": "string"},
                    {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Thing"}},
                ],
                "responses": {
                    "200": {"schema": {"$ref": "#/definitions/Thing"}},
                    "default": {"schema": {"$ref": "#/definitions/Error"}},
                },
            }
        }
    },
    "definitions": {
        "Base": {"properties": {"id": {"type": "string", "readOnly": True}}, "required": ["id"]},
        "Thing": {
            "allOf": [{"$ref": "#/definitions/Base"}],
            "properties": {
                "size": {"type": "integer"},
                "kind": {"type": "string", "enum": ["a"], "x-ms-enum": {"modelAsString": True}},
                "color": {"type": "string", "enum": ["red"], "x-ms-enum": {"modelAsString": False}},
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                "parts": {"type": "array", "items": {"$ref": "#/definitions/Thing"}},
            },
        },
        "Error": {"properties": {"error": {"type": "object"}}, "required": ["error"]},
    },
}


@pytest.fixture
def checker(tmp_path: Path) -> Checker:
    folder = tmp_path / "azure-specs" / "apimanagement" / "2024-05-01"
    folder.mkdir(parents=True)
    (folder / "things.json").write_text(json.dumps(SPECIFICATION))
    return Checker(tmp_path)


def put(**changes: Any) -> Exchange:
    members: dict[str, Any] = {
        "door": "arm",
        "method": "PUT",
        "url": f"https://x{THINGS}/one?api-version={VERSION}",
        "request_headers": {"If-Match": "*"},
        "request_body": b'{"size": 1}',
        "status": 200,
        "response_headers": {"Content-Type": "application/json; charset=utf-8"},
        "response_body": b'{"id": "1", "size": 1}',
    }
    return Exchange(**members | changes)


def answer(**members: Any) -> Exchange:
    return put(response_body=json.dumps({"id": "1"} | members).encode())


def test_a_good_exchange_has_no_problem(checker: Checker) -> None:
    """
    An exchange as described is let through; a read-only member need not be sent.
    """
    assert () == checker.check(put())


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        pytest.param(put(request_body=b'{"size": "x"}'), "request: size: 'x' is not of type 'integer'", id="type"),
        pytest.param(put(request_body=b'{"kind": "b"}'), "request: kind: 'b' is not one of ['a']", id="enum"),
        pytest.param(put(request_body=b"{"), "the request is no JSON", id="no json"),
        pytest.param(put(request_headers={}), "the header parameter If-Match is missing", id="header"),
        pytest.param(
            put(url=f"https://x{THINGS}/ONE?api-version={VERSION}"),
            "the path parameter thing can't be 'ONE'",
            id="path pattern",
        ),
        pytest.param(
            put(url=f"https://x{THINGS}/one?api-version={VERSION}&$top=0"),
            "the query parameter $top can't be '0'",
            id="query minimum",
        ),
        pytest.param(
            put(url=f"https://x{THINGS}/one?api-version={VERSION}&extra=1"),
            "the query parameter extra is not described",
            id="unknown query",
        ),
        pytest.param(put(status=205), "the status 205 is not described (200, default)", id="status"),
        pytest.param(put(response_body=b""), "the answer has no body", id="no body"),
        pytest.param(
            put(response_headers={"content-type": "text/html"}), "the answer's content type is 'text/html'", id="html"
        ),
        pytest.param(answer(color="blue"), "answer: color: 'blue' is not one of ['red']", id="closed enum"),
        pytest.param(answer(size=None), "answer: size: None is not of type 'integer'", id="null"),
        pytest.param(
            answer(shape=1),
            "answer: (top): Additional properties are not allowed ('shape' was unexpected)",
            id="unknown member",
        ),
        pytest.param(
            answer(parts=[{"id": "1"}, {}]), "answer: parts/1: 'id' is a required property", id="through references"
        ),
        pytest.param(answer(tags={"a": 1}), "answer: tags/a: 1 is not of type 'string'", id="map"),
        pytest.param(
            put(status=400, response_body=b"{}"), "answer: (top): 'error' is a required property", id="error body"
        ),
    ],
)
def test_each_fault_is_found(checker: Checker, exchange: Exchange, expected: str) -> None:
    """
    What the specification forbids is named with its place.
    """
    assert (f"Thing_CreateOrUpdate: {expected}",) == checker.check(exchange)


@pytest.mark.parametrize(
    "exchange",
    [
        pytest.param(answer(kind="b"), id="open enum in an answer"),
        pytest.param(
            put(request_body=b'{"size": "x"}', status=400, response_body=b'{"error": {}}'), id="a refused request"
        ),
        pytest.param(put(url=f"https://x{THINGS}/one?api-version=2021-08-01", status=299), id="another version"),
        pytest.param(
            put(url=f"https://x/subscriptions/s/providers/Microsoft.Other/x?api-version={VERSION}"), id="elsewhere"
        ),
    ],
)
def test_what_is_not_its_business_is_let_through(checker: Checker, exchange: Exchange) -> None:
    """
    Refused requests, other versions and other providers are not judged.
    """
    assert () == checker.check(exchange)


def test_a_call_nobody_described_is_a_finding(checker: Checker) -> None:
    """
    Below an API Management service every call must be described.
    """
    (problem,) = checker.check(put(url=f"https://x{THINGS}/one/two?api-version={VERSION}"))

    assert problem.endswith("no operation describes it (described here: nothing)")


@needs_material
@pytest.mark.parametrize("case", sorted(set(recordings()) - set(NOT_JUDGED)))
def test_recordings_agree_with_the_specification(material_checker: Checker, case: str) -> None:
    """
    Every recorded answer fits the specification and the list of contradictions.
    """
    assert () == material_checker.check(recordings()[case].exchange, recorded=True, requests=False)


@needs_material
@pytest.mark.parametrize(
    "entry",
    [one for one in CONTRADICTIONS if one.recorded],
    ids=lambda one: f"{one.definition}-{one.kind.name.lower()}",
)
def test_every_contradiction_was_recorded(entry: Contradiction) -> None:
    """
    A member is in the list only if a recording shows it so.
    """
    seen = {
        (key, value is None)
        for one in recordings().values()
        for key, value in members(one.response.get("body"))
        if entry.kind is not Kind.NULL or value is None
    }
    unseen = [name for name in entry.members if not {(name, True), (name, False)} & seen]

    assert [] == unseen


@needs_material
def test_every_deviation_was_recorded() -> None:
    """
    An operation is in the list of deviations only if a recording deviates so, or its description isn't kept here.
    """
    checker = Checker(Path(MATERIAL))
    for one in recordings().values():
        checker.check(one.exchange, recorded=True)

    unkept = {one.what for one in DEVIATIONS if one.what.endswith(NOT_KEPT)}
    assert {(one.operation, one.what) for one in DEVIATIONS if one.what not in unkept} == checker.used


@needs_material
def test_a_check_takes_less_than_a_millisecond(material_checker: Checker) -> None:
    """
    With the schemas made, an exchange of the recordings takes under a millisecond on average.
    """
    exchanges = [one.exchange for one in recordings().values()]
    times = []
    for _ in range(4):
        material_checker.forget()
        started = time.process_time()
        for one in exchanges:
            material_checker.check(one, recorded=True)
        times.append((time.process_time() - started) / len(exchanges))

    # The first round makes the schemas. The processor's time, because the machine may be busy with something else.
    assert min(times[1:]) < 0.001


@pytest.fixture(scope="module")
def material_checker() -> Checker:
    return Checker(Path(MATERIAL))


def members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
        for one in value.values():
            yield from members(one)
    if isinstance(value, list):
        for one in value:
            yield from members(one)
