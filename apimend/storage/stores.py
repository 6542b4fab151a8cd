"""
All of storage in one value, and the embedded one opened.

Called by `apimend.wiring`, which takes this module or `apimend.storage.azure` by name.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from apimend.ports import Bells, Buckets, Clock, Leases, Ledger, Messages, Records, Walks
from apimend.storage.bells import StoredBells
from apimend.storage.database import Database
from apimend.storage.leases import LeaseStore, StoredLeases
from apimend.storage.ledger import StoredLedger
from apimend.storage.limits import StoredBuckets
from apimend.storage.sqlite import SqliteLeaseStore, SqliteMessages, SqliteRecords
from apimend.storage.walks import StoredWalks


@dataclass(frozen=True, kw_only=True)
class Storage:
    """What the rest of Apimend needs of storage; `close` gives the connections back."""

    bells: Bells
    leases: Leases
    ledger: Ledger
    limits: Buckets
    messages: Messages
    records: Records
    walks: Walks
    close: Callable[[], Coroutine[None, None, None]]


def assemble(
    *,
    records: Records,
    messages: Messages,
    leases: LeaseStore,
    clock: Clock,
    close: Callable[[], Coroutine[None, None, None]],
) -> Storage:
    """The logic above three backends."""
    return Storage(
        bells=StoredBells(records, messages, clock),
        leases=StoredLeases(leases),
        ledger=StoredLedger(records),
        limits=StoredBuckets(records, clock),
        messages=messages,
        records=records,
        walks=StoredWalks(records, clock),
        close=close,
    )


def open_sqlite(path: str | Path, clock: Clock) -> Storage:
    """Storage in one file, made if it isn't there. Raises Unreadable for a file of another kind."""
    database = Database(path)

    async def close() -> None:
        database.close()

    return assemble(
        records=SqliteRecords(database),
        messages=SqliteMessages(database, clock),
        leases=SqliteLeaseStore(database, clock),
        clock=clock,
        close=close,
    )
