"""
The guards as a table: mode, approval, hold, stop, window, limits and stages, each alone and together.
"""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from apimend.engine.guard import Circumstances, decide, decide_order, seconds_to
from apimend.model.desired import Desired, Limits, Mode, Window
from apimend.model.plan import Change, Finding, Kind, Plan, Severity, Stage
from apimend.model.runs import Hold, OrderKind, Progress, Status
from tests.engine.conftest import ID

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHUT = Window(days=frozenset({0}), start=time(1), end=time(2))
OPEN = Window(days=frozenset(range(7)), start=time(0), end=time(23, 59))


def change(kind: Kind = Kind.POLICY, stage: Stage = Stage.VALIDATE, *, ask: str = "") -> Change:
    """A change of one stage."""
    target = ID if kind.on_service else ID.child("policies", "policy")
    return Change(
        kind=kind, target=target, stage=stage, remediator="rule", before="{}", after='{"a":1}', reason="r", ask=ask
    )


def given(**more: Any) -> Circumstances:
    """Circumstances in which everything may be written."""
    known = {"mode": Mode.ENFORCE, "window": None, "limits": Limits()}
    declared = {name: more.pop(name, value) for name, value in known.items()}
    progress = more.pop("progress", Progress(instance=ID))
    desired = Desired(instance=ID, **declared)
    return Circumstances(**{"now": NOW, "ceiling": Mode.ENFORCE, "desired": desired, "progress": progress, **more})


def status(one: Change, circumstances: Circumstances) -> str:
    """What the guards say of a single change."""
    outcome = decide(Plan.of([one]), circumstances)[one.id]
    return "write" if outcome is None else outcome.status.value


@pytest.mark.parametrize(
    ("ceiling", "declared", "requested", "approved"),
    list(itertools.product(Mode, Mode, [None, *Mode], [False, True])),
    ids=str,
)
def test_the_lowest_mode_decides(ceiling: Mode, declared: Mode, requested: Mode | None, approved: bool) -> None:
    """
    R22: report writes nothing, ask writes what is approved, enforce writes; a request lowers and never raises.
    """
    one = change()
    lowest = min(mode for mode in (ceiling, declared, requested) if mode is not None)
    expected = {
        Mode.REPORT: "planned",
        Mode.ASK: "write" if approved else "planned",
        Mode.ENFORCE: "write",
    }[lowest]
    approvals = frozenset({one.id} if approved else ())

    assert expected == status(one, given(ceiling=ceiling, mode=declared, requested=requested, approved=approvals))


@pytest.mark.parametrize(
    ("asks", "approved", "stopped", "window", "writes"),
    list(itertools.product(["", "expired"], [False, True], ["", "incident"], [None, OPEN, SHUT], [0, 50])),
    ids=str,
)
def test_in_enforce_mode_people_have_the_last_word(
    asks: str, approved: bool, stopped: str, window: Window | None, writes: int
) -> None:
    """
    In this order: a question waits for approval, the stop refuses, a limit asks, the window puts off.
    """
    one = change(ask=asks)
    if asks and not approved:
        expected = "planned"
    elif stopped:
        expected = "refused"
    elif writes and not approved:
        expected = "planned"
    else:
        expected = "deferred" if window is SHUT else "write"
    approvals = frozenset({one.id} if approved else ())
    circumstances = given(window=window, stopped=stopped, writes_today=writes, approved=approvals)

    assert expected == status(one, circumstances)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"instances_today": 10}, "planned", id="too many instances"),
        pytest.param({"service_busy": True}, "deferred", id="the service is being updated"),
        pytest.param({"progress": Progress(instance=ID, settling=True)}, "deferred", id="negotiation not yet live"),
        pytest.param({"rounds": {change().id: 3}}, "refused", id="a fight"),
    ],
)
def test_a_check_waits_for_what_makes_it_safe(more: dict[str, Any], expected: str) -> None:
    """
    Each of these alone keeps a check from being written.
    """
    assert expected == status(change(), given(**more))


def test_a_check_waits_for_negotiation_in_the_same_plan() -> None:
    """
    R1: a later stage never starts in the visit in which the earlier one is written.
    """
    plan = Plan.of([change(), change(Kind.SERVICE_NEGOTIATION, Stage.NEGOTIATE)])
    decided = decide(plan, given())

    assert [None, Status.DEFERRED] == [o and o.status for o in (decided[c.id] for c in plan.changes)]


