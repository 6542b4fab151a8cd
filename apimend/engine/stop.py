"""
The global stop: a word in the ledger that takes effect at the next write of any visit.

The doors set and lift it; `apply` asks before every write. It stops writing, never looking.
"""

from apimend.ports import Ledger

STOP_NOTE = "stop"
"""The ledger's note that holds the reason of a global stop; empty: none."""


async def stop(ledger: Ledger, reason: str, *, by: str) -> None:
    """Stop every write from now on. Whoever looks later has to learn who stopped it, and why."""
    await ledger.note(STOP_NOTE, f"{reason or 'no reason given'} ({by})")


async def lift(ledger: Ledger) -> None:
    """Let writes through again."""
    await ledger.note(STOP_NOTE, "")


async def stopped(ledger: Ledger) -> str:
    """Why everything is stopped; empty where it is not."""
    return await ledger.noted(STOP_NOTE)
