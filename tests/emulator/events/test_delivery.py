"""
How Event Grid hands events over: handshake, retries, dead letters, batches and its bad manners.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from emulator.events import Event, HandshakeFailed, Mischief, Schema, State
from emulator.events.resource_manager import resource_event
from tests.emulator.events.grid_harness import START, Bench, on_bench, write


def event(number: int = 1) -> Event:
    found = resource_event(write(f"apis/api-{number}"), f"event-{number}")
    assert found is not None
    return found


@pytest.mark.parametrize("schema", list(Schema), ids=["event-grid", "cloud-events"])
def test_a_subscription_starts_with_the_handshake(schema: Schema) -> None:
    """
    An endpoint that shakes hands is subscribed, in both schemas.
    """

    async def test(bench: Bench) -> None:
        assert await bench.hub.subscribe(bench.webhook.url, schema=schema) is State.SUCCEEDED

    on_bench(test)


@pytest.mark.parametrize("schema", list(Schema), ids=["event-grid", "cloud-events"])
def test_a_refused_handshake_makes_no_subscription(schema: Schema) -> None:
    """
    An endpoint that answers the handshake with an error is not subscribed.
    """

    async def test(bench: Bench) -> None:
        with pytest.raises(HandshakeFailed):
            await bench.hub.subscribe(bench.webhook.url, schema=schema)

        assert bench.hub.dispatcher.subscriptions == {}

    on_bench(test, greeting_status=404)


def test_a_handshake_can_be_finished_by_hand() -> None:
    """
    An endpoint that only answers 200 gets no events until its validation URL is opened.
    """

    async def test(bench: Bench) -> None:
        state = await bench.hub.subscribe(bench.webhook.url, name="mine")
        bench.hub.publish(event(1))
        (code, _) = bench.hub._codes["mine"]
        confirmed = bench.hub.confirm("mine", code)
        bench.hub.publish(event(2))
        await bench.to_the_end()

        assert (state, confirmed, bench.webhook.ids) == (State.AWAITING, True, ["event-2"])

    on_bench(test, greets=False)


def test_an_event_grid_delivery_is_a_list_of_one() -> None:
    """
    The body is a list even for one event, with the headers that handlers look at.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url, name="mine")
        bench.hub.publish(event())
        await bench.to_the_end()
        (call,) = bench.webhook.received

        assert [event().rendered(Schema.EVENT_GRID)] == call.body
        assert (
            call.headers["aeg-event-type"],
            call.headers["aeg-subscription-name"],
            call.headers["aeg-delivery-count"],
            call.headers["content-type"],
        ) == ("Notification", "MINE", "0", "application/json; charset=utf-8")

    on_bench(test)


def test_a_cloud_event_delivery_is_one_object() -> None:
    """
    A CloudEvent travels alone, in the structured form.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url, schema=Schema.CLOUD_EVENTS)
        bench.hub.publish(event())
        await bench.to_the_end()
        (call,) = bench.webhook.received

        assert ("application/cloudevents+json; charset=utf-8", event().rendered(Schema.CLOUD_EVENTS)) == (
            call.headers["content-type"],
            call.body,
        )

    on_bench(test)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204])
def test_these_answers_are_success(status: int) -> None:
    """
    After an answer of success the event is never sent again.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url)
        bench.hub.publish(event())

        assert await bench.to_the_end() == [START]

    on_bench(test, statuses=[status])


def test_retries_follow_the_documented_schedule() -> None:
    """
    10 s, 30 s, 1 min, 5 min, 10 min, 30 min, 1 h, 3 h, 6 h, then every 12 h while the event lives.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url)
        bench.hub.publish(event())
        moments = [START, *await bench.to_the_end()]
        waits = [int((b - a).total_seconds()) for a, b in pairwise(moments)]

        # The tenth wait ends before the day is over, the eleventh after it; then the dead letter is written.
        assert waits == [0, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 43200, 300]
        assert bench.hub.dispatcher.dead_letters[0].body["deadLetterReason"] == "TimeToLiveExceeded"

    on_bench(test, statuses=[500] * 30)


def test_a_recovered_endpoint_gets_its_event() -> None:
    """
    The first success ends the retries, and the count of tries is in the header.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url)
        bench.hub.publish(event())
        await bench.to_the_end()

        assert [call.headers["aeg-delivery-count"] for call in bench.webhook.received] == ["0", "1", "2"]
        assert bench.hub.dispatcher.dead_letters == []

    on_bench(test, statuses=[503, 404])


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, "BadRequest"), (401, "Unauthorized"), (403, "Forbidden"), (413, "PayloadTooLarge")]
)
def test_these_answers_are_never_retried(status: int, outcome: str) -> None:
    """
    An answer that blames the event sends it to the dead letters after one attempt.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url)
        bench.hub.publish(event())
        await bench.to_the_end()
        (letter,) = bench.hub.dispatcher.dead_letters

        assert (1, 1, outcome) == (
            len(bench.webhook.received),
            letter.body["deliveryAttempts"],
            letter.body["lastDeliveryOutcome"],
        )

    on_bench(test, statuses=[status])


def test_a_dead_letter_is_the_event_and_why() -> None:
    """
    The dead letter is written five minutes after the last attempt, with five members more than the event.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url, name="mine", max_delivery_attempts=2)
        bench.hub.publish(event())
        moments = await bench.to_the_end()
        (letter,) = bench.hub.dispatcher.dead_letters

        assert timedelta(minutes=5) == moments[-1] - moments[-2]
        assert letter.blob.startswith("MINE/2026/11/21/10/")
        assert (
            event().rendered(Schema.EVENT_GRID)
            | {
                "deadLetterReason": "MaxDeliveryAttemptsExceeded",
                "deliveryAttempts": 2,
                "lastDeliveryOutcome": "InternalServerError",
                "publishTime": "2026-11-21T10:00:00.1234560Z",
                "lastDeliveryAttemptTime": "2026-11-21T10:00:10.1234560Z",
            }
            == letter.body
        )

    on_bench(test, statuses=[500, 500])


