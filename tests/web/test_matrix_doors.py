"""
Cells of the matrix through the real doors: a replay by HTTP, an approval by HTTP, and what reaches Azure.

Which cells, a seed says; each result of the table is among them.
"""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from apimend.model.desired import Mode
from demo.world import START, World
from tests.web.stand import APPROVERS, GROUP, INSTANCE, OTHER, ask, desired, opened, principal
from tests.web.test_matrix import Cell, expected

CALLERS = {"stranger": (OTHER,), "approver": (GROUP,)}
EACH = 2
"""Cells of each result."""


def cells() -> list[Cell]:
    """Some cells of each result, among those whose caller can come to these doors."""
    every = [
        Cell(ceiling=c, declared=d, requested=r, caller=w, approval=a, waiver="none", window=o, stopped=s)
        for c in Mode
        for d in Mode
        for r in (None, *Mode)
        if r is None or r <= min(c, d)  # a higher one is refused, as below
        for w in CALLERS
        for a in ("none", "this")
        for o in ("always", "open", "closed")
        for s in (False, True)
    ]
    drawn = random.Random(7)
    results = sorted({expected(cell) for cell in every})
    return [cell for result in results for cell in drawn.sample([c for c in every if expected(c) == result], EACH)]


def declared(cell: Cell) -> str:
    """The desired state of a cell: a window around the world's first moment, or one after it."""
    first = START + timedelta(hours=-2 if cell.window == "open" else 2)
    window = f'    window: {{from: "{first:%H:%M}", to: "{first + timedelta(hours=4):%H:%M}"}}\n'
    return desired(cell.declared.word, more=APPROVERS + (window if cell.window != "always" else ""))


async def approved(world: World, person: dict[str, str]) -> None:
    """Approve what waits, if anything waits; whoever may not is told so."""
    run = (await ask(world, "GET", "/api/runs", headers=person)).json["runs"][0]
    if run["result"] == "asked":
        path, body = f"/api/runs/{run['run']}/approve", {"digest": run["digest"]}
        assert (await ask(world, "POST", path, body, headers=person, key=False)).status in (202, 403)
        await world.settle(60)


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: expected(cell))
async def test_a_cell_comes_out_as_the_table_says(cell: Cell) -> None:
    """
    Azure is written to where the table says so and nowhere else, and the run says which of the other results it is.
    """
    settings = {"APIMEND_SIGN_IN": "appservice"}
    async with opened(declared(cell), ceiling=cell.ceiling.word, settings=settings) as world:
        person, boss = principal(world, *CALLERS[cell.caller]), principal(world, GROUP)
        if cell.stopped:
            await ask(world, "POST", "/api/stop", {"reason": "INC7"}, headers=boss, key=False)
        mode = {} if cell.requested is None else {"mode": cell.requested.word}
        await ask(world, "POST", "/api/replay", {"instance": INSTANCE, **mode}, headers=boss, key=False)
        await world.settle(60)
        if cell.approval == "this":
            await approved(world, person)
        run = (await ask(world, "GET", "/api/runs", headers=boss)).json["runs"][0]

        assert (expected(cell) == "written") == bool(world.writes())
        assert TOLD[expected(cell)](run["result"], set(run["counts"]))


TOLD: Mapping[str, Callable[[str, set[str]], bool]] = {
    "planned": lambda result, counts: result == "planned" and counts == {"planned"},
    "asks": lambda result, counts: result == "asked" and counts == {"planned"},
    "refused": lambda result, counts: "refused" in counts,
    "waits": lambda result, counts: "deferred" in counts,
    "written": lambda result, counts: counts <= {"applied", "pending", "deferred"},
}
"""How a run tells each result."""


@pytest.mark.parametrize(
    ("ceiling", "mode", "asked"),
    [("enforce", "ask", "enforce"), ("enforce", "report", "ask"), ("ask", "enforce", "enforce")],
    ids=["above ask", "above report", "above the ceiling"],
)
async def test_a_higher_mode_is_refused(ceiling: str, mode: str, asked: str) -> None:
    """
    R22: a replay that asks for more than is declared, or than the ceiling allows, is a fault and no visit.
    """
    async with opened(desired(mode), ceiling=ceiling) as world:
        answer = await ask(world, "POST", "/api/replay", {"instance": INSTANCE, "mode": asked})
        await world.settle(60)

        assert (400, "mode") == (answer.status, answer.json["errors"][0]["where"])
        assert [] == list(await world.runs())
