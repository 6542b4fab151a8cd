"""
Every field of every body and query with anything in it: never an error of the server, never a stack.
"""

import http.client
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apimend.storage.names import VISITS_QUEUE
from apimend.wiring.door import Door
from tests.report.hostile import NASTY
from tests.web.stand import APPROVERS, INSTANCE, Running, desired

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([*NASTY, INSTANCE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "replay": ("api/replay", {"event": {}, "events": [{}], "instance": INSTANCE, "run": "x", "mode": "report"}),
    "approve": ("api/runs/RUN/approve", {"digest": "0" * 64, "token": "x", "reason": ""}),
    "undo": ("api/runs/RUN/undo", {"reason": ""}),
    "relax": ("api/relax", {"instance": INSTANCE, "hours": 1, "reason": ""}),
    "release": ("api/release", {"instance": INSTANCE, "reason": ""}),
    "dead letter": ("api/dead-letters/replay", {"name": "x"}),
    "stop": ("api/stop", {"reason": "x"}),
}
EVENT_FIELDS = ("id", "eventType", "subject", "topic", "eventTime", "data", "specversion", "type", "source")
QUERIES = (
    "api/runs?limit=",
    "api/runs?instance=",
    "api/posture?format=",
    "api/posture?instance=",
    "api/posture?subscription=",
    "api/runs/RUN?format=",
    "api/runs/RUN/since?run=",
    "api/certificates?instance=",
    "api/controls?instance=",
    f"api/controls?instance={quote(INSTANCE, safe='')}&format=",
    "certificates?instance=",
    "posture/controls?instance=",
)
PATHS = (
    "api/runs/{}",
    "api/runs/{}/since",
    "api/orders/{}",
    "api/parked/{}",
    "runs/{}",
    "runs/{}/approve",
    "runs/{}/undo",
    "orders/{}",
)
PAGES = ("runs/RUN/approve", "runs/RUN/approve/plan", "runs/RUN/undo", "runs/RUN/relax", "runs/RUN/release", "stop")
quick = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """The caller is a signed-in approver, so that every door is open and the fields decide."""
    text = desired("ask", more=APPROVERS)
    with Running(text, APIMEND_SIGN_IN="appservice", APIMEND_APPROVAL="link") as running:
        yield running


def send(running: Running, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
    """Status and text of an answer."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=20)
    try:
        path = path.replace("RUN", running.run["run"])
        connection.request(method, "/" + path, body=body, headers=running.person)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def is_fine(found: tuple[int, str]) -> bool:
    """No error of the server, and no stack."""
    return found[0] not in range(500, 503) and "Traceback" not in found[1] and '.py"' not in found[1]


@pytest.mark.parametrize("name", FIELDS)
@quick
@given(st.data())
def test_any_value_in_any_field(running: Running, name: str, data: st.DataObject) -> None:
    """
    One field of a body holds anything, the others what they should.
    """
    path, right = FIELDS[name]
    field = data.draw(st.sampled_from(sorted(right)))
    rest = {} if name == "replay" else right
    body = {**rest, field: data.draw(anything)}

    assert is_fine(send(running, "POST", path, json.dumps(body).encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize("name", FIELDS)
@quick
@given(body=st.one_of(st.binary(max_size=200), anything.map(lambda value: json.dumps(value).encode())))
def test_anything_for_a_body(running: Running, name: str, body: bytes) -> None:
    """
    A body of any bytes, and of any JSON.
    """
    assert is_fine(send(running, "POST", FIELDS[name][0], body))


@quick
@given(st.dictionaries(st.sampled_from(EVENT_FIELDS), anything, min_size=1))
def test_any_value_in_any_field_of_an_event(running: Running, event: dict[str, Any]) -> None:
    """
    An event with anything in its envelope is refused or understood.
    """
    assert is_fine(send(running, "POST", "api/replay", json.dumps({"event": event}).encode()))


@pytest.mark.parametrize("start", QUERIES)
@quick
@given(
    text=st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.sampled_from(["9" * 5000, "²"]))
)
def test_anything_in_a_query(running: Running, start: str, text: str) -> None:
    """
    A parameter of any text.
    """
    assert is_fine(send(running, "GET", start + quote(text, safe="")))


@pytest.mark.parametrize("name", PAGES)
@quick
@given(st.dictionaries(st.sampled_from(["digest", "token", "reason", "hours", "x"]), st.text(max_size=600)))
def test_anything_in_a_form(running: Running, name: str, fields: dict[str, str]) -> None:
    """
    A page's form of any texts.
    """
    body = urlencode(fields, errors="surrogatepass").encode()

    assert is_fine(send(running, "POST", name, body))


@pytest.mark.parametrize("path", PATHS)
@quick
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.sampled_from(["..", "%00", "a" * 3000])
    )
)
def test_anything_in_a_path(running: Running, path: str, text: str) -> None:
    """
    An id of any text is that of nothing.
    """
    assert is_fine(send(running, "GET", path.format(quote(text, safe=""))))


DOORS: Mapping[str, Callable[[Door, str], Coroutine[Any, Any, None]]] = {
    "events": lambda door, text: door.event(text),
    "visits": lambda door, text: door.visit(text),
    "notices": lambda door, text: door.notify(text),
    "poison": lambda door, text: door.parked(VISITS_QUEUE, text),
}
MESSAGES = st.one_of(
    st.text(max_size=200),
    anything.map(json.dumps),
    st.fixed_dictionaries({"v": anything, "instance": anything, "ticket": anything}).map(json.dumps),
    st.fixed_dictionaries({"v": st.just(1), "instance": st.just(INSTANCE), "ticket": anything}).map(json.dumps),
)


@pytest.mark.parametrize("name", DOORS)
@quick
@given(text=MESSAGES)
def test_anything_at_a_door_of_the_platform(running: Running, name: str, text: str) -> None:
    """
    A message that nobody of ours wrote is parked or left, and never thrown back for ever.
    """
    running.call(lambda world: DOORS[name](world.app.door, text))
