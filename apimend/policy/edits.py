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
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from apimend.policy.document import ROOTS, SECTIONS, Document, Element, Span

_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_BEFORE = re.compile(r"(?:\r\n|\r|\n)[ \t]*\Z")
_INDENT = re.compile(r"[ \t]*\Z")
_COMMENTS_BEHIND = re.compile(r"(?:[ \t]*<!--[^\r\n]*?-->)+(?=[ \t]*[\r\n])")
_LINE_BEHIND = re.compile(r"[ \t]*+[\r\n]")

WAS_SELF_CLOSED = " "
WAS_MISSING = "  "


class Edit(NamedTuple):
    """Put `text` in the place of a span of the original. An empty span inserts."""

    span: Span
    text: str


class Layout(NamedTuple):
    """How a document is laid out around one place."""

    newline: str
    indent: str
    unit: str

    def lines(self, lines: Sequence[tuple[int, str]]) -> str:
        """Lines, each with its depth, joined with the document's own line ends and indents."""
        return _laid_out(self, tuple(lines))


@lru_cache(maxsize=512)
def _laid_out(layout: Layout, lines: tuple[tuple[int, str], ...]) -> str:
    """The same few checks go into many documents of one layout."""
    newline, indent, unit = layout
    return newline.join([indent + unit * depth + line for depth, line in lines])


Lines = Sequence[tuple[int, str]]
"""An element as lines, each with its depth below the place where it goes."""


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
    if parent.is_self_closed:
        return _expand(parent, lines, mark=WAS_SELF_CLOSED if parent.name in (*SECTIONS, *ROOTS) else "")
    return _insert(parent, parent.inner_span.start, lines, sample=parent.first_element)


def insert_after(parent: Element, sibling: Element, lines: Lines) -> Edit:
    """An element directly behind a sibling; a comment on the sibling's line stays with the sibling."""
    position = sibling.end
    comments = None if _begins_with_line_end(sibling.text_behind) else _comments_behind(parent, position)
    return _insert(parent, comments.end() if comments else position, lines, sample=sibling)


def _comments_behind(parent: Element, position: int) -> "re.Match[str] | None":
    return _COMMENTS_BEHIND.match(parent.document.text, position)


def insert_before(parent: Element, sibling: Element, lines: Lines) -> Edit:
    """An element directly before a sibling, behind whatever text or comment stands in front of it."""
    text = parent.document.text
    return _insert(parent, _end_of_last_word(text, sibling.start), lines, sample=sibling)


def add_section(document: Document, name: str, lines: Lines) -> Edit:
    """A section that the document doesn't have, at its place in the order of sections, with one element."""
    root = document.root
    before = _section_before(document, name)
    layout = layout_in(root, sample=before or root.first_element)
    inner = Layout(layout.newline, layout.indent + layout.unit, layout.unit)
    content = f"<{name}>{layout.newline}{inner.lines(lines)}{layout.newline}{layout.indent}</{name}{WAS_MISSING}>"
    if root.is_self_closed:
        return _expand(root, [(0, content)], mark=WAS_SELF_CLOSED)
    position = before.end if before else root.inner_span.start
    in_lines = _has_line_behind(document.text, position) and not _is_marked_empty(root)
    return Edit(Span(position, position), (layout.newline + layout.indent if in_lines else "") + content)


def remove(element: Element, through: Element | None = None) -> Edit:
    """
    The element taken out with its line, and all up to a later sibling where one is given.

    Where that is all that stands in a section that an insertion expanded or added, the section goes back to what
    it was.
    """
    parent, last = element.parent, through or element
    if parent is None or not _is_alone(parent, element, last):
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


def layout_in(parent: Element, sample: Element | None = None, position: int | None = None) -> Layout:
    """
    The layout of what stands in an element.

    `sample` is an element in it whose line shows the indent, `position` where the line end is looked for.
    """
    newline = _newline(parent.document.text, parent.start if position is None else position)
    outer, shown = _own_indent(parent), None if sample is None else _own_indent(sample)
    if shown is None:
        unit = _unit(parent.document)
        return Layout(newline, (outer or "") + unit, unit)
    is_deeper = outer is not None and len(shown) > len(outer) and shown.startswith(outer)
    return Layout(newline, shown, shown[len(outer) :] if outer is not None and is_deeper else _unit(parent.document))


def one_line(lines: Lines) -> str:
    """The lines without a line end between them."""
    return "".join(line for _, line in lines)


def _insert(parent: Element, position: int, lines: Lines, *, sample: Element | None) -> Edit:
    text = parent.document.text
    if not _has_line_behind(text, position) or _is_marked_empty(parent):
        return Edit(Span(position, position), one_line(lines))
    layout = layout_in(parent, sample, position)
    return Edit(Span(position, position), layout.newline + layout.lines(lines))


def _expand(element: Element, lines: Lines, *, mark: str) -> Edit:
    text = element.document.text
    layout = layout_in(element)
    outer = _own_indent(element) or ""
    content = f">{layout.newline}{layout.lines(lines)}{layout.newline}{outer}</{element.name}{mark}>"
    start = element.end - 2
    return Edit(Span(start if mark else _end_of_last_word(text, start), element.end), content)


def _has_line_behind(text: str, position: int) -> bool:
    """Whether a line end comes before anything else: then this place is laid out in lines."""
    return _LINE_BEHIND.match(text, position) is not None


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


def _is_marked_empty(parent: Element) -> bool:
    """An empty section whose end tag the author spaced as we would: there our line style would be ambiguous."""
    if parent.end_space not in (WAS_SELF_CLOSED, WAS_MISSING):
        return False
    return not parent.document.text[parent.inner_span.start : parent.inner_span.end].strip(" \t\r\n")


def _own_indent(element: Element) -> str | None:
    """The indent of a line that begins with this element; None where something stands before it."""
    return _indent_of(element.text_before, element.index == 0)


@lru_cache(maxsize=2048)
def _indent_of(before: str, is_first: bool) -> str | None:
    line = before[max(before.rfind("\n"), before.rfind("\r")) + 1 :]
    if len(line) == len(before) and not is_first:
        return None
    indent = line.lstrip("\ufeff")
    return None if indent.strip(" \t") else indent


@lru_cache(maxsize=2048)
def _begins_with_line_end(behind: str) -> bool:
    return _LINE_BEHIND.match(behind) is not None


def _unit(document: Document) -> str:
    """One step of indent: what the first section has more than the root, else a TAB as the service writes."""
    first = document.root.first_element
    root, shown = _own_indent(document.root), None if first is None else _own_indent(first)
    if root is not None and shown is not None and shown.startswith(root) and shown != root:
        return shown[len(root) :]
    return "\t"


def _newline(text: str, position: int) -> str:
    """The line end that follows, else the first one of the document, else Azure's own."""
    found = _LINE_END.search(text, position) or _LINE_END.search(text)
    return found.group() if found else "\r\n"


def _section_before(document: Document, name: str) -> Element | None:
    earlier = [document.section(each) for each in SECTIONS[: SECTIONS.index(name)]]
    present = [section for section in earlier if section is not None]
    return max(present, key=lambda section: section.start) if present else None
