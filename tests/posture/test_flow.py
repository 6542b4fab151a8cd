"""
From a visit to people: the run's figures, the ledger's note, pages, API and exports.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from apimend.engine.posture import remembered
from apimend.model.ids import InstanceId
from apimend.model.runs import Result
from apimend.notify.events import POSTURE_CHANGED, type_of
from apimend.report.view import RunView
from demo.world import World
from tests.web.stand import INSTANCE, ask, desired, opened, principal, touch

WHERE = quote(INSTANCE, safe="")


async def looked(world: World) -> None:
    """A person wants to know, and the visit is over."""
    await world.http("POST", "/api/replay", {"instance": INSTANCE})
    await world.settle()


async def test_a_visit_leaves_a_posture() -> None:
    """
    A visit that looks at everything leaves figures in its run and every control in the ledger; the plan is free of it.
    """
    async with opened(desired("report")) as world:
        await looked(world)
        ledger = (await world.app.door.wired()).storage.ledger
        (run, *_) = await ledger.runs()
        posture = await remembered(ledger, InstanceId.of(INSTANCE))

    assert run.posture is not None
    assert run.posture.whole
    assert 79 == len(posture.assessments)
    assert [] == [finding for finding in run.plan.findings if finding.remediator == "baseline_unmet"]


async def test_a_plain_event_costs_what_it_did_before() -> None:
    """
    With the controls among the rules, an event on the service makes not one call more.
    """
    counts = []
    for with_controls in (True, False):
        async with opened(desired("report")) as world:
            if not with_controls:
                rules = world.app.door._remediators
                world.app.door._remediators = tuple(rule for rule in rules if rule.name != "baseline_unmet")
            await touch(world)
            mark = world.mark()
            await touch(world)
            counts.append(len(world.ours(mark)))

    assert counts[0] == counts[1]


async def test_an_event_updates_what_it_can() -> None:
    """
    After a whole look, an event keeps the posture whole and judges the service anew.
    """
    async with opened(desired("report")) as world:
        await looked(world)
        await touch(world)
        ledger = (await world.app.door.wired()).storage.ledger
        (run, *_) = await ledger.runs()

    assert run.posture is not None
    assert 79 == sum(run.posture.verdicts.values())


@pytest.mark.parametrize("form", ["json", "csv", "sarif", "ocsf"])
async def test_the_api_gives_every_form(form: str) -> None:
    """
    What an instance came to can be had in each form.
    """
    async with opened(desired("report")) as world:
        await looked(world)
        answer = await ask(world, "GET", f"/api/controls?instance={WHERE}&format={form}")

    assert 200 == answer.status
    assert "D11" in answer.text


async def test_the_page_shows_every_family() -> None:
    """
    A person finds score, families, evidence and what to do on one page.
    """
    settings = {"APIMEND_SIGN_IN": "appservice"}
    async with opened(desired("report"), settings=settings) as world:
        who = principal(world)
        await ask(world, "POST", "/api/replay", {"instance": INSTANCE}, headers=who, key=False)
        await world.settle()
        answer = await ask(world, "GET", f"/posture/controls?instance={WHERE}", headers=who, key=False)

    assert 200 == answer.status
    assert all(word in answer.text for word in ("Identity and access", "Attestations", "Would raise it most"))


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), (f"instance={WHERE}", 404), (f"instance={WHERE}&format=pdf", 400)],
    ids=["nothing", "never looked at", "no form"],
)  # fmt: skip
async def test_what_is_not_there_is_said(query: str, status: int) -> None:
    """
    A request without an instance, for one nobody looked at, or for another form is told so.
    """
    async with opened(desired("report")) as world:
        answer = await ask(world, "GET", f"/api/controls?{query}")

    assert status == answer.status


async def test_systems_hear_of_a_posture_that_changed() -> None:
    """
    A visit that writes nothing is an event of its own where a control newly fails, and only then.
    """
    async with opened(desired("report")) as world:
        await looked(world)
        (run, *_) = await (await world.app.door.wired()).storage.ledger.runs()
    assert run.posture is not None
    settled = replace(run, result=Result.CONVERGED)
    changed = replace(settled, posture=replace(run.posture, failing=("D1 Old TLS versions are spoken",)))

    assert ["", POSTURE_CHANGED] == [type_of(settled), type_of(changed)]
    assert "newly D1 Old TLS" in RunView.of(changed).baseline
