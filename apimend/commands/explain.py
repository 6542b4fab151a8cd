"""
`apimend explain`: every value that holds for an instance, where it is written, and why that place counts.
"""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from apimend.commands.app import App
from apimend.commands.choose import choose_one
from apimend.commands.exits import Exit
from apimend.commands.patience import patiently
from apimend.commands.screen import Screen
from apimend.documents import Explained
from apimend.report.plain import clean

_NOBODY = "No entry of the desired state selects it: it is left as it is, and not managed."


async def explain(app: App, screen: Screen, word: str) -> Exit:
    """Show what is declared for an instance, and why. Raises BadInput where the desired state has faults."""
    state = await app.desired.state()
    with screen.progress("Looking at the instance"):
        instance = await choose_one(app, word)
        service = await patiently(app, lambda: app.azure.reader(instance).service())
        told = state.explain(service, await app.desired.groups_above(state, service))
    if screen.as_json:
        values = [{"field": t.field, "value": t.value, "place": str(t.place), "why": t.why} for t in told]
        screen.emit({"instance": service.id.text, "managed": bool(told), "values": values})
        return Exit.NOTHING
    head = Text.assemble((clean(service.name), "bold"), (f"  {service.tier.name}, {clean(service.location)}", "dim"))
    screen.show(head, _table(told) if told else Text(_NOBODY))
    return Exit.NOTHING


def _table(told: Sequence[Explained]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("FIELD", "VALUE", "PLACE", "WHY"):
        table.add_column(name, overflow="fold")
    for each in told:
        quiet = "" if each.place.line else "dim"
        table.add_row(
            Text(clean(each.field), style=quiet or "bold"),
            Text(clean(each.value), style=quiet),
            Text(clean(str(each.place)), style="cyan"),
            Text(clean(each.why), style="dim"),
        )
    return table
