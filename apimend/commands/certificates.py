"""
`apimend certificates`: every certificate of an instance, where it comes from, when it ends, and what uses it.

As a table, or as a graph from the vault to whoever depends on it. It reads by the inventory, which judges what does
not fit together; nothing here does.
"""

from collections.abc import Iterator
from datetime import datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from apimend.commands.app import App
from apimend.commands.choose import choose_one
from apimend.commands.exits import Exit
from apimend.commands.paint import SEVERITIES
from apimend.commands.patience import patiently
from apimend.commands.screen import Screen
from apimend.inventory import Inventory, Item, take
from apimend.model.desired import Desired
from apimend.model.ids import InstanceId
from apimend.report.inventory_json import inventory_json
from apimend.report.plain import clean, count, day


async def certificates(app: App, screen: Screen, word: str, *, graph: bool = False) -> Exit:
    """Show the certificates, and what does not fit together."""
    await app.desired.state()
    with screen.progress("Reading the instance"):
        instance = await choose_one(app, word)
        desired, found = await patiently(app, lambda: _taken(app, instance))
    if screen.as_json:
        screen.emit(inventory_json(found))
    else:
        screen.show(*_parts(found, desired, graph))
    return Exit.NOTHING


async def _taken(app: App, instance: InstanceId) -> tuple[Desired, Inventory]:
    reader = app.azure.reader(instance)
    desired = await app.desired.resolve(await reader.service()) or Desired(instance=instance)
    return desired, await take(reader, desired, app.clock.now())


def _parts(found: Inventory, desired: Desired, graph: bool) -> Iterator[RenderableType]:
    total = count(len(found.items), "certificate")
    yield Text.assemble((clean(found.service.name), "bold"), f"  {total}, {count(len(found.problems), 'problem')}")
    if found.items:
        yield Text()
        yield _drawn(found, desired) if graph else _table(found, desired)
    if found.problems:
        yield Text()
    for each in found.problems:
        style = SEVERITIES[each.severity]
        yield Text.assemble((f"! {each.severity.word} ", style), clean(each.message), (f"  {each.code}", "dim"))
        for step in each.steps:
            yield Text(f"    {clean(step)}", style="dim")


def _table(found: Inventory, desired: Desired) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("CERTIFICATE", "IS A", "ENDS", "FROM", "USED BY"):
        table.add_column(name, overflow="fold", no_wrap=name == "ENDS")
    for item in found.items:
        uses = ", ".join(use.label for use in item.uses)
        table.add_row(
            Text(clean(item.name), style="bold"),
            Text(item.held.value, style="dim"),
            _ends(item, found.taken, desired.expiry_days),
            _from(item),
            Text(clean(uses or "nothing"), style="" if uses else "dim"),
        )
    return table


def _drawn(found: Inventory, desired: Desired) -> Tree:
    """From where certificates come to what depends on them."""
    tree = Tree(Text(clean(found.service.name), style="bold"), guide_style="dim")
    sources: dict[str, list[Item]] = {}
    for item in found.items:
        sources.setdefault(_from(item).plain, []).append(item)
    for source, items in sorted(sources.items()):
        branch = tree.add(Text(source, style="cyan"))
        for item in items:
            ends = _ends(item, found.taken, desired.expiry_days)
            leaf = branch.add(Text.assemble((clean(item.name), "bold"), (f"  {item.held.value}  ", "dim"), ends))
            for use in item.uses:
                leaf.add(Text(clean(use.label)))
    return tree


def _ends(item: Item, now: datetime, days: int) -> Text:
    if item.expires is None:
        return Text("not known", style="dim")
    if item.expires <= now:
        return Text(f"{day(item.expires)}, over", style="bold red")
    return Text(day(item.expires), style="yellow" if item.ends_within(now, days) else "green")


def _from(item: Item) -> Text:
    stored = item.stored
    if stored is None:
        return Text(item.source.value, style="dim")
    told = Text(clean(f"{item.source.value} {stored.label}"))
    return told.append(clean(f" ({stored.trouble})"), style="red") if stored.trouble else told
