"""
What the local host takes from host.json; the rest of that file is for the real one.

Called where a host is put together. The defaults are those of the Functions host, so that a setting left out behaves
here as it does in Azure.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class HostJson:
    """The queue and HTTP settings of a function app."""

    route_prefix: str = "api"
    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: timedelta = timedelta(0)
    max_polling_interval: timedelta = timedelta(minutes=1)

    @classmethod
    def read(cls, path: Path) -> "HostJson":
        return cls.parse(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, document: dict[str, Any]) -> "HostJson":
        extensions = document.get("extensions", {})
        queues = extensions.get("queues", {})
        batch_size = int(queues.get("batchSize", cls.batch_size))
        return cls(
            route_prefix=extensions.get("http", {}).get("routePrefix", cls.route_prefix).strip("/"),
            batch_size=batch_size,
            new_batch_threshold=int(queues.get("newBatchThreshold", batch_size // 2)),
            max_dequeue_count=int(queues.get("maxDequeueCount", cls.max_dequeue_count)),
            visibility_timeout=_span(queues.get("visibilityTimeout", "00:00:00")),
            max_polling_interval=_span(queues.get("maxPollingInterval", "00:01:00")),
        )


def _span(text: str) -> timedelta:
    hours, minutes, seconds = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
