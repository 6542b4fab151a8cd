"""
Fights: somebody takes back, again and again, what we write (R25).

`reconcile` counts rounds, the guards stop at the declared number, and the finding says who it is and how the owner
declares the thing in their own code. It writes nothing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from apimend.model.errors import PolicyNotUnderstood
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, Finding, Kind, Plan, Severity
from apimend.model.runs import Cause, Intent, Status
from apimend.policy import Document, find_checks, normal_check
from apimend.ports import Ledger
from apimend.report.handoff import of_change

CODE = "fight_detected"
UPDATE_FAILED = "update failed"
"""What is noted of a service update that Azure accepted and then could not finish."""

_DAY = timedelta(days=1)
_WROTE = (Status.APPLIED.value, Status.PENDING.value)
_SEEN_RUNS = 50


async def rounds(ledger: Ledger, instance: InstanceId, change: Change, now: datetime) -> int:
    """How often within a day we wrote just this, so that somebody must have taken it back each time."""
    wrote = await ledger.wrote(instance, change.target, since=now - _DAY, texts=True)
    recent = [one for one in wrote if one.closed in _WROTE and not one.undone]
    return sum(1 for intent in recent if intent.kind == change.kind.value and _same(intent, change))


async def rejected(ledger: Ledger, instance: InstanceId, change: Change, now: datetime) -> bool:
    """Whether Azure refused just this within a day, so that sending it again would only be refused again."""
    wrote = await ledger.wrote(instance, change.target, since=now - _DAY, texts=True)
    recent = [one for one in wrote if one.closed == Status.FAILED.value]
    return any(intent.kind == change.kind.value and _same(intent, change) for intent in recent)


async def fights(
    ledger: Ledger, instance: InstanceId, plan: Plan, counted: Mapping[str, int], limit: int
) -> tuple[Finding, ...]:
    """A finding for every change that was written that often already."""
    fought = [change for change in plan.changes if counted.get(change.id, 0) >= limit]
    if not fought:
        return ()
    who = {change.id: await _who(ledger, instance, change.target) for change in fought}
    return tuple(
        Finding(
            code=CODE,
            target=change.target,
            remediator=change.remediator,
            severity=Severity.HIGH,
            message=f"{change.will or change.reason}: written {counted[change.id]} times within a day, "
            f"and taken back each time by {who[change.id] or 'somebody who is not known'}.",
            why_left="We stopped writing it, or the two would go on for ever.",
            steps=("Declare it in the code that takes it back, or exempt the instance with a waiver.",),
            hand_off="\n".join(of_change(change).lines),
        )
        for change in fought
    )


async def _who(ledger: Ledger, instance: InstanceId, target: ResourceId) -> str:
    """The writer whom the last events named, of this very resource where one did. Echoes of ours name ourselves."""
    runs = await ledger.runs(instance, limit=_SEEN_RUNS)
    heard = [run.trigger for run in runs if run.trigger.cause is Cause.EVENT and run.trigger.by]
    others = [each for each in heard if not await ledger.is_ours(each.client_request_id)]
    named = [each for each in others if each.touched == target] or others
    return named[0].by if named else ""


def _same(intent: Intent, change: Change) -> bool:
    """The same text, or for a policy the same checks in whatever text the other writer left around them."""
    if intent.textless:
        return False
    if intent.after == change.after:
        return True
    if change.kind is not Kind.POLICY or intent.after is None or change.after is None:
        return False
    try:
        return _checks(intent.after) == _checks(change.after)
    except PolicyNotUnderstood:
        return False


def _checks(text: str) -> frozenset[object]:
    return frozenset((found.guard, normal_check(found.check)) for found in find_checks(Document.parse(text)))
