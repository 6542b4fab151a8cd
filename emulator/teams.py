"""
A Teams channel's inbox: the webhook of a Workflows flow that posts cards, and a page that shows what came.

The product's cards end here. The webhook answers as Workflows does: 202 and nothing else, whether or not Teams could
have drawn the card; so it also checks what Teams would stumble over silently, and says so. Cards are kept as sent.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict

from emulator import forms
from emulator.http import Answer, Call
from emulator.routes import Place, Route, RouteTable, Source

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

WORKFLOW = "4f1c0de5-0000-4000-8000-000000000001"
PATH = f"/powerautomate/automations/direct/workflows/{WORKFLOW}/triggers/manual/paths/invoke"
SIGNATURE = "local-signature-4Zr8mQ2vXw1sKp7tYb5nLd3hGf6jRc9e"
QUERY = f"?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"
ADAPTIVE = "application/vnd.microsoft.card.adaptive"
# Teams' limit for a message through a webhook.
LARGEST = 28 * 1024


class NotACard(ValueError):
    """
    The flow would fail on the message, or Teams would show nothing; the message says which part.
    """


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    One message that was accepted.
    """

    at: datetime
    body: Mapping[str, Any]

    @property
    def cards(self) -> list[Any]:
        return [attachment["content"] for attachment in self.body["attachments"]]


@dataclass(kw_only=True)
class Throttled:
    """
    The webhook refuses the next `times` messages with 429.
    """

    times: int = 0
    retry_after: int = 0


class TeamsInbox:
    """
    The part; `messages` holds what was accepted, `throttle` makes it refuse.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self._throttled = Throttled()
        self.messages: list[Message] = []

    @property
    def cards(self) -> list[Any]:
        return [card for message in self.messages for card in message.cards]

    def throttle(self, times: int, *, retry_after: int = 1) -> None:
        """
        Refuse the next messages, as Teams does above four a second.
        """
        self._throttled = Throttled(times=times, retry_after=retry_after)

    def routes(self, table: RouteTable) -> None:
        note = "202 and an empty body; the flow runs later"
        table.add(
            Route(
                method="POST",
                path=PATH,
                handler=self.receive,
                place=Place.TEAMS,
                source=Source.SPECIFIED,
                note=note,
            ),
            Route(method="GET", path="/_emulator/teams", handler=self.show, place=Place.PLAIN),
            Route(method="GET", path="/_emulator/teams/messages", handler=self.listed, place=Place.PLAIN),
            Route(method="PUT", path="/_emulator/teams/throttle", handler=self.throttled, place=Place.PLAIN),
        )

    async def start(self) -> None:
        self._azure.endpoints.teams = self._azure.endpoints.arm + PATH + QUERY

    async def stop(self) -> None:
        """
        Nothing is held open.
        """

    def next_due(self) -> datetime | None:
        return None

    async def advance(self) -> None:
        """
        Nothing falls due here.
        """

    async def receive(self, call: Call) -> Answer:
        if call.query.get("sig") != SIGNATURE:
            return _refusal(401, "DirectApiAuthorizationRequired", "The authentication credentials are not valid.")
        if len(call.body) > LARGEST:
            return _refusal(413, "RequestEntityTooLarge", f"A message may have {LARGEST} bytes at most.")
        if self._throttled.times > 0:
            self._throttled.times -= 1
            answer = _refusal(429, "TooManyRequests", "The rate limit was exceeded.")
            answer.headers["retry-after"] = str(self._throttled.retry_after)
            return answer
        try:
            message = _message(call)
        except NotACard as wrong:
            return _refusal(400, "TriggerInputSchemaMismatch", str(wrong))
        self.messages.append(Message(at=call.at, body=message))
        return Answer(status=202)

    async def listed(self, call: Call) -> Answer:
        return Answer(body={"value": [{"at": one.at.isoformat(), "body": one.body} for one in self.messages]})

    async def throttled(self, call: Call) -> Answer:
        form = forms.read(call, {"times": forms.whole(0), "retryAfter": forms.whole(0)})
        self.throttle(form.get("times", 1), retry_after=form.get("retryAfter", 1))
        return Answer(body=form)

    async def show(self, call: Call) -> Answer:
        """
        The messages for a person: newest first, each card as its JSON.
        """
        items = [
            f"<article><h2>{html.escape(one.at.isoformat(timespec='seconds'))}</h2>"
            + "".join(f"<pre>{html.escape(json.dumps(card, indent=2, ensure_ascii=False))}</pre>" for card in one.cards)
            + "</article>"
            for one in reversed(self.messages)
        ]
        page = PAGE.format(count=len(self.messages), items="\n".join(items) or "<p>No card has come yet.</p>")
        return Answer(body=page, content_type="text/html; charset=utf-8")


def _message(call: Call) -> Mapping[str, Any]:
    """
    The message, if the flow's default template could post it.
    """
    kind = call.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != "application/json":
        raise NotACard(f"the content type is {kind!r}, not application/json")
    try:
        body = call.json()
    except ValueError as broken:
        raise NotACard(f"the body is no JSON: {broken}") from broken
    if not isinstance(body, dict) or body.get("type") != "message":
        raise NotACard("the body must be an object of type 'message'")
    attachments = body.get("attachments")
    if not isinstance(attachments, list) or not attachments:
        raise NotACard("'attachments' must be a list with at least one card")
    for number, attachment in enumerate(attachments):
        _check_attachment(attachment, f"attachments[{number}]")
    return body


def _check_attachment(attachment: Any, where: str) -> None:
    if not isinstance(attachment, dict) or attachment.get("contentType") != ADAPTIVE:
        raise NotACard(f"{where}.contentType must be {ADAPTIVE!r}")
    card = attachment.get("content")
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard":
        raise NotACard(f"{where}.content: Property 'type' must be 'AdaptiveCard'")
    if not isinstance(card.get("version"), str) or not isinstance(card.get("body"), list):
        raise NotACard(f"{where}.content needs 'version' and 'body'")


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status=status, body={"error": {"code": code, "message": message}}, headers=CIMultiDict())


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Teams inbox</title>
<style>
body {{font: 16px system-ui; margin: 2rem auto; max-width: 60rem}}
pre {{background: #f3f2f1; padding: 1rem; overflow: auto}}
</style>
<h1>Teams inbox: {count} message(s)</h1>
{items}
</html>
"""