def test_a_finding_that_forbids_a_stage_refuses_it() -> None:
    """
    What locks somebody out is refused with the finding's own words.
    """
    blocking = Finding(
        code="c", target=ID, remediator="r", severity=Severity.HIGH, message="No.", blocks=frozenset({Stage.VALIDATE})
    )
    one = change()
    outcome = decide(Plan.of([one], [blocking]), given())[one.id]

    assert outcome is not None
    assert (Status.REFUSED, "No.") == (outcome.status, outcome.why)


@pytest.mark.parametrize(
    ("order", "until", "expected"),
    [
        pytest.param(OrderKind.RELAX, NOW + timedelta(hours=1), "deferred", id="relaxed"),
        pytest.param(OrderKind.RELAX, NOW - timedelta(hours=1), "write", id="relaxed until an hour ago"),
        pytest.param(OrderKind.RELEASE, None, "planned", id="released"),
    ],
)
def test_what_people_took_back_stays_so(order: OrderKind, until: datetime | None, expected: str) -> None:
    """
    A hold outlasts events; only its time or an approval ends it.
    """
    hold = Hold(order=order, by="ada", at=NOW - timedelta(hours=2), run="r", until=until)

    assert expected == status(change(), given(progress=Progress(instance=ID, holds=(hold,))))


@pytest.mark.parametrize(("tries", "expected"), [(0, "write"), (1, "deferred"), (3, "refused")], ids=str)
def test_an_update_that_failed_is_not_sent_at_once_nor_for_ever(tries: int, expected: str) -> None:
    """
    Each try costs downtime on some tiers: there is a pause after it, and an end.
    """
    progress = Progress(instance=ID, update_failures=tries, update_failed_at=NOW)

    assert expected == status(change(Kind.SERVICE_NEGOTIATION, Stage.NEGOTIATE), given(progress=progress))


def test_what_lets_callers_in_waits_for_no_window_no_limit_and_no_stage() -> None:
    """
    R4: an urgent change is written at once, but never in report mode, and not under the stop.
    """
    one = change()
    circumstances = given(window=SHUT, writes_today=99, service_busy=True, urgent=frozenset({one.id}))
    cases = (
        circumstances,
        replace(circumstances, stopped="incident"),
        replace(circumstances, ceiling=Mode.REPORT),
    )

    assert ["write", "refused", "planned"] == [status(one, case) for case in cases]


@pytest.mark.parametrize(
    ("more", "at_once", "expected"),
    [
        pytest.param({}, False, None, id="it is its own approval"),
        pytest.param({"mode": Mode.ASK}, False, None, id="in ask mode too"),
        pytest.param({"mode": Mode.REPORT}, True, Status.PLANNED, id="report mode"),
        pytest.param({"stopped": "incident"}, True, Status.REFUSED, id="the global stop"),
        pytest.param({"window": SHUT}, False, Status.DEFERRED, id="the window"),
        pytest.param({"window": SHUT}, True, None, id="break-glass in spite of the window"),
    ],
)
def test_an_order_passes_what_an_approval_passes(more: dict[str, Any], at_once: bool, expected: Status | None) -> None:
    """
    An order needs no second approval; mode, stop and window hold for it too.
    """
    one = change()
    outcome = decide_order(Plan.of([one]), given(**more), at_once=at_once)[one.id]

    assert expected == (outcome and outcome.status)


def test_an_undo_goes_through_the_stages_in_reverse() -> None:
    """
    The check goes first; negotiation waits until it is gone.
    """
    plan = Plan.of([change(), change(Kind.SERVICE_NEGOTIATION, Stage.NEGOTIATE)])
    decided = decide_order(plan, given(), at_once=False)

    assert [Status.DEFERRED, None] == [o and o.status for o in (decided[c.id] for c in plan.changes)]


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        pytest.param(datetime(2027, 3, 27, 21, tzinfo=UTC), datetime(2027, 3, 28, 2, tzinfo=UTC), id="spring"),
        pytest.param(datetime(2026, 10, 24, 21, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC), id="autumn"),
        pytest.param(datetime(2026, 11, 21, 21, tzinfo=UTC), datetime(2026, 11, 22, 3, tzinfo=UTC), id="an even week"),
    ],
)
def test_a_window_opens_by_its_own_clock(now: datetime, opens: datetime) -> None:
    """
    Sunday at 4 in Berlin is Sunday at 4 in the weeks in which the clocks change too.
    """
    sunday = Window(days=frozenset({6}), start=time(4), end=time(4, 30), zone="Europe/Berlin")

    assert opens == now + timedelta(seconds=seconds_to(sunday, now))
    assert 0.0 == seconds_to(sunday, opens)
    assert seconds_to(sunday, opens + timedelta(minutes=30)) > 6 * 86400
