"""
How visits are woken. Azure queues have no unique keys, so a bell is a row and a message.

Called by the function app's doors (ring), the visit (answer, finish) and the sweep (overdue). The row is stored with
its new ticket before the message is sent: a message that arrives early would find no ticket and be dropped. If we
die between the two, the row is overdue and the sweep rings it. A message carries an identity and a ticket, never a
state or a wish; what a person asked for is an Order in the ledger.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import uuid4

import structlog

from apimend.model.errors import BadInput, Changed, TryLater, Unavailable, Unreadable
from apimend.model.ids import InstanceId
from apimend.model.runs import Trigger
from apimend.ports import Clock, Messages, Record, Records, Visit
from apimend.storage import codec, names
from apimend.storage.bell import Bell

ATTEMPTS = 20
"""Each lost race means that another ring or visit got through, so more than a few in a row are a fault."""

log = structlog.get_logger()


class StoredBells:
    """The bells of all instances, above any Records and Messages."""

    def __init__(
        self, records: Records, messages: Messages, clock: Clock, *, ticket: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self._records = records
        self._messages = messages
        self._clock = clock
        self._ticket = ticket

    async def ring(self, trigger: Trigger, *, after: float = 0.0) -> None:
        """Ask for a visit in `after` seconds; a message is sent only if none is due sooner."""

        def merged(first: Bell, now: Bell) -> bool:
            # Somebody else rang since we looked. A visit that noted a lower count comes again, one that noted
            # this count started after we came: either way it sees what we rang for.
            moment = self._clock.now()
            return now.rung > first.rung and now.comes_by(now.when(trigger, after=after, now=moment), now=moment)

        def rung(bell: Bell, ticket: str) -> Bell:
            return bell.ring(trigger, after=after, now=self._clock.now(), ticket=ticket)

        await self._update(trigger.instance, rung, merged)

    async def answer(self, message: str) -> Visit | None:
        """The visit that a queue message asks for; None where its ticket is no longer the current one."""
        instance, ticket = _parse(message)
        bell, _ = await self._read(instance)
        if not ticket or bell.ticket != ticket:
            return None
        return Visit(instance=bell.instance, rung=bell.rung, ticket=ticket)

    async def finish(self, visit: Visit, *, again_after: float | None = None, hold: bool = False) -> None:
        """
        Note what was answered; ring again if it was rung meanwhile, or in `again_after` seconds.

        With `hold`, nothing but a person's wish wakes the instance before that: Azure asked us to wait.
        """

        def finished(bell: Bell, ticket: str) -> Bell:
            now = self._clock.now()
            return bell.finish(visit, again_after=again_after, hold=hold, now=now, ticket=ticket)

        await self._update(visit.instance, finished, lambda first, now: False)

    async def overdue(self) -> tuple[InstanceId, ...]:
        """Instances whose bell should have been answered long ago: their message was lost, or their visit died."""
        late: list[InstanceId] = []
        async for record in self._records.list(names.BELLS):
            try:
                bell = codec.read(Bell, record.body, name=f"Bell {record.key}")
            except Unreadable as error:
                log.warning("bells.unreadable", key=record.key, why=str(error))
                continue
            if bell.late(self._clock.now()):
                late.append(bell.instance)
        return tuple(late)

    async def trigger(self, instance: InstanceId) -> Trigger | None:
        """The newest trigger that rang this bell, for the log."""
        bell, _ = await self._read(instance)
        return bell.trigger

    async def due(self, instance: InstanceId) -> datetime | None:
        """When the next visit is due: in the past for one that is late or under way, None where none is wanted."""
        bell, _ = await self._read(instance)
        return bell.due

    async def _read(self, instance: InstanceId) -> tuple[Bell, Record | None]:
        key = names.of_resource(instance)
        record = await self._records.get(names.BELLS, key)
        if record is None:
            return Bell(instance=instance), None
        return codec.read(Bell, record.body, name=f"Bell of {instance}"), record

    async def _update(
        self, instance: InstanceId, step: Callable[[Bell, str], Bell], merged: Callable[[Bell, Bell], bool]
    ) -> None:
        ticket = self._ticket()
        first: Bell | None = None
        lost: TryLater | None = None
        for _ in range(ATTEMPTS):
            bell, record = await self._read(instance)
            if first and bell.ticket == ticket:  # our write took effect although its answer was lost
                await self._send(bell, before=first)
                return
            if first and merged(first, bell):
                return
            if isinstance(lost, Unavailable):
                raise lost
            first = first or bell
            try:
                await self._put(changed := step(bell, ticket), record)
            except (Changed, Unavailable) as error:
                lost = error
                continue
            if changed.ticket == ticket:
                await self._send(changed, before=bell)
            return
        raise Changed(f"The bell of {instance} changed {ATTEMPTS} times under our hands.") from lost

    async def _put(self, bell: Bell, record: Record | None) -> None:
        key = names.of_resource(bell.instance)
        await self._records.put(names.BELLS, key, codec.pack(bell).body, etag=record.etag if record else "")

    async def _send(self, bell: Bell, *, before: Bell) -> None:
        assert bell.due is not None
        body = json.dumps({"v": codec.VERSION, "instance": bell.instance.text, "ticket": bell.ticket})
        after = max(0.0, (bell.due - self._clock.now()).total_seconds())
        try:
            await self._messages.send(names.VISITS_QUEUE, body, after=after)
        except TryLater:
            await self._mark_unsent(bell, before)
            raise

    async def _mark_unsent(self, bell: Bell, before: Bell) -> None:
        # Otherwise the ticket would keep the next ring from sending a message. If this fails as well, or we die
        # here, the row becomes overdue after a while and the sweep rings it.
        with suppress(TryLater):
            now, record = await self._read(bell.instance)
            if now.ticket == bell.ticket:
                await self._put(now.unsent(before, now=self._clock.now()), record)


def _parse(message: str) -> tuple[InstanceId, str]:
    name = "Message to the visits queue"
    found = codec.parse_object(message, name=name)
    codec.check_version(found.get("v"), name=name)
    instance, ticket = found.get("instance"), found.get("ticket")
    if found.keys() != {"v", "instance", "ticket"} or not isinstance(instance, str) or not isinstance(ticket, str):
        raise Unreadable(f"{name}: it has to hold v, instance and ticket, and nothing else.")
    try:
        return InstanceId.of(instance), ticket
    except BadInput:
        raise Unreadable(f"{name}: it names no API Management instance.") from None
