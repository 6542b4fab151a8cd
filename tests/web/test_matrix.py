"""
Who gets what: declared mode × requested mode × ceiling × caller × approval × waiver × window × stop, one expected
result a cell.

The expectation is the table below, in which each cell is in exactly one row; the product's answer comes from its guards
and from who may approve. tests/web/test_matrix_doors.py shows cells of it through the real doors.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import product
from typing import cast

import pytest

from apimend.engine.guard import Circumstances, decide
from apimend.engine.look import Look, approves
from apimend.model.desired import Desired, Mode, Window
from apimend.model.errors import Denied
from apimend.model.plan import Change, Plan
from apimend.model.runs import Order, OrderKind, Progress, Status
from apimend.web import decisions
from apimend.web.app import App
from apimend.web.signin import KEY, NOBODY, Caller
from script.card_samples import ATTACH, INSTANCE, PLANNED
from tests.web.stand import GROUP, OTHER

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""A Sunday at noon."""

CALLERS = {
    "nobody": NOBODY,
    "key": KEY,
    "stranger": Caller(name="eve", groups=frozenset({OTHER})),
    "approver": Caller(name="ada", groups=frozenset({GROUP})),
}
APPROVALS = ("none", "this", "another", "over")
WAIVERS = ("none", "live", "expired")
WINDOWS = {"always": None, "open": (11, 13), "closed": (1, 2)}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination."""

    ceiling: Mode
    declared: Mode
    requested: Mode | None
    caller: str
    approval: str
    waiver: str
    window: str
    stopped: bool


COLUMNS = ("ceiling", "declared", "requested", "caller", "approval", "waiver", "window", "stopped")
TABLE = """
ceiling     declared    requested      caller               approval           waiver       window      stopped  result
*           *           *              *                    *                  live         *           *        nothing
report      *           *              *                    *                  none|expired *           *        planned
ask|enforce report      *              *                    *                  none|expired *           *        planned
ask|enforce ask|enforce report         *                    *                  none|expired *           *        planned

ask         ask|enforce -|ask|enforce  nobody|key|stranger  *                  none|expired *           *        asks
ask         ask|enforce -|ask|enforce  approver             none|another|over  none|expired *           *        asks
enforce     ask         -|ask|enforce  nobody|key|stranger  *                  none|expired *           *        asks
enforce     ask         -|ask|enforce  approver             none|another|over  none|expired *           *        asks
enforce     enforce     ask            nobody|key|stranger  *                  none|expired *           *        asks
enforce     enforce     ask            approver             none|another|over  none|expired *           *        asks
enforce     enforce     -|enforce      nobody|key|stranger  *                  expired      *           *        asks
enforce     enforce     -|enforce      approver             none|another|over  expired      *           *        asks

ask|enforce ask|enforce -|ask|enforce  approver             this               none|expired *           yes      refused
ask|enforce ask|enforce -|ask|enforce  approver             this               none|expired closed      no       waits
ask|enforce ask|enforce -|ask|enforce  approver             this               none|expired always|open no       written

