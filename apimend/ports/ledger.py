"""
What is remembered between visits: runs, intents with their pre-images, orders, progress, and notes of the tenant.
"""

from datetime import datetime
from typing import Protocol

from apimend.model.ids import InstanceId, ResourceId
from apimend.model.runs import Intent, Order, Progress, Run


class Ledger(Protocol):
    """What is remembered: runs, intents with pre-images, orders, progress."""

    async def progress(self, instance: InstanceId) -> Progress: ...
    async def save_progress(self, progress: Progress) -> None: ...
    async def intend(self, intent: Intent) -> None:
        """Before a write: the intent, with its pre-image, is durable when this returns."""
        ...

    async def close(self, intent: Intent) -> None:
        """After a write: what came of it (`closed`, `etag_after`, `undone`)."""
        ...

    async def open_intents(self, instance: InstanceId) -> tuple[Intent, ...]:
        """Writes that a crash left open."""
        ...

    async def intents(self, run: str) -> tuple[Intent, ...]:
        """The writes of a run, oldest first. One whose texts have expired is `textless`, here and in all others."""
        ...

    async def wrote(
        self, instance: InstanceId, target: ResourceId, *, since: datetime | None = None, texts: bool = False
    ) -> tuple[Intent, ...]:
        """Our writes to one resource since then, newest first; with their texts only where these are asked for."""
        ...

    async def is_ours(self, request_id: str) -> bool:
        """Whether a client request id is that of one of our recorded writes."""
        ...

    async def save_run(self, run: Run) -> None: ...
    async def run(self, id: str) -> Run | None: ...
    async def runs(self, instance: InstanceId | None = None, *, limit: int = 50) -> tuple[Run, ...]:
        """Runs, newest first."""
        ...

    async def add_order(self, order: Order) -> None: ...
    async def orders(self, instance: InstanceId) -> tuple[Order, ...]:
        """Orders that are not consumed, oldest first (expired ones included: the visit says so)."""
        ...

    async def order(self, id: str) -> tuple[Order, str] | None:
        """An order by its id, and the run that consumed it: empty while it stands."""
        ...

    async def consume(self, order: Order, run: str) -> None: ...
    async def instances(self) -> tuple[Progress, ...]:
        """What is remembered of every instance that was ever looked at."""
        ...

    async def note(self, key: str, value: str) -> None:
        """A small fact of the whole tenant (the last sweep, the global stop)."""
        ...

    async def noted(self, key: str) -> str: ...
