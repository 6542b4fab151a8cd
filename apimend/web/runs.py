"""
Runs and orders over HTTP, as JSON.
"""

from apimend.model.errors import BadInput, Fault, Gone
from apimend.model.ids import InstanceId
from apimend.ports import Ledger
from apimend.report import json as report_json
from apimend.report.links import Links
from apimend.report.view import RunView
from apimend.web.answers import Answer, ok

MOST = 200


async def run_detail(ledger: Ledger, id: str, links: Links) -> Answer:
    """One run, whole. Raises Gone."""
    run = await ledger.run(id)
    if run is None:
        raise Gone(f"There is no run {id!r}.")
    return ok(report_json.render(RunView.of(run, links=links)))


async def run_list(ledger: Ledger, *, instance: str, limit: str) -> Answer:
    """Runs, newest first. Raises BadInput for an instance or a limit that is none."""
    if limit and not (limit.isdigit() and 0 < int(limit) <= MOST):
        raise BadInput([Fault(what=f"{limit!r} is no number from 1 to {MOST}.", where="limit")])
    which = InstanceId.of(instance) if instance else None
    runs = await ledger.runs(which, limit=int(limit or 50))
    return ok(
        {
            "runs": [
                {
                    "id": run.id,
                    "instance": str(run.instance),
                    "result": run.result.value,
                    "mode": run.mode.word,
                    "cause": run.trigger.cause.value,
                    "started": run.started.isoformat(),
                    "changes": len(run.plan.changes),
                    "findings": len(run.plan.findings),
                    "detail": f"/api/runs/{run.id}",
                }
                for run in runs
            ]
        }
    )


async def order_detail(ledger: Ledger, id: str) -> Answer:
    """What became of an order: the run that consumed it, or that it waits. Raises Gone."""
    for run in await ledger.runs(limit=MOST):
        if id in run.orders:
            return ok(
                {"id": id, "status": "done", "run": run.id, "result": run.result.value, "detail": f"/api/runs/{run.id}"}
            )
    for known in await ledger.instances():
        if any(order.id == id for order in await ledger.orders(known.instance)):
            return ok({"id": id, "status": "waiting"}, headers={"Retry-After": "10"})
    raise Gone(f"There is no order {id!r}.")
