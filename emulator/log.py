"""
The log of calls: what reached this local Azure, in order.

Tests and the demo count with it ("report mode wrote nothing"); `/_emulator/log` serves it over HTTP. It holds no
bodies and no tokens: who wants whole exchanges watches them pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from emulator.http import Answer, Call

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# POSTs that read. Everything else that is no read counts as a write.
READING_POSTS = (
    "/providers/microsoft.resourcegraph/resources",
    "/providers/microsoft.apimanagement/checknameavailability",
    "/listsecrets",
    "/listvalue",
    "/listkeys",
    "/listreferences",
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    One call and its answer. `place` is the door: arm, vault, login, topic, teams, plain.
    """

    at: datetime
    place: str
    method: str
    host: str
    path: str
    query: dict[str, str]
    status: int
    client_request_id: str = ""
    object_id: str = ""
    body_size: int = 0
    fault: str = ""

    @property
    def is_write(self) -> bool:
        if self.place not in ("arm", "vault") or self.method in READ_METHODS:
            return False
        return not (self.method == "POST" and self.path.casefold().endswith(READING_POSTS))

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """
    One call with its answer, whole. `fault` says that the answer was scripted.
    """

    place: str
    call: Call
    answer: Answer
    fault: str


Watcher = Callable[[Exchange], None]


class CallLog:
    """
    Calls in the order of their answers.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def writes(self) -> list[Entry]:
        """
        Calls to ARM or a vault that ask for a change, whatever came of them.
        """
        return [entry for entry in self.entries if entry.is_write]

    def calls(self, wanted: Callable[[Entry], bool] = lambda entry: True, *, place: str = "") -> list[Entry]:
        return [entry for entry in self.entries if wanted(entry) and place in ("", entry.place)]

    def mark(self) -> int:
        """
        A position; `since(mark)` gives the calls after it.
        """
        return len(self.entries)

    def since(self, mark: int) -> list[Entry]:
        return self.entries[mark:]

    def clear(self) -> None:
        self.entries.clear()
