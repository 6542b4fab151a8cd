"""
The embedded backends, on one SQLite file: records, messages, leases, and the queue that the local host polls.

Opened by `apimend.storage.stores`; SqliteQueue by whoever runs the local host. They behave as their Azure
counterparts in `apimend.storage.azure` do, which one contract suite proves. Nothing here knows a bell or a ledger.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from apimend.model.errors import Changed
from apimend.ports import Clock, Record
from apimend.storage.database import Database
from apimend.storage.names import (
    AFTER_ALL_KEYS,
    LONGEST_DELAY,
    check_message,
    check_place,
    check_prefix,
    from_micros,
    micros,
)

HOLD_SECONDS = 600.0
"""The Functions host hides a message that it took for ten minutes."""

NEVER = datetime(9999, 12, 31, tzinfo=UTC)

_COLUMNS = "id, body, inserted, visible, dequeued, receipt"


class SqliteRecords:
    """Records in a table. An etag is never used twice, so a document that went and came back is another one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, container: str, key: str) -> Record | None:
        """The document; None where there is none."""
        check_place(container, key)
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT key, body, etag FROM records WHERE container = ? AND key = ?", (container, key)
            ).fetchone()
        return _record(found) if found else None

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        """Write the document; the new etag. Raises Changed where the condition doesn't hold."""
        check_place(container, key)
        new = secrets.token_hex(8)
        with self._database.transaction() as connection:
            if etag is not None:
                found = connection.execute(
                    "SELECT etag FROM records WHERE container = ? AND key = ?", (container, key)
                ).fetchone()
                if (found[0] if found else "") != etag:
                    raise Changed(f"{container}/{key} is no longer what was read.")
            connection.execute(
                "INSERT OR REPLACE INTO records (container, key, etag, body) VALUES (?, ?, ?, ?)",
                (container, key, new, body),
            )
        return new

    async def delete(self, container: str, key: str) -> None:
        """Remove the document, if it is there."""
        check_place(container, key)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM records WHERE container = ? AND key = ?", (container, key))

    async def list(
        self, container: str, prefix: str = "", *, limit: int | None = None, start: str = ""
    ) -> AsyncIterator[Record]:
        """The documents whose key begins with `prefix`, and is not before `start`, in the order of their keys."""
        check_prefix(container, prefix)
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT key, body, etag FROM records WHERE container = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
                (container, max(prefix, start), prefix + AFTER_ALL_KEYS, -1 if limit is None else limit),
            ).fetchall()
        for row in found:
            yield _record(row)


class SqliteLeaseStore:
    """Leases that run out by the injected clock."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def acquire(self, name: str, seconds: int) -> str | None:
        """The token of a new lease; None while another one holds."""
        now, token = micros(self._clock.now()), secrets.token_hex(16)
        with self._database.transaction() as connection:
            held = connection.execute("SELECT 1 FROM leases WHERE name = ? AND expires > ?", (name, now)).fetchone()
            if held:
                return None
            connection.execute(
                "INSERT OR REPLACE INTO leases (name, token, seconds, expires) VALUES (?, ?, ?, ?)",
                (name, token, seconds, now + seconds * 1_000_000),
            )
        return token

    async def renew(self, name: str, token: str) -> bool:
        """Whether the lease is still ours. One that ran out and that nobody took is: so it is with blobs."""
        with self._database.transaction() as connection:
            renewed = connection.execute(
                "UPDATE leases SET expires = ? + seconds * 1000000 WHERE name = ? AND token = ?",
                (micros(self._clock.now()), name, token),
            )
            return renewed.rowcount == 1

    async def release(self, name: str, token: str) -> None:
        """Give it back. Nothing happens if it is no longer ours."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM leases WHERE name = ? AND token = ?", (name, token))


@dataclass(frozen=True, kw_only=True)
class SqliteMessage:
    """A message as it was received, or as it lies there."""

    id: str
    body: bytes = field(repr=False)
    dequeue_count: int
    inserted: datetime
    expires: datetime = NEVER
    next_visible: datetime
    pop_receipt: str


