"""
One local host: an app's functions, served over HTTP and fed with messages and time.

Tests and the demo enter it and call `settle` on a virtual clock; `python -m devhost` enters it and calls `serve`.
Nothing runs by itself: without `advance`, `settle` or `serve` only HTTP requests are answered.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

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
        self._listeners = [
            self._listener(each, each.trigger) for each in self.functions if isinstance(each.trigger, QueueTrigger)
        ]
        self._timers = {
            each.name: Timer(each, each.trigger, clock=clock)
            for each in self.functions
            if isinstance(each.trigger, TimerTrigger)
        }
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
        """This host without its timers: what has to end before time has settled."""
        return Work(self)

    def next_due(self) -> datetime | None:
        """When the next message or timer is due."""
        return earliest(self.next_message(), self.next_timer())

    def next_message(self) -> datetime | None:
        return earliest(*(each.next_due() for each in self._listeners))

    def next_timer(self) -> datetime | None:
        return earliest(*(each.next_due() for each in self._timers.values()))

    async def advance(self) -> int:
        """Handle what is due now, messages and timers side by side; how many there were."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each.advance()) for each in self._listeners]
            tasks += [group.create_task(each.advance()) for each in self._timers.values()]
        return sum(task.result() for task in tasks)

    async def settle(self, others: Sequence[Part] = (), *, until: datetime | None = None, limit: int = 10_000) -> int:
        """
        Let virtual time run until nothing is left to do but timers, or until a moment.

        The clock moves while no request of ours is under way and none of the others has anything due.
        """
        if not isinstance(self._clock, VirtualClock):
            raise TypeError("Only virtual time can be settled")
        pump = Pump(self._clock, [self.work, *others], timers=self.next_timer, idle=self._web.idle)
        return await pump.run(until=until, limit=limit)

    async def serve(self) -> None:
        """Real time, until cancelled. Each queue and timer goes at its own pace, as in Azure."""
        parts: list[QueueListener[Any] | Timer] = [*self._listeners, *self._timers.values()]
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(self._keep_going(part))

    async def _keep_going(self, part: QueueListener[Any] | Timer) -> None:
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
        if name not in self._timers:
            return False
        await self._timers[name].run()
        return True


class Work:
    """A host's messages as a part of time."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def next_due(self) -> datetime | None:
        return self._host.next_message()

    async def advance(self) -> int:
        return await self._host.advance()
