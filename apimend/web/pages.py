"""
The pages: runs, plans, decisions and posture, rendered on the server. Their handlers, and their table of routes.

Nothing is decided by a GET. What changes something is a form on a page of its own: a link in a card only leads there.
"""

from dataclasses import dataclass
from typing import Any

from apimend.model.errors import Denied
from apimend.model.runs import Order, Run
from apimend.report import html
from apimend.report.links import Links
from apimend.report.view import RunView, label
from apimend.settings import Approval
from apimend.web import certificates, decisions
from apimend.web.answers import Answer, asset, page
from apimend.web.app import App
from apimend.web.posture import posture
from apimend.web.request import ApproveBody, ReasonBody, RelaxForm, Request, StopBody, TokenForm, form_body
from apimend.web.route import Route
from apimend.web.runs import order_state
from apimend.web.signin import NOBODY, Access, Caller

SCRIPT = "approve.js"
_MOST = 100
_OWN = Links(base_url="/")
"""Pages link to each other without a host."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a page that asks for a decision says."""

    title: str
    sentence: str
    button: str
    tone: str = "warning"
    hours: bool = False


UNDO = Words(
    title="Undo this run?",
    sentence="What the run wrote is put back as it was before, as far as nobody has changed it since. Checks go first, "
    "what they rely on last.",
    button="Undo",
)
RELAX = Words(
    title="Let everybody in for a while?",
    sentence="The checks that Apimend put in record who would fail and let every caller pass, with or without a "
    "certificate. Afterwards they refuse again.",
    button="Relax the check",
    tone="attention",
    hours=True,
)
RELEASE = Words(
    title="Take every check out?",
    sentence="Every check that Apimend put in is taken out of this instance. Callers get in without a certificate, and "
    "access no longer depends on Apimend.",
    button="Release",
    tone="attention",
)
STOP = Words(
    title="Stop all writes?",
    sentence="No visit writes to any instance until the stop is lifted. Looking and reporting go on.",
    button="Stop all writes",
    tone="attention",
)


async def _runs(app: App, request: Request, who: Caller) -> Answer:
    found = await app.storage.ledger.runs(limit=_MOST)
    return page(html.runs_page([RunView.of(run) for run in found]))


