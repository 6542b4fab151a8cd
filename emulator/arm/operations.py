"""
Long-running operations: what runs, until when, and how it ends.

`services` starts them, `polls` reports them. An operation changes nothing until it is due; then it calls what it was
given once. Time comes from the caller.
"""

from __future__ import annotations

import base64
import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from emulator.store import Json


class Kind(enum.Enum):
    """
    The middle part of an operation's id.
    """

    CREATE = "Act"
    UPDATE = "Update"
    DELETE = "Term"


class Status(enum.Enum):
    """
    What a status document says.
    """

    RUNNING = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass
class Operation:
    """
    One operation on one service. `finish` is called with the failure, or None when all went well.
    """

    id: str
    kind: Kind
    service_id: str
    region: str
    due: datetime
    finish: Callable[[Json | None], None]
    failure: Json | None = None
    status: Status = Status.RUNNING


@dataclass
class Operations:
    """
    All operations, and the failures scripted for the next ones.
    """

    by_id: dict[str, Operation] = field(default_factory=dict)
    scripted: dict[str, list[Json]] = field(default_factory=dict)

    def start(
        self,
        kind: Kind,
        service_id: str,
        region: str,
        due: datetime,
        finish: Callable[[Json | None], None],
    ) -> Operation:
        name = service_id.rpartition("/")[2]
        place = region.replace(" ", "").casefold()
        plain = f"{place}:{name}_{kind.value}_{uuid.uuid4().hex[:8]}"
        identifier = base64.urlsafe_b64encode(plain.encode()).decode()
        failures = self.scripted.get(service_id.casefold()) or []
        operation = Operation(identifier, kind, service_id, place, due, finish, failures.pop(0) if failures else None)
        self.by_id[identifier] = operation
        return operation

    def fail_next(
        self,
        service_id: str,
        code: str = "ActivationFailed",
        message: str = "Unable to activate API service at this time.",
    ) -> None:
        """
        Let the next operation on a service end badly.
        """
        failure = {"code": code, "message": message, "details": None, "innerError": None}
        self.scripted.setdefault(service_id.casefold(), []).append(failure)

    def running(self, service_id: str) -> Operation | None:
        return next(
            (
                one
                for one in self.by_id.values()
                if one.status is Status.RUNNING and one.service_id.casefold() == service_id.casefold()
            ),
            None,
        )

    def next_due(self) -> datetime | None:
        return min((one.due for one in self.by_id.values() if one.status is Status.RUNNING), default=None)

    def advance(self, now: datetime) -> None:
        for one in list(self.by_id.values()):
            if one.status is Status.RUNNING and one.due <= now:
                # Finishing may find a failure of its own and note it.
                one.finish(one.failure)
                one.status = Status.FAILED if one.failure else Status.SUCCEEDED
