"""
What a run says to systems: one CloudEvent, or none.
"""

from collections.abc import Mapping
from typing import Any

from apimend.model.runs import Result, Run, Status
from apimend.report import json as run_json
from apimend.report.view import RunView

TYPES: Mapping[Result, str] = {
    Result.PLANNED: "Apimend.Run.Planned",
    Result.ASKED: "Apimend.Run.Planned",
    Result.APPLIED: "Apimend.Run.Applied",
    Result.PARTIAL: "Apimend.Run.Applied",
    Result.PENDING: "Apimend.Run.Applied",
    Result.REFUSED: "Apimend.Run.Refused",
    Result.FAILED: "Apimend.Run.Failed",
    Result.UNDONE: "Apimend.Run.Undone",
}

POSTURE_CHANGED = "Apimend.Posture.Changed"
"""Nothing is to be written, but a control newly fails, or no longer does."""

_WROTE = frozenset({Status.APPLIED, Status.PENDING})


def type_of(run: Run) -> str:
    """The type of a run's event; an empty text where systems need not hear of it."""
    if run.result is Result.CONVERGED and run.posture and (run.posture.failing or run.posture.mended):
        return POSTURE_CHANGED
    if run.result is Result.PLANNED and run.plan.is_empty:
        return ""
    if run.result is Result.PENDING and not any(outcome.status in _WROTE for outcome in run.outcomes):
        return ""
    return TYPES.get(run.result, "")


def of_run(view: RunView, run: Run) -> dict[str, Any]:
    """
    The CloudEvent of a run. Its id is the same each time, so that a repetition can be known.
    """
    kind = type_of(run)
    return {
        "specversion": "1.0",
        "id": f"{run.id}:{kind.rpartition('.')[2].lower()}",
        "source": run.instance.text,
        "type": kind,
        "subject": f"runs/{run.id}",
        "time": run.ended.isoformat(),
        "datacontenttype": "application/json",
        "data": run_json.event_data(view),
    }
