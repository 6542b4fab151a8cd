from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping

import pytest

from tests.devhost.conftest import Bench, Run
from tests.devhost.sample_app import Seen

HOOK = "/runtime/webhooks/EventGrid?functionName=on_event&code=grid-key"
NOTIFICATION = {"aeg-event-type": "Notification"}
VALIDATION = {"aeg-event-type": "SubscriptionValidation"}

Answer = Callable[[Bench], Awaitable[tuple[int, str, Seen]]]


def event(id: str) -> dict[str, object]:
    return {"id": id, "eventType": "Sample.Changed", "eventTime": "2026-03-01T12:00:00.1234567Z", "data": {}}


def post(body: object, headers: Mapping[str, str], path: str = HOOK) -> Answer:
    async def scenario(bench: Bench) -> tuple[int, str, Seen]:
        text = body if isinstance(body, str) else json.dumps(body)
        async with bench.http.post(path, data=text, headers=headers) as response:
            return response.status, await response.text(), bench.seen

    return scenario


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([event("a"), event("b")], id="event-grid-batch"),
        pytest.param([{"specversion": "1.0", "id": "a"}, {"specversion": "1.0", "id": "b"}], id="cloudevents-batch"),
    ],
)
def test_each_event_of_a_batch_is_a_call(run: Run, body: object) -> None:
    """
    Each event of a batch, in either schema, is one call; 202 when all succeeded.
    """
    assert (202, "", [("on_event", "a"), ("on_event", "b")]) == run(post(body, NOTIFICATION))


def test_a_single_cloudevent_needs_no_array(run: Run) -> None:
    """
    A CloudEvent that comes alone, as an object, is taken as one event.
    """
    assert (202, "", [("on_event", "a")]) == run(post({"specversion": "1.0", "id": "a"}, NOTIFICATION))


def test_one_failure_fails_the_batch(run: Run) -> None:
    """
    One failing event makes the answer 500, so that Event Grid sends all again; the others ran all the same.
    """
    status, text, seen = run(post([event("a"), event("bad"), event("b")], NOTIFICATION))

    assert (500, "Exception while executing function: Functions.on_event") == (status, text)
    assert [("on_event", "a"), ("on_event", "b"), ("on_event", "bad")] == sorted(seen)


def test_the_handshake_of_the_event_grid_schema(run: Run) -> None:
    """
    A validation event is answered with its code, and no function runs.
    """
    body = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "42"}}]

    assert (200, '{"validationResponse": "42"}', []) == run(post(body, VALIDATION))


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        pytest.param("eventgrid.azure.net", "eventgrid.azure.net", id="public"),
        pytest.param("eventgrid.azure.us", "eventgrid.azure.us", id="government"),
        pytest.param("somebody.else", "eventgrid.azure.net", id="stranger"),
    ],
)
def test_the_handshake_of_cloudevents(run: Run, origin: str, allowed: str) -> None:
    """
    OPTIONS is answered with the origin that may send: one of Event Grid's, whoever asks.
    """

    async def scenario(bench: Bench) -> object:
        async with bench.http.options(HOOK, headers={"WebHook-Request-Origin": origin}) as response:
            return response.status, response.headers["WebHook-Allowed-Origin"]

    assert (200, allowed) == run(scenario)


@pytest.mark.parametrize(
    ("status", "path", "headers", "body"),
    [
        pytest.param(401, "/runtime/webhooks/EventGrid?functionName=on_event", NOTIFICATION, "[]", id="no-key"),
        pytest.param(401, HOOK.replace("grid", "host"), NOTIFICATION, "[]", id="wrong-key"),
        pytest.param(404, HOOK.replace("on_event", "thing"), NOTIFICATION, "[]", id="no-such-function"),
        pytest.param(400, HOOK, {}, "[]", id="no-event-type"),
        pytest.param(500, HOOK, NOTIFICATION, "{", id="no-json"),
        pytest.param(500, HOOK, NOTIFICATION, "42", id="no-event"),
        pytest.param(500, HOOK, VALIDATION, "[{}]", id="no-code"),
        pytest.param(202, HOOK, {"aeg-event-type": "Unsubscribe"}, "[]", id="unsubscribe"),
    ],
)
def test_other_requests(run: Run, status: int, path: str, headers: dict[str, str], body: str) -> None:
    """
    A request that is no delivery is answered as the real host does, and calls nothing.
    """
    answered, _, seen = run(post(body, headers, path))

    assert (status, []) == (answered, seen)


def test_the_function_gets_the_event_unchanged(run: Run) -> None:
    """
    Times keep their digits and names their letters on the way into the function.
    """

    async def scenario(bench: Bench) -> object:
        sent = [{"id": "2026-03-01T12:00:00.1234567Z ä"}]
        async with bench.http.post(HOOK, json=sent, headers=NOTIFICATION):
            return bench.seen

    assert [("on_event", "2026-03-01T12:00:00.1234567Z ä")] == run(scenario)
