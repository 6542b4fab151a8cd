"""
`apimend sweep`: what the app's timer does, now. Every instance that can be seen is rung; nothing is visited here.
"""

from collections.abc import Sequence

from rich.text import Text

from apimend.commands.app import App
from apimend.commands.exits import Exit
from apimend.commands.follow import require_shared
from apimend.commands.paint import facts
from apimend.commands.screen import Screen
from apimend.model.ids import InstanceId
from apimend.report.plain import clean, count


async def sweep(app: App, screen: Screen) -> Exit:
    """Ring for every instance, and tell which were new, have vanished, or were overdue."""
    require_shared(app)
    with screen.progress("Looking for instances"):
        swept = await app.sweeper.sweep()
    groups = {"rung": swept.rung, "new": swept.new, "vanished": swept.vanished, "overdue": swept.overdue}
    if screen.as_json:
        told = {name: [each.text for each in found] for name, found in groups.items()}
        screen.emit({**told, "blind": swept.blind, "seconds": swept.seconds})
        return Exit.NOTHING
    screen.show(Text(f"{count(len(swept.rung), 'instance')} rung; the app visits them one after the other.", "bold"))
    rows = {name.capitalize(): _names(found) for name, found in groups.items() if name != "rung"}
    rows |= {f"Can't see {id}": clean(why) for id, why in swept.blind.items()}
    screen.show(facts({**rows, "Last visit in": f"{swept.seconds / 60:.0f} min"}))
    return Exit.NOTHING


def _names(found: Sequence[InstanceId]) -> str:
    return clean(", ".join(each.name for each in found))
