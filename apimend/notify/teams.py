"""
Posts cards to Teams workflows.

A webhook's URL is its secret: it stands in no error, log or card, and neither does a library's message, which may
quote it. A webhook is spoken of by the name that settings and routes give it.
"""

import json
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import aiohttp

from apimend.model.errors import Rejected, Throttled, Unavailable
from apimend.ports import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
_ACCEPTED = frozenset({200, 202})
_REFUSED_FOR_NOW = frozenset({408, 425})


class Teams:
    """
    The workflows, by name. `envelope` False sends the bare card, for a flow that was made so.
    """

    def __init__(
        self, session: aiohttp.ClientSession, webhooks: Mapping[str, str], clock: Clock, *, envelope: bool = True
    ) -> None:
        self._session = session
        self._webhooks = dict(webhooks)
        self._clock = clock
        self._envelope = envelope

    async def card(self, webhook: str, card: Mapping[str, Any]) -> None:
        """
        Post one card. Raises Throttled or Unavailable where a later try may do, Rejected otherwise.

        202 means that Teams has the message, not that it can draw it: a card has to be valid before it comes here.
        """
        url = self._webhooks.get(webhook)
        if url is None:
            raise Rejected(f"There is no webhook named {webhook!r} in the settings.")
        body = json.dumps(_message(card) if self._envelope else card).encode()
        try:
            async with self._session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=_TIMEOUT,
                allow_redirects=False,
            ) as answer:
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except aiohttp.InvalidURL:
            raise Rejected(f"The URL of the webhook {webhook!r} is none.") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # `from None`: the library's words may hold the URL.
            raise Unavailable(f"The webhook {webhook!r} gave no answer ({type(error).__name__}).") from None
        if status not in _ACCEPTED:
            _refuse(webhook, status, self._seconds(after))

    def _seconds(self, retry_after: str) -> float | None:
        """What the server asked for, given as seconds or as a date."""
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after[:6])
        try:
            at = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max((at - self._clock.now()).total_seconds(), 0.0)


def _message(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the flow's template expects around a card."""
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def _refuse(webhook: str, status: int, after: float | None) -> NoReturn:
    said = f"The webhook {webhook!r} answered {status}."
    if status == 429:
        raise Throttled(said, after=after, code=str(status))
    if status >= 500 or status in _REFUSED_FOR_NOW:
        raise Unavailable(said, after=after, code=str(status))
    raise Rejected(said, status=status)
