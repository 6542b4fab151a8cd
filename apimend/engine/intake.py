"""
The doorbell: an event's text becomes rings of bells, and nothing else.

`on_resource_change` and the replay door call it. It reads no instance. What it doesn't understand it logs with
its id; it never breaks the function.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog

from apimend.events import Concern, ParsedEvent, parse_events, to_trigger
from apimend.model.errors import BadInput, Unreadable
from apimend.model.ids import InstanceId
from apimend.ports import Bells, Clock, Ledger, Walks

_log = structlog.get_logger(__name__)
LOW_PRIORITY_AFTER = 300.0
"""Seconds that echoes, failed writes and unknown children wait, so that a burst of them is one visit."""

LOST_AFTER = timedelta(minutes=10)
"""A function has ten minutes: a visit that was due earlier may be lost, so nothing may rely on it."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What became of one event: the instances whose bells were rung, or why none was."""

    event: str
    rung: tuple[InstanceId, ...] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """
    Rings bells for events of the declared tenant and subscriptions.

    `own` are our own client and principal ids, in lower case. `walks` hears what may have changed what it remembers.
    """

    bells: Bells
    ledger: Ledger
    clock: Clock
    tenant: str = ""
    subscriptions: frozenset[str] = frozenset()
    own: Collection[str] = ()
    walks: Walks | None = None
    park: Callable[[InstanceId, str], Awaitable[object]] | None = None

    async def hear(self, text: str) -> list[Heard]:
        """Ring for every event in `text`. Raises BadInput where it is no event at all."""
        return [await self._hear(event) for event in parse_events(text)]

    async def hear_quietly(self, text: str) -> None:
        """As `hear`, for the platform's door: a malformed event is logged, because sending it again helps nobody."""
        try:
            heard = await self.hear(text)
        except BadInput as error:
            _log.warning("event.malformed", faults=[str(fault) for fault in error.faults], size=len(text))
            return
        for one in heard:
            _log.info("event.heard", event_id=one.event, rung=len(one.rung), why=one.why)

    async def _hear(self, event: ParsedEvent) -> Heard:
        if not event.understood:
            return Heard(event=event.id, why=event.reason)
        if self.tenant and event.tenant and event.tenant.casefold() != self.tenant:
            return Heard(event=event.id, why="It comes from another tenant.")
        rung: list[InstanceId] = []
        whys: list[str] = []
        for instance in await self._instances(event):
            why = await self._rung(event, instance)
            if why:
                whys.append(why)
            else:
                rung.append(instance)
        unrung = " ".join(dict.fromkeys(whys)) or "It concerns no instance that we know."
        return Heard(event=event.id, rung=tuple(rung), why="" if rung else unrung)

    async def _rung(self, event: ParsedEvent, instance: InstanceId) -> str:
        """As `_ring`. What stands in the way and can't be read is put where people see it: no retry would read it."""
        try:
            return await self._ring(event, instance)
        except Unreadable as error:
            if self.park is None:
                raise
            await self.park(instance, str(error))
            return str(error)

    async def _ring(self, event: ParsedEvent, instance: InstanceId) -> str:
        """Ring one instance for an event; why not, where it is not rung."""
        if not self.declared(instance):
            return "Its subscription is not declared."
        trigger = to_trigger(event, self.clock.now(), own=self.own, instance=instance)
        if trigger is None:
            return "It changes nothing."
        if self.walks is not None and event.instance is not None:
            await self.walks.touched(instance, trigger.touched, trigger.operation)
        ours = bool(trigger.client_request_id) and await self.ledger.is_ours(trigger.client_request_id)
        if ours and await self._is_awaited(instance):
            return "It is the echo of our own write, and a visit follows anyhow."
        await self.bells.ring(trigger, after=0.0 if trigger.urgent and not ours else LOW_PRIORITY_AFTER)
        return ""

    async def _is_awaited(self, instance: InstanceId) -> bool:
        """Whether a visit is due or under way; one that is long overdue may have been lost."""
        due = await self.bells.due(instance)
        return due is not None and due > self.clock.now() - LOST_AFTER

    async def instances(self, text: str) -> list[InstanceId]:
        """The instances that the events in `text` concern, without doubles. Raises BadInput."""
        found = [instance for event in parse_events(text) for instance in await self._instances(event)]
        return list(dict.fromkeys(found))

    def declared(self, instance: InstanceId) -> bool:
        """Whether the instance lies in a declared subscription; all are, where none is named."""
        return instance.lies_in(self.subscriptions)

    async def _instances(self, event: ParsedEvent) -> tuple[InstanceId, ...]:
        """The instance that the event names; for a vault or a workspace gateway, all that we look after."""
        if event.instance is not None:
            return (event.instance,)
        if event.concern is Concern.NOTHING:
            return ()
        return tuple(known.instance for known in await self.ledger.instances() if known.managed)
