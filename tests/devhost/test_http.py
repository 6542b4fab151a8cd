from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest

from tests.devhost.conftest import Bench, Run

Answer = Callable[[Bench], Awaitable[tuple[int, str]]]


def get(path: str, key: str | None = None, method: str = "GET") -> Answer:
    async def scenario(bench: Bench) -> tuple[int, str]:
        headers = {"x-functions-key": key} if key else {}
        async with bench.http.request(method, path, headers=headers) as response:
            return response.status, await response.text()

    return scenario


@pytest.mark.parametrize(
    ("status", "path", "key"),
    [
        pytest.param(401, "/api/things/1", None, id="function-without"),
        pytest.param(401, "/api/things/1", "wrong", id="function-wrong"),
        pytest.param(401, "/api/things/1", "grid-key", id="function-another-kind"),
        pytest.param(201, "/api/things/1", "thing-key", id="function-own"),
        pytest.param(201, "/api/things/1", "host-key", id="function-host"),
        pytest.param(201, "/api/things/1", "master-key", id="function-master"),
        pytest.param(201, "/api/things/1?code=thing-key", None, id="function-in-query"),
        pytest.param(401, "/api/broken", "host-key", id="admin-host"),
        pytest.param(500, "/api/broken", "master-key", id="admin-master"),
        pytest.param(200, "/api/pages/a", None, id="anonymous-without"),
        pytest.param(200, "/api/pages/a", "wrong", id="anonymous-wrong"),
        pytest.param(404, "/things/1", "master-key", id="no-prefix"),
        pytest.param(404, "/api/nothing", "master-key", id="no-route"),
    ],
)
def test_keys_and_routes(run: Run, status: int, path: str, key: str | None) -> None:
    """
    A function opens to its own key, the host key and the master key; an admin function to the master key alone.
    """
    answered, _ = run(get(path, key))

    assert status == answered


def test_a_request_reaches_the_function_whole(run: Run) -> None:
    """
    Route parameters are decoded, repeated query values joined, and the body is handed over.
    """

    async def scenario(bench: Bench) -> object:
        url = "/api/Things/a%20b?x=1&x=2"
        async with bench.http.post(url, data=b"text", headers={"x-functions-key": "host-key"}) as response:
            return response.headers["Content-Type"], json.loads(await response.text())

    asked = {"id": "a b", "params": {"x": "1,2"}, "body": "text"}

    assert ("application/json", asked) == run(scenario)


def test_a_method_nobody_takes_is_not_found(run: Run) -> None:
    """
    A method that the function does not take is a 404, as in Azure.
    """
    assert (404, "") == run(get("/api/things/1", "host-key", "DELETE"))


def test_a_failure_says_nothing(run: Run) -> None:
    """
    A failing function answers a bare 500: what it raised stays in the log.
    """
    assert (500, "") == run(get("/api/broken", "master-key"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/api/pages/a/b%2Fc", "a/b/c", id="rest-of-the-path"),
        pytest.param("/API/Pages/a", "a", id="without-case"),
    ],
)
def test_a_blueprint_is_served(run: Run, path: str, expected: str) -> None:
    """
    Functions of a blueprint are served like the app's own; a string is a page.
    """
    assert (200, expected) == run(get(path))


@pytest.mark.parametrize(
    ("status", "path", "key"),
    [
        pytest.param(202, "/admin/functions/tick", "master-key", id="timer"),
        pytest.param(401, "/admin/functions/tick", "host-key", id="not-the-master-key"),
        pytest.param(404, "/admin/functions/thing", "master-key", id="no-timer"),
    ],
)
def test_a_timer_is_run_by_hand(run: Run, status: int, path: str, key: str) -> None:
    """
    The master key runs a timer at once, through the address that the real host has for it.
    """
    answered, _ = run(get(path, key, "POST"))

    assert status == answered
