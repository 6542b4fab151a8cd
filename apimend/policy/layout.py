"""
How a policy is laid out around one place: the line ends and indents that stand there.

Called by edits.py and change.py. It must not decide where anything goes, and it reads no more of a document than the
lines around the place, and those of the root where they don't show a step of indent.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from apimend.policy.document import Document, Element
from apimend.policy.outline import CLOSED, CONTENT, END_SPACE, FIRST, Head, root_head

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = r"<!--[^-\r\n]*+(?>(?:-(?!->)[^-\r\n]*+)*)-->"
LINE_BEHIND = re.compile(r"()[ \t]*+(\r\n|\r|\n)")
LINE_BEHIND_COMMENTS = re.compile(rf"(?>(?:[ \t]*+{_COMMENT})*)()[ \t]*+(\r\n|\r|\n)")
"""Group 1 is the place in front of white space and a line end, group 2 the line end."""

Lines = Sequence[tuple[int, str]]
"""An element as lines, each with its depth below the place where it goes."""


class Home(NamedTuple):
    """
    What an insertion asks about the element that it goes into.

    `tag_end` is the place behind its start tag, `first` where the first element in it starts. `blank_end` is the white
    space in its end tag where it holds nothing but white space, else None.
    """

    name: str
    start: int
    tag_end: int
    is_self_closed: bool
    first: int | None
    blank_end: str | None


def home_of(element: Element) -> Home:
    """What an insertion into an element asks."""
    first, span = element.first_element, element.inner_span
    is_blank = first is None and not element.document.text[span.start : span.end].strip(" \t\r\n")
    return Home(
        element.name,
        element.start,
        span.start,
        element.is_self_closed,
        None if first is None else first.start,
        element.end_space if is_blank and not element.is_self_closed else None,
    )


def home_at(head: Head) -> Home:
    """The same for an element whose beginning the outline shows."""
    found, group, start, name = head
    if found.end(group + CLOSED) >= 0:
        return Home(name, start, found.end(group + CLOSED), True, None, None)
    content, first = found.end(group + CONTENT), found.start(group + FIRST)
    if first >= 0:
        return Home(name, start, content, False, first - 1, None)
    inner = found.string[content : found.start(group + END_SPACE) - len(name) - 2]
    return Home(name, start, content, False, None, None if inner.strip(" \t\r\n") else found[group + END_SPACE])


def root_home(document: Document) -> Home:
    """What an insertion into the root asks."""
    return home_of(document.root) if document.outline is None else home_at(root_head(document.outline))


class Layout(NamedTuple):
    """How a document is laid out around one place."""

    newline: str
    indent: str
    unit: str

    def lines(self, lines: Lines) -> str:
        """Lines, each with its depth, joined with the document's own line ends and indents."""
        return _laid_out(*self, tuple(lines))


def layout_in(document: Document, parent: int, sample: int | None, position: int) -> Layout:
    """
    The layout of what stands in the element that starts at `parent`.

    `sample` is where an element in it starts whose line shows the indent, `position` where the line end is looked for.
    """
    text = document.text
    found = _LINE_END.search(text, position) or _LINE_END.search(text)
    return Layout(found.group() if found else "\r\n", *_indents(document, parent, sample))


def place_in_lines(line: "re.Pattern[str]", text: str, position: int) -> tuple[int, str | None]:
    """Where something goes, and the line end there; None where this place is not laid out in lines."""
    found = line.match(text, position)
    return (position, None) if found is None else (found.start(1), found[2])


def laid_out(document: Document, newline: str | None, lines: Lines, parent: int, sample: int | None) -> str:
    """Lines laid out like the element that starts at `sample`, in the one that starts at `parent`."""
    if newline is None:
        return one_line(lines)
    indent, unit = _indents(document, parent, sample)
    return newline + _laid_out(newline, indent, unit, tuple(lines))


def one_line(lines: Lines) -> str:
    """The lines without a line end between them."""
    return "".join([line for _, line in lines])


def indent_at(text: str, start: int) -> str | None:
    """The indent of a line that begins with the element that starts here; None where something stands before it."""
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if not indent.strip(" \t"):
        return indent
    indent = indent[indent.rfind("\r") + 1 :].lstrip("\ufeff")
    return None if indent.strip(" \t") else indent


@lru_cache(maxsize=512)
def _laid_out(newline: str, indent: str, unit: str, lines: tuple[tuple[int, str], ...]) -> str:
    """The same few checks go into many documents of one layout."""
    return newline.join([indent + unit * depth + line for depth, line in lines])


def _indents(document: Document, parent: int, sample: int | None) -> tuple[str, str]:
    """The indent of what stands in the element that starts at `parent`, as `sample` in it shows it, and one step."""
    text = document.text
    outer = text[text.rfind("\n", 0, parent) + 1 : parent]
    shown = outer if sample is None else text[text.rfind("\n", 0, sample) + 1 : sample]
    if shown.startswith(outer) and shown != outer and not shown.strip(" \t"):
        return shown, shown[len(outer) :]
    return _unusual_indents(document, parent, sample)


def _unusual_indents(document: Document, parent: int, sample: int | None) -> tuple[str, str]:
    outer = indent_at(document.text, parent)
    shown = None if sample is None else indent_at(document.text, sample)
    if shown is None:
        unit = _unit(document)
        return (outer or "") + unit, unit
    if outer is not None and shown.startswith(outer) and shown != outer:
        return shown, shown[len(outer) :]
    return shown, _unit(document)


def _unit(document: Document) -> str:
    """One step of indent: what the first section has more than the root, else a TAB as the service writes."""
    root = root_home(document)
    outer, shown = indent_at(document.text, root.start), None
    if root.first is not None:
        shown = indent_at(document.text, root.first)
    if outer is not None and shown is not None and shown.startswith(outer) and shown != outer:
        return shown[len(outer) :]
    return "\t"