async def _run(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    return page(html.run_page(RunView.of(run, links=_OWN)))


async def _approve(app: App, request: Request, who: Caller) -> Answer:
    """The plan, and the button. Whoever only has a link gets it when the page has sent the link's secret."""
    if who is NOBODY:
        return page(html.render("link.html.j2", root="", run=request.path["id"], script=SCRIPT))
    run = await decisions.run_of(app, request.path["id"])
    link = app.settings.approval is Approval.LINK
    return page(_asked(app, run, token="", script=SCRIPT if link else "", why=await _refusal(app, who, run)))


async def _approve_plan(app: App, request: Request, who: Caller) -> Answer:
    """The plan for whoever holds the secret of a link: it is looked at here, and used up by the second click."""
    run = await decisions.run_of(app, request.path["id"])
    token = form_body(TokenForm, request.body).token
    await app.approvals.look(run, token)
    return page(_asked(app, run, token=token, script="", why=""))


async def _approved(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    order = await decisions.approve(app, who, run, form_body(ApproveBody, request.body))
    if who is NOBODY:
        return page(html.render("approved.html.j2", root="", view=RunView.of(run), order=order))
    return _ordered(order)


async def _refusal(app: App, who: Caller, run: Run) -> str:
    """Why this person can't approve this run by themselves; empty where they can."""
    try:
        app.approvals.check(run)
        await decisions.may_approve(app, who, run)
    except Denied as error:
        return str(error)
    return ""


def _asked(app: App, run: Run, *, token: str, script: str, why: str) -> str:
    until = app.approvals.until(run)
    values: dict[str, Any] = {"view": RunView.of(run), "token": token, "until": until, "script": script, "why": why}
    return html.render("approve.html.j2", root="", **values)


async def _undo(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    told = [f"{label(each.target, run.instance)}: {each.kind}" for each in await decisions.written(app, run)]
    why = "" if told else "The run wrote nothing that could be undone."
    return await _decision(app, who, run, UNDO, told=told, why=why)


async def _undone(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    reason = form_body(ReasonBody, request.body).reason
    return _ordered(await decisions.undo(app, who, run, reason=reason))


async def _relax(app: App, request: Request, who: Caller) -> Answer:
    return await _decision(app, who, await decisions.run_of(app, request.path["id"]), RELAX)


async def _relaxed(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    form = form_body(RelaxForm, request.body)
    return _ordered(await decisions.relax(app, who, run.instance, hours=form.hours, reason=form.reason))


async def _release(app: App, request: Request, who: Caller) -> Answer:
    return await _decision(app, who, await decisions.run_of(app, request.path["id"]), RELEASE)


async def _released(app: App, request: Request, who: Caller) -> Answer:
    run = await decisions.run_of(app, request.path["id"])
    reason = form_body(ReasonBody, request.body).reason
    return _ordered(await decisions.release(app, who, run.instance, reason=reason))


async def _decision(
    app: App, who: Caller, run: Run, words: Words, *, told: list[str] | None = None, why: str = ""
) -> Answer:
    try:
        await decisions.may_order_for(app, who, run.instance, what=words.button.lower())
    except Denied as error:
        why = str(error)
    values = {"view": RunView.of(run), "words": words, "told": told or [], "why": why, "by": who.name}
    return page(html.render("decide.html.j2", root="", **values))


async def _order(app: App, request: Request, who: Caller) -> Answer:
    done, run = await order_state(app.storage.ledger, request.path["id"])
    view = RunView.of(run) if run else None
    return page(html.render("order.html.j2", root="", id=request.path["id"], view=view, done=done))


async def _stop(app: App, request: Request, who: Caller) -> Answer:
    return page(html.render("stop.html.j2", root="", words=STOP, stopped=await decisions.stopped(app), by=who.name))


async def _stopped(app: App, request: Request, who: Caller) -> Answer:
    await decisions.stop(app, who, reason=form_body(StopBody, request.body).reason)
    return _to("/stop")


async def _resumed(app: App, request: Request, who: Caller) -> Answer:
    await decisions.resume(app, who)
    return _to("/stop")


async def _posture(app: App, request: Request, who: Caller) -> Answer:
    found = await posture(app.storage.ledger)
    stopped = await decisions.stopped(app)
    return page(html.render("posture.html.j2", root="", posture=found, stopped=stopped))


async def _certificates(app: App, request: Request, who: Caller) -> Answer:
    """The certificates of one instance; which, where there are several and none is named."""
    known = sorted((each.instance for each in await app.storage.ledger.instances()), key=lambda each: each.name)
    named = request.query.get("instance", "")
    if not named and len(known) != 1:
        return page(html.render("instances.html.j2", root="", known=known))
    instance = decisions.instance_of(named) if named else known[0]
    await app.orders.check([instance])
    found = await certificates.taken(app, instance)
    drawing, source_of = certificates.graph(found), certificates.source_of
    return page(html.render("certificates.html.j2", root="", found=found, graph=drawing, source_of=source_of))


async def _style(app: App, request: Request, who: Caller) -> Answer:
    return asset(html.stylesheet(), "text/css")


async def _script(app: App, request: Request, who: Caller) -> Answer:
    return asset(html.script(SCRIPT), "text/javascript")


def _ordered(order: Order) -> Answer:
    return _to(f"/orders/{order.id}")


def _to(path: str) -> Answer:
    return Answer(status=303, body="", content_type="text/plain", headers={"Location": path})


PAGE_ROUTES = (
    Route(name="runs_page", method="GET", path="runs", handler=_runs, access=Access.PAGE),
    Route(name="run_page", method="GET", path="runs/{id}", handler=_run, access=Access.PAGE),
    Route(name="approve_page", method="GET", path="runs/{id}/approve", handler=_approve, access=Access.APPROVAL),
    Route(
        name="approve_plan", method="POST", path="runs/{id}/approve/plan", handler=_approve_plan, access=Access.APPROVAL
    ),
    Route(name="approve_form", method="POST", path="runs/{id}/approve", handler=_approved, access=Access.APPROVAL),
    Route(name="undo_page", method="GET", path="runs/{id}/undo", handler=_undo, access=Access.PAGE),
    Route(name="undo_form", method="POST", path="runs/{id}/undo", handler=_undone, access=Access.PAGE),
    Route(name="relax_page", method="GET", path="runs/{id}/relax", handler=_relax, access=Access.PAGE),
    Route(name="relax_form", method="POST", path="runs/{id}/relax", handler=_relaxed, access=Access.PAGE),
    Route(name="release_page", method="GET", path="runs/{id}/release", handler=_release, access=Access.PAGE),
    Route(name="release_form", method="POST", path="runs/{id}/release", handler=_released, access=Access.PAGE),
    Route(name="order_page", method="GET", path="orders/{id}", handler=_order, access=Access.PAGE),
    Route(name="stop_page", method="GET", path="stop", handler=_stop, access=Access.PAGE),
    Route(name="stop_form", method="POST", path="stop", handler=_stopped, access=Access.PAGE),
    Route(name="resume_form", method="POST", path="stop/lift", handler=_resumed, access=Access.PAGE),
    Route(name="posture_page", method="GET", path="posture", handler=_posture, access=Access.PAGE),
    Route(name="certificates_page", method="GET", path="certificates", handler=_certificates, access=Access.PAGE),
    Route(name="stylesheet", method="GET", path=html.STYLESHEET, handler=_style, access=Access.OPEN),
    Route(name="script", method="GET", path=SCRIPT, handler=_script, access=Access.OPEN),
)
