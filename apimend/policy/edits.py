"""
Changing a policy text: spans of the original are replaced, everything else stays byte for byte.

Called by change.py and by remediators. Layout follows the document: an element goes on a line of its own, with
the indent and line ends that stand there, where the place it goes to is laid out in lines, and else directly
behind what precedes it. Inserting and removing are inverse. What makes them so:

- an element is inserted behind the last character that isn't white space, with its line end and indent in
  front; removing takes the element with exactly one line end and the indent in front of it;
- a self-closed section is expanded to `<inbound >…</inbound >` (its own white space, and one space in the end tag),
  a missing one is added as `<inbound>…</inbound  >` (two). That is how removing knows what to leave. The service
  writes tags its own way, so the marks vanish with the first PUT; meaning they have none.

It must not decide what is inserted or where in the order of policies: see change.py.
"""

import re
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from apimend.policy.document import SECTIONS, Document, Element, Span
from apimend.policy.layout import (
    LINE_BEHIND,
    LINE_BEHIND_COMMENTS,
    Home,
    Lines,
    home_at,
    home_of,
    indent_at,
    laid_out,
    layout_in,
    place_in_lines,
    root_home,
)
from apimend.policy.outline import CONTENT, FIRST, FIRST_END, FIRST_LINE_END, head
from apimend.policy.structure import ROOTS

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_BEFORE = re.compile(r"(?:\r\n|\r|\n)[ \t]*\Z")

WAS_SELF_CLOSED = " "
WAS_MISSING = "  "
_MARKS = (WAS_SELF_CLOSED, WAS_MISSING)
"""An empty section whose end tag the author spaced as we would stays on its line: lines of ours would be ambiguous."""


class Edit(NamedTuple):
    """Put `text` in the place of a span of the original. An empty span inserts."""

    span: Span
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made. Overlapping edits are a ValueError; no edit gives back the same object."""
    ordered = list(edits)
    if len(ordered) == 1:
        (start, end), new = ordered[0]
        return text[:start] + new + text[end:]
    pieces: list[str] = []
    position = 0
    for edit in sorted(ordered, key=itemgetter(0)):
        if edit.span.start < position:
            raise ValueError(f"two edits overlap at {edit.span.start}")
        pieces += (text[position : edit.span.start], edit.text)
        position = edit.span.end
    return "".join((*pieces, text[position:])) if pieces else text


def insert_first(parent: Element, lines: Lines) -> Edit:
    """An element as the first in its parent, comments at the top left in front of nothing."""
    return _first_in(parent.document, home_of(parent), lines)


def insert_after(parent: Element, sibling: Element, lines: Lines) -> Edit:
    """An element directly behind a sibling; a comment on the sibling's line stays with the sibling."""
    return _insert(parent, sibling, sibling.end, lines, LINE_BEHIND_COMMENTS)


def insert_before(parent: Element, sibling: Element, lines: Lines) -> Edit:
    """An element directly before a sibling, behind whatever text or comment stands in front of it."""
    position = _end_of_last_word(parent.document.text, sibling.start)
    return _insert(parent, sibling, position, lines, LINE_BEHIND)


def inserted_at_head(document: Document, lines: Lines, before: str, behind: str) -> str | None:
    """
    The text with an element before or behind the first one in `inbound` if that has this name, else first of all.

    Does what the functions around it do, where the outline shows all that they would ask; else None.
    """
    if document.outline is None:
        return None
    seen, text = head(document.outline), document.text
    if seen is None:
        return apply(text, [add_inbound(document, lines)])
    found, group, home, _ = seen
    name = found[group + FIRST]
    if name is None:
        return apply(text, [_first_in(document, home_at(seen), lines)])
    first = found.start(group + FIRST) - 1
    if name == before:
        position, newline = place_in_lines(LINE_BEHIND, text, _end_of_last_word(text, first))
    elif name != behind:
        position, newline = place_in_lines(LINE_BEHIND, text, found.start(group + CONTENT))
    else:
        position, newline = found.end(group + FIRST_END), found[group + FIRST_LINE_END]
        if position < 0:
            return None
        if newline is None:
            position, newline = place_in_lines(LINE_BEHIND_COMMENTS, text, position)
    added = laid_out(document, newline, lines, home, first)
    return f"{text[:position]}{added}{text[position:]}"