enforce     enforce     -|enforce      nobody|key|stranger  *                  none         *           yes      refused
enforce     enforce     -|enforce      nobody|key|stranger  *                  none         closed      no       waits
enforce     enforce     -|enforce      nobody|key|stranger  *                  none         always|open no       written
enforce     enforce     -|enforce      approver             none|another|over  none         *           yes      refused
enforce     enforce     -|enforce      approver             none|another|over  none         closed      no       waits
enforce     enforce     -|enforce      approver             none|another|over  none         always|open no       written
"""
"""What comes of each cell. Each cell is in exactly one row, so no order of rows decides anything."""


def rows() -> list[tuple[list[str], str]]:
    """The rows: what each column may be, and the result."""
    lines = [line.split() for line in TABLE.splitlines() if line.strip()]
    assert lines[0] == [*COLUMNS, "result"]
    return [(line[:-1], line[-1]) for line in lines[1:]]


ROWS = rows()


def expected(cell: Cell) -> str:
    """The result of the one row that the cell is in."""
    words = (
        cell.ceiling.word,
        cell.declared.word,
        cell.requested.word if cell.requested is not None else "-",
        cell.caller,
        cell.approval,
        cell.waiver,
        cell.window,
        "yes" if cell.stopped else "no",
    )
    (result,) = [
        result
        for row, result in ROWS
        if all(allowed == "*" or word in allowed.split("|") for allowed, word in zip(row, words, strict=True))
    ]
    return result


def found(cell: Cell) -> str:
    """What the product does."""
    change = replace(ATTACH, ask="The waiver W1 has expired." if cell.waiver == "expired" else "")
    plan = Plan.of([] if cell.waiver == "live" else [change])
    hours = WINDOWS[cell.window]
    window = Window(days=frozenset(range(7)), start=time(hours[0]), end=time(hours[1])) if hours else None
    given = Circumstances(
        now=NOW,
        ceiling=cell.ceiling,
        desired=Desired(instance=INSTANCE, mode=cell.declared, window=window),
        progress=Progress(instance=INSTANCE),
        requested=cell.requested,
        approved=frozenset(approved(cell, change)),
        stopped="INC7" if cell.stopped else "",
    )
    outcomes = decide(plan, given)
    if not outcomes:
        return "nothing"
    outcome = outcomes[change.id]
    if outcome is None:
        return "written"
    if outcome.status is Status.PLANNED:
        return "asks" if "approval" in outcome.why else "planned"
    return {Status.REFUSED: "refused", Status.DEFERRED: "waits"}[outcome.status]


def approved(cell: Cell, change: Change) -> Iterator[str]:
    """The changes that an approval of this caller covers now, if there is any."""
    if cell.approval == "none" or not may_approve(cell.caller):
        return
    order = Order(
        id="1",
        kind=OrderKind.APPROVE,
        instance=INSTANCE,
        by=cell.caller,
        at=NOW - timedelta(hours=2),
        expires=NOW + timedelta(hours=-1 if cell.approval == "over" else 1),
        changes=frozenset({"0" * 16 if cell.approval == "another" else change.id}),
    )
    look = Look(trigger=None, id="1", started=NOW, reader=None, progress=None, orders=(order,))  # type: ignore[arg-type]
    if approves(order, look):
        yield from order.changes


class Declared:
    """As much of the app as is asked who may approve: what is declared for the instance."""

    desired: "Declared"
    azure: "Declared"

    def __init__(self) -> None:
        self.desired = self.azure = self

    def reader(self, _instance: object) -> "Declared":
        return self

    async def service(self) -> None:
        return None

    async def resolve(self, _service: object) -> Desired:
        return Desired(instance=INSTANCE, approvers=frozenset({GROUP}))


@cache
def may_approve(caller: str) -> bool:
    """Whether the API would take an approval of theirs."""
    try:
        asyncio.run(decisions.may_approve(cast(App, Declared()), CALLERS[caller], PLANNED))
    except Denied:
        return False
    return True


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("requested", [None, *Mode], ids=["not requested", *(mode.word for mode in Mode)])
@pytest.mark.parametrize("declared", Mode, ids=[mode.word for mode in Mode])
def test_every_cell_has_its_result(declared: Mode, requested: Mode | None, stopped: bool) -> None:
    """
    Each of the 10,368 cells comes out as the table says.
    """
    cells = [
        Cell(
            ceiling=ceiling,
            declared=declared,
            requested=requested,
            caller=caller,
            approval=approval,
            waiver=waiver,
            window=window,
            stopped=stopped,
        )
        for ceiling, caller, approval, waiver, window in product(Mode, CALLERS, APPROVALS, WAIVERS, WINDOWS)
    ]

    assert 432 == len(cells)
    assert {} == {cell: found(cell) for cell in cells if found(cell) != expected(cell)}
