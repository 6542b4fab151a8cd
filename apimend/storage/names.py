"""
How documents are named: the containers, and keys that sort as the ledger reads them.

Called by everything in this package. Keys are made of letters, digits, dot, underscore and hyphen, so that a table's
row key, a blob's name and SQLite take them alike and sort them alike. Nothing else may build a key.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta

from apimend.model.ids import ResourceId

BELLS = "bells"
PROGRESS = "progress"
INTENTS = "intents"
OPEN_INTENTS = "open-intents"
WRITES = "writes"
REQUESTS = "requests"
RUNS = "runs"
RUNS_NEWEST = "runs-newest"
RUNS_OF_INSTANCE = "runs-of-instance"
ORDERS = "orders"
OPEN_ORDERS = "open-orders"
NOTES = "notes"
LIMITS = "limits"
WALKS = "walks"
WALK_TOUCHES = "walk-touches"
PARKED = "parked"
APPROVALS = "approvals"
PREIMAGES = "preimages"
"""Texts that may hold other people's secrets (rules.md R27): a container of their own on every backend."""

VISITS_QUEUE = "apimend-visits"

LONGEST_DELAY = timedelta(days=7)
"""Azure Storage hides a message for seven days at the most."""

LONGEST_MESSAGE = 48 * 1024
"""A queue message takes 64 KiB, in base64. What may be longer is a document, and the message names it."""

LONGEST_KEY = 400
AFTER_ALL_KEYS = "~"
"""Sorts after every character that a key may have: the end of a prefix is the prefix and this."""

_CONTAINER = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_KEY = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST_KEY}}}")
_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 10**17


def check_place(container: str, key: str) -> None:
    """Raises ValueError for a name that not every backend could take: a bug of the caller."""
    if not _CONTAINER.fullmatch(container):
        raise ValueError(f"{container!r} is no container name")
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key")


def check_prefix(container: str, prefix: str) -> None:
    """As `check_place`, for the beginning of keys, which may be empty."""
    check_place(container, prefix or "any")


def check_message(queue: str, body: str) -> None:
    """Raises ValueError for a text that not every queue could take: a bug of the caller."""
    if len(body.encode()) > LONGEST_MESSAGE:
        raise ValueError(f"A message to {queue} has more than {LONGEST_MESSAGE} bytes")


def part(text: str) -> str:
    """One part of a key: the text itself where it may stand there, otherwise its hash."""
    return text if _PART.fullmatch(text) else digest(text)


def digest(text: str) -> str:
    """128 bits of the text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def of_resource(id: ResourceId) -> str:
    """A resource id as a part: its name for people, and the hash of the whole."""
    name = re.sub(r"[^a-z0-9-]", "-", id.name.casefold())[:31]
    return f"{name}-{digest(id.key)}"


def micros(moment: datetime) -> int:
    """Microseconds since 1970: exact, and the same on every machine."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(count: int) -> datetime:
    """The other way round."""
    return _EPOCH + timedelta(microseconds=count)


def oldest_first(moment: datetime) -> str:
    """A part that sorts by time."""
    return f"{max(0, micros(moment)):017d}"


def newest_first(moment: datetime) -> str:
    """A part that sorts by time, the latest first."""
    return f"{_LATEST - max(0, micros(moment)):017d}"


def join(*parts: str) -> str:
    """A key of parts. No part has a dot, so a key's beginning never runs into another's."""
    return ".".join(parts)
