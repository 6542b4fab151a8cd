"""
How a command ends, as a number that a pipeline can go by.

The numbers are documented in docs/command-line.md and never change their meaning.
"""

from collections.abc import Iterable
from enum import IntEnum

from apimend.model.errors import Denied, TryLater
from apimend.model.runs import Result, Run


class Exit(IntEnum):
    """The exit codes. A wrong use of the command line is an ERROR as well, so that 2 always means changes."""

    NOTHING = 0
    ERROR = 1
    CHANGES = 2
    REFUSED = 3
    LATER = 4


_BY_RESULT = {
    Result.CONVERGED: Exit.NOTHING,
    Result.UNMANAGED: Exit.NOTHING,
    Result.APPLIED: Exit.NOTHING,
    Result.UNDONE: Exit.NOTHING,
    Result.PLANNED: Exit.CHANGES,
    Result.PENDING: Exit.CHANGES,
    Result.ASKED: Exit.REFUSED,
    Result.REFUSED: Exit.REFUSED,
    Result.PARTIAL: Exit.REFUSED,
    Result.FAILED: Exit.ERROR,
    Result.GONE: Exit.ERROR,
}
_WORST_FIRST = (Exit.ERROR, Exit.LATER, Exit.REFUSED, Exit.CHANGES)


def of_run(run: Run) -> Exit:
    """How a command ends that ended with this run; one that only has to be tried again is no error."""
    if run.result is Result.FAILED and not run.plan.changes and run.next_visit is not None:
        return Exit.LATER
    return _BY_RESULT[run.result]


def of_plan(run: Run) -> Exit:
    """How a dry run ends: changes are changes, whatever holds them back."""
    found = of_run(run)
    return Exit.CHANGES if run.plan.changes and found not in (Exit.ERROR, Exit.LATER) else found


def of_error(error: Exception) -> Exit:
    """How a command ends that met this error."""
    if isinstance(error, TryLater):
        return Exit.LATER
    return Exit.REFUSED if isinstance(error, Denied) else Exit.ERROR


def worst(exits: Iterable[Exit]) -> Exit:
    """The one that a pipeline has to know about first."""
    found = set(exits)
    return next((exit for exit in _WORST_FIRST if exit in found), Exit.NOTHING)
