"""
Bad input through the real doors: one clear message each, nothing written, nothing lost.
"""

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Trigger
from apimend.storage.sqlite import SqliteQueue
from tests.job.conftest import INSTANCE, desired, opened, touch

ELSEWHERE = INSTANCE.replace("11111111-1111-1111-1111-111111111111", "99999999-9999-9999-9999-999999999999")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("{", 400, "no JSON"),
        ("[]", 400, "no JSON object"),
        ("{}", 400, "exactly one of event, events, instance, run"),
        ('{"instance": "contoso-dev"}', 400, "/subscriptions/"),
        ('{"instans": "x"}', 400, "no field 'instans'"),
        (json.dumps({"instance": INSTANCE, "run": "1"}), 400, "exactly one"),
        (json.dumps({"instance": INSTANCE, "mode": "ENFORCE"}), 400, "Write report, ask or enforce"),
        (json.dumps({"instance": INSTANCE, "mode": "enforce"}), 400, "above what is allowed"),
        (json.dumps({"instance": INSTANCE + "-gone"}), 404, "contoso-dev-gone"),
        (json.dumps({"instance": ELSEWHERE}), 400, "outside of what is declared"),
        ('{"run": "nothing"}', 400, "There is no run 'nothing'"),
        ('{"event": {"id": "1"}}', 400, "event"),
        ('{"events": []}', 400, "no list with events"),
    ],
    ids=[
        "no JSON",
        "no object",
        "empty",
        "no id",
        "unknown field",
        "two ways",
        "no mode",
        "higher mode",
        "unknown instance",
        "outside",
        "unknown run",
        "no event",
        "no events",
    ],
)
async def test_a_replay_with_faults(body: str, status: int, said: str) -> None:
    """
    The caller gets a problem with a sentence that helps; nothing is written, and no visit follows.
    """
    settings = {"APIMEND_SUBSCRIPTIONS": "11111111-1111-1111-1111-111111111111"}
    async with opened(desired("ask"), settings=settings) as world:
        mark = world.mark()
        headers = {"x-functions-key": world.host.keys.host}
        async with world.session.post(f"{world.host.url}/api/replay", data=body, headers=headers) as answer:
            problem: dict[str, Any] = await answer.json(content_type="application/problem+json")
        await world.settle()

        assert (status, status) == (answer.status, problem["status"])
        assert said in problem["detail"]
        assert ([], []) == (world.writes(mark), list(await world.runs()))


async def test_a_replay_without_a_key_is_refused() -> None:
    """
    The API needs the function key.
    """
    async with opened() as world, world.session.post(f"{world.host.url}/api/replay", data="{}") as answer:
        assert 401 == answer.status


async def test_a_malformed_event_is_acknowledged_and_logged() -> None:
    """
    Sending it again would help nobody, so the platform is told that it arrived.
    """
    async with opened() as world:
        event = {"id": "e-1", "eventType": "Microsoft.Resources.ResourceWriteSuccess", "subject": "/x", "data": 5}
        event |= {"topic": "/subscriptions/1", "eventTime": "2026-11-22T09:00:00Z", "dataVersion": "2"}
        headers = {"aeg-event-type": "Notification"}
        async with world.session.post(
            world.host.webhook("on_resource_change"), json=[event], headers=headers
        ) as answer:
            pass
        await world.settle()

        assert 202 == answer.status
        assert [] == list(await world.runs())


async def test_settings_with_faults_are_told_all_at_once() -> None:
    """
    Every fault of the settings is in one answer.
    """
    settings = {"APIMEND_MODE_CEILING": "write", "APIMEND_SETTLE_SECONDS": "soon", "APIMEND_MODES": "x"}
    async with opened(settings=settings) as world:
        status, problem = await world.http("GET", "/api/health")

        names = {error["where"] for error in problem["errors"]}
        assert (503, set(settings)) == (status, names)


BROKEN = {
    "an undeclared certificate": ("certificates: [partner-a]", "certificates: [partner-z]", "partner-z"),
    "no YAML": ("version: 1", "version: [1", "desired.yaml:"),
    "an unknown key": ("arrives: direct", "arives: direct", "arrives"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_desired_state_with_faults_means_no_write(broken: tuple[str, str, str]) -> None:
    """
    I10: what can't be read is said, with file and line, and nothing is written.
    """
    before, after, said = broken
    async with opened(desired().replace(before, after)) as world:
        mark = world.mark()
        await touch(world)
        (run,) = await world.runs()

        assert ("failed", []) == (run["result"], world.writes(mark))
        assert said in run["error"]
        assert "desired.yaml:" in run["error"]


async def test_a_service_that_has_gone_ends_well() -> None:
    """
    A deleted instance is a normal end: a run that says so, and no retry.
    """
    async with opened() as world:
        await world.arm("DELETE", INSTANCE)
        await world.settle()

        assert "gone" == (await world.runs())[0]["result"]


async def test_a_vault_that_is_not_there_is_a_finding() -> None:
    """
    A certificate in a vault that does not exist is reported, and no check goes in.
    """
    async with opened(desired().replace("kv-contoso-dev", "kv-nowhere")) as world:
        mark = world.mark()
        await touch(world)
        _, run = await world.http("GET", (await world.runs())[0]["detail"])

        assert not [entry for entry in world.writes(mark) if "/policies/" in entry.path]
        assert "kv-nowhere" in json.dumps(run["findings"])


async def test_a_visit_that_takes_too_long_ends_and_rings_again() -> None:
    """
    The engine ends a visit before the platform would kill it; the bell rings again, and nothing is parked.
    """
    async with opened(desired("report")) as world:
        wired = await world.app.door.wired()
        hasty = replace(wired.engine, longest=0.0)
        await wired.storage.bells.ring(
            Trigger(cause=Cause.EVENT, instance=InstanceId.of(INSTANCE), at=world.clock.now())
        )
        with closing(SqliteQueue(world.folder / "apimend.db", world.clock)) as queue:
            (message,) = queue.peek("apimend-visits")

        cut_short = await hasty.answer(message.body.decode())
        await world.settle(120)

        assert cut_short is not None
        assert cut_short.next_visit is not None
        assert "planned" == (await world.runs())[0]["result"]


async def test_a_visit_that_is_ended_leaves_no_read_behind() -> None:
    """
    Azure gives no answer, the visit is ended, and with it every call that it had under way.
    """
    async with opened(desired("report")) as world:
        wired = await world.app.door.wired()
        hasty = replace(wired.engine, longest=0.3)
        world.azure.faults.add(method="GET", path="*/service/contoso-dev/*", delay=timedelta(hours=1))
        trigger = Trigger(cause=Cause.EVENT, instance=InstanceId.of(INSTANCE), at=world.clock.now())
        await wired.storage.bells.ring(trigger)
        with closing(SqliteQueue(world.folder / "apimend.db", world.clock)) as queue:
            (message,) = queue.peek("apimend-visits")
        cut_short = await hasty.answer(message.body.decode())
        left = [str(task.get_coro()) for task in asyncio.all_tasks() if "View." in str(task.get_coro())]

        assert cut_short is not None
        assert ("visit_too_long", []) == (cut_short.plan.findings[0].code, left)
