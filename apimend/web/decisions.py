"""
What people decide: approve, undo, relax, release, and the global stop. API and pages both end here.

Each function checks who asks and writes an order or the stop; the visit that follows is what acts, under the same
guards as any other. The caller's name goes into the ledger with it.
"""

from datetime import timedelta

import structlog

from apimend.engine import stop as global_stop
from apimend.model.errors import BadInput, Denied, Gone
from apimend.model.ids import InstanceId
from apimend.model.runs import Intent, Order, OrderKind, Run, Status
from apimend.report.plain import clean
from apimend.settings import Approval
from apimend.web.app import App
from apimend.web.request import ApproveBody, bad
from apimend.web.signin import Caller, may_order

LINK = "approval link"
"""Who approved, in the ledger, where the link alone was enough."""

_log = structlog.get_logger(__name__)
_WROTE = (Status.APPLIED.value, Status.PENDING.value)


async def run_of(app: App, id: str) -> Run:
    """A run. Raises Gone."""
    run = await app.storage.ledger.run(id)
    if run is None:
        raise Gone(f"There is no run {clean(id)[:100]!r}.")
    return run


def instance_of(text: str) -> InstanceId:
    """An instance that a body or a query names. Raises BadInput."""
    try:
        return InstanceId.of(text)
    except BadInput as error:
        raise bad(clean(error.faults[0].what)[:300], "instance", error.faults[0].mend) from error


async def approve(app: App, who: Caller, run: Run, body: ApproveBody) -> Order:
    """Approve exactly what waits in a run. Raises Denied."""
    app.approvals.check(run, body.digest)
    by = who.name
    if body.token and app.settings.approval is Approval.LINK:
        by = f"{LINK}, {who.name if who.signed_in else 'nobody signed in'}"
        await app.approvals.redeem(run, body.token, by=by)
    else:
        await may_approve(app, who, run)
    return _told(await app.approvals.order(run, body.digest, by=by, reason=clean(body.reason)))


async def may_approve(app: App, who: Caller, run: Run) -> None:
    """Raises Denied unless this is a signed-in member of a group that is declared for the instance."""
    if not who.signed_in:
        raise Denied(
            "An approval needs somebody who is signed in: a key approves nothing. With APIMEND_APPROVAL=link, the "
            "secret of a card's link approves too."
        )
    may_order(who, await _approvers(app, run.instance), what="approve this")


async def undo(app: App, who: Caller, run: Run, *, reason: str) -> Order:
    """Take back what a run wrote. Raises Denied, or BadInput where it wrote nothing."""
    if not await written(app, run):
        raise bad("The run wrote nothing that could be undone.", "run")
    return await _place(app, who, OrderKind.UNDO, run.instance, run=run.id, reason=reason)


async def written(app: App, run: Run) -> tuple[Intent, ...]:
    """What a run wrote and nobody has taken back."""
    found = await app.storage.ledger.intents(run.id)
    return tuple(intent for intent in found if intent.closed in _WROTE and not intent.undone)


async def relax(app: App, who: Caller, instance: InstanceId, *, hours: int, reason: str) -> Order:
    """Break glass: checks let everybody pass and record who would fail, for a while. Raises Denied."""
    return await _place(app, who, OrderKind.RELAX, instance, reason=reason, lasts=timedelta(hours=hours))


async def release(app: App, who: Caller, instance: InstanceId, *, reason: str) -> Order:
    """Take our checks out again. Raises Denied."""
    return await _place(app, who, OrderKind.RELEASE, instance, reason=reason)


async def stop(app: App, who: Caller, *, reason: str) -> str:
    """Stop all writes; what the ledger now says. Raises Denied."""
    may_order(who, await _all_approvers(app), what="stop all writes")
    by = f"{who.name}, {app.clock.now():%Y-%m-%d %H:%M} UTC"
    await global_stop.stop(app.storage.ledger, clean(reason), by=by)
    _log.warning("stop.set", by=who.name)
    return await global_stop.stopped(app.storage.ledger)


async def stopped(app: App) -> str:
    """Why all writes are stopped; empty where they are not."""
    return await global_stop.stopped(app.storage.ledger)


async def resume(app: App, who: Caller) -> None:
    """Lift the global stop. Raises Denied."""
    may_order(who, await _all_approvers(app), what="lift the stop")
    await global_stop.lift(app.storage.ledger)
    _log.warning("stop.lifted", by=who.name)


async def may_tidy(app: App, who: Caller, *, what: str) -> None:
    """Raises Denied unless they may decide about what nobody could handle, of whichever instance it is."""
    if who.signed_in:
        may_order(who, await _all_approvers(app), what=what)


async def may_order_for(app: App, who: Caller, instance: InstanceId, *, what: str) -> None:
    """Raises Denied unless they may order something for this instance."""
    if who.signed_in:
        may_order(who, await _approvers(app, instance), what=what)


async def _place(
    app: App,
    who: Caller,
    kind: OrderKind,
    instance: InstanceId,
    *,
    run: str = "",
    reason: str = "",
    lasts: timedelta | None = None,
) -> Order:
    await may_order_for(app, who, instance, what=f"{kind.value} this")
    await app.orders.check([instance])
    return _told(await app.orders.place(kind, instance, by=who.name, run=run, reason=clean(reason), lasts=lasts))


async def _approvers(app: App, instance: InstanceId) -> frozenset[str]:
    found = await app.desired.resolve(await app.azure.reader(instance).service())
    return found.approvers if found else frozenset()


async def _all_approvers(app: App) -> frozenset[str]:
    """Every group that is declared anywhere: the stop concerns all instances."""
    document = (await app.desired.state()).document
    layers = [*([document.defaults] if document.defaults else []), *document.instances]
    return frozenset(group for layer in layers for group in layer.approvers or ())


def _told(order: Order) -> Order:
    _log.info("order.placed", order=order.id, kind=order.kind.value, instance=order.instance.text, by=order.by)
    return order
