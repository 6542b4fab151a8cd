"""The outgoing topic: what is published, and what its refusals mean."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from apimend.model.errors import ApimendError, Denied, Rejected, Throttled, Unavailable
from apimend.model.runs import Run
from apimend.notify import events
from apimend.report.view import RunView
from script.card_samples import PLANNED, RUNS, SECRET
from tests.notify.stand import LINKS, Stand

DOCS = Path(__file__).parents[2] / "docs"
TYPES = {
    "plan": "Apimend.Run.Planned",
    "approval_needed": "Apimend.Run.Planned",
    "started": "Apimend.Run.Applied",
    "applied": "Apimend.Run.Applied",
    "partially_applied": "Apimend.Run.Applied",
    "refused": "Apimend.Run.Refused",
    "failed": "Apimend.Run.Failed",
    "undone": "Apimend.Run.Undone",
    "waiver_expiring": "",
}


def event(run: Run) -> dict[str, Any]:
    return events.of_run(RunView.of(run, links=LINKS), run)


@pytest.mark.parametrize(("name", "type_"), TYPES.items(), ids=TYPES.keys())
def test_the_type_says_what_happened(name: str, type_: str) -> None:
    """
    Planned, applied, refused, failed and undone are events; a visit that found nothing to do is none.
    """
    assert type_ == events.type_of(RUNS[name])


@pytest.mark.parametrize("name", [name for name, type_ in TYPES.items() if type_])
async def test_events_reach_the_topic(stand: Stand, name: str) -> None:
    """
    The topic takes the CloudEvent of every type, as the publisher of azure-eventgrid sends it.
    """
    run = RUNS[name]
    topic = stand.outgoing()
    await topic.publish([event(run)])
    await topic.close()

    body: Mapping[str, Any] = stand.topic.published[0].body
    assert (TYPES[name], run.instance.text, f"runs/{run.id}") == (body["type"], body["source"], body["subject"])
    assert run.id == body["data"]["run"]


@pytest.mark.parametrize("name", [name for name, type_ in TYPES.items() if type_])
def test_events_are_as_documented(name: str) -> None:
    """
    The data of an event fits the published schema, and holds nothing of somebody's policy.
    """
    schema = json.loads((DOCS / "run.schema.json").read_text())
    data = event(RUNS[name])["data"]

    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(data)]
    assert SECRET not in json.dumps(data)


def test_every_type_is_documented() -> None:
    """
    docs/events.md tells of every type.
    """
    told = (DOCS / "events.md").read_text()

    assert [] == [type_ for type_ in sorted(set(events.TYPES.values())) if f"`{type_}`" not in told]


def test_a_repetition_has_the_same_id() -> None:
    """
    An event that is published twice can be known by its id.
    """
    assert event(PLANNED)["id"] == event(PLANNED)["id"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, Denied), (403, Denied), (404, Rejected), (413, Rejected), (429, Throttled), (500, Unavailable)],
)
async def test_refusals_are_translated(stand: Stand, status: int, expected: type[ApimendError]) -> None:
    """
    Each refusal of the topic is one of our errors, and is tried once: the queue is what tries again.
    """
    stand.answers = [web.Response(status=status, headers={"Retry-After": "5"})]
    topic = stand.outgoing()

    with pytest.raises(expected):
        await topic.publish([event(PLANNED)])
    assert 1 == stand.calls
    await topic.close()


async def test_a_stranger_is_denied(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without the right token the topic takes nothing, and the error names the role that is missing.
    """
    topic = stand.outgoing()
    monkeypatch.setattr("tests.notify.stand.TOKEN", "another")

    with pytest.raises(Denied, match="EventGrid Data Sender"):
        await topic.publish([event(PLANNED)])
    assert [] == stand.topic.published
    await topic.close()
