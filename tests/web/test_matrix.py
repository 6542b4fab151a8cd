"""
Who gets what: declared mode × requested mode × ceiling × caller × approval × waiver × window × stop, one expected
result a cell.

The expectation is the list of sentences below, in their order; the product's answer comes from the guards and from
who may approve.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import product

import pytest

from apimend.engine.guard import Circumstances, decide
from apimend.engine.look import Look, approves
from apimend.model.desired import Desired, Mode, Window
from apimend.model.errors import Denied
from apimend.model.plan import Change, Plan
from apimend.model.runs import Order, OrderKind, Progress, Status
from apimend.web.signin import KEY, NOBODY, Caller, may_order
from script.card_samples import ATTACH, INSTANCE
from tests.web.stand import GROUP, OTHER

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""A Sunday at noon."""

CALLERS = {
    "nobody": NOBODY,
    "a key": KEY,
    "a stranger": Caller(name="eve", groups=frozenset({OTHER})),
    "an approver": Caller(name="ada", groups=frozenset({GROUP})),
}
APPROVALS = ("none", "for this", "for another change", "lapsed")
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


def expected(cell: Cell) -> str:
    """The first sentence that applies."""
    asked = [cell.ceiling, cell.declared, *([cell.requested] if cell.requested is not None else [])]
    approved = cell.caller == "an approver" and cell.approval == "for this"
    sentences = (
        (cell.waiver == "live", "nothing to do"),
        (Mode.REPORT in asked, "planned"),
        ((Mode.ASK in asked or cell.waiver == "expired") and not approved, "asks"),
        (cell.stopped, "refused"),
        (cell.window == "closed", "waits"),
    )
    return next((word for applies, word in sentences if applies), "written")


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
        return "nothing to do"
    outcome = outcomes[change.id]
    if outcome is None:
        return "written"
    if outcome.status is Status.PLANNED:
        return "asks" if "approval" in outcome.why else "planned"
    return {Status.REFUSED: "refused", Status.DEFERRED: "waits"}[outcome.status]


def approved(cell: Cell, change: Change) -> Iterator[str]:
    """The changes that an approval of this caller covers now, if there is any."""
    if cell.approval == "none" or not may_approve(CALLERS[cell.caller]):
        return
    order = Order(
        id="1",
        kind=OrderKind.APPROVE,
        instance=INSTANCE,
        by=cell.caller,
        at=NOW - timedelta(hours=2),
        expires=NOW + timedelta(hours=-1 if cell.approval == "lapsed" else 1),
        changes=frozenset({"0" * 16 if cell.approval == "for another change" else change.id}),
    )
    look = Look(trigger=None, id="1", started=NOW, reader=None, progress=None, orders=(order,))  # type: ignore[arg-type]
    if approves(order, look):
        yield from order.changes


def may_approve(who: Caller) -> bool:
    """As `decisions.may_approve` says it, which the tests over HTTP show."""
    try:
        may_order(who, frozenset({GROUP}), what="approve this")
    except Denied:
        return False
    return who.signed_in


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("requested", [None, *Mode], ids=["not requested", *(mode.word for mode in Mode)])
@pytest.mark.parametrize("declared", Mode, ids=[mode.word for mode in Mode])
def test_every_cell_has_its_result(declared: Mode, requested: Mode | None, stopped: bool) -> None:
    """
    Each of the 10,368 cells comes out as the sentences say.
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
