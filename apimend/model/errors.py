"""
The tree of errors, drawn at the top. Two families: try again later, or do not.

    ApimendError
    ├── TryLater                    the same call may go through later
    │   ├── Busy                    the service is transitioning or locked by another operation
    │   ├── Throttled               a limit was reached; `after` says when to come back
    │   ├── Changed                 what we read is no longer what is there (412, another etag): look again
    │   ├── Unavailable             no answer, or a 5xx; the write may have taken effect
    │   ├── Unfinished              there is more to read than one visit has time for
    │   └── LeaseTaken              another visit holds the instance
    └── Final                       the same call would fail again
        ├── Gone                    the resource does not exist (any more): a normal end
        │   └── SoftDeleted         it was deleted and is kept for a while: it can be had back
        ├── Denied                  an authorisation is missing, or a lock or an Azure Policy forbids it
        ├── Rejected                Azure refused the request as such
        ├── Unreadable              stored or received data of an unknown form or version
        ├── BadInput                what a person gave us has faults; all are listed
        └── PolicyNotUnderstood     a policy document that cannot be read without guessing

Anything else that rises is a bug.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class ApimendError(Exception):
    """Anything that Apimend itself raises."""


class TryLater(ApimendError):
    """
    The same call may go through later.

    `after` is in seconds: what the server asked for with Retry-After, or None where it said nothing.
    """

    def __init__(self, message: str, *, after: float | None = None, code: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.after = after
        self.code = code
        self.request_id = request_id


class Busy(TryLater):
    """The service is transitioning, or another operation on the same thing is in progress."""


class Throttled(TryLater):
    """A limit was reached: Azure's, or our own that stays below it."""


class Changed(TryLater):
    """What we read is no longer what is there: look again, never overwrite."""


class Unavailable(TryLater):
    """No answer, a reset, a time-out or a 5xx. A write may have taken effect all the same."""


class Unfinished(TryLater):
    """There is more to read than one visit has time for: the next goes on where this one stopped."""


class LeaseTaken(TryLater):
    """Another visit holds the instance."""


class Final(ApimendError):
    """The same call would fail again: a person has to do something first, or nothing is to be done."""

    def __init__(self, message: str, *, code: str = "", status: int = 0, request_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.request_id = request_id


class Gone(Final):
    """
    The resource does not exist (any more). A normal end.

    `for_good`: it is not among what was deleted and is kept for a while either, where such a thing exists.
    """

    for_good = False


class SoftDeleted(Gone):
    """It was deleted and is kept for a while. `steps` have it back, or give its name free."""

    def __init__(self, message: str, *, steps: tuple[str, ...], code: str = "", status: int = 0) -> None:
        super().__init__(message, code=code, status=status)
        self.steps = steps


class Denied(Final):
    """An authorisation is missing, or a lock or an Azure Policy forbids it. A finding for a person."""


class Rejected(Final):
    """Azure refused the request as such (400 and the like), with its own words."""


class Unreadable(Final):
    """Stored or received data of an unknown form or version. Parked, never guessed at."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """
    One fault in what a person gave us.

    `where` is a path into the thing (`instances[0].mode`, `body.instance`, `APIMEND_STORAGE`); `line` and
    `column` count from 1 and are 0 where there is no text; `mend` says how to put it right.
    """

    what: str
    where: str
    mend: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{self._place}{where}{self.what}" + (f" {self.mend}" if self.mend else "")

    @property
    def _place(self) -> str:
        if not self.line:
            return f"{self.file}: " if self.file else ""
        return f"{self.file}:{self.line}:{self.column}: " if self.file else f"line {self.line}, column {self.column}: "


class BadInput(Final):
    """What a person gave us has faults: all of them at once, in the order of the text."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class PolicyNotUnderstood(Final):
    """A policy document that cannot be read without guessing. It is reported and never edited."""

    def __init__(self, reason: str, *, line: int, column: int) -> None:
        super().__init__(f"{reason} (line {line}, column {column})")
        self.reason = reason
        self.line = line
        self.column = column
