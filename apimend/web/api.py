"""
The HTTP API: its handlers, each of which reads its request and hands over, and its table of routes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apimend.model.errors import Gone
from apimend.model.runs import Order
from apimend.report.inventory_json import inventory_json
from apimend.web import certificates, decisions
from apimend.web.answers import Answer, ok
from apimend.web.app import App
from apimend.web.health import health
from apimend.web.posture import as_csv, as_json, posture
from apimend.web.request import (
    ApproveBody,
    Body,
    InstanceBody,
    ReasonBody,
    RelaxBody,
    Request,
    StopBody,
    bad,
    json_body,
)
from apimend.web.route import Handler, Param, Route
from apimend.web.runs import order_detail, run_detail, run_list
from apimend.web.schemas import REPLAY
from apimend.web.signin import Caller
from apimend.web.since import compare

CSV = "text/csv"


async def _replay(app: App, request: Request, who: Caller) -> Answer:
    return await app.replay.answer(request.body, by=who.name)


async def _runs(app: App, request: Request, who: Caller) -> Answer:
    query = request.query
    return await run_list(app.storage.ledger, instance=query.get("instance", ""), limit=query.get("limit", ""))


async def _run(app: App, request: Request, who: Caller) -> Answer:
    return await run_detail(app.storage.ledger, request.path["id"], app.links, form=request.query.get("format", ""))


async def _since(app: App, request: Request, who: Caller) -> Answer:
    earlier = await decisions.run_of(app, request.path["id"])
    named = request.query.get("run", "")
    later = await decisions.run_of(app, named) if named else (await app.storage.ledger.runs(earlier.instance))[0]
    if later.instance != earlier.instance:
        raise bad("The two runs are of different instances.", "run")
    if later.started < earlier.started:
        raise bad("It is the earlier one of the two.", "run", "Swap them.")
    return ok(compare(earlier, later))


async def _approve(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    return _ordered(await decisions.approve(app, who, run, json_body(ApproveBody, request.body)))


async def _undo(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    return _ordered(await decisions.undo(app, who, run, reason=json_body(ReasonBody, request.body).reason))


async def _relax(app: App, request: Request, who: Caller) -> Answer:
    body = json_body(RelaxBody, request.body)
    instance = decisions.instance_of(body.instance)
    return _ordered(await decisions.relax(app, who, instance, hours=body.hours, reason=body.reason))


async def _release(app: App, request: Request, who: Caller) -> Answer:
    body = json_body(InstanceBody, request.body)
    return _ordered(await decisions.release(app, who, decisions.instance_of(body.instance), reason=body.reason))


async def _stop(app: App, request: Request, who: Caller) -> Answer:
    return ok({"stopped": await decisions.stop(app, who, reason=json_body(StopBody, request.body).reason)})


async def _resume(app: App, request: Request, who: Caller) -> Answer:
    await decisions.resume(app, who)
    return ok({"stopped": ""})


async def _order(app: App, request: Request, who: Caller) -> Answer:
    return await order_detail(app.storage.ledger, request.path["id"])


async def _posture(app: App, request: Request, who: Caller) -> Answer:
    query = request.query
    form = query.get("format", "json")
    if form not in ("json", "csv"):
        raise bad(f"{form[:100]!r} is no form.", "format", "Write json or csv.")
    instance = decisions.instance_of(query["instance"]).key if query.get("instance") else ""
    found = await posture(app.storage.ledger, subscription=query.get("subscription", ""), instance=instance)
    if instance and not found.tenant.rows:
        raise Gone("That instance was never looked at.")
    if form == "json":
        return ok(as_json(found))
    headers = {"Content-Disposition": 'attachment; filename="apimend-posture.csv"', "Cache-Control": "no-store"}
    return Answer(status=200, body=as_csv(found), content_type=CSV, headers=headers)


async def _certificates(app: App, request: Request, who: Caller) -> Answer:
    instance = decisions.instance_of(request.query.get("instance", ""))
    await app.orders.check([instance])
    return ok(inventory_json((await certificates.taken(app, instance)).inventory))


async def _health(app: App, request: Request, who: Caller) -> Answer:
    return await health(app)


def _ordered(order: Order) -> Answer:
    status = f"/api/orders/{order.id}"
    told = {"id": order.id, "kind": order.kind.value, "instance": str(order.instance), "status": status}
    return ok({"orders": [told]}, status=202, headers={"Location": status})


_FORM = {"type": "string", "enum": ["json", "text", "card"]}
_INSTANCE = Param(name="instance", about="Only this instance, by its Azure resource id.")


def _ordering(name: str, path: str, handler: Handler, body: type[Body] | Mapping[str, Any], about: str) -> Route:
    """A route that writes an order into the ledger and rings."""
    answers, problems = {202: "Orders"}, (400, 403, 404, 422)
    return Route(
        name=name, method="POST", path=path, handler=handler, about=about, body=body, answers=answers, problems=problems
    )


API_ROUTES = (
    _ordering(
        "replay",
        "api/replay",
        _replay,
        REPLAY,
        "Visit again: by event, by instance, or by an earlier run; the mode can be lowered.",
    ),
    Route(
        name="runs",
        method="GET",
        path="api/runs",
        handler=_runs,
        about="Runs, newest first.",
        query=(
            _INSTANCE,
            Param(name="limit", about="How many.", schema={"type": "integer", "minimum": 1, "maximum": 200}),
        ),
        answers={200: "Runs"},
        problems=(400,),
    ),
    Route(
        name="run",
        method="GET",
        path="api/runs/{id}",
        handler=_run,
        about="A run, whole.",
        query=(Param(name="format", about="As JSON, as text, or as the card.", schema=_FORM),),
        answers={200: "Document"},
        problems=(400, 404),
        forms=("text/plain",),
    ),
    Route(
        name="since",
        method="GET",
        path="api/runs/{id}/since",
        handler=_since,
        about="What has changed since a run: compared with a later one, or with the newest.",
        query=(Param(name="run", about="The later run."),),
        answers={200: "Since"},
        problems=(400, 404),
    ),
    _ordering(
        "approve", "api/runs/{id}/approve", _approve, ApproveBody, "Approve exactly the changes that wait in a run."
    ),
    _ordering(
        "undo",
        "api/runs/{id}/undo",
        _undo,
        ReasonBody,
        "Take back what a run wrote, as far as it is still as the run left it.",
    ),
    _ordering(
        "relax",
        "api/relax",
        _relax,
        RelaxBody,
        "Break glass: the checks of an instance let everybody pass and record who would fail, for some hours.",
    ),
    _ordering(
        "release", "api/release", _release, InstanceBody, "Take every check that Apimend put in out of an instance."
    ),
    Route(
        name="stop",
        method="POST",
        path="api/stop",
        handler=_stop,
        about="Stop all writes, everywhere, until it is lifted.",
        body=StopBody,
        answers={200: "Stop"},
        problems=(400, 403),
    ),
    Route(
        name="resume",
        method="DELETE",
        path="api/stop",
        handler=_resume,
        about="Lift the stop.",
        answers={200: "Stop"},
        problems=(400, 403),
    ),
    Route(
        name="order",
        method="GET",
        path="api/orders/{id}",
        handler=_order,
        about="What became of an order.",
        answers={200: "Order"},
        problems=(404,),
    ),
    Route(
        name="posture",
        method="GET",
        path="api/posture",
        handler=_posture,
        about="Coverage and findings of tenant, subscriptions and instances.",
        query=(
            Param(name="subscription", about="Only this subscription, by its id."),
            _INSTANCE,
            Param(name="format", about="JSON or CSV.", schema={"type": "string", "enum": ["json", "csv"]}),
        ),
        answers={200: "Posture"},
        problems=(400, 404),
        forms=(CSV,),
    ),
    Route(
        name="certificates",
        method="GET",
        path="api/certificates",
        handler=_certificates,
        about="Every certificate of an instance, as it is now: where it comes from, when it ends, what uses it.",
        query=(replace(_INSTANCE, about="The instance, by its Azure resource id.", required=True),),
        answers={200: "Certificates"},
        problems=(400, 403, 404, 422),
    ),
    Route(
        name="health",
        method="GET",
        path="api/health",
        handler=_health,
        about="Whether the app can do its work, and why not.",
        answers={200: "Health", 503: "Health"},
    ),
)
