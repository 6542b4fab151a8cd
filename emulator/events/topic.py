"""
A custom topic: takes events that somebody publishes, keeps them, and hands them to the topic's own subscribers.

The product's outgoing events end here; `azure-eventgrid`'s publisher works against it unchanged. It checks what the
real topic checks before it accepts: who is there, how big, and the envelope of every event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from multidict import CIMultiDict

from emulator.events.event import Event, Family, Json, Schema, timestamp
from emulator.http import Answer, Call
from emulator.routes import Place, Route, RouteTable, Source

PATH = "/api/events"
API_VERSION = "2018-01-01"
AUDIENCE = "https://eventgrid.azure.net"
LARGEST = 1 << 20
TOPIC_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/local"
    "/providers/Microsoft.EventGrid/topics/local"
)
EVENT_GRID_MEMBERS = {"id": str, "subject": str, "eventType": str, "eventTime": str, "dataVersion": str}
CLOUD_EVENT_MEMBERS = {"id": str, "source": str, "type": str, "specversion": str}
CLOUD_EVENT_KNOWN = {*CLOUD_EVENT_MEMBERS, "subject", "time", "data"}
CONTENT_TYPES = {
    "application/json": None,
    "application/cloudevents+json": False,
    "application/cloudevents-batch+json": True,
}


class Refused(Exception):
    """
    The topic does not take the request; carries the status and the code of its answer.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Published:
    """
    One event as it was published.
    """

    at: datetime
    schema: Schema
    body: Json

    @property
    def type(self) -> str:
        return str(self.body["type"] if self.schema is Schema.CLOUD_EVENTS else self.body["eventType"])


@dataclass(kw_only=True)
class CustomTopic:
    """
    The topic and what it was given. `admits` says whether a bearer token is one of ours.
    """

    now: Callable[[], datetime]
    forward: Callable[[Event], None]
    admits: Callable[[str], bool] = bool
    published: list[Published] = field(default_factory=list)

    def routes(self, table: RouteTable) -> None:
        note = "events of both schemas; Entra token or access key"
        table.add(
            Route(
                method="POST",
                path=PATH,
                handler=self.receive,
                place=Place.TOPIC,
                source=Source.SPECIFIED,
                note=note,
            )
        )

    async def receive(self, call: Call) -> Answer:
        try:
            self._check_caller(call)
            for one in self._parse(call):
                self.published.append(one)
                self.forward(_event_of(one))
        except Refused as refused:
            return _refusal(refused)
        return Answer(status=200)

    def _check_caller(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        keyed = call.headers.get("aeg-sas-key") or call.headers.get("aeg-sas-token")
        if not keyed and not (scheme.casefold() == "bearer" and self.admits(token.strip())):
            raise Refused(401, "Unauthorized", f"The request needs a token for {AUDIENCE} or a key.")
        if call.api_version != API_VERSION:
            raise Refused(400, "BadRequest", f"The api-version {call.api_version!r} is not supported.")
        if len(call.body) > LARGEST:
            raise Refused(413, "RequestEntityTooLarge", "The maximum size (1 MB) has been exceeded.")

    def _parse(self, call: Call) -> Sequence[Published]:
        kind = call.headers.get("content-type", "").partition(";")[0].strip().casefold()
        if kind not in CONTENT_TYPES:
            raise Refused(415, "UnsupportedMediaType", f"The content type {kind!r} is not supported.")
        try:
            body = call.json()
        except ValueError as broken:
            raise Refused(400, "BadRequest", f"The body is no JSON: {broken}") from broken
        listed = CONTENT_TYPES[kind] is not False
        events = body if listed else [body]
        if not isinstance(events, list) or not events:
            raise Refused(400, "BadRequest", "The body must be a list of events." if listed else "No event.")
        schema = Schema.EVENT_GRID if kind == "application/json" else Schema.CLOUD_EVENTS
        for number, one in enumerate(events):
            _check_envelope(one, schema, number)
        return [Published(at=self.now(), schema=schema, body=one) for one in events]


def _check_envelope(event: Any, schema: Schema, number: int) -> None:
    members = EVENT_GRID_MEMBERS if schema is Schema.EVENT_GRID else CLOUD_EVENT_MEMBERS
    if not isinstance(event, Mapping):
        raise Refused(400, "BadRequest", f"Event {number} is no object.")
    for name, kind in members.items():
        if not isinstance(event.get(name), kind) or not event[name]:
            raise Refused(400, "BadRequest", f"Event {number} needs {name!r} as a string that is not empty.")
    if schema is Schema.CLOUD_EVENTS and event["specversion"] != "1.0":
        raise Refused(400, "BadRequest", f"Event {number} has specversion {event['specversion']!r}, not '1.0'.")
    if schema is Schema.EVENT_GRID and "data" not in event:
        raise Refused(400, "BadRequest", f"Event {number} needs 'data'.")
    moment = event.get("eventTime" if schema is Schema.EVENT_GRID else "time")
    if moment is not None and not _is_moment(moment):
        raise Refused(400, "BadRequest", f"Event {number} has a time that is none: {moment!r}.")


def _is_moment(text: Any) -> bool:
    try:
        datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return False
    return True


def _event_of(published: Published) -> Event:
    body = published.body
    cloud = published.schema is Schema.CLOUD_EVENTS
    return Event(
        id=body["id"],
        family=Family.TOPIC,
        topic=body["source"] if cloud else TOPIC_ID,
        subject=str(body.get("subject", "")),
        type=published.type,
        time=str(body.get("time" if cloud else "eventTime") or timestamp(published.at)),
        data=body.get("data"),
        data_version="" if cloud else body["dataVersion"],
        extensions={k: v for k, v in body.items() if k not in CLOUD_EVENT_KNOWN} if cloud else {},
    )


def _refusal(refused: Refused) -> Answer:
    body = {"error": {"code": refused.code, "message": str(refused), "details": []}}
    headers = CIMultiDict({"www-authenticate": "Bearer"}) if refused.status == 401 else CIMultiDict[str]()
    return Answer(status=refused.status, body=body, headers=headers)
