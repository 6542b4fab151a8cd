"""
How people hear of a run: the engine hands it over, a queue later delivers it. Neither ever blocks a visit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from apimend.model.desired import Desired
from apimend.model.runs import Run


class Notices(Protocol):
    """Where the engine hands over what people should hear; delivery goes through a queue and never blocks a visit."""

    async def tell(self, run: Run, desired: Desired | None) -> None:
        """Queue the notices that this run deserves."""
        ...


class Notifier(Protocol):
    """The only speaker to Teams and to the outgoing topic."""

    async def card(self, webhook: str, card: Mapping[str, Any]) -> None:
        """Post one card. Raises TryLater on 429 and outages, Rejected otherwise."""
        ...

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Publish CloudEvents to the outgoing topic, where one is set."""
        ...
