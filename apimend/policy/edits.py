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
_COMMENT = r"<!--[^-\r\n]*+(?>(?:-(?!->)[^-\r\n]*+)*)-->"
_LINE_BEHIND = re.compile(r"()[ \t]*+(\r\n|\r|\n)")
_LINE_BEHIND_COMMENTS = re.compile(rf"(?>(?:[ \t]*+{_COMMENT})*)()[ \t]*+(\r\n|\r|\n)")
"""Group 1 is the place in front of white space and a line end, group 2 the line end."""

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
        return _laid_out(*self, tuple(lines))


@lru_cache(maxsize=512)
def _laid_out(newline: str, indent: str, unit: str, lines: tuple[tuple[int, str], ...]) -> str:
    """The same few checks go into many documents of one layout."""
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
    position, first = parent.inner_span.start, parent.first_element
    if first is None and _is_marked_empty(parent):
        return Edit(Span(position, position), one_line(lines))
    return _insert(parent, first, position, lines, _LINE_BEHIND)


def insert_after(parent: Element, sibling: Element, lines: Lines) -> Edit:
    """An element directly behind a sibling; a comment on the sibling's line stays with the sibling."""
    return _insert(parent, sibling, sibling.end, lines, _LINE_BEHIND_COMMENTS)


def insert_before(parent: Element, sibling: Element, lines: Lines) -> Edit:
    """An element directly before a sibling, behind whatever text or comment stands in front of it."""
    position = _end_of_last_word(parent.document.text, sibling.start)
    return _insert(parent, sibling, position, lines, _LINE_BEHIND)


def inserted_at_head(document: Document, lines: Lines, *, before: str, behind: str) -> str | None:
    """
    The text with an element before or behind the first one in `inbound` if that has this name, else first of all.

    Does what the functions above do, where the outline shows how `inbound` (or a fragment) begins; else None.
    """
    found = document.head
    if found is None:
        return None
    head, group, home = found
    text, name, first = document.text, head[group + 1], head.start(group + 1) - 1
    if name == before:
        position, newline = _place(_LINE_BEHIND, text, _end_of_last_word(text, first))
    elif name != behind:
        position, newline = _place(_LINE_BEHIND, text, head.start(group))
    else:
        position, newline = head.end(group + 2), head[group + 3]
        if position < 0:
            return None
        if newline is None:
            position, newline = _place(_LINE_BEHIND_COMMENTS, text, position)
    added = _in_place(document, newline, lines, home, first)
    return f"{text[:position]}{added}{text[position:]}"


def add_section(document: Document, name: str, lines: Lines) -> Edit:
    """A section that the document doesn't have, at its place in the order of sections, with one element."""
    root = document.root
    before = _section_before(document, name)
    layout = layout_in(root, before or root.first_element, root.start)
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


def layout_in(parent: Element, sample: Element | None, position: int) -> Layout:
    """
    The layout of what stands in an element.

    `sample` is an element in it whose line shows the indent, `position` where the line end is looked for.
    """
    newline = _newline(parent.document.text, position)
    return Layout(newline, *_indents(parent.document, parent.start, None if sample is None else sample.start))


def _indents(document: Document, parent: int, sample: int | None) -> tuple[str, str]:
    """The indent of what stands in the element that starts at `parent`, as `sample` in it shows it, and one step."""
    text = document.text
    outer = _indent_at(text, parent)
    shown = None if sample is None else _indent_at(text, sample)
    if shown is None:
        unit = _unit(document)
        return (outer or "") + unit, unit
    if outer is not None and len(shown) > len(outer) and shown.startswith(outer):
        return shown, shown[len(outer) :]
    return shown, _unit(document)


def one_line(lines: Lines) -> str:
    """The lines without a line end between them."""
    return "".join(line for _, line in lines)


def _insert(parent: Element, sample: Element | None, position: int, lines: Lines, line: "re.Pattern[str]") -> Edit:
    position, newline = _place(line, parent.document.text, position)
    like = None if sample is None else sample.start
    return Edit(Span(position, position), _in_place(parent.document, newline, lines, parent.start, like))


def _place(line: "re.Pattern[str]", text: str, position: int) -> tuple[int, str | None]:
    """Where something goes, and the line end there; None where this place is not laid out in lines."""
    found = line.match(text, position)
    return (position, None) if found is None else (found.start(1), found[2])


def _in_place(document: Document, newline: str | None, lines: Lines, parent: int, sample: int | None) -> str:
    """Lines laid out like the element that starts at `sample`, in the one that starts at `parent`."""
    if newline is None:
        return one_line(lines)
    indent, unit = _indents(document, parent, sample)
    return newline + _laid_out(newline, indent, unit, tuple(lines))


def _expand(element: Element, lines: Lines, *, mark: str) -> Edit:
    text = element.document.text
    layout = layout_in(element, None, element.start)
    outer = _indent_at(text, element.start) or ""
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


def _indent_at(text: str, start: int) -> str | None:
    """The indent of a line that begins with the element that starts here; None where something stands before it."""
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if not indent.strip(" \t"):
        return indent
    indent = indent[indent.rfind("\r") + 1 :].lstrip("\ufeff")
    return None if indent.strip(" \t") else indent


def _unit(document: Document) -> str:
    """One step of indent: what the first section has more than the root, else a TAB as the service writes."""
    first = document.root.first_element
    root = _indent_at(document.text, document.root.start)
    shown = None if first is None else _indent_at(document.text, first.start)
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
