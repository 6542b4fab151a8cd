"""
The certificates of an instance on a page: drawn as a graph from where each comes to what uses it.

It reads the instance when asked, through the inventory, which judges what does not fit together; nothing here does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apimend.inventory import Inventory, Item, take
from apimend.model.desired import Desired
from apimend.model.ids import InstanceId
from apimend.report.plain import clean, clip
from apimend.web.app import App

COLUMN, GAP, ROW, HEIGHT = 240, 78, 52, 40
"""Of the drawing: the width of a column and between columns, the distance of rows, and the height of a box."""

_LONGEST = 30


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box of the drawing: `text` fits into it, `whole` is what it stands for."""

    x: float
    y: float
    text: str
    whole: str
    quiet: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The drawing. `lines` are paths."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An inventory, and within how many days an end is soon."""

    inventory: Inventory
    days: int

    def tone(self, item: Item) -> str:
        """How an item's end is shown."""
        if item.expires is None:
            return ""
        if item.expires <= self.inventory.taken:
            return "attention"
        return "warning" if item.ends_within(self.inventory.taken, self.days) else "good"


async def taken(app: App, instance: InstanceId) -> Taken:
    """Read the certificates of an instance as they are now. Raises Gone, TryLater or Denied."""
    reader = app.azure.reader(instance)
    desired = await app.desired.resolve(await reader.service()) or Desired(instance=instance)
    return Taken(inventory=await take(reader, desired, app.clock.now()), days=desired.expiry_days)


def source_of(item: Item) -> str:
    """Where a certificate comes from."""
    return clean(item.stored.label) if item.stored else item.source.value


def graph(found: Taken) -> Graph:
    """Three columns: where certificates come from, the certificates, and what uses them."""
    items = sorted(found.inventory.items, key=lambda item: (source_of(item), item.held.value, item.name))
    sources = list(dict.fromkeys(map(source_of, items)))
    uses = list(dict.fromkeys(clean(use.label) for item in items for use in item.uses))
    most = max(len(items), len(uses), len(sources), 1)
    left, middle, right = (_spread(len(each), most) for each in (sources, items, uses))
    boxes = [_box(0, left[at], name) for at, name in enumerate(sources)]
    lines = []
    for at, item in enumerate(items):
        boxes.append(_box(1, middle[at], clean(item.name), quiet=item.held.value, tone=found.tone(item)))
        lines.append(_line(0, left[sources.index(source_of(item))], middle[at]))
        lines += [_line(1, middle[at], right[uses.index(clean(use.label))]) for use in item.uses]
    boxes += [_box(2, right[at], name) for at, name in enumerate(uses)]
    width = 3 * COLUMN + 2 * GAP
    return Graph(width=width, height=most * ROW, boxes=tuple(boxes), lines=tuple(dict.fromkeys(lines)))


def _spread(number: int, most: int) -> Sequence[float]:
    """So many boxes over the whole height."""
    return [(at + 0.5) * most * ROW / number - HEIGHT / 2 for at in range(number)]


def _box(column: int, y: float, text: str, *, quiet: str = "", tone: str = "") -> Box:
    return Box(x=column * (COLUMN + GAP), y=round(y, 1), text=clip(text, _LONGEST), whole=text, quiet=quiet, tone=tone)


def _line(column: int, y: float, to: float) -> str:
    start, end = column * (COLUMN + GAP) + COLUMN, (column + 1) * (COLUMN + GAP)
    half = (start + end) / 2
    one, other = round(y + HEIGHT / 2, 1), round(to + HEIGHT / 2, 1)
    return f"M{start} {one}C{half} {one} {half} {other} {end} {other}"
