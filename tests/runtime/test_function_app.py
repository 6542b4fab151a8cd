"""
Apimend's own function app on Microsoft's runtime, against the local Azure: it is indexed, and each door does its work.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import function_app
from apimend.storage.sqlite import SqliteQueue
from demo.world import ROOT, open_world
from devhost.clock import RealClock, VirtualClock
from devhost.functions import EventGridTrigger, HttpTrigger, QueueTrigger, TimerTrigger, read
from tests.runtime.app import Report, on_runtime

SCRIPT = ROOT / "function_app.py"
DESIRED = (ROOT / "demo" / "desired.yaml").read_text(encoding="utf-8")
KINDS = {
    EventGridTrigger: "eventGridTrigger",
    HttpTrigger: "httpTrigger",
    QueueTrigger: "queueTrigger",
    TimerTrigger: "timerTrigger",
}
INSTANCE = (
    "/subscriptions/11111111-1111-1111-1111-222222222222/resourceGroups/rg-apim-dev"
    "/providers/Microsoft.ApiManagement/service/contoso-dev"
)
EVENT = {
    "id": "8b1c5c9e-3f0e-4f2b-9a53-0d8f6d2f7a11",
    "topic": "/subscriptions/11111111-1111-1111-1111-222222222222",
    "subject": INSTANCE,
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "eventTime": "2026-11-22T09:00:00Z",
    "dataVersion": "2",
    "metadataVersion": "1",
    "data": {
        "operationName": "Microsoft.ApiManagement/service/write",
        "resourceUri": INSTANCE,
        "status": "Succeeded",
        "subscriptionId": "11111111-1111-1111-1111-222222222222",
    },
}
EVENT_CALL = {"function": "on_resource_change", "kind": "event", "event": EVENT}


@dataclass
class Story:
    """What the runtime reported of an event's way, step by step, and the message that the event left."""

    heard: Report
    message: str
    visited: Report


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """An event, its visit, and every other door, each in processes of Microsoft's runtime."""
    scratch = tmp_path_factory.mktemp("runtime")

    async def tell() -> Story:
        async with open_world(desired=DESIRED, ceiling="report", clock=VirtualClock(RealClock().now())) as world:

            async def run(calls: Sequence[Mapping[str, Any]]) -> Report:
                return await asyncio.to_thread(on_runtime, SCRIPT, calls, scratch=scratch, settings=world.environ)

            heard = await run([EVENT_CALL])
            message = only_message(world.folder / "apimend.db")
            visited = await run(
                [
                    {"function": "visit", "kind": "queue", "body": message},
                    {"function": "sweep", "kind": "timer"},
                    {"function": "runs", "kind": "http"},
                    {"function": "health", "kind": "http"},
                    {"function": "replay", "kind": "http", "method": "POST", "body": "no JSON"},
                    {"function": "parked_visits", "kind": "queue", "body": "poison"},
                ]
            )
            return Story(heard, message, visited)

    return asyncio.run(tell())


def only_message(database: Path) -> str:
    queue = SqliteQueue(database, RealClock())
    bodies = [each.body.decode() for each in queue.peek("apimend-visits")]
    queue.close()
    return "\n".join(bodies)


def test_every_function_is_indexed(story: Story) -> None:
    """
    The runtime finds every function of the app, with the trigger that the local host sees.
    """
    ours = {each.name: KINDS[type(each.trigger)] for each in read(function_app.create())}
    theirs = {name: bindings[0]["type"] for name, bindings in story.heard.functions.items()}

    assert ours == theirs


def test_every_door_does_its_work(story: Story) -> None:
    """
    No call fails on the runtime, whatever was in it.
    """
    results = [*story.heard.results, *story.visited.results]

    assert [""] * 7 == [each.error for each in results]


def test_an_event_rings_one_bell(story: Story) -> None:
    """
    An event leaves one message, and it names the instance.
    """
    assert INSTANCE.casefold() == json.loads(story.message)["instance"].casefold()


def test_a_visit_leaves_a_run(story: Story) -> None:
    """
    The visit that the message asks for is a run that the HTTP API shows.
    """
    shown = story.visited.results[2]

    assert 200 == shown.status
    assert [INSTANCE.casefold()] == [each["instance"].casefold() for each in json.loads(shown.body)["runs"]]


def test_a_bad_replay_is_the_callers_fault(story: Story) -> None:
    """
    A replay that is no JSON is answered with 400.
    """
    assert 400 == story.visited.results[4].status
