"""
What a person orders for an instance: undo, relax, release, and another look. The visit that follows carries it out.

Orders go through the ledger, so they are kept even where the command is broken off; with `wait` the visit is made
here and now. Guards, windows and limits count as for any visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.text import Text

from apimend.commands import exits
from apimend.commands.app import App
from apimend.commands.choose import choose, choose_one
from apimend.commands.exits import Exit
from apimend.commands.follow import carried_out, require_shared
from apimend.commands.plan import show
from apimend.commands.runs import find
from apimend.commands.screen import Screen
from apimend.model.desired import Mode
from apimend.model.errors import BadInput, Fault
from apimend.model.ids import InstanceId
from apimend.model.runs import Order, OrderKind, Status
from apimend.report.plain import clean, count

_WROTE = (Status.APPLIED.value, Status.PENDING.value)
MOST_BYTES = 64 * 1024 * 1024
"""Of a file with events: a dead-letter blob is far smaller."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How an order is given: without a question, with a visit here and now, and with words for the ledger."""

    yes: bool = False
    wait: bool = False
    reason: str = ""


async def undo(app: App, screen: Screen, run: str, manner: Manner) -> Exit:
    """Take back what a run wrote, as far as it is still as the run left it."""
    require_shared(app)
    found = await find(app, run)
    await app.orders.check([found.instance])
    written = sum(each.closed in _WROTE and not each.undone for each in await app.ledger.intents(found.id))
    if not written:
        screen.say(f"The run {found.id} wrote nothing that is not taken back already.")
        return Exit.NOTHING
    question = f"Undo the run {found.id[:8]} on {found.instance.name} ({count(written, 'write')})?"
    if not _agreed(screen, manner, question):
        return Exit.REFUSED
    order = await app.orders.place(OrderKind.UNDO, found.instance, by=app.by, run=found.id, reason=manner.reason)
    return await _placed(app, screen, [order], manner)


async def relax(app: App, screen: Screen, word: str, manner: Manner, *, lasts: timedelta) -> Exit:
    """Break glass: our checks let everybody pass and record who would fail, for a while."""
    require_shared(app)
    instance = await choose_one(app, word)
    await app.orders.check([instance])
    hours = count(round(lasts.total_seconds() / 3600), "hour")
    if not _agreed(screen, manner, f"Let every caller of {instance.name} in, for {hours}?"):
        return Exit.REFUSED
    order = await app.orders.place(OrderKind.RELAX, instance, by=app.by, reason=manner.reason, lasts=lasts)
    return await _placed(app, screen, [order], manner)


async def release(app: App, screen: Screen, word: str, manner: Manner) -> Exit:
    """Take our checks out again, so that nothing depends on Apimend any more (R8)."""
    require_shared(app)
    instance = await choose_one(app, word)
    await app.orders.check([instance])
    question = f"Take every check that Apimend put in out of {instance.name}? Callers get in without a certificate."
    if not _agreed(screen, manner, question):
        return Exit.REFUSED
    order = await app.orders.place(OrderKind.RELEASE, instance, by=app.by, reason=manner.reason)
    return await _placed(app, screen, [order], manner)


async def replay(
    app: App,
    screen: Screen,
    words: Sequence[str],
    manner: Manner,
    *,
    event: Path | None = None,
    run: str = "",
    mode: Mode | None = None,
) -> Exit:
    """Visit again: the instances that are named, that an event or a dead-letter blob concerns, or of an earlier run."""
    require_shared(app)
    ways = [bool(words), event is not None, bool(run)]
    if sum(ways) != 1:
        raise BadInput([Fault(what="Name instances, or give --event, or give --run: one of them.", where="replay")])
    instances = await _meant(app, words, event, run)
    await app.orders.check(instances, mode)
    orders = [await app.orders.place(OrderKind.REPLAY, each, by=app.by, mode=mode) for each in instances]
    return await _placed(app, screen, orders, manner)


async def _meant(app: App, words: Sequence[str], event: Path | None, run: str) -> Sequence[InstanceId]:
    if event is not None:
        instances = await app.intake.instances(_text(event))
        if not instances:
            mend = "Name the instance instead."
            raise BadInput([Fault(what="It concerns no instance that is known.", where="", mend=mend, file=str(event))])
        return instances
    return [(await find(app, run)).instance] if run else await choose(app, words)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1).decode("utf-8")
    except OSError as error:
        raise BadInput([Fault(what=f"It can't be read: {error.strerror}.", where="", file=str(path))]) from error
    except UnicodeDecodeError as error:
        raise BadInput([Fault(what="It is not in UTF-8.", where="", file=str(path))]) from error


def _agreed(screen: Screen, manner: Manner, question: str) -> bool:
    if not manner.yes:
        screen.require_answers()
    agreed = manner.yes or screen.ask(question)
    if not agreed:
        screen.say("Nothing was ordered.")
    return agreed


async def _placed(app: App, screen: Screen, orders: Sequence[Order], manner: Manner) -> Exit:
    """Tell where the orders are; with `wait`, carry them out here and tell what came of them."""
    if manner.wait:
        runs = [await carried_out(app, screen, order) for order in orders]
        show(screen, runs, links=app.links, kept=True)
        return exits.worst(map(exits.of_run, runs))
    if screen.as_json:
        screen.emit({"orders": [{"id": o.id, "kind": o.kind.value, "instance": o.instance.text} for o in orders]})
        return Exit.NOTHING
    for order in orders:
        name = (clean(order.instance.name), "bold")
        screen.show(Text.assemble(name, f"  {order.kind.value} ordered", (f"  {order.id}", "dim")))
    screen.say("The app visits now. `apimend runs` shows what came of it.")
    return Exit.NOTHING
