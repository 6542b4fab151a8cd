"""
What of a policy document is ours, as it is remembered: kept apart from the texts, which expire.

`apimend.policy.own` makes and matches these; the ledger keeps them with what is remembered of an instance.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Put:
    """One check that we put in, by two digests: of its very words, and of what it means once it refuses."""

    words: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Own:
    """
    What of one document is ours. `made`: we created it; `since`: since when a check of ours there lets everybody pass.

    `instead` is what is ours if a write came through of which we don't know whether it did; None where we know.
    `beside` are the words of other people's checks that stood there when we wrote last.
    """

    checks: tuple[Put, ...] = ()
    instead: tuple[Put, ...] | None = None
    beside: tuple[str, ...] = ()
    made: bool = False
    since: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing there is ours, nor can be."""
        return not (self.checks or self.instead or self.made)
