"""
One local host: an app's functions, served over HTTP and fed with messages and time.

Tests and the demo enter it and call `settle` on a virtual clock; `python -m devhost` enters it and calls `serve`.
Nothing runs by itself: without `advance`, `settle` or `serve` only HTTP requests are answered.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import azure.functions as func
from aiohttp import web

from devhost.clock import Clock, VirtualClock
from devhost.functions import Function, HttpTrigger, QueueTrigger, TimerTrigger, read
from devhost.hostjson import HostJson
from devhost.keys import Keys
from devhost.listener import QueueListener
from devhost.queues import QueueSource
from devhost.settle import Part, Pump, earliest
from devhost.timers import Timer
from devhost.web import Web

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.5  # in real time; Azure's host takes up to maxPollingInterval, a local queue costs nothing


class Member(Protocol):
    """A listener or a timer."""

    def next_due(self) -> datetime | None: ...

    async def advance(self) -> int: ...


M = TypeVar("M", bound=Member)


class Together(Generic[M]):
    """Listeners, or timers, as one part of time."""

    def __init__(self, members: Iterable[M]) -> None:
        self.members = tuple(members)

    def next_due(self) -> datetime | None:
        return earliest(*(each.next_due() for each in self.members))

    async def advance(self) -> int:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each.advance()) for each in self.members]
        return sum(task.result() for task in tasks)


class Host:
    """Runs one FunctionApp. An app can be read once, so each host takes an app of its own."""

    def __init__(
        self,
        app: func.FunctionApp,
        *,
        queues: QueueSource[Any],
        clock: Clock,
        keys: Keys,
        host_json: HostJson,
        port: int = 0,
    ) -> None:
        self.functions: Sequence[Function] = read(app)
        self.keys = keys
        self._clock = clock
        self._port = port
        self._queues = queues
        self._settings = host_json
        self._messages = Together(
            self._listener(each, each.trigger) for each in self.functions if isinstance(each.trigger, QueueTrigger)
        )
        self._timers = Together(
            Timer(each, each.trigger, clock=clock) for each in self.functions if isinstance(each.trigger, TimerTrigger)
        )
        self._web = Web(self.functions, keys=keys, prefix=host_json.route_prefix, run_timer=self._run_timer)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self._web.application(), access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where the host answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def address(self, trigger: HttpTrigger) -> str:
        """Where an HTTP function answers; parameters of its route still have to be filled in."""
        path = "/".join(part for part in (self._settings.route_prefix, trigger.route.strip("/")) if part)
        return f"{self.url}/{path}"

    def webhook(self, function: str) -> str:
        """The address that an event subscription is given, key included."""
        return f"{self.url}/runtime/webhooks/EventGrid?functionName={function}&code={self.keys.eventgrid}"

    @property
    def work(self) -> Part:
        """This host's messages: what has to end before time has settled."""
        return self._messages

    def next_due(self) -> datetime | None:
        """When the next message or timer is due."""
        return earliest(self._messages.next_due(), self._timers.next_due())

    async def advance(self) -> int:
        """Handle what is due now, messages and timers side by side; how many there were."""
        async with asyncio.TaskGroup() as group:
            messages = group.create_task(self._messages.advance())
            timers = group.create_task(self._timers.advance())
        return messages.result() + timers.result()

    async def settle(self, others: Sequence[Part] = (), *, until: datetime | None = None, limit: int = 10_000) -> int:
        """
        Let virtual time run until nothing is left to do but timers, or until a moment; how many steps it took.

        The clock moves while no request of ours is under way and none of the others has anything due.
        """
        if not isinstance(self._clock, VirtualClock):
            raise TypeError("Only virtual time can be settled")
        work = [self._messages, *others]
        return await Pump(self._clock, work=work, timers=self._timers, idle=self._web.idle).run(
            until=until, limit=limit
        )

    async def serve(self) -> None:
        """Real time, until cancelled. Each queue and timer goes at its own pace, as in Azure."""
        members: list[Member] = [*self._messages.members, *self._timers.members]
        async with asyncio.TaskGroup() as group:
            for part in members:
                group.create_task(self._keep_going(part))

    async def _keep_going(self, part: Member) -> None:
        while True:
            if not await part.advance():
                await self._clock.sleep(POLL_SECONDS)

    def _listener(self, function: Function, trigger: QueueTrigger) -> QueueListener[Any]:
        return QueueListener(
            function,
            trigger.queue,
            source=self._queues,
            clock=self._clock,
            settings=self._settings,
            poll=None if isinstance(self._clock, VirtualClock) else POLL_SECONDS,
        )

    async def _run_timer(self, name: str) -> bool:
        found = [each for each in self._timers.members if each.name == name]
        for each in found:
            await each.run()
        return bool(found)
