"""
The Teams inbox: what a Workflows webhook accepts, and what it keeps.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from emulator.azure import LocalAzure
from emulator.teams import ADAPTIVE, LARGEST, SIGNATURE, TeamsInbox

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "<b>drift</b>"}]}


def message(card: Any = CARD, **changes: Any) -> dict[str, Any]:
    return {"type": "message", "attachments": [{"contentType": ADAPTIVE, "content": card}]} | changes


@dataclass
class Channel:
    """
    An inbox, and a client that posts to it.
    """

    azure: LocalAzure
    inbox: TeamsInbox
    session: aiohttp.ClientSession

    async def post(self, body: Any, *, url: str = "", content_type: str = "application/json") -> tuple[int, str]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": content_type}
        async with self.session.post(url or self.azure.endpoints.teams, data=data, headers=headers) as answer:
            return answer.status, await answer.text()


def on_channel(test: Callable[[Channel], Awaitable[None]]) -> None:
    async def run() -> None:
        async with LocalAzure({}, now=lambda: datetime(2026, 11, 22, tzinfo=UTC), parts=[TeamsInbox]) as azure:
            tls = ssl.create_default_context(cafile=azure.ca_file)
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
                await test(Channel(azure, azure.part(TeamsInbox), session))

    asyncio.run(run())


def test_a_card_is_accepted_and_kept() -> None:
    """
    A message with a card is answered 202 with nothing, and its card is kept as sent.
    """

    async def test(channel: Channel) -> None:
        answer = await channel.post(message())

        assert ((202, ""), [CARD]) == (answer, channel.inbox.cards)

    on_channel(test)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b"{", "no JSON", id="no json"),
        pytest.param([], "type 'message'", id="no object"),
        pytest.param(message(type="card"), "type 'message'", id="type"),
        pytest.param(message(attachments=[]), "attachments", id="no attachment"),
        pytest.param(message(attachments=[{"contentType": "text/html"}]), "contentType", id="content type"),
        pytest.param(message({"type": "MessageCard"}), "must be 'AdaptiveCard'", id="another card"),
        pytest.param(message({"type": "AdaptiveCard", "version": "1.5"}), "'version' and 'body'", id="no body"),
    ],
)
def test_a_bad_message_is_refused_with_the_reason(body: Any, reason: str) -> None:
    """
    What the flow would stumble over is answered 400, says why, and is not kept.
    """

    async def test(channel: Channel) -> None:
        status, text = await channel.post(body)

        assert (400, True, []) == (status, reason in json.loads(text)["error"]["message"], channel.inbox.messages)

    on_channel(test)


def test_only_json_is_taken() -> None:
    """
    Another content type is refused.
    """

    async def test(channel: Channel) -> None:
        assert 400 == (await channel.post(message(), content_type="text/plain"))[0]

    on_channel(test)


@pytest.mark.parametrize(
    "url", [lambda url: url.replace(SIGNATURE, "forged"), lambda url: url.partition("?")[0]], ids=["forged", "none"]
)
def test_the_signature_is_the_key(url: Callable[[str], str]) -> None:
    """
    Without the signature of the URL nobody gets in.
    """

    async def test(channel: Channel) -> None:
        status, _ = await channel.post(message(), url=url(channel.azure.endpoints.teams))

        assert (401, []) == (status, channel.inbox.messages)

    on_channel(test)


@pytest.mark.parametrize(("spare", "status"), [(0, 202), (-1, 413)], ids=["fits", "one byte too many"])
def test_a_message_has_28_kilobytes_at_most(spare: int, status: int) -> None:
    """
    A message above 28 KB is answered 413.
    """

    async def test(channel: Channel) -> None:
        body = json.dumps(message()).encode()

        assert status == (await channel.post(body + b" " * (LARGEST - len(body) - spare)))[0]

    on_channel(test)


def test_too_many_messages_are_put_off() -> None:
    """
    On demand the next messages are answered 429 with the time to wait.
    """

    async def test(channel: Channel) -> None:
        channel.inbox.throttle(1, retry_after=7)
        async with channel.session.post(channel.azure.endpoints.teams, json=message()) as answer:
            first = (answer.status, answer.headers["retry-after"])

        assert ((429, "7"), (202, "")) == (first, await channel.post(message()))

    on_channel(test)


def test_the_page_shows_the_cards() -> None:
    """
    A person sees the cards as JSON, with markup made harmless.
    """

    async def test(channel: Channel) -> None:
        await channel.post(message())
        async with channel.session.get(f"{channel.azure.endpoints.control}/teams") as answer:
            page = await answer.text()

        assert "1 message(s)" in page
        assert "&lt;b&gt;drift&lt;/b&gt;" in page

    on_channel(test)


def test_the_messages_can_be_read_over_http() -> None:
    """
    Somebody outside reads the messages, and can let the channel refuse.
    """

    async def test(channel: Channel) -> None:
        await channel.post(message())
        async with channel.session.get(f"{channel.azure.endpoints.control}/teams/messages") as answer:
            (kept,) = (await answer.json())["value"]
        async with channel.session.put(f"{channel.azure.endpoints.control}/teams/throttle", json={"times": 1}) as _:
            status, _ = await channel.post(message())

        assert (message(), 429) == (kept["body"], status)

    on_channel(test)
