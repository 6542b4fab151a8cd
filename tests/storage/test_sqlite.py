"""The embedded store's file: shared, kept, and refused where it is somebody else's."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from apimend.model.errors import Unavailable, Unreadable
from apimend.storage.database import Database
from apimend.storage.stores import open_sqlite
from devhost.clock import VirtualClock
from tests.storage.conftest import Backend
from tests.storage.samples import instance, intent, trigger


async def test_two_openings_share_one_file(sqlite: Backend, tmp_path: Path, clock: VirtualClock) -> None:
    """
    What one process writes, another that has the file open sees.
    """
    other = open_sqlite(tmp_path / "apimend.db", clock)
    await sqlite.storage.bells.ring(trigger(event_id="e1"))
    seen = await other.bells.trigger(instance())
    await other.close()

    assert trigger(event_id="e1") == seen


KILLED = """
import asyncio, os, signal, sys
from apimend.storage.stores import open_sqlite
from devhost.clock import VirtualClock
from tests.storage.samples import START, intent

async def main():
    storage = open_sqlite(sys.argv[1], VirtualClock(START))
    await storage.ledger.intend(intent())
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_an_intent_outlives_a_killed_process(sqlite: Backend, tmp_path: Path) -> None:
    """
    A process that is killed the moment after `intend` leaves the pre-image behind.
    """
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "apimend.db"], check=False, cwd=Path.cwd())

    assert -9 == killed.returncode
    assert (intent(),) == await sqlite.storage.ledger.open_intents(instance())


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """
    A file of another kind is left as it is.
    """
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database, and long enough to be told from one " * 40)
    before = path.read_bytes()

    with pytest.raises(Unreadable, match=r"notes\.txt: file is not a database"):
        Database(path)
    assert before == path.read_bytes()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    """
    A database with somebody else's tables gets none of ours.
    """
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()

    with pytest.raises(Unreadable, match="not one of Apimend's"):
        Database(tmp_path / "other.db")


def test_a_newer_form_is_refused(tmp_path: Path) -> None:
    """
    A file that a newer Apimend made is not guessed at.
    """
    Database(tmp_path / "a.db").close()
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.execute("PRAGMA user_version = 7")
    connection.close()

    with pytest.raises(Unreadable, match="written by another Apimend \\(form 7\\)"):
        Database(tmp_path / "a.db")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """
    A path that can't be opened is named in the error.
    """
    with pytest.raises(Unavailable, match="nowhere"):
        Database(tmp_path / "nowhere" / "a.db")


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    """
    All or nothing: what fails half-way is undone, and the file can be used again.
    """
    database = Database(tmp_path / "a.db")
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute("INSERT INTO leases VALUES ('a', 'b', 1, 1)")
        raise ZeroDivisionError
    with database.reading() as connection:
        count = connection.execute("SELECT count(*) FROM leases").fetchone()
    database.close()

    assert (0,) == count


def test_storage_needs_no_azure_library() -> None:
    """
    Opening the embedded store loads none of Azure's storage libraries: they cost a fifth of a second.
    """
    code = "import sys, apimend.storage.stores; print([m for m in sys.modules if m.startswith('azure')])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert "[]" == done.stdout.strip()


def test_it_runs_on_one_loop_after_another(tmp_path: Path, clock: VirtualClock) -> None:
    """
    The command line may open it on one event loop and use it on the next.
    """
    storage = open_sqlite(tmp_path / "a.db", clock)
    asyncio.run(storage.ledger.note("a", "1"))
    noted = asyncio.run(storage.ledger.noted("a"))
    asyncio.run(storage.close())

    assert "1" == noted
