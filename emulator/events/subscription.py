"""
An event subscription: which source, which events, where to, and how hard Event Grid tries.

Made by `EventGrid.subscribe` and from the JSON that the control routes take; its members and defaults are those of
Event Grid's own resource. It holds no state of deliveries.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from emulator.events.event import Event, Schema
from emulator.events.filters import Filter

# A destination that is no webhook: it gets the text of one queue message and raises OSError when it can't take it.
QueueSender = Callable[[str], Awaitable[None]]

SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (10, 30, 60, 5 * 60, 10 * 60, 30 * 60, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
)
DEAD_LETTER_DELAY = timedelta(minutes=5)


class State(enum.Enum):
    """
    Whether the destination has proved that it wants events.
    """

    AWAITING = "AwaitingManualAction"
    SUCCEEDED = "Succeeded"


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """
    What somebody asked Event Grid to deliver. `source` is the id of a topic (a subscription, an instance, a vault)
    or the name of a family: arm, apim, vault, topic, * for all.
    """

    name: str
    url: str = ""
    queue: QueueSender | None = None
    schema: Schema = Schema.EVENT_GRID
    source: str = "arm"
    filter: Filter = field(default_factory=Filter)
    max_delivery_attempts: int = 30
    time_to_live: timedelta = timedelta(minutes=1440)
    max_events_per_batch: int = 1
    preferred_batch_kilobytes: int = 64
    headers: Mapping[str, str] = field(default_factory=dict)
    dead_letter: bool = True

    def __post_init__(self) -> None:
        minutes = self.time_to_live / timedelta(minutes=1)
        limits = {
            "maxDeliveryAttempts": (self.max_delivery_attempts, 1, 30),
            "eventTimeToLiveInMinutes": (minutes, 1, 1440),
            "maxEventsPerBatch": (self.max_events_per_batch, 1, 5000),
            "preferredBatchSizeInKilobytes": (self.preferred_batch_kilobytes, 1, 1024),
        }
        for name, (value, least, most) in limits.items():
            if not least <= value <= most:
                raise ValueError(f"{name} is {value:g}; Event Grid takes {least} to {most}")
        if bool(self.url) == (self.queue is not None):
            raise ValueError("a subscription has either a webhook or a queue for its destination")

    @classmethod
    def parse(cls, name: str, raw: Mapping[str, Any]) -> Subscription:
        """
        A webhook subscription in the words of Event Grid's API.
        """
        retry = raw.get("retryPolicy") or {}
        destination = raw.get("destination") or {}
        return cls(
            name=name,
            url=str(destination.get("endpointUrl") or ""),
            schema=Schema(raw.get("eventDeliverySchema", Schema.EVENT_GRID.value)),
            source=str(raw.get("source", "arm")),
            filter=Filter.parse(raw.get("filter") or {}),
            max_delivery_attempts=int(retry.get("maxDeliveryAttempts", 30)),
            time_to_live=timedelta(minutes=int(retry.get("eventTimeToLiveInMinutes", 1440))),
            max_events_per_batch=int(destination.get("maxEventsPerBatch", 1)),
            preferred_batch_kilobytes=int(destination.get("preferredBatchSizeInKilobytes", 64)),
            headers={str(key): str(value) for key, value in (raw.get("deliveryAttributes") or {}).items()},
            dead_letter=bool(raw.get("deadLetter", True)),
        )

    def wants(self, event: Event) -> bool:
        source = self.source.casefold().rstrip("/")
        return source in ("*", event.family.value, event.topic.casefold().rstrip("/")) and self.filter.admits(event)


def wait_after(attempts: int) -> timedelta:
    """
    How long Event Grid waits after so many failed attempts; real waits are somewhat random.
    """
    return SCHEDULE[min(attempts, len(SCHEDULE)) - 1]
