"""
An inventory of certificates as JSON, as a drawing and as a page.

Pages and the command line call it with what `apimend.inventory` read; nothing is judged here. The drawing is laid out
as plain values first: what comes from where on the left, who needs it on the right. It holds no script, and Jinja
escapes every name in it.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from apimend.inventory import Inventory, Item, Use
from apimend.report.html import render
from apimend.report.plain import clean, clip, day

Key = TypeVar("Key", bound=Hashable)

WIDTH, HEIGHT = 250, 40
_GAP, _STEP, _MARGIN, _LONGEST = 110, 54, 12, 36


class Tone(Enum):
    """How a box is shown; the values are class names of the drawing."""

    PLAIN = "plain"
    SOON = "soon"
    ENDED = "ended"
    ODD = "odd"


@dataclass(frozen=True, kw_only=True)
class Box:
    """One box of the drawing. `title` is the whole text, of which the two lines may be clipped."""

    head: str
    line: str
    title: str
    tone: Tone = Tone.PLAIN
    x: int = 0
    y: int = 0

    @property
    def middle(self) -> int:
        """The height at which lines meet it."""
        return self.y + HEIGHT // 2


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The laid-out graph: boxes, and the paths of the lines between them."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    paths: tuple[str, ...]


def to_json(inventory: Inventory) -> Mapping[str, Any]:
    """The inventory as JSON: stable names, times in ISO 8601."""
    return {
        "version": 1,
        "instance": inventory.service.id.text,
        "taken": inventory.taken.isoformat(),
        "complete": inventory.complete,
        "certificates": [_described(item) for item in inventory.items],
        "problems": [
            {"code": one.code, "severity": one.severity.word, "about": one.about, "message": one.message}
            for one in inventory.problems
        ],
    }


def draw(inventory: Inventory, *, soon_days: int = 30) -> Drawing:
    """Lay the graph out in three columns: where certificates come from, what they are here, and what needs them."""
    origins = _column(0, {_origin(item): _origin_box(item) for item in inventory.items})
    held = _column(1, {item: _item_box(item, inventory, soon_days) for item in inventory.items})
    uses = _column(2, {_thing(use): _use_box(use) for item in inventory.items for use in item.uses})
    links = [(origins[_origin(item)], held[item]) for item in inventory.items]
    links += [(held[item], uses[key]) for item in inventory.items for key in dict.fromkeys(map(_thing, item.uses))]
    return Drawing(
        width=2 * _MARGIN + 3 * WIDTH + 2 * _GAP,
        height=2 * _MARGIN + max(len(origins), len(held), len(uses), 1) * _STEP,
        boxes=(*origins.values(), *held.values(), *uses.values()),
        paths=tuple(_path(left, right) for left, right in links),
    )


def svg(inventory: Inventory, *, soon_days: int = 30) -> str:
    """The drawing by itself."""
    drawing = draw(inventory, soon_days=soon_days)
    return render("inventory.svg.j2", drawing=drawing, name=clean(inventory.service.name), box=(WIDTH, HEIGHT))


def inventory_page(inventory: Inventory, *, root: str = "", soon_days: int = 30) -> str:
    """The page of an inventory: table, drawing, and what does not fit together."""
    return render(
        "inventory.html.j2",
        root=root,
        inventory=inventory,
        drawing=draw(inventory, soon_days=soon_days),
        name=clean(inventory.service.name),
        box=(WIDTH, HEIGHT),
        ends=_ends,
        comes_from=_comes_from,
        tone=lambda item: _tone(item, inventory, soon_days),
    )


def _described(item: Item) -> Mapping[str, Any]:
    stored = item.stored
    return {
        "name": item.name,
        "held": item.held.value,
        "target": item.target.text,
        "subject": item.subject,
        "thumbprint": item.thumbprint,
        "expires": item.expires.isoformat() if item.expires else None,
        "source": item.source.value,
        "status": item.status,
        "vault": None
        if stored is None
        else {
            "vault": stored.vault,
            "name": stored.name,
            "version": stored.version,
            "expires": stored.expires.isoformat() if stored.expires else None,
            "trouble": stored.trouble,
        },
        "uses": [{"kind": use.kind, "name": use.name, "how": use.how} for use in item.uses],
    }


def _column(number: int, boxes: Mapping[Key, Box]) -> dict[Key, Box]:
    """A column of boxes, one below the other in the order given."""
    x = _MARGIN + number * (WIDTH + _GAP)
    return {key: replace(box, x=x, y=_MARGIN + row * _STEP) for row, (key, box) in enumerate(boxes.items())}


def _origin(item: Item) -> str:
    return item.stored.label if item.stored else item.source.value


def _origin_box(item: Item) -> Box:
    stored = item.stored
    if stored is None:
        return _box(item.source.value, "nothing renews it" if item.source.value == "uploaded" else "")
    ends = f"until {day(stored.expires)}" if stored.expires else "can't be seen"
    tone = Tone.ENDED if stored.gone else Tone.ODD if stored.trouble else Tone.PLAIN
    return replace(_box(stored.label, "does not exist" if stored.gone else f"Key Vault, {ends}"), tone=tone)


def _item_box(item: Item, inventory: Inventory, soon_days: int) -> Box:
    box = _box(item.name, f"{item.held.value}, {_ends(item)}", more=f"{item.subject} {item.thumbprint}")
    return replace(box, tone=_tone(item, inventory, soon_days))


def _use_box(use: Use) -> Box:
    return _box(use.name, use.kind)


def _thing(use: Use) -> tuple[str, str]:
    return use.kind, use.name


def _box(head: str, line: str, *, more: str = "") -> Box:
    return Box(head=clip(clean(head), _LONGEST), line=clip(clean(line), _LONGEST), title=clean(f"{head} {line} {more}"))


def _tone(item: Item, inventory: Inventory, soon_days: int) -> Tone:
    if item.expires is not None and item.expires <= inventory.taken:
        return Tone.ENDED
    if item.ends_within(inventory.taken, soon_days):
        return Tone.SOON
    odd = {one.about for one in inventory.problems}
    return Tone.ODD if item.name in odd or item.status else Tone.PLAIN


def _ends(item: Item) -> str:
    return f"until {day(item.expires)}" if item.expires else "its end is not known"


def _comes_from(item: Item) -> str:
    stored = item.stored
    if stored is None:
        return item.source.value
    told = f", version {stored.version}" if stored.version else ""
    return f"{item.source.value} {stored.label}{told}" + (f" ({stored.trouble})" if stored.trouble else "")


def _path(left: Box, right: Box) -> str:
    """A curve from the right side of one box to the left side of another."""
    begin, end = left.x + WIDTH, right.x
    bend = (end - begin) // 2
    return f"M {begin} {left.middle} C {begin + bend} {left.middle}, {end - bend} {right.middle}, {end} {right.middle}"
