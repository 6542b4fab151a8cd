"""
What Event Grid says to a webhook: the two handshakes and one delivery.

The only speaker of HTTP among the outgoing side. It makes one attempt and reports what came of it; when to try again
is decided in `dispatch`.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from emulator.events.event import Event, Json, Schema
from emulator.events.subscription import State, Subscription

ORIGIN = "eventgrid.azure.net"
DELIVERED = frozenset({200, 201, 202, 203, 204})
HOPELESS = frozenset({400, 401, 403, 413})
OUTCOMES = {400: "BadRequest", 413: "PayloadTooLarge", 408: "TimedOut", 503: "Busy", 504: "TimedOut"}
# Event Grid waits this long for an answer.
PATIENCE = 30.0


class HandshakeFailed(Exception):
    """
    The endpoint did not prove that it wants events; Event Grid creates no subscription.
    """


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    How one attempt ended. `hopeless` answers are not tried again.
    """

    name: str
    status: int | None = None
    delivered: bool = False
    hopeless: bool = False


DELIVERY = Outcome(name="Success", delivered=True)


class Webhooks:
    """
    One HTTP session for all webhooks.
    """

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._timeout = aiohttp.ClientTimeout(total=patience)
        self._session: aiohttp.ClientSession | None = None

    def open(self, *, ca_file: str = "") -> None:
        tls = ssl.create_default_context(cafile=ca_file or None)
        connector = aiohttp.TCPConnector(ssl=tls, limit=0, force_close=True)
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def deliver(self, subscription: Subscription, events: Sequence[Event], attempts_before: int) -> Outcome:
        """
        One attempt to hand over one event, or a batch.
        """
        body, content_type = _payload(subscription, events)
        headers = {
            "content-type": content_type,
            "aeg-event-type": "Notification",
            "aeg-subscription-name": subscription.name.upper(),
            "aeg-delivery-count": str(attempts_before),
            **_schema_headers(subscription.schema, events[0]),
            **subscription.headers,
        }
        try:
            async with self._opened().post(subscription.url, data=body, headers=headers) as answer:
                await answer.read()
                return _outcome(answer.status)
        except TimeoutError:
            return Outcome(name="TimedOut")
        except aiohttp.ClientConnectorDNSError:
            return Outcome(name="ResolutionError")
        except (aiohttp.ClientError, OSError):
            return Outcome(name="SocketError")

    async def greet(self, subscription: Subscription, event: Json, callback: str, code: str) -> State:
        """
        The handshake before a subscription's first event.
        """
        try:
            if subscription.schema is Schema.EVENT_GRID:
                return await self._ask_for_code(subscription, event, code)
            return await self._ask_for_origin(subscription, callback)
        except (aiohttp.ClientError, OSError) as unreachable:
            raise HandshakeFailed(f"{subscription.url} can't be reached: {unreachable}") from unreachable

    async def _ask_for_code(self, subscription: Subscription, event: Json, code: str) -> State:
        headers = {
            "content-type": "application/json; charset=utf-8",
            "aeg-event-type": "SubscriptionValidation",
            "aeg-subscription-name": subscription.name.upper(),
            **subscription.headers,
        }
        async with self._opened().post(subscription.url, data=json.dumps([event]), headers=headers) as answer:
            text = await answer.text()
            _expect(answer.status in DELIVERED, f"the handshake was answered {answer.status}")
            return State.SUCCEEDED if _echoes(text, code) else State.AWAITING

    async def _ask_for_origin(self, subscription: Subscription, callback: str) -> State:
        headers = {
            "WebHook-Request-Origin": ORIGIN,
            "WebHook-Request-Callback": callback,
            "WebHook-Request-Rate": "120",
            **subscription.headers,
        }
        async with self._opened().options(subscription.url, headers=headers) as answer:
            _expect(answer.status in DELIVERED, f"the handshake was answered {answer.status}")
            allowed = answer.headers.get("WebHook-Allowed-Origin", "")
            names = {name.strip().casefold() for name in allowed.split(",")}
            return State.SUCCEEDED if names & {"*", ORIGIN} else State.AWAITING

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the local Azure has not started")
        return self._session


def _payload(subscription: Subscription, events: Sequence[Event]) -> tuple[bytes, str]:
    rendered: Any = [event.rendered(subscription.schema) for event in events]
    kind = "application/json"
    if subscription.schema is Schema.CLOUD_EVENTS:
        batched = subscription.max_events_per_batch > 1
        kind = "application/cloudevents-batch+json" if batched else "application/cloudevents+json"
        rendered = rendered if batched else rendered[0]
    return json.dumps(rendered, ensure_ascii=False).encode(), f"{kind}; charset=utf-8"


def _schema_headers(schema: Schema, event: Event) -> Mapping[str, str]:
    if schema is Schema.CLOUD_EVENTS:
        return {"WebHook-Request-Origin": ORIGIN}
    return {"aeg-data-version": event.data_version, "aeg-metadata-version": "1"}


def _outcome(status: int) -> Outcome:
    if status in DELIVERED:
        return Outcome(name=DELIVERY.name, status=status, delivered=True)
    return Outcome(name=_outcome_name(status), status=status, hopeless=status in HOPELESS)


def _outcome_name(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        phrase = "GenericError"
    return OUTCOMES.get(status, phrase)


def _echoes(text: str, code: str) -> bool:
    try:
        answer = json.loads(text)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("validationResponse") == code


def _expect(fine: bool, complaint: str) -> None:
    if not fine:
        raise HandshakeFailed(complaint)
