"""
Teams and the topic together: the Notifier that `wiring` hands out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Poster(Protocol):
    """`teams.Teams`, which the HTTP library comes with."""

    async def card(self, webhook: str, card: Mapping[str, Any]) -> None: ...


class Publisher(Protocol):
    """`topic.Topic`, whose SDK is loaded only where a topic is set."""

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None: ...


class Outlets:
    """Both ways out; without a topic, events go nowhere, as nobody asked for them."""

    def __init__(self, teams: Poster, topic: Publisher | None = None) -> None:
        self._teams = teams
        self._topic = topic

    async def card(self, webhook: str, card: Mapping[str, Any]) -> None:
        """Post one card. Raises TryLater on 429 and outages, Rejected otherwise."""
        await self._teams.card(webhook, card)

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Publish CloudEvents to the outgoing topic, where one is set."""
        if self._topic is not None:
            await self._topic.publish(events)