def without_inserted(document: Document, lines: Lines) -> str | None:
    """
    The text without these lines, where they stand as inserted behind the first element of `inbound`; else None.

    There `remove` would take out the same: something stands in front of them, so they are not alone in the section.
    """
    seen = None if document.outline is None else head(document.outline)
    if seen is None:
        return None
    found, group, home, _ = seen
    position, newline = found.end(group + FIRST_END), found[group + FIRST_LINE_END]
    if newline is None:
        return None
    text, put_in = document.text, laid_out(document, newline, lines, home, found.start(group + FIRST) - 1)
    return f"{text[:position]}{text[position + len(put_in) :]}" if text.startswith(put_in, position) else None


def add_inbound(document: Document, lines: Lines) -> Edit:
    """The section `inbound`, which the document doesn't have, as the first, with one element."""
    root = root_home(document)
    newline, indent, unit = layout = layout_in(document, root.start, root.first, root.start)
    inner = layout._replace(indent=indent + unit).lines(lines)
    content = f"<inbound>{newline}{inner}{newline}{indent}</inbound{WAS_MISSING}>"
    if root.is_self_closed:
        return _expand(document, root, [(0, content)])
    in_lines = LINE_BEHIND.match(document.text, root.tag_end) and root.blank_end not in _MARKS
    return Edit(Span(root.tag_end, root.tag_end), (newline + indent if in_lines else "") + content)


def remove(element: Element, through: Element | None = None) -> Edit:
    """
    The element taken out with its line, and all up to a later sibling where one is given.

    Where that is all that stands in a section that an insertion expanded or added, the section goes back to what
    it was.
    """
    parent, last = element.parent, through or element
    if parent is None or parent.end_space not in _MARKS or not _is_alone(parent, element, last):
        return take_out(element, last)
    if parent.end_space == WAS_SELF_CLOSED:
        return Edit(Span(parent.inner_span.start - 1, parent.end), "/>")
    return remove(parent) if parent.end_space == WAS_MISSING else take_out(element, last)


def take_out(element: Element, through: Element | None = None) -> Edit:
    """The element taken out with its line, whatever remains around it."""
    return Edit(Span(_line_start(element), (through or element).end), "")


def replace(element: Element, text: str) -> Edit:
    """Another text in the place of an element."""
    return Edit(element.span, text)


def _insert(parent: Element, sample: Element, position: int, lines: Lines, line: "re.Pattern[str]") -> Edit:
    position, newline = place_in_lines(line, parent.document.text, position)
    return Edit(Span(position, position), laid_out(parent.document, newline, lines, parent.start, sample.start))


def _first_in(document: Document, home: Home, lines: Lines) -> Edit:
    if home.is_self_closed:
        return _expand(document, home, lines)
    position, newline = place_in_lines(LINE_BEHIND, document.text, home.tag_end)
    if home.blank_end in _MARKS:
        newline = None
    return Edit(Span(position, position), laid_out(document, newline, lines, home.start, home.first))


def _expand(document: Document, home: Home, lines: Lines) -> Edit:
    text, start = document.text, home.tag_end - 2
    mark = WAS_SELF_CLOSED if home.name in (*SECTIONS, *ROOTS) else ""
    layout = layout_in(document, home.start, None, home.start)
    outer = indent_at(text, home.start) or ""
    content = f">{layout.newline}{layout.lines(lines)}{layout.newline}{outer}</{home.name}{mark}>"
    return Edit(Span(start if mark else _end_of_last_word(text, start), home.tag_end), content)


def _end_of_last_word(text: str, position: int) -> int:
    while position and text[position - 1] in " \t\r\n":
        position -= 1
    return position


def _line_start(element: Element) -> int:
    """Where the line of an element begins, its line end included; its own start where it shares the line."""
    text, start = element.document.text, element.start
    line = _LINE_BEFORE.search(text, _end_of_last_word(text, start), start)
    return line.start() if line else start


def _is_alone(parent: Element, first: Element, last: Element) -> bool:
    """Whether elements stand in their parent alone, on lines of their own."""
    text = parent.document.text
    before = text[parent.inner_span.start : first.start]
    behind = text[last.end : parent.inner_span.end]
    return all(not part.strip(" \t\r\n") and _LINE_END.search(part) is not None for part in (before, behind))
