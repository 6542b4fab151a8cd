"""What the control calls refuse, and what they take from somebody in another process."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emulator import Options, Polling, Throttle
from emulator.choices import BadChoice, chosen, shown
from emulator.events import EventGrid
from emulator.teams import TeamsInbox
from tests.emulator.stand import Stand, running, service_id

FAULTS = "/faults"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"", "no JSON", id="nothing"),
        pytest.param(b"status=500", "no JSON", id="a form"),
        pytest.param([1], "JSON object", id="a list"),
        pytest.param(b"null", "JSON object", id="null"),
        pytest.param({"statuss": 500}, "unknown: statuss", id="misspelt"),
        pytest.param({"delay": 5}, "unknown: delay", id="the name of a test's argument"),
        pytest.param({"status": "500"}, "status must be a whole number from 200 to 599", id="a status as text"),
        pytest.param({"status": 99}, "from 200 to 599", id="no status of HTTP"),
        pytest.param({"status": True}, "from 200 to 599", id="a flag as status"),
        pytest.param({"status": 500, "nth": "x"}, "nth must be a whole number from 1 on", id="nth as text"),
        pytest.param({"status": 500, "nth": 0}, "from 1 on", id="nth from zero"),
        pytest.param({"status": 500, "times": -1}, "times must be", id="fewer than none"),
        pytest.param({"status": 500, "chance": 7}, "chance must be a number from 0 to 1", id="more than certain"),
        pytest.param({"status": 500, "path": 5}, "path must be a text", id="a number as path"),
        pytest.param({"status": 500, "headers": 5}, "headers must be an object of texts", id="headers"),
        pytest.param({"status": 500, "when": "sometime"}, "when must be one of before, after", id="when"),
        pytest.param({"status": 500, "place": "plain"}, "place must match one of arm", id="the control itself"),
        pytest.param({"delay_seconds": "x"}, "delay_seconds must be a number", id="delay as text"),
        pytest.param({"reset": "yes"}, "reset must be true or false", id="reset as text"),
        pytest.param({"path": "*"}, "a fault does something", id="nothing to do"),
    ],
)
def test_a_fault_that_would_never_strike_is_refused(stand: Stand, body: Any, said: str) -> None:
    """
    A misspelt or impossible fault ends in a 400 that says what is wrong, and leaves nothing in force.
    """
    refused = stand.control("POST", FAULTS, body)

    assert (400, True) == (refused.status, said in refused.error["message"]), refused.text
    assert [] == stand.control("GET", FAULTS).json["active"]


def test_a_fault_is_shown_as_it_was_posted(stand: Stand) -> None:
    """
    What is in force can be read back, with what it struck.
    """
    sent = {
        "path": "*/apim",
        "method": "GET",
        "status": 503,
        "headers": {"Retry-After": "7"},
        "body": {},
        "times": None,
    }
    stand.control("POST", FAULTS, sent)
    seen = [stand.arm("GET", "").status for _ in range(2)]
    held = stand.control("GET", FAULTS).json["active"][0]

    assert [503, 503] == seen
    assert sent.items() <= held.items()
    assert (2, 2) == (held["seen"], held["fired"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({}, "either seconds or to", id="nothing"),
        pytest.param({"seconds": 1, "to": "next"}, "either seconds or to", id="both"),
        pytest.param({"seconds": 1e30}, "seconds must be a number from 0", id="beyond all time"),
        pytest.param({"seconds": -5}, "seconds must be a number from 0", id="back by seconds"),
        pytest.param({"to": "2020-01-01T00:00:00Z"}, "forward only", id="back"),
        pytest.param({"to": "9020-01-01T00:00:00Z"}, "ten years at most", id="too far"),
        pytest.param({"to": "2027-01-01T00:00:00"}, "needs an offset", id="no offset"),
        pytest.param({"to": "tomorrow"}, "ISO 8601", id="no time"),
        pytest.param({"to": 5}, "to must be a text", id="a number"),
    ],
)
def test_a_clock_that_cannot_go_there_says_so(stand: Stand, body: Any, said: str) -> None:
    """
    Time goes forward, by an amount that is one.
    """
    refused = stand.control("POST", "/clock", body)

    assert (400, True) == (refused.status, said in refused.error["message"]), refused.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({}, "missing: service", id="no service"),
        pytest.param(b"x", "no JSON", id="no json"),
        pytest.param({"service": "apim"}, "the id of an API Management service", id="a name"),
        pytest.param({"service": service_id(), "code": 5}, "code must be a text", id="a code that is none"),
    ],
)
def test_an_operation_that_could_not_be_meant_is_refused(stand: Stand, body: Any, said: str) -> None:
    """
    Only the next operation of a service can be told to fail.
    """
    refused = stand.control("POST", "/operations/fail", body)

    assert (400, True) == (refused.status, said in refused.error["message"]), refused.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PUT", "/teams/throttle", {"times": "x"}, id="teams"),
        pytest.param("PUT", "/events/mischief", {"copies": "x"}, id="copies"),
        pytest.param("PUT", "/events/mischief", {"delay": 3}, id="misspelt"),
        pytest.param("PUT", "/events/subscriptions/x", b"[", id="subscription"),
        pytest.param("POST", "/events/raise", {"topic": "t", "subject": "s", "eventType": 5}, id="event"),
    ],
)
def test_the_other_parts_refuse_alike(method: str, path: str, body: Any) -> None:
    """
    Teams and Event Grid answer 400 to what they can't mean.
    """
    with running(parts=(EventGrid, TeamsInbox)) as stand:
        assert 400 == stand.control(method, path, body).status


def test_the_options_in_force_can_be_read(stand: Stand) -> None:
    """
    Somebody in another process sees how this Azure behaves, in the words by which it is set.
    """
    told = stand.control("GET", "/options").json

    assert ("400", "none", "1500s", "accept") == (
        str(told["certificate_in_use_status"]),
        told["reads"],
        told["update_duration"],
        told["uploaded_certificates"],
    )


def test_options_are_set_by_name() -> None:
    """
    Every kind of option can be written as text, and reads as it is shown.
    """
    written = ["polling=both", "page_size=3", "mixed_case=true", "soft_delete=2d", "reads=250/25", "seed=7"]
    made = chosen(Options(certificate_in_use_status=409), [*written, "certificate_in_use_status=none"])

    assert (
        Options(
            polling=Polling.BOTH,
            page_size=3,
            mixed_case=True,
            soft_delete=timedelta(days=2),
            reads=Throttle(size=250, per_second=25),
            seed=7,
            certificate_in_use_status=None,
        )
        == made
    )
    assert ("both", "172800s", "250/25") == (shown(made)["polling"], shown(made)["soft_delete"], shown(made)["reads"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("page_size", "is no option", id="no value"),
        pytest.param("page_sise=3", "is no option", id="misspelt"),
        pytest.param("page_size=x", "a whole number", id="number"),
        pytest.param("mixed_case=yes", "true or false", id="flag"),
        pytest.param("soft_delete=2 days", "a span like", id="span"),
        pytest.param("reads=250", "a bucket like", id="bucket"),
        pytest.param("polling=often", "one of location, both, locations", id="choice"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(text: str, said: str) -> None:
    """
    The message says what would have been understood.
    """
    with pytest.raises(BadChoice, match=said):
        chosen(Options(), [text])
