"""
What may be written now, and why not: the guards of a plan, as one pure function.

`reconcile` asks it before every run; nothing else decides about stages, modes, windows or limits. `decide` is for what
the rules plan, `decide_order` for what a person takes back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apimend.engine.dependence import relies_on
from apimend.engine.holds import hold_on, words
from apimend.model.desired import Desired, Mode, Window
from apimend.model.plan import Change, Kind, Plan, Stage
from apimend.model.runs import Outcome, Progress, Status

GOOD_READINGS = 3
"""So often a service has to be found idle, with negotiation on, after our update and before VALIDATE."""

_SOON = 1.0

BUSY_AGAIN = 60.0
"""Seconds until the next look at a service that is being updated: what Azure's Retry-After says."""


FAILED_AGAIN = 900.0
SERVICE_FAILED_AGAIN = 3600.0
"""Seconds until a service update that failed is tried once more; each further failure doubles it."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """
    All that the guards go by. `requested` is what a person asked for, `approved` the ids of approved changes;
    `writes_today` counts ours on this instance, `instances_today` the instances we wrote to, `rounds` by change how
    often within a day we wrote just this; `rejected` are those that Azure refused within a day. `urgent` are changes
    that let callers in who are locked out now: they wait for no window, no limit and no stage.
    """

    now: datetime
    ceiling: Mode
    desired: Desired
    progress: Progress
    requested: Mode | None = None
    approved: frozenset[str] = frozenset()
    service_busy: bool = False
    service_failed: bool = False
    stopped: str = ""
    writes_today: int = 0
    rounds: Mapping[str, int] = field(default_factory=dict)
    rejected: frozenset[str] = frozenset()
    instances_today: int = 0
    settle_seconds: float = 60.0
    urgent: frozenset[str] = frozenset()

    def mode_for(self, change: Change) -> Mode:
        """The lowest of ceiling, declared and requested, for the rule that made this change."""
        asked = self.ceiling if self.requested is None else self.requested
        return min(self.ceiling, asked, self.desired.mode_of(change.remediator))

    def writes_unasked(self, change: Change) -> bool:
        """Whether this change would be written without a person's word."""
        spoken = change.ask or change.id in self.approved or change.id in self.urgent
        return not spoken and self.mode_for(change) is Mode.ENFORCE


def decide(plan: Plan, given: Circumstances) -> Mapping[str, Outcome | None]:
    """For every change by id: None where it may be written now, otherwise what becomes of it and why."""
    found: dict[str, Outcome | None] = {}
    planned = sum(given.writes_unasked(change) for change in plan.changes)
    for change in plan.changes:
        urgent = change.id in given.urgent
        found[change.id] = _by_person(change, given, planned) or (
            None if urgent else _by_stage(change, plan, found, given)
        )
    return found


def decide_order(plan: Plan, given: Circumstances, *, at_once: bool) -> Mapping[str, Outcome | None]:
    """
    As `decide`, for changes that a person ordered: the order is their approval, and later stages go first.

    `at_once` is for break-glass: it waits for no window. No order passes a mode that only reports, or the global stop.
    """
    return {change.id: _by_order(change, plan, given, at_once=at_once) for change in plan.changes}


def _by_order(change: Change, plan: Plan, given: Circumstances, *, at_once: bool) -> Outcome | None:
    if given.mode_for(change) is Mode.REPORT:
        return _outcome(change, Status.PLANNED, "Report mode: nothing is written.")
    if given.stopped:
        return _outcome(change, Status.REFUSED, f"The global stop is on: {given.stopped}")
    wait = 0.0 if at_once else seconds_to(given.desired.window, given.now)
    if wait:
        return _outcome(change, Status.DEFERRED, "It waits for the maintenance window.", after=wait)
    first = next((other for other in plan.changes if other.stage > change.stage), None)
    if first is not None:
        return _outcome(change, Status.DEFERRED, f"First: {first.will or first.reason}", after=_SOON)
    if change.kind.on_service and given.service_busy:
        return _busy(change, given)
    return None


def _busy(change: Change, given: Circumstances) -> Outcome:
    """An update is on its way; or none is and none goes through, until somebody mends the service, which rings."""
    if given.service_failed:
        why = "Azure shows the service in the state Failed: no update is sent until it is mended."
        return _outcome(change, Status.DEFERRED, why, after=SERVICE_FAILED_AGAIN)
    return _outcome(change, Status.DEFERRED, "The service is being updated.", after=BUSY_AGAIN)