class SqliteMessages:
    """The sending side, for the product."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        """Put a message that becomes visible in `after` seconds."""
        check_message(queue, body)
        delay = min(after, LONGEST_DELAY.total_seconds())
        _put(self._database, queue, body, now=self._clock.now(), after=delay)


class SqliteQueue:
    """
    Both sides, synchronous, for the local host: what the Functions host does with Azure's queues.

    A message that somebody else took over meanwhile is left alone: its receipt no longer fits.
    """

    def __init__(self, path: str | Path, clock: Clock) -> None:
        self._database = Database(path)
        self._clock = clock

    def receive(self, queue: str, *, now: datetime, count: int, hold: float = HOLD_SECONDS) -> Sequence[SqliteMessage]:
        """Up to `count` visible messages, hidden for `hold` seconds from now on."""
        moment = micros(now)
        hidden = moment + int(hold * 1_000_000)
        with self._database.transaction() as connection:
            due = connection.execute(
                "SELECT id FROM messages WHERE queue = ? AND visible <= ? ORDER BY visible, rowid LIMIT ?",
                (queue, moment, count),
            ).fetchall()
            return [
                _message(
                    connection.execute(
                        "UPDATE messages SET dequeued = dequeued + 1, visible = ?, receipt = ? WHERE id = ?"
                        f" RETURNING {_COLUMNS}",
                        (hidden, secrets.token_hex(8), id),
                    ).fetchone()
                )
                for (id,) in due
            ]

    def delete(self, queue: str, message: SqliteMessage) -> None:
        """Remove a message that was received."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM messages WHERE queue = ? AND id = ? AND receipt = ?",
                (queue, message.id, message.pop_receipt),
            )

    def release(self, queue: str, message: SqliteMessage, *, visible_at: datetime) -> None:
        """Put a message that was received back, visible from then on."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE messages SET visible = ?, receipt = ? WHERE queue = ? AND id = ? AND receipt = ?",
                (micros(visible_at), secrets.token_hex(8), queue, message.id, message.pop_receipt),
            )

    def put(self, queue: str, body: bytes | str, *, now: datetime | None = None, after: float = 0.0) -> None:
        """Add a message, visible in `after` seconds."""
        _put(self._database, queue, body, now=now or self._clock.now(), after=after)

    def next_visible(self, queue: str) -> datetime | None:
        """When the next message is or becomes visible; None while the queue is empty."""
        with self._database.reading() as connection:
            (found,) = connection.execute("SELECT min(visible) FROM messages WHERE queue = ?", (queue,)).fetchone()
        return None if found is None else from_micros(found)

    def peek(self, queue: str) -> Sequence[SqliteMessage]:
        """All messages, hidden ones too, as they lie there: in the order in which they become visible."""
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM messages WHERE queue = ? ORDER BY visible, rowid", (queue,)
            ).fetchall()
        return [_message(row) for row in found]

    def close(self) -> None:
        """Give the file back."""
        self._database.close()


def _put(database: Database, queue: str, body: bytes | str, *, now: datetime, after: float) -> None:
    raw = body.encode() if isinstance(body, str) else body
    visible = now + timedelta(seconds=max(0.0, after))
    with database.transaction() as connection:
        connection.execute(
            f"INSERT INTO messages (queue, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, 0, '')",
            (queue, str(uuid4()), raw, micros(now), micros(visible)),
        )


def _record(row: tuple[Any, ...]) -> Record:
    key, body, etag = row
    return Record(key=key, body=body, etag=etag)


def _message(row: tuple[Any, ...]) -> SqliteMessage:
    id, body, inserted, visible, dequeued, receipt = row
    return SqliteMessage(
        id=id,
        body=body,
        dequeue_count=dequeued,
        inserted=from_micros(inserted),
        next_visible=from_micros(visible),
        pop_receipt=receipt,
    )
