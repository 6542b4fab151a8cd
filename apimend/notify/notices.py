"""
Decides who hears what of a run, and delivers it: the Notices port, and the function of the notices queue.

The engine calls `tell` at the end of a visit; it only queues. The queue's function calls `deliver`. Delivery may
happen twice, late, and out of order, so everything that depends on what was told before is decided there: the same
news isn't told twice, a plan that a later visit overtook isn't told at all, and a flood becomes one digest.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apimend import telemetry
from apimend.logs import logger
from apimend.model.desired import Desired
from apimend.model.errors import TryLater
from apimend.model.runs import Cause, Result, Run
from apimend.notify import events
from apimend.notify.digests import Digests
from apimend.notify.memory import Memory, Told, Window, said_by
from apimend.notify.message import DAILY, DIGEST, EVENT, QUEUE, Message
from apimend.ports import Clock, Ledger, Messages, Notifier
from apimend.report import card
from apimend.report.kinds import NoticeKind, kind_of, severity_of
from apimend.report.links import Links
from apimend.report.view import RunView

DEFAULT_ROUTE = "teams"
TOPIC_LANE = "topic:"
"""Under which name it is remembered what the topic was told; no webhook can have it."""

_log = logger(__name__)
_DIGEST_HOUR = 6
_PASSING = 600.0
"""Seconds after which a failure that tries itself again is told, if it has not passed by then."""
_SLACK = 30.0
"""Seconds from the end of a window to its digest: deliveries that are under way may still add to it."""
_FIRST_DELAY, _LONGEST_DELAY = 30.0, 3600.0
_MOST_TRIES = 32
"""With these delays, a little more than a day: longer than any outage that nobody sees."""

_OVERTAKEN = frozenset({NoticeKind.PLAN, NoticeKind.APPROVAL_NEEDED, NoticeKind.STARTED})
"""News about what is to come: worthless once a later visit has spoken."""


@dataclass(frozen=True, kw_only=True)
class Flood:
    """More cards than this on one route within the window, and the others wait for one digest."""

    cards: int = 10
    window: timedelta = timedelta(minutes=10)


class Notices:
    """
    `routes` are the names of the webhooks that are set; `publishes` tells that there is a topic.

    `token` makes the secret of an approval's link; without it the link has none, and sign-in decides alone. An
    approval can be given for `approval_lasts` after its run.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        messages: Messages,
        notifier: Notifier,
        clock: Clock,
        links: Links,
        routes: Iterable[str],
        publishes: bool = False,
        token: Callable[[Run], Awaitable[str]] | None = None,
        approval_lasts: timedelta = timedelta(days=1),
        flood: Flood | None = None,
    ) -> None:
        self._ledger = ledger
        self._messages = messages
        self._notifier = notifier
        self._clock = clock
        self._links = links
        self._routes = frozenset(routes)
        self._publishes = publishes
        self._token = token
        self._approval_lasts = approval_lasts
        self._flood = flood or Flood()
        self._memory = Memory(ledger)
        self._digests = Digests(ledger=ledger, memory=self._memory, notifier=notifier, clock=clock, links=links)

    async def tell(self, run: Run, desired: Desired | None) -> None:
        """Queue the notices that this run deserves."""
        kind = kind_of(run)
        routes = self._routes_of(run, desired)
        delay = _PASSING if _may_pass(run) else 0.0
        if self._publishes and events.type_of(run):
            await self._send(Message(kind=EVENT, run=run.id), after=delay)
        if kind.is_news:
            for route in routes:
                await self._send(Message(kind=kind.value, run=run.id, route=route), after=delay)
        elif run.result is Result.CONVERGED:
            for lane in (*routes, *([TOPIC_LANE] if self._publishes else [])):
                await self._forget(lane, run)

    async def daily(self) -> None:
        """Queue today's digest, once a day from the morning on, however often this is called: the sweep calls it."""
        now = self._clock.now()
        today = now.date().isoformat()
        if now.hour < _DIGEST_HOUR or DEFAULT_ROUTE not in self._routes:
            return
        if await self._memory.day(DEFAULT_ROUTE) != today:
            await self._send(Message(kind=DAILY, route=DEFAULT_ROUTE))
            await self._memory.keep_day(DEFAULT_ROUTE, today)

    async def deliver(self, text: str) -> None:
        """
        Deliver one message of the queue.

        Where a later try may do, a new message is put on the queue and this one counts as done; after a day of
        that, and for anything that can't be delivered at all, it raises, and the message ends where people look.
        """
        message = Message.read(text)
        try:
            await self._deliver(message)
        except TryLater as error:
            if message.tries >= _MOST_TRIES:
                raise
            after = max(error.after or 0.0, min(_FIRST_DELAY * 2.0 ** min(message.tries, 10), _LONGEST_DELAY))
            _log.warning("notice.put_off", kind=message.kind, run=message.run, route=message.route, after=after)
            await self._send(message.again(), after=after)

    async def _deliver(self, message: Message) -> None:
        if message.kind == DIGEST:
            await self._digests.held_back(message.route)
        elif message.kind == DAILY:
            await self._digests.daily(message.route)
        else:
            await self._deliver_run(message)

    async def _deliver_run(self, message: Message) -> None:
        run = await self._ledger.run(message.run)
        if run is None:
            raise TryLater(f"The run {message.run!r} is not in the ledger yet.")
        lane = TOPIC_LANE if message.kind == EVENT else message.route
        if not await self._is_new(lane, run):
            _log.info("notice.told_already", kind=message.kind, run=run.id, route=message.route)
            return
        if message.kind == EVENT:
            await self._notifier.publish([events.of_run(RunView.of(run, links=self._links), run)])
        elif await self._has_room(message.route, run):
            await self._post(message.route, run)
            telemetry.told(run, self._clock.now())
        else:
            await self._hold(message.route, run)
        await self._memory.tell(lane, run, said_by(run))

    async def _is_new(self, lane: str, run: Run) -> bool:
        """Whether the lane has not heard this yet, and no later visit made it stale."""
        if _may_pass(run) and (await self._ledger.progress(run.instance)).last_result != Result.FAILED.value:
            return False
        told = await self._memory.told(lane, run.instance)
        overtaken = told.started > run.started.isoformat() and kind_of(run) in _OVERTAKEN
        same = told.said == said_by(run) and not self._asks_anew(run, told)
        return told.run != run.id and not same and not overtaken

    def _asks_anew(self, run: Run, told: Told) -> bool:
        """The same question again: the time to answer the last card is over, or a person has just asked for it."""
        if kind_of(run) is not NoticeKind.APPROVAL_NEEDED:
            return False
        lapsed = datetime.fromisoformat(told.started) + self._approval_lasts <= run.started
        return lapsed or run.trigger.cause is Cause.REPLAY

    async def _has_room(self, route: str, run: Run) -> bool:
        """Whether the route takes another card now. Callers being locked out never waits."""
        window = await self._window(route)
        return window.cards < self._flood.cards or kind_of(run) is NoticeKind.NEGOTIATION_LOST

    async def _window(self, route: str) -> Window:
        window = await self._memory.window(route)
        over = window.ends(self._flood.window) <= self._clock.now()
        return Window(since=self._clock.now().isoformat()) if over else window

    async def _hold(self, route: str, run: Run) -> None:
        """Leave the run to the digest at the end of the window. The message first: then no run waits for none."""
        window = await self._window(route)
        if not window.digest:
            wait = (window.ends(self._flood.window) - self._clock.now()).total_seconds() + _SLACK
            await self._send(Message(kind=DIGEST, route=route), after=wait)
            await self._memory.keep_window(route, replace(window, digest=True))
        await self._memory.hold(route, run.instance, run.id)

    async def _post(self, route: str, run: Run) -> None:
        asks = kind_of(run) is NoticeKind.APPROVAL_NEEDED and self._token is not None
        token = await self._token(run) if asks and self._token else ""
        view = RunView.of(run, links=self._links, token=token)
        await self._notifier.card(route, card.render(view))
        window = await self._window(route)
        await self._memory.keep_window(route, replace(window, cards=window.cards + 1))

    async def _forget(self, lane: str, run: Run) -> None:
        """All is in order: should the same come back, it is news again, and what is still queued is stale."""
        if (await self._memory.told(lane, run.instance)).said:
            await self._memory.tell(lane, run, "")

    def _routes_of(self, run: Run, desired: Desired | None) -> tuple[str, ...]:
        """Where a run is told: the declared routes that want its severity, or the default one."""
        declared = desired.routes if desired else ()
        word = severity_of(run).word
        wanted = [route.webhook for route in declared if not route.severities or word in route.severities]
        names = dict.fromkeys(self._known(name) for name in (wanted if declared else [DEFAULT_ROUTE]))
        return tuple(name for name in names if name in self._routes)

    def _known(self, name: str) -> str:
        """The route itself, or the default one where there is no such webhook: better there than nowhere."""
        if name in self._routes or name == DEFAULT_ROUTE:
            return name
        _log.error("notice.unknown_route", route=name, instead=DEFAULT_ROUTE)
        return DEFAULT_ROUTE

    async def _send(self, message: Message, *, after: float = 0.0) -> None:
        await self._messages.send(QUEUE, message.written(), after=after)


def _may_pass(run: Run) -> bool:
    """Whether a failure wrote nothing and is tried again by itself."""
    return run.result is Result.FAILED and not run.outcomes and run.next_visit is not None
