"""
The middle of Event Grid: subscriptions come in with their handshake, events come in and are handed on.

Used by the part, by the control routes and by tests that need no local Azure around it. It knows nothing of Azure
Resource Manager; who raises events is decided in `part`.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from emulator.events.dispatch import Dispatcher
from emulator.events.event import Event, Family, Schema, timestamp
from emulator.events.filters import Filter
from emulator.events.subscription import QueueSender, State, Subscription
from emulator.events.webhook import Webhooks

# How long a subscriber may answer the handshake by opening its validation URL instead.
VALIDATION_LIFETIME = timedelta(minutes=10)


@dataclass(kw_only=True)
class Hub:
    """
    One Event Grid. `base_url` is where the validation URLs of handshakes point.
    """

    now: Callable[[], datetime]
    webhooks: Webhooks
    base_url: Callable[[], str]
    seed: int = 0
    dispatcher: Dispatcher = field(init=False)
    _codes: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.dispatcher = Dispatcher(now=self.now, webhooks=self.webhooks, new_id=self.new_id)

    async def subscribe(
        self,
        url: str = "",
        *,
        name: str = "",
        schema: Schema = Schema.EVENT_GRID,
        source: str = "arm",
        filter: Filter | Mapping[str, Any] | None = None,
        queue: QueueSender | None = None,
        **further: Any,
    ) -> State:
        """
        Create an event subscription, handshake included. `further` takes the other members of `Subscription`.
        """
        return await self.add(
            Subscription(
                name=name or f"subscription-{len(self.dispatcher.subscriptions) + 1}",
                url=url,
                schema=schema,
                source=source,
                filter=filter if isinstance(filter, Filter) else Filter.parse(filter or {}),
                queue=queue,
                **further,
            )
        )

    async def add(self, subscription: Subscription) -> State:
        """
        Create or replace a subscription; HandshakeFailed when its endpoint refuses.
        """
        state = State.SUCCEEDED if subscription.queue else await self._greet(subscription)
        self.dispatcher.subscriptions[subscription.name] = (subscription, state)
        return state

    def confirm(self, name: str, code: str) -> bool:
        """
        Somebody opened a validation URL: whether that makes the subscription valid.
        """
        expected, until = self._codes.get(name, ("", self.now()))
        found = self.dispatcher.subscriptions.get(name)
        if found is None or not code or code != expected or self.now() > until:
            return False
        self.dispatcher.subscriptions[name] = (found[0], State.SUCCEEDED)
        return True

    def publish(self, event: Event) -> None:
        """
        Raise any event, whether or not something happened.
        """
        self.dispatcher.publish(event)

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    async def _greet(self, subscription: Subscription) -> State:
        code, now = self.new_id(), self.now()
        self._codes[subscription.name] = (code, now + VALIDATION_LIFETIME)
        callback = f"{self.base_url()}/events/validate/{subscription.name}?code={code}"
        question = Event(
            id=self.new_id(),
            family=Family.TOPIC,
            topic=subscription.source,
            subject="",
            type="Microsoft.EventGrid.SubscriptionValidationEvent",
            time=timestamp(now),
            data={"validationCode": code, "validationUrl": callback},
            data_version="2",
        )
        return await self.webhooks.greet(subscription, question.rendered(Schema.EVENT_GRID), callback, code)
