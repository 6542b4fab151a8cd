"""
One SQLite file: the embedded store's tables, transactions, and errors translated once.

Called by `apimend.storage.sqlite` alone. Several processes may share the file (WAL); each call is one short
transaction, made in place: it takes a fraction of a millisecond. A commit is on the disk when it returns, because a
pre-image has to outlive the machine.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apimend.model.errors import Unavailable, Unreadable

SCHEMA = 1
APPLICATION = 0x41504D44  # "APMD", so that another program's file is never taken for ours
BUSY_SECONDS = 5.0

_TABLES = (
    "CREATE TABLE records (container TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (container, key))",
    "CREATE TABLE messages (id TEXT PRIMARY KEY, queue TEXT NOT NULL, body BLOB NOT NULL, inserted INTEGER NOT NULL,"
    " visible INTEGER NOT NULL, dequeued INTEGER NOT NULL, receipt TEXT NOT NULL)",
    "CREATE INDEX messages_by_time ON messages (queue, visible)",
    "CREATE TABLE leases (name TEXT PRIMARY KEY, token TEXT NOT NULL, seconds INTEGER NOT NULL,"
    " expires INTEGER NOT NULL)",
)


class Database:
    """A connection to the file, made with its tables if it isn't there. One for each process that shares it."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._lock = threading.RLock()
        with self._translated():
            # Functions may run on the host's thread pool, so the connection is guarded by a lock of our own.
            self._connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare()
        except BaseException:  # whatever it was, nothing stays open: raised again
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and nobody writes in between."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:  # a cancelled write is undone too: raised again
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For a single SELECT."""
        with self._lock, self._translated():
            yield self._connection

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        with self.reading() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        with self.transaction() as connection:
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables:
                self._create(connection)
            elif application != APPLICATION:
                raise Unreadable(f"{self._path}: this is a database, but not one of Apimend's.")
            elif schema != SCHEMA:
                raise Unreadable(f"{self._path}: written by another Apimend (form {schema}); this one reads {SCHEMA}.")

    def _create(self, connection: sqlite3.Connection) -> None:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, full, not writable, no such folder
            raise Unavailable(f"{self._path}: {error}.") from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise
            raise Unreadable(f"{self._path}: {error}.") from error
