"""
What placement comes to: the edits in their order, and what is left as it is with the reason.

Made by placement.py, read by remediators. It holds values only.
"""

from dataclasses import dataclass, field
from enum import Enum

from apimend.policy.coverage import Coverage


@dataclass(frozen=True, kw_only=True)
class PlacedEdit:
    """One document to be written, in this order. `before` is None where the scope has none yet."""

    scope: str
    before: str | None = field(repr=False)
    after: str = field(repr=False)
    reason: str


class Left(Enum):
    """Why something is left as it is."""

    NOT_NEGOTIATED = "a gateway does not ask, or may not"
    NOT_READ = "a document that can't be read"
    FOREIGN = "a check that isn't ours"
    NOT_THERE = "a declared scope that can't be called"
    TOO_LARGE = "the tier's limit for a document"
    NOT_COVERED = "an operation that stays uncovered"


@dataclass(frozen=True, kw_only=True)
class Unplaced:
    """Something that is left as it is, where and why; line and column are 0 where there is no such place."""

    scope: str
    line: int
    reason: str
    kind: Left
    column: int = 0

    @property
    def blocks(self) -> bool:
        """Whether nothing is placed at all because of it."""
        return self.kind is Left.NOT_NEGOTIATED


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The edits, what is left alone, and the coverage without and with them."""

    edits: tuple[PlacedEdit, ...]
    unplaced: tuple[Unplaced, ...]
    before: Coverage
    after: Coverage
