"""
An event before it takes one of Event Grid's two schemas, and the two schemas.

Sources make an `Event`, subscriptions and the custom topic render it. The fields and their order follow Microsoft's
documented examples. Nothing here decides who gets an event.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]


class Schema(enum.Enum):
    """
    How a subscription wants its events; the values are those of `eventDeliverySchema`.
    """

    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


class Family(enum.Enum):
    """
    Which kind of source an event comes from.
    """

    ARM = "arm"
    APIM = "apim"
    VAULT = "vault"
    TOPIC = "topic"


@dataclass(frozen=True, kw_only=True)
class Event:
    """
    One event. `topic` is the id of its source; `extensions` are CloudEvents attributes beyond the standard ones.
    """

    id: str
    family: Family
    topic: str
    subject: str
    type: str
    time: str
    data: Any
    data_version: str = "1"
    extensions: Mapping[str, Any] = field(default_factory=dict)

    def rendered(self, schema: Schema) -> Json:
        return self._event_grid() if schema is Schema.EVENT_GRID else self._cloud_event()

    def _event_grid(self) -> Json:
        return {
            "id": self.id,
            "topic": self.topic,
            "subject": self.subject,
            "eventType": self.type,
            "eventTime": self.time,
            "data": self.data,
            "dataVersion": self.data_version,
            "metadataVersion": "1",
        }

    def _cloud_event(self) -> Json:
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.topic,
            "subject": self.subject,
            "type": self.type,
            "time": self.time,
            "data": self.data,
            **self.extensions,
        }


def timestamp(moment: datetime) -> str:
    """
    A moment as Event Grid writes it: UTC with seven fractional digits.
    """
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"
