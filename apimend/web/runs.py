"""
Runs and orders over HTTP, as JSON.
"""

from apimend.model.errors import BadInput, Fault, Gone
from apimend.model.ids import InstanceId
from apimend.model.runs import Run
from apimend.ports import Ledger
from apimend.report import card as report_card
from apimend.report import json as report_json
from apimend.report import text as report_text
from apimend.report.links import Links
from apimend.report.plain import clean
from apimend.report.view import RunView
from apimend.web.answers import Answer, ok
from apimend.web.request import number

MOST = 200
FORMS = ("json", "text", "card")


async def run_detail(ledger: Ledger, id: str, links: Links, *, form: str = "") -> Answer:
    """One run, whole: as JSON, as text, or as the card that Teams gets. Raises Gone, or BadInput for another form."""
    if form not in ("", *FORMS):
        raise BadInput([Fault(what=f"{form[:100]!r} is no form.", where="format", mend=f"Write {', '.join(FORMS)}.")])
    run = await ledger.run(id)
    if run is None:
        raise Gone(f"There is no run {clean(id)[:100]!r}.")
    view = RunView.of(run, links=links)
    if form == "text":
        return Answer(status=200, body=report_text.render(view), content_type="text/plain")
    return ok(report_card.render(view) if form == "card" else report_json.render(view))


async def run_list(ledger: Ledger, *, instance: str, limit: str) -> Answer:
    """Runs, newest first. Raises BadInput for an instance or a limit that is none."""
    most = number(limit, "limit", default=50, most=MOST)
    which = InstanceId.of(instance) if instance else None
    runs = await ledger.runs(which, limit=most)
    rows = [{**report_json.summary(RunView.of(run)), "detail": f"/api/runs/{run.id}"} for run in runs]
    return ok({"runs": rows})


async def order_detail(ledger: Ledger, id: str) -> Answer:
    """What became of an order: the run that carried it out, or is at it, or that it waits. Raises Gone."""
    done, run = await order_state(ledger, id)
    told = {"id": id, "status": "done" if done else "waiting"}
    if run is not None:
        told |= {"run": run.id, "result": run.result.value, "detail": f"/api/runs/{run.id}"}
    return ok(told, headers={} if done else {"Retry-After": "10"})


async def order_state(ledger: Ledger, id: str) -> tuple[bool, Run | None]:
    """
    Whether an order is done with, and the newest run that saw it: an approval stands while stages follow each other.

    Raises Gone.
    """
    found = await ledger.order(id)
    if found is None:
        raise Gone(f"There is no order {clean(id)[:100]!r}.")
    order, consumed_by = found
    if consumed_by:
        return True, await ledger.run(consumed_by)
    return False, next((run for run in await ledger.runs(order.instance) if order.id in run.orders), None)
