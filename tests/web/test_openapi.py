"""
The OpenAPI document: it is the served one, and the app keeps to it, whatever is sent.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from apimend.web.openapi import written
from apimend.web.routes import ROUTES
from apimend.web.signin import Access
from demo.world import World
from script.openapi import FILE
from tests.web.stand import Running, ask, opened

schema = schemathesis.openapi.from_dict(json.loads(FILE.read_text(encoding="utf-8")))
schema.config.phases.coverage.enabled = False
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running() as running:
        yield running


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_app_keeps_to_the_document(case: Any, running: Running) -> None:
    """
    Whatever is sent, right or wrong, is answered as the document says, and never with an error of the server.
    """
    response = case.call(base_url=running.url, headers={"x-functions-key": running.key})
    hosts_own = response.status_code == 404 and response.headers.get("content-type", [""])[0].startswith("text/plain")

    assert response.status_code < 500 or case.path == "/api/health"
    if not hosts_own:
        case.validate_response(response, checks=CHECKS)


def test_the_kept_document_is_the_current_one() -> None:
    """
    docs/openapi.json is what the route table makes: python -m script.openapi writes it.
    """
    assert written(ROUTES) == FILE.read_text(encoding="utf-8")


async def test_the_document_is_served() -> None:
    """
    /api/openapi.json answers with the same document.
    """
    async with opened() as world:
        answer = await ask(world, "GET", "/api/openapi.json")

        assert json.loads(FILE.read_text(encoding="utf-8")) == answer.json


def test_every_route_of_the_api_is_told() -> None:
    """
    Each route of the API says what it does and what it answers.
    """
    api = [route for route in ROUTES if route.access is Access.API]

    assert [] == [route.name for route in api if not (route.about and route.answers)]
    assert len(api) == len({(route.method, route.path) for route in api})


def test_every_route_of_the_api_is_in_the_page() -> None:
    """
    docs/api.md names each route of the API.
    """
    page = (FILE.parent / "api.md").read_text(encoding="utf-8")

    assert [] == [route.path for route in ROUTES if route.access is Access.API and f"/{route.path}" not in page]


async def test_every_route_of_the_api_needs_a_key() -> None:
    """
    Without a key the platform answers 401 before the app is asked.
    """
    async with opened() as world:
        found = {route.name: await _without(world, route.method, route.path) for route in ROUTES}
        without = {route.name for route in ROUTES if route.access is Access.API}

        assert without == {name for name, status in found.items() if status == 401}


async def _without(world: World, method: str, path: str) -> int:
    return (await ask(world, method, "/" + path.replace("{id}", "x"), key=False)).status