def _by_person(change: Change, given: Circumstances, planned: int) -> Outcome | None:
    """Modes, approval, stop, window and limits: what people have said."""
    mode = given.mode_for(change)
    if mode is Mode.REPORT:
        return _outcome(change, Status.PLANNED, "Report mode: nothing is written.")
    approved = change.id in given.approved
    hold = None if change.id in given.urgent else hold_on(change, given.progress.holds, given.now)
    if hold is not None and hold.until is not None:
        wait = (hold.until - given.now).total_seconds()
        return _outcome(change, Status.DEFERRED, words(hold), after=wait)
    asks = change.ask or (words(hold) if hold else "")
    if (mode is Mode.ASK or asks) and not approved:
        return _outcome(change, Status.PLANNED, f"It waits for approval. {asks}".strip())
    if given.stopped:
        return _outcome(change, Status.REFUSED, f"The global stop is on: {given.stopped}")
    if change.id in given.urgent:
        return None
    limits = given.desired.limits
    if not approved and given.writes_today + planned > limits.writes_a_day:
        why = f"{given.writes_today} writes within a day and {planned} in this plan pass the limit of "
        return _outcome(change, Status.PLANNED, f"{why}{limits.writes_a_day}: it waits for approval.")
    if not approved and given.instances_today >= limits.instances_a_day:
        return _outcome(
            change,
            Status.PLANNED,
            f"{given.instances_today} instances were changed within a day, which reaches the limit: "
            "it waits for approval.",
        )
    wait = seconds_to(given.desired.window, given.now)
    if wait:
        return _outcome(change, Status.DEFERRED, "It waits for the maintenance window.", after=wait)
    return None


def _by_stage(change: Change, plan: Plan, before: Mapping[str, Outcome | None], given: Circumstances) -> Outcome | None:
    """Stages: each starts only when the one before is live, and nothing that is refused stands in its way."""
    for finding in plan.blocked(change.stage):
        return _outcome(change, Status.REFUSED, f"{finding.message} {finding.why_left}".strip())
    rounds = given.rounds.get(change.id, 0)
    if rounds >= given.desired.limits.rounds:
        return _outcome(change, Status.REFUSED, f"Written {rounds} times against another writer: we stopped.")
    if change.id in given.rejected:
        why = "Azure refused this within the last day. Replay the instance to have it sent again now."
        return _outcome(change, Status.REFUSED, why)
    if change.kind.on_service and given.service_busy:
        return _busy(change, given)
    if change.kind.on_service and (failed := _after_failure(change, given)):
        return failed
    earlier = [other for other in plan.changes if other.id in before and _comes_before(other, change)]
    waits = [other for other in earlier if change.stage is Stage.VALIDATE or before[other.id] is not None]
    if waits:
        told = [before[other.id] for other in waits]
        waits_for = [BUSY_AGAIN if o is None else o.after or BUSY_AGAIN for o in told if o is None or o.after]
        after = max(waits_for, default=None)
        return _outcome(change, Status.DEFERRED, f"First: {waits[0].will or waits[0].reason}", after=after)
    if change.stage is not Stage.VALIDATE:
        return None
    if given.service_busy:
        return _busy(change, given)
    if given.progress.settling:
        good = given.progress.good_readings
        return _outcome(
            change,
            Status.DEFERRED,
            f"Negotiation was found live {good} of {GOOD_READINGS} times.",
            after=given.settle_seconds,
        )
    return None


def _after_failure(change: Change, given: Circumstances) -> Outcome | None:
    """An update that failed is not sent again at once, and not for ever: each try costs downtime on some tiers."""
    tries, at = given.progress.update_failures, given.progress.update_failed_at
    if not tries or at is None or change.id in given.approved:
        return None
    if tries >= given.desired.limits.rounds:
        why = f"The update failed {tries} times in a row: we stopped. {given.progress.update_error}".strip()
        return _outcome(change, Status.REFUSED, why)
    wait = (at - given.now).total_seconds() + FAILED_AGAIN * 2 ** (tries - 1)
    if wait <= 0:
        return None
    return _outcome(
        change, Status.DEFERRED, f"The last update failed. {given.progress.update_error}".strip(), after=wait
    )


def _comes_before(other: Change, change: Change) -> bool:
    """An earlier stage; a certificate before what names it; on Consumption the service's switch before the policy."""
    if other.stage < change.stage or relies_on(change, other):
        return True
    return other.stage == change.stage and other.kind.on_service and change.kind is Kind.POLICY


def _outcome(change: Change, status: Status, why: str, *, after: float | None = None) -> Outcome:
    return Outcome(change=change.id, status=status, why=why, after=after)


def seconds_to(window: Window | None, now: datetime) -> float:
    """How long until the window is open, in seconds: 0 while it is, or where there is none."""
    if window is None:
        return 0.0
    zone = ZoneInfo(window.zone)
    today = now.astimezone(zone).date()
    for ahead in range(-1, 9):
        day = today + timedelta(days=ahead)
        if day.weekday() not in window.days:
            continue
        last = day if window.start < window.end else day + timedelta(days=1)
        # In UTC: two times of one zone are compared by their clocks, and the clocks may change in between.
        start = datetime.combine(day, window.start, tzinfo=zone).astimezone(UTC)
        end = datetime.combine(last, window.end, tzinfo=zone).astimezone(UTC)
        if start <= now < end:
            return 0.0
        if now < start:
            return (start - now).total_seconds()
    return 7 * 86400.0
