"""
Which event goes to which subscription at which moment, and what becomes of it in the end.

`EventGrid` publishes here; whoever owns the clock asks `next_due()` and calls `advance()`, which makes the attempts
that are due and no other. No task runs in between and nothing sleeps: a retry is a moment in a list.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from emulator.events.event import Event, Json, Schema, timestamp
from emulator.events.subscription import DEAD_LETTER_DELAY, State, Subscription, wait_after
from emulator.events.webhook import DELIVERY, Outcome, Webhooks


@dataclass(kw_only=True)
class Mischief:
    """
    What Event Grid may do to any subscriber at any time, on demand: say things twice, late and in another order.
    """

    copies: int = 1
    delay: timedelta = timedelta(0)
    reverse: bool = False


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """
    One delivery that was tried, for tests and for `/_emulator/events/deliveries`.
    """

    at: datetime
    subscription: str
    events: tuple[str, ...]
    count: int
    outcome: str
    status: int | None

    def as_json(self) -> Json:
        return asdict(self) | {"at": timestamp(self.at)}


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """
    An event that was given up. `blob` is its path in the container, with the subscription's name in upper case.
    """

    subscription: str
    blob: str
    body: Json


@dataclass(kw_only=True)
class _Pending:
    """
    One event on its way to one subscription; `given_up` once only the dead letter is left to write.
    """

    event: Event
    subscription: Subscription
    published: datetime
    due: datetime
    attempts: int = 0
    last_outcome: str = ""
    last_attempt: datetime | None = None
    given_up: str = ""


@dataclass(kw_only=True)
class Dispatcher:
    """
    All subscriptions and everything on its way to them.
    """

    now: Callable[[], datetime]
    webhooks: Webhooks
    new_id: Callable[[], str]
    latency: timedelta = timedelta(0)
    mischief: Mischief = field(default_factory=Mischief)
    subscriptions: dict[str, tuple[Subscription, State]] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    metrics: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    _pending: list[_Pending] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        """
        Take an event for every subscription that wants it.
        """
        now = self.now()
        self.metrics["PublishSuccessCount"] += 1
        for subscription, state in self.subscriptions.values():
            if state is State.SUCCEEDED and subscription.wants(event):
                self.metrics["MatchedEventCount"] += 1
                due = now + self.latency + self.mischief.delay
                self._pending.append(_Pending(event=event, subscription=subscription, published=now, due=due))

    def forget(self, name: str) -> bool:
        """
        Delete a subscription; what was on its way to it is dropped.
        """
        self._pending = [one for one in self._pending if one.subscription.name != name]
        return self.subscriptions.pop(name, None) is not None

    def next_due(self) -> datetime | None:
        return min((one.due for one in self._pending), default=None)

    async def advance(self) -> None:
        """
        Make the attempts that are due. Subscriptions don't wait for each other; within one, order is kept.
        """
        now = self.now()
        due = [one for one in self._pending if one.due <= now]
        self._pending = [one for one in self._pending if one.due > now]
        self.in_flight += len(due)
        try:
            by_name = sorted(due, key=lambda one: one.subscription.name)
            async with asyncio.TaskGroup() as group:
                for _, theirs in groupby(by_name, key=lambda one: one.subscription.name):
                    group.create_task(self._serve(list(theirs)))
        finally:
            self.in_flight -= len(due)

    async def _serve(self, due: list[_Pending]) -> None:
        for one in due:
            if one.given_up:
                self._bury(one)
        alive = [one for one in due if not one.given_up]
        for batch in _batches(alive[::-1] if self.mischief.reverse else alive):
            ripe = [one for one in batch if not self._too_old(one)]
            if ripe:
                await self._attempt(ripe)

    async def _attempt(self, batch: Sequence[_Pending]) -> None:
        first = batch[0]
        outcome = await self._hand_over(first.subscription, [one.event for one in batch], first.attempts)
        for _ in range(self.mischief.copies - 1 if outcome.delivered else 0):
            await self._hand_over(first.subscription, [one.event for one in batch], first.attempts)
        for one in batch:
            one.attempts += 1
            one.last_attempt = self.now()
            one.last_outcome = outcome.name
            if outcome.delivered:
                self.metrics["DeliverySuccessCount"] += 1
            else:
                self._again_or_never(one, outcome)

    async def _hand_over(self, subscription: Subscription, events: Sequence[Event], attempts: int) -> Outcome:
        if subscription.queue is None:
            outcome = await self.webhooks.deliver(subscription, events, attempts)
        else:
            outcome = await _send(subscription, events)
        self.attempts.append(
            Attempt(
                at=self.now(),
                subscription=subscription.name,
                events=tuple(event.id for event in events),
                count=attempts,
                outcome=outcome.name,
                status=outcome.status,
            )
        )
        return outcome

    def _again_or_never(self, one: _Pending, outcome: Outcome) -> None:
        self.metrics["DeliveryAttemptFailCount"] += 1
        if outcome.hopeless:
            self._give_up(one, "UndeliverableDueToClientError")
        elif one.attempts >= one.subscription.max_delivery_attempts:
            self._give_up(one, "MaxDeliveryAttemptsExceeded")
        else:
            one.due = self.now() + wait_after(one.attempts)
            self._pending.append(one)

    def _too_old(self, one: _Pending) -> bool:
        """
        Age is looked at only when the next attempt is due.
        """
        old = self.now() > one.published + one.subscription.time_to_live
        if old:
            self._give_up(one, "TimeToLiveExceeded")
        return old

    def _give_up(self, one: _Pending, reason: str) -> None:
        if not one.subscription.dead_letter:
            self.metrics["DroppedEventCount"] += 1
            return
        one.given_up = reason
        one.due = self.now() + DEAD_LETTER_DELAY
        self._pending.append(one)

    def _bury(self, one: _Pending) -> None:
        self.metrics["DeadLetteredCount"] += 1
        now = self.now()
        body = one.event.rendered(one.subscription.schema) | {
            "deadLetterReason": one.given_up,
            "deliveryAttempts": one.attempts,
            "lastDeliveryOutcome": one.last_outcome,
            "publishTime": timestamp(one.published),
            "lastDeliveryAttemptTime": timestamp(one.last_attempt or one.published),
        }
        name = one.subscription.name
        blob = f"{name.upper()}/{now.year}/{now.month}/{now.day}/{now.hour}/{self.new_id()}.json"
        self.dead_letters.append(DeadLetter(subscription=name, blob=blob, body=body))


async def _send(subscription: Subscription, events: Sequence[Event]) -> Outcome:
    """
    A queue takes one event a message, as base64 text; whatever its sender raises is a failed attempt.
    """
    assert subscription.queue is not None
    for event in events:
        text = base64.b64encode(json.dumps(event.rendered(subscription.schema)).encode()).decode()
        try:
            await subscription.queue(text)
        except OSError as broken:
            return Outcome(name=type(broken).__name__)
    return DELIVERY


def _batches(due: Sequence[_Pending]) -> list[list[_Pending]]:
    """
    Events that go out together: as many as the subscription takes, up to the preferred size, tried equally often.
    """
    batches: list[list[_Pending]] = []
    size = 0
    for one in due:
        weight = len(json.dumps(one.event.rendered(Schema.EVENT_GRID)))
        most, bytes_preferred = one.subscription.max_events_per_batch, one.subscription.preferred_batch_kilobytes << 10
        last = batches[-1] if batches else None
        if last and len(last) < most and size + weight <= bytes_preferred and last[0].attempts == one.attempts:
            last.append(one)
            size += weight
        else:
            batches.append([one])
            size = weight
    return batches
