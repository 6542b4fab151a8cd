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
    """What became of an order: the run that consumed it, or that it waits. Raises Gone."""
    run = await run_of_order(ledger, id)
    if run is None:
        return ok({"id": id, "status": "waiting"}, headers={"Retry-After": "10"})
    return ok({"id": id, "status": "done", "run": run.id, "result": run.result.value, "detail": f"/api/runs/{run.id}"})


async def run_of_order(ledger: Ledger, id: str) -> Run | None:
    """The newest run that saw an order; None while it waits for one. Raises Gone."""
    for run in await ledger.runs(limit=MOST):
        if id in run.orders:
            return run
    for known in await ledger.instances():
        if any(order.id == id for order in await ledger.orders(known.instance)):
            return None
    raise Gone(f"There is no order {clean(id)[:100]!r}.")