def test_an_endpoint_that_is_gone_is_tried_again() -> None:
    """
    No connection is a failed attempt like any other.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url)
        subscription, _ = bench.hub.dispatcher.subscriptions["subscription-1"]
        object.__setattr__(subscription, "url", "http://127.0.0.1:9/")
        bench.hub.publish(event())
        await bench.hub.dispatcher.advance()

        assert ("SocketError", START + timedelta(seconds=10)) == (
            bench.hub.dispatcher.attempts[0].outcome,
            bench.hub.dispatcher.next_due(),
        )

    on_bench(test)


@pytest.mark.parametrize(
    ("mischief", "expected"),
    [
        pytest.param(Mischief(), ["event-1", "event-2"], id="none"),
        pytest.param(Mischief(copies=2), ["event-1", "event-1", "event-2", "event-2"], id="twice"),
        pytest.param(Mischief(reverse=True), ["event-2", "event-1"], id="in another order"),
    ],
)
def test_mischief_on_demand(mischief: Mischief, expected: list[str]) -> None:
    """
    Events can come twice and in another order, as Event Grid promises neither once nor order.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url)
        bench.hub.dispatcher.mischief = mischief
        bench.hub.publish(event(1))
        bench.hub.publish(event(2))
        await bench.to_the_end()

        assert expected == bench.webhook.ids

    on_bench(test)


def test_events_can_come_late() -> None:
    """
    With a delay nothing arrives before its moment.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url)
        bench.hub.dispatcher.mischief = Mischief(delay=timedelta(minutes=7))
        bench.hub.publish(event())
        await bench.hub.dispatcher.advance()

        assert ([], [START + timedelta(minutes=7)]) == (bench.webhook.ids, await bench.to_the_end())

    on_bench(test)


@pytest.mark.parametrize(
    ("schema", "content_type"),
    [
        pytest.param(Schema.EVENT_GRID, "application/json", id="event-grid"),
        pytest.param(Schema.CLOUD_EVENTS, "application/cloudevents-batch+json", id="cloud-events"),
    ],
)
def test_batches_are_an_option(schema: Schema, content_type: str) -> None:
    """
    With batching on, events that are due together travel together up to the limit.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url, schema=schema, max_events_per_batch=2)
        for number in (1, 2, 3):
            bench.hub.publish(event(number))
        await bench.to_the_end()

        assert [len(call.body) for call in bench.webhook.received] == [2, 1]
        assert bench.webhook.received[0].headers["content-type"].startswith(content_type)

    on_bench(test)


def test_a_queue_gets_one_event_a_message() -> None:
    """
    A queue destination needs no handshake and gets base64 of one event.
    """

    async def test(bench: Bench) -> None:
        messages: list[str] = []

        async def put(text: str) -> None:
            messages.append(text)

        await bench.hub.subscribe(queue=put)
        bench.hub.publish(event())
        await bench.to_the_end()

        assert [event().rendered(Schema.EVENT_GRID)] == [json.loads(base64.b64decode(text)) for text in messages]

    on_bench(test)


def test_a_queue_that_is_down_is_tried_again() -> None:
    """
    What a queue's sender raises counts as a failed attempt.
    """

    async def test(bench: Bench) -> None:
        async def broken(text: str) -> None:
            raise ConnectionRefusedError

        await bench.hub.subscribe(queue=broken)
        bench.hub.publish(event())
        await bench.hub.dispatcher.advance()

        assert START + timedelta(seconds=10) == bench.hub.dispatcher.next_due()

    on_bench(test)


def test_only_what_the_filter_admits_is_delivered() -> None:
    """
    Events that a subscription did not ask for never reach it.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url, filter={"subjectEndsWith": "api-2"})
        bench.hub.publish(event(1))
        bench.hub.publish(event(2))
        await bench.to_the_end()

        assert bench.webhook.ids == ["event-2"]

    on_bench(test)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("arm", 1, id="the family"),
        pytest.param("apim", 0, id="another family"),
        pytest.param("*", 1, id="everything"),
        pytest.param("/SUBSCRIPTIONS/11111111-1111-1111-1111-111111111111", 1, id="the topic"),
        pytest.param("/subscriptions/another", 0, id="another topic"),
    ],
)
def test_a_subscription_hears_its_source_only(source: str, expected: int) -> None:
    """
    A subscription belongs to one topic, or here to all of a family.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url, source=source)
        bench.hub.publish(event())
        await bench.to_the_end()

        assert expected == len(bench.webhook.received)

    on_bench(test)


def test_a_deleted_subscription_gets_nothing_more() -> None:
    """
    Deleting a subscription drops what was on its way.
    """

    async def test(bench: Bench) -> None:
        await bench.hub.subscribe(bench.webhook.url, name="mine")
        bench.hub.publish(event())
        bench.hub.dispatcher.forget("mine")

        assert await bench.to_the_end() == []

    on_bench(test)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_delivery_attempts": 31},
        {"time_to_live": timedelta(days=2)},
        {"max_events_per_batch": 0},
        {"preferred_batch_kilobytes": 2048},
    ],
    ids=["attempts", "time to live", "batch", "batch size"],
)
def test_event_grids_limits_hold(wrong: dict[str, Any]) -> None:
    """
    A subscription beyond Event Grid's limits can't be made.
    """

    async def test(bench: Bench) -> None:
        with pytest.raises(ValueError, match="Event Grid takes"):
            await bench.hub.subscribe(bench.webhook.url, **wrong)

    on_bench(test)
