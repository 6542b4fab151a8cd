"""
What people took back stays taken back: no visit puts it in force again by itself.

`takeback` makes holds, the guards ask for them, `reconcile` drops those that are over. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from apimend.model.plan import Change, Kind, Stage
from apimend.model.runs import Hold, OrderKind, Outcome, Progress, Status

_CHECKS = (Kind.POLICY, Kind.SERVICE_NEGOTIATION)


def hold_on(change: Change, holds: Sequence[Hold], now: datetime) -> Hold | None:
    """The hold that keeps this change back, the one that ends last; None where nothing does."""
    found = [hold for hold in holds if is_standing(hold, now) and _covers(hold, change)]
    return max(found, key=lambda hold: (hold.until is None, hold.until or hold.at), default=None)


def words(hold: Hold) -> str:
    """Why a change is kept back, for people."""
    if hold.order is OrderKind.RELAX and hold.until is not None:
        return f"{hold.by} relaxed the checks until {hold.until:%Y-%m-%d %H:%M} UTC."
    done = "released the instance" if hold.order is OrderKind.RELEASE else f"took the run {hold.run[:8]} back"
    return f"{hold.by} {done} on {hold.at:%Y-%m-%d}."


def is_standing(hold: Hold, now: datetime) -> bool:
    """Whether it still keeps anything back."""
    return hold.until is None or hold.until > now


def standing(progress: Progress, now: datetime) -> Progress:
    """Less the holds that are over."""
    return replace(progress, holds=tuple(hold for hold in progress.holds if is_standing(hold, now)))


def without_approved(progress: Progress, changes: Iterable[Change], outcomes: Iterable[Outcome]) -> Progress:
    """Less the holds on what was written all the same: an approval has lifted them."""
    written = {outcome.change for outcome in outcomes if outcome.status in (Status.APPLIED, Status.PENDING)}
    done = [change for change in changes if change.id in written]
    kept = (hold for hold in progress.holds if not any(_covers(hold, change) for change in done))
    return replace(progress, holds=tuple(kept))


def _covers(hold: Hold, change: Change) -> bool:
    if hold.order is OrderKind.UNDO:
        return hold.kind == change.kind.value and hold.target == change.target
    return change.stage is Stage.VALIDATE and change.kind in _CHECKS
