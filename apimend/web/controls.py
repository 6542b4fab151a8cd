"""
The controls of the security baseline for one instance: as a page, and as JSON, CSV, SARIF and OCSF.

It reads what the ledger remembers, never an instance; each verdict says when it was read.
"""

import json
from typing import Any

from apimend.engine.posture import remembered
from apimend.model.errors import Gone
from apimend.report import html, posture_json, posture_ocsf, posture_sarif, posture_text
from apimend.report.posture import PostureView
from apimend.web import decisions
from apimend.web.answers import Answer, ok, page
from apimend.web.app import App
from apimend.web.request import Request, bad
from apimend.web.route import Param, Route
from apimend.web.signin import Access, Caller

CSV, SARIF = "text/csv", "application/sarif+json"
FORMS = ("json", "csv", "sarif", "ocsf")


async def _view(app: App, request: Request) -> PostureView:
    if not request.query.get("instance"):
        raise bad("It is needed.", "instance", "Give the Azure resource id of an instance.")
    instance = decisions.instance_of(request.query["instance"])
    view = PostureView.of(await remembered(app.storage.ledger, instance), app.catalogue)
    if not view.controls:
        raise Gone("The controls of that instance were never looked at.")
    return view


async def _controls(app: App, request: Request, who: Caller) -> Answer:
    form = request.query.get("format", "json")
    if form not in FORMS:
        raise bad(f"{form[:100]!r} is no form.", "format", f"Write {', '.join(FORMS[:-1])} or {FORMS[-1]}.")
    view = await _view(app, request)
    if form == "csv":
        return _file("csv", posture_text.render_csv([view]), CSV)
    if form == "sarif":
        return _file("sarif", json.dumps(posture_sarif.render([view])), SARIF)
    found: dict[str, Any] = {"findings": posture_ocsf.render(view)} if form == "ocsf" else posture_json.render(view)
    return ok(found)


def _file(ending: str, body: str, content_type: str) -> Answer:
    headers = {"Content-Disposition": f'attachment; filename="apimend-controls.{ending}"', "Cache-Control": "no-store"}
    return Answer(status=200, body=body, content_type=content_type, headers=headers)


async def _page(app: App, request: Request, who: Caller) -> Answer:
    return page(html.render("controls.html.j2", root="", view=await _view(app, request)))


CONTROL_ROUTES = (
    Route(
        name="controls",
        method="GET",
        path="api/controls",
        handler=_controls,
        about="What the controls of the security baseline came to on an instance.",
        query=(
            Param(name="instance", about="The Azure resource id of the instance.", required=True),
            Param(
                name="format",
                about="JSON, CSV, SARIF 2.1.0, or OCSF 1.5.0 Compliance Findings.",
                schema={"type": "string", "enum": list(FORMS)},
            ),
        ),
        answers={200: "Controls"},
        problems=(400, 404),
        forms=(CSV, SARIF),
    ),
    Route(name="controls_page", method="GET", path="posture/controls", handler=_page, access=Access.PAGE),
)
