"""
What the triggers of the function app do, one method each: hand over, and say what the platform should do.

A raised error brings a message back; a return ends it. The app is wired at the first call, so that importing and
indexing it never depends on its settings.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from apimend.logs import configure
from apimend.model.errors import ApimendError, Unreadable
from apimend.notify.message import QUEUE as NOTICES_QUEUE
from apimend.ports import Clock, Remediator
from apimend.settings import Settings
from apimend.storage.names import VISITS_QUEUE
from apimend.web.answers import Answer, problem
from apimend.wiring.wire import Wired, wire

_log = structlog.get_logger(__name__)


class Wiring(Protocol):
    """How settings become an app: `wire`, or something around it."""

    async def __call__(self, settings: Settings, *, clock: Clock, remediators: Sequence[Remediator[Any]]) -> Wired: ...


class Door:
    """The product behind its triggers. `wiring` joins it together: whoever wants other adapters hands in another."""

    def __init__(
        self,
        *,
        clock: Clock,
        environ: Mapping[str, str],
        remediators: Sequence[Remediator[Any]],
        wiring: Wiring = wire,
    ) -> None:
        self._clock = clock
        self._wiring = wiring
        self._environ = environ
        self._remediators = remediators
        self._lock = asyncio.Lock()
        self._wired: Wired | None = None

    async def wired(self) -> Wired:
        """The wired app. Raises BadInput where settings have faults."""
        async with self._lock:
            if self._wired is None:
                settings = Settings.load(self._environ)
                configure(settings.log_level)
                self._wired = await self._wiring(settings, clock=self._clock, remediators=self._remediators)
            return self._wired

    async def close(self) -> None:
        """Let connections and files go: for a host that outlives the app."""
        if self._wired is not None:
            await self._wired.close()

    async def event(self, text: str) -> None:
        """Ring the bells that an event rings."""
        await (await self.wired()).intake.hear_quietly(text)

    async def visit(self, text: str) -> None:
        """Answer a bell."""
        wired = await self.wired()
        await _or_park(wired, VISITS_QUEUE, text, wired.engine.answer(text))

    async def notify(self, text: str) -> None:
        """Deliver a notice."""
        wired = await self.wired()
        await _or_park(wired, NOTICES_QUEUE, text, wired.notices.deliver(text))

    async def parked(self, queue: str, text: str) -> None:
        """Keep a message that failed too often where a person sees it."""
        await (await self.wired()).parking.park(queue, text, "It failed too often.")

    async def sweep(self) -> None:
        """Ring for every instance, in case an event was lost; once a day forget what is old."""
        wired = await self.wired()
        await wired.sweeper.sweep()
        await wired.notices.daily()
        await wired.retention.tidy()

    async def answer(self, handle: Callable[[Wired], Awaitable[Answer]]) -> Answer:
        """The answer to a request; where the app can't be wired, the faults of its settings."""
        try:
            wired = await self.wired()
        except ApimendError as error:
            _log.error("settings.refused", error=type(error).__name__)
            return problem(error, status=503)
        return await handle(wired)


async def _or_park(wired: Wired, queue: str, text: str, work: Awaitable[object]) -> None:
    """Do it. What can't be read is parked and acknowledged; anything else that rises brings the message back."""
    try:
        await work
    except Unreadable as error:
        await wired.parking.park(queue, text, str(error))
