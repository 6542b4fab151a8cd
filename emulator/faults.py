"""
Faults by script: a call can be told to fail, wait, break off or see old data, for the nth time or by seeded chance.

Tests call `azure.faults.add(...)`; over HTTP the same form is posted to `/_emulator/faults`. The front asks here before
and after each handler. Nothing here speaks HTTP.
"""

from __future__ import annotations

import enum
import fnmatch
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


class When(enum.Enum):
    """
    Whether a fault strikes before the call takes effect, or hides an effect that took place.
    """

    BEFORE = "before"
    AFTER = "after"


@dataclass(kw_only=True)
class Fault:
    """
    What happens to calls of a method on a path (shell pattern, without case, against the decoded path).

    `status` None with neither `reset` nor `stale` only delays. `nth` counts matching calls from 1; `times` is how
    many of them are struck from there on (None: all); `chance` strikes by the emulator's seed.
    """

    name: str = ""
    method: str = "*"
    path: str = "*"
    place: str = "*"
    when: When = When.BEFORE
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: timedelta = timedelta(0)
    reset: bool = False
    stale: bool = False
    nth: int = 1
    times: int | None = 1
    chance: float = 1.0
    seen: int = 0
    fired: int = 0

    def matches(self, place: str, method: str, path: str) -> bool:
        return (
            fnmatch.fnmatchcase(place, self.place)
            and fnmatch.fnmatchcase(method.upper(), self.method.upper())
            and fnmatch.fnmatchcase(path.casefold(), self.path.casefold())
        )

    @property
    def does_something(self) -> bool:
        return self.status is not None or self.reset or self.stale or self.delay > timedelta(0)

    def as_json(self) -> dict[str, Any]:
        """
        The form in which it is posted, with what it has met and struck so far.
        """
        return {
            "name": self.name,
            "method": self.method,
            "path": self.path,
            "place": self.place,
            "when": self.when.value,
            "status": self.status,
            "body": self.body,
            "headers": self.headers,
            "delay_seconds": self.delay.total_seconds(),
            "reset": self.reset,
            "stale": self.stale,
            "nth": self.nth,
            "times": self.times,
            "chance": self.chance,
            "seen": self.seen,
            "fired": self.fired,
        }


@dataclass(frozen=True)
class Fired:
    """
    A fault that struck a call.
    """

    at: datetime
    fault: str
    method: str
    path: str


class Faults:
    """
    The faults in force and the log of those that struck.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.active: list[Fault] = []
        self.fired: list[Fired] = []

    def add(self, fault: Fault | None = None, /, **members: Any) -> Fault:
        added = fault or Fault(**members)
        self.active.append(added)
        return added

    def clear(self) -> None:
        self.active.clear()

    def strike(self, place: str, method: str, path: str, at: datetime) -> Fault | None:
        """
        The first fault that this call meets, counted and logged; None for an undisturbed call.
        """
        for fault in self.active:
            if fault.matches(place, method, path) and self._hits(fault):
                fault.fired += 1
                self.fired.append(Fired(at, fault.name or fault.path, method, path))
                return fault
        return None

    def _hits(self, fault: Fault) -> bool:
        fault.seen += 1
        spent = fault.times is not None and fault.fired >= fault.times
        return fault.seen >= fault.nth and not spent and self._random.random() < fault.chance
