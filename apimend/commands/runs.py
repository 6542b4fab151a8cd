"""
`apimend runs`: what the ledger remembers, as a list or one run whole.
"""

from rich.table import Table
from rich.text import Text

from apimend.commands.app import App
from apimend.commands.choose import choose_one
from apimend.commands.exits import Exit
from apimend.commands.paint import SEVERITIES, TONES, painted
from apimend.commands.screen import Screen
from apimend.model.errors import Gone
from apimend.model.runs import Run
from apimend.report import json as report_json
from apimend.report.plain import moment
from apimend.report.view import RunView

_SHORT = 8
"""Characters of an id that tell a run from the others in a list; `find` takes the beginning of an id."""


async def list_runs(app: App, screen: Screen, *, instance: str = "", limit: int = 20) -> Exit:
    """Runs, newest first."""
    which = await choose_one(app, instance) if instance else None
    views = [RunView.of(run, links=app.links) for run in await app.ledger.runs(which, limit=limit)]
    if screen.as_json:
        screen.emit({"runs": [report_json.summary(view) for view in views]})
    elif views:
        screen.show(_table(views))
    else:
        screen.say("No runs are kept here." + ("" if app.shared else " APIMEND_STORAGE names no deployed storage."))
    return Exit.NOTHING


async def show_run(app: App, screen: Screen, id: str, *, details: bool = False) -> Exit:
    """One run, whole. Raises Gone where there is none."""
    view = RunView.of(await find(app, id), links=app.links)
    if screen.as_json:
        screen.emit(report_json.render(view))
    else:
        screen.show(painted(view, details=details))
    return Exit.NOTHING


async def find(app: App, id: str) -> Run:
    """The run with this id, or with the only id that begins so. Raises Gone."""
    run = await app.ledger.run(id)
    if run is not None:
        return run
    begun = [each for each in await app.ledger.runs(limit=200) if len(id) >= 4 and each.id.startswith(id)]
    if len(begun) != 1:
        raise Gone(f"There is no run {id!r}. `apimend runs` lists them.")
    return begun[0]


def _table(views: list[RunView]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("WHEN", no_wrap=True)
    table.add_column("INSTANCE", overflow="fold")
    table.add_column("WHAT", overflow="fold")
    table.add_column("SEVERITY", no_wrap=True)
    table.add_column("MODE", no_wrap=True)
    table.add_column("RUN", no_wrap=True, style="dim")
    for view in views:
        table.add_row(
            moment(view.started),
            Text(view.instance, style="bold"),
            Text(view.title, style=TONES[view.kind.look.tone]),
            Text(view.severity.word, style=SEVERITIES[view.severity]),
            view.mode.word,
            Text(view.run[:_SHORT]),
        )
    return table
