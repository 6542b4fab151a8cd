"""
`apimend posture`: what the controls of the security baseline come to on an instance, looked at now.

The same controls as in every sweep, read as the person at the terminal may read. Nothing is written, not to the
ledger either; what the ledger remembers gives the trend, where it is the app's.
"""

import json
from datetime import datetime
from enum import Enum

from apimend.commands.app import App
from apimend.commands.choose import choose_one
from apimend.commands.exits import Exit
from apimend.commands.patience import patiently
from apimend.commands.screen import Screen
from apimend.engine.posture import remembered
from apimend.model.desired import Desired
from apimend.model.ids import InstanceId
from apimend.model.posture import Assessment
from apimend.ports import VisitContext
from apimend.posture.control import Baseline, Catalogue
from apimend.posture.record import merged
from apimend.report import posture_json, posture_ocsf, posture_sarif, posture_text
from apimend.report.posture import PostureView


class PostureForm(str, Enum):
    """How a posture is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    SARIF = "sarif"
    OCSF = "ocsf"


async def posture(
    app: App,
    screen: Screen,
    word: str,
    *,
    form: PostureForm = PostureForm.TEXT,
    details: bool = False,
    at_least: int = 0,
) -> Exit:
    """Show the posture. Ends with REFUSED where its score is below `at_least`."""
    await app.desired.state()
    with screen.progress("Reading the instance"):
        instance = await choose_one(app, word)
        view = await patiently(app, lambda: _view(app, instance))
    if screen.as_json and form is PostureForm.TEXT:
        form = PostureForm.JSON
    screen.write(_written(view, form, details))
    return Exit.NOTHING if view.score >= at_least else Exit.REFUSED


async def _view(app: App, instance: InstanceId) -> PostureView:
    before = await remembered(app.ledger, instance)
    found = await _judged(app, instance)
    after = merged(before, found, now=app.clock.now(), whole=True)
    return PostureView.of(after, Catalogue.of(app.engine.remediators))


async def _judged(app: App, instance: InstanceId) -> tuple[Assessment, ...]:
    reader = app.azure.reader(instance)
    service = await reader.service()
    desired = await app.desired.resolve(service) or Desired(instance=service.id)
    context = await _context(app, instance, app.clock.now())
    (rule,) = [rule for rule in app.engine.remediators if isinstance(rule, Baseline)]
    return rule.plan(await rule.observe(reader, desired, context), desired, context).posture


async def _context(app: App, instance: InstanceId, now: datetime) -> VisitContext:
    return VisitContext(now=now, progress=await app.ledger.progress(instance), walk=True)


def _written(view: PostureView, form: PostureForm, details: bool) -> str:
    if form is PostureForm.CSV:
        return posture_text.render_csv([view])
    if form is PostureForm.TEXT:
        return posture_text.render(view, everything=details)
    if form is PostureForm.SARIF:
        body: object = posture_sarif.render([view])
    else:
        body = posture_ocsf.render(view) if form is PostureForm.OCSF else posture_json.render(view)
    return json.dumps(body, indent=2) + "\n"
