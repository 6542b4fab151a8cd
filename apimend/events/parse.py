"""
From JSON text to ParsedEvents: limits, the two envelopes, and the faults of what is no event at all.

What stands inside the envelope is read in `sources`. Limits are Event Grid's own: 1 MB for an event, 5000 for a
batch.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apimend.events.parsed import ParsedEvent, Schema
from apimend.events.sources import Envelope, read_source, words
from apimend.model.errors import BadInput, Fault

MAX_EVENTS = 5000
MAX_CHARACTERS = 64 * 1024 * 1024
MAX_EVENT_CHARACTERS = 1024 * 1024

_REQUIRED = {Schema.EVENT_GRID: ("id", "eventType", "subject"), Schema.CLOUD_EVENTS: ("id", "type", "source")}


def parse_event(text: str) -> ParsedEvent:
    """
    The one event in `text`: an object, or an array of one.

    Raises BadInput where it is no event, or more than one.
    """
    events = parse_events(text, limit=1)
    if not events:
        raise _bad("There is no event in it.", "", "Send one event.")
    return events[0]


def parse_events(text: str, *, limit: int = MAX_EVENTS) -> list[ParsedEvent]:
    """
    The events in `text`: one object, or an array as batches and dead-letter blobs are.

    Raises BadInput with every fault where it is no JSON, too much, or holds something that is no event.
    """
    loaded = _load(text)
    entries = loaded if isinstance(loaded, list) else [loaded]
    if len(entries) > limit:
        raise _bad(f"There are {len(entries)} events in it.", "", f"Send no more than {limit} at a time.")
    if len(entries) == 1 and len(text) > MAX_EVENT_CHARACTERS:
        raise _bad("It is larger than any event can be.", "", "Event Grid's limit is 1 MB.")
    events: list[ParsedEvent] = []
    faults: list[Fault] = []
    for position, entry in enumerate(entries):
        where = f"[{position}]" if isinstance(loaded, list) else ""
        try:
            events.append(_event(entry, where))
        except BadInput as error:
            faults.extend(error.faults)
    if faults:
        raise BadInput(faults)
    return events


def _load(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise _bad("It is too large.", "", "Split it.")
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        fault = Fault(what=f"It is no JSON: {error.msg}.", where="", line=error.lineno, column=error.colno)
        raise BadInput([fault]) from error
    except (ValueError, RecursionError) as error:
        raise _bad("It is no JSON that can be read: a number or the nesting is beyond all measure.", "") from error


def _event(entry: Any, where: str) -> ParsedEvent:
    if not isinstance(entry, Mapping):
        raise _bad(f"It is no event but {_kind(entry)}.", where, "An event is a JSON object.")
    # The documentation's own examples write specVersion in places.
    cloud = any(name.casefold() == "specversion" for name in entry)
    schema = Schema.CLOUD_EVENTS if cloud else Schema.EVENT_GRID
    if schema is Schema.EVENT_GRID and "eventType" not in entry:
        mend = "An event has eventType (Event Grid schema) or specversion (CloudEvents)."
        raise _bad("It has the form of neither schema.", where, mend)
    faults = [
        Fault(what=f"{name} is missing or no text.", where=f"{where}.{name}".lstrip("."))
        for name in _REQUIRED[schema]
        if not isinstance(entry.get(name), str) or (name != "subject" and not entry[name])
    ]
    if faults:
        raise BadInput(faults)
    return read_source(_envelope(entry, schema, where))


def _envelope(entry: Mapping[str, Any], schema: Schema, where: str) -> Envelope:
    cloud = schema is Schema.CLOUD_EVENTS
    return Envelope(
        schema=schema,
        id=words(entry["id"]),
        type=words(entry["type" if cloud else "eventType"]),
        source=words(entry.get("source" if cloud else "topic")),
        subject=words(entry.get("subject")),
        time=_time(entry.get("time" if cloud else "eventTime"), where, "time" if cloud else "eventTime"),
        data=_data(entry),
        dead_letter=words(entry.get("deadLetterReason") or entry.get("deadletterreason")),
    )


def _data(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    data = entry.get("data")
    encoded = entry.get("data_base64")
    try:
        if data is None and isinstance(encoded, str):
            data = base64.b64decode(encoded, validate=True).decode()
        if isinstance(data, str):
            data = json.loads(data)
    except (ValueError, RecursionError):
        data = None
    return data if isinstance(data, Mapping) else {}


def _time(value: Any, where: str, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        mend = "Write it as 2026-11-21T10:11:12Z."
        raise _bad(f"{words(str(value))!r} is no time.", f"{where}.{name}".lstrip("."), mend) from error


def _kind(entry: Any) -> str:
    return {list: "an array", str: "a text", type(None): "null", bool: "true or false"}.get(type(entry), "a number")


def _bad(what: str, where: str, mend: str = "") -> BadInput:
    return BadInput([Fault(what=what, where=where, mend=mend)])
