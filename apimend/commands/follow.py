"""
Visits that a command makes itself, under the instance's lease, and how it waits for what takes time.

`apply`, `replay` and the orders use it. Whatever is left to do stays rung, so that the app goes on where the command
ends or is broken off.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from apimend.commands.app import App
from apimend.commands.dry import command
from apimend.commands.screen import Screen
from apimend.engine.reconcile import Engine
from apimend.model.desired import Mode
from apimend.model.errors import Denied, LeaseTaken
from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Order, OrderKind, Result, Run, Status
from apimend.report.plain import seconds
from apimend.report.view import RunView

_LEASE_AGAIN = 5.0
_LEASE_TRIES = 24
_NOT_SOON = 900.0
"""Seconds: whoever waits at a terminal doesn't wait for a maintenance window."""

_TOLD = (Status.APPLIED, Status.PENDING, Status.REFUSED, Status.FAILED)
_UNDER_WAY = (Result.PENDING, Result.APPLIED, Result.PARTIAL, Result.UNDONE)


def require_shared(app: App) -> None:
    """Raises Denied where lease and ledger are not those of the deployed app (R29)."""
    if not app.shared:
        raise Denied(
            "This needs the lease and the ledger of the deployed app, so that two writers never meet. Set "
            "APIMEND_STORAGE and AzureWebJobsStorage__accountName as the app has them. `apimend plan` needs neither."
        )


async def visit(app: App, engine: Engine, instance: InstanceId, *, mode: Mode | None = None) -> Run:
    """One visit here and now; the app is rung for the next. Raises LeaseTaken where another one does not end."""
    for _ in range(_LEASE_TRIES):
        try:
            run = await engine.visit(command(app, instance), requested=mode)
        except LeaseTaken:
            await app.clock.sleep(_LEASE_AGAIN)
            continue
        await _ring_again(app, run)
        return run
    raise LeaseTaken(f"Another visit holds {instance.name}. Try again in a minute.")


async def follow(app: App, screen: Screen, run: Run, again: Callable[[], Awaitable[Run]]) -> Run:
    """Visit again, as often as it takes, until nothing is under way; the last run."""
    _say(screen, run)
    while run.result in _UNDER_WAY and run.next_visit is not None and run.next_visit <= _NOT_SOON:
        before = run.result
        with screen.progress(f"{run.instance.name}: {run.result.value}, next look in {seconds(run.next_visit)}"):
            await app.clock.sleep(run.next_visit)
            run = await again()
        if run.result is not before or run.result is not Result.PENDING:
            _say(screen, run)
    return run


def _say(screen: Screen, run: Run) -> None:
    """What a visit did, in a line for each change that it touched."""
    view = RunView.of(run)
    screen.say(f"{run.started:%H:%M:%S}  {view.instance}: {run.result.value}", style="dim")
    for change in view.changes:
        if change.status in _TOLD:
            screen.say(f"- {change.status.value}: {change.kind}, {change.target}", style="dim")


async def carried_out(app: App, screen: Screen, order: Order) -> Run:
    """
    The run that carried the order out: of a visit made here, or of the app's where that was quicker. An order that
    takes several visits is followed for as long as these come soon.

    Raises LeaseTaken where another visit holds the instance and does not end.
    """
    with screen.progress(f"Visiting {order.instance.name}"):
        run = await _taken_up(app, order)
        while run.next_visit is not None and run.next_visit <= _NOT_SOON and await _is_open(app, order):
            await app.clock.sleep(run.next_visit)
            run = await _taken_up(app, order)
    return run


async def _taken_up(app: App, order: Order) -> Run:
    cause = Cause.REPLAY if order.kind is OrderKind.REPLAY else Cause.ORDER
    for _ in range(_LEASE_TRIES):
        if not await _is_open(app, order):
            done = [run for run in await app.ledger.runs(order.instance, limit=20) if order.id in run.orders]
            if done:
                return done[0]
        try:
            run = await app.engine.visit(replace(command(app, order.instance), cause=cause))
        except LeaseTaken:
            await app.clock.sleep(_LEASE_AGAIN)
            continue
        await _ring_again(app, run)
        if order.id in run.orders:
            return run
    told = "The order stays; `apimend runs` tells what becomes of it."
    raise LeaseTaken(f"Another visit holds {order.instance.name}. {told}")


async def _is_open(app: App, order: Order) -> bool:
    return any(each.id == order.id for each in await app.ledger.orders(order.instance))


async def _ring_again(app: App, run: Run) -> None:
    """The app goes on where the command ends."""
    if run.next_visit is not None:
        again = replace(command(app, run.instance), cause=Cause.FOLLOW_UP)
        await app.bells.ring(again, after=run.next_visit)
