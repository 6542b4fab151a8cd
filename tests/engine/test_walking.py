"""
A walk that takes longer than a visit: it is split, remembered, and ends; what is remembered never outlives an event.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apimend import survey
from apimend.engine import reconcile
from apimend.model.plan import Kind
from apimend.model.runs import OrderKind, Result
from apimend.storage import limits
from demo.world import TENANTS, World, open_world
from emulator import Options
from emulator.options import Lag
from emulator.tenant import Tenant, load_tenant
from tests.engine.conftest import ID, checks, order
from tests.job.conftest import INSTANCE, desired
from tests.job.test_policies import POLICY, put

APIS, OPERATIONS = 12, 10
HIDING = replace(Options(), all_policies=Lag.OMIT, update_duration=timedelta(minutes=1))


@asynccontextmanager
async def large(monkeypatch: pytest.MonkeyPatch, mode: str = "enforce") -> AsyncIterator[World]:
    """The small tenant with more operations than the bucket of reads holds, and three seconds for a walk."""
    monkeypatch.setattr(reconcile, "WALKING", 3 / 480)
    monkeypatch.setattr(survey, "AT_A_TIME", 20)
    monkeypatch.setitem(limits.AZURE, limits.READS, limits.Rate(size=40, per_second=20))
    content = dict(load_tenant(TENANTS / "small.yaml").content)
    (service,) = content["services"]
    shown = [{"id": f"o{each}", "method": "GET", "url": f"/o{each}"} for each in range(OPERATIONS)]
    apis = [{"id": f"api-{each}", "path": f"a{each}", "operations": shown} for each in range(APIS)]
    content["services"] = [{**service, "apis": [*service["apis"], *apis]}]
    async with open_world(Tenant.of(content), desired=desired(mode), options=HIDING) as world:
        yield world


async def walked(world: World) -> list[dict[str, Any]]:
    """A person asks for a walk; the runs that it takes, the oldest first."""
    before = len(await world.runs())
    await world.http("POST", "/api/replay", {"instance": INSTANCE})
    await world.settle(60)
    listed = list(await world.runs())
    found = [(await world.http("GET", run["detail"]))[1] for run in listed[: len(listed) - before]]
    return found[::-1]


def codes(run: dict[str, Any]) -> list[str]:
    """The codes of a run's findings."""
    return [finding["code"] for finding in run["findings"]]


def asked(world: World, since: int) -> Counter[str]:
    """How often the app asked each operation for its policy."""
    paths = (entry.path for entry in world.ours(since) if entry.method == "GET")
    return Counter(path for path in paths if "/operations/" in path and path.endswith("/policies/policy"))


async def test_it_goes_on_where_it_stopped_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No visit runs over its time, nothing is asked twice, no figure is told before all is known, and then all is.
    """
    async with large(monkeypatch, "report") as world:
        mark = world.mark()
        *first, last = await walked(world)
        again = asked(world, mark)

        assert len(first) >= 2
        assert all("walk_unfinished" in codes(run) for run in first)
        assert {None} == {run["coverage"]["before"] and "told" for run in first}
        assert "walk_unfinished" not in codes(last)
        assert APIS * OPERATIONS + 3 == last["coverage"]["before"]["total"] == len(again)
        assert {1} == set(again.values())


async def test_nothing_is_written_on_half_a_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While scopes are left to ask no check goes in; afterwards it does, and everything is covered.
    """
    async with large(monkeypatch) as world:
        runs = await walked(world)
        unfinished = [run for run in runs if "walk_unfinished" in codes(run)]
        changed = {change["kind"] for run in unfinished for change in run["changes"]}
        await world.settle(600)
        last = (await walked(world))[-1]

        assert unfinished
        assert "policy" not in changed
        assert 100 == last["coverage"]["before"]["percent"]


async def test_what_an_event_touches_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A policy that drops the check comes in where there was none, and no list shows it: the event's own visit finds it.
    """
    async with large(monkeypatch) as world:
        while "walk_unfinished" in codes((await walked(world))[-1]):
            await world.settle(600)
        await world.settle(600)
        hidden = f"{INSTANCE}/apis/api-3/operations/o4"
        mark = world.mark()
        await put(world, hidden, POLICY.format(""))
        await world.settle(60)
        paths = {path.casefold() for path in asked(world, mark)}
        text = (await world.arm("GET", f"{hidden}/policies/policy"))["properties"]["value"]

        assert f"{hidden}/policies/policy".casefold() in paths
        assert {"/apis/api-3/"} == {f"/apis/{path.split('/apis/')[1].split('/')[0]}/" for path in paths}
        assert "<validate-client-certificate" in text


async def test_what_is_taken_back_waits_for_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An undo has to know what relies on the check: it goes on with the walk until it does, and is carried out once.
    """
    async with large(monkeypatch) as world:
        while "walk_unfinished" in codes((await walked(world))[-1]):
            await world.settle(600)
        await world.settle(600)
        wired = await world.app.door.wired()
        runs = await wired.storage.ledger.runs(ID)
        placed = next(run for run in runs if any(change.kind is Kind.POLICY for change in run.plan.changes))
        await wired.storage.walks.touched(ID, None)
        await world.settle(600)
        await order(world, OrderKind.UNDO, run=placed.id)
        await world.settle(600)
        told = [run for run in await wired.storage.ledger.runs(ID) if run.orders]

        assert Result.PENDING in {run.result for run in told}
        assert Result.FAILED not in {run.result for run in told}
        assert "nothing" == await checks(world)
