"""
`apimend plan`: what a visit would do, instance by instance, with the app's own engine and without a trace.
"""

from collections.abc import Sequence

from rich.text import Text

from apimend.commands import exits
from apimend.commands.app import App
from apimend.commands.choose import choose
from apimend.commands.dry import dry_run
from apimend.commands.exits import Exit
from apimend.commands.paint import painted
from apimend.commands.screen import Screen
from apimend.model.runs import Run
from apimend.ports import Prober
from apimend.report import json as report_json
from apimend.report.links import Links
from apimend.report.plain import count
from apimend.report.view import RunView


async def plan(
    app: App, screen: Screen, words: Sequence[str], *, details: bool = False, prober: Prober | None = None
) -> Exit:
    """Show what would be done. Ends with CHANGES where there is something to do."""
    await app.desired.state()
    with screen.progress("Looking for instances"):
        instances = await choose(app, words)
    planned = await screen.each("Planning", instances, lambda instance: dry_run(app, instance, prober=prober))
    runs = [each.run for each in planned]
    show(screen, runs, details=details)
    return exits.worst(map(exits.of_plan, runs))


def show(
    screen: Screen, runs: Sequence[Run], *, details: bool = False, links: Links | None = None, kept: bool = False
) -> None:
    """Runs one below the other, and a line that sums them up where there are several; `kept` in the ledger or not."""
    views = [RunView.of(run, links=links) for run in runs]
    if screen.as_json:
        screen.emit({"runs": [report_json.render(view) for view in views]})
        return
    for position, view in enumerate(views):
        screen.show(*([Text()] if position else []), painted(view, details=details, kept=kept))
    if len({view.instance_id for view in views}) > 1:
        screen.show(Text(), _sum(views))


def _sum(views: Sequence[RunView]) -> Text:
    changes = sum(len(view.changes) for view in views)
    findings = sum(len(view.findings) for view in views)
    told = f"{count(len(views), 'instance')}: {count(changes, 'change')}, {count(findings, 'finding')}."
    return Text(told, style="bold")
