"""
A policy document as its author wrote it: the text, and the elements that stand in it.

Called by everything in this package and by remediators. A Document is read once and never altered: edits.py makes
a new text. Elements are views: they are made when somebody looks, because most edits look at one section.
It must not know what any policy means.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice

from apimend.policy.escape import unescape
from apimend.policy.expressions import expression_end
from apimend.policy.scan import NAME, SPACE, WIDTH, line_starts, not_understood, scan

SECTIONS = ("inbound", "backend", "outbound", "on-error")
ROOTS = ("policies", "fragment")

_ATTRIBUTE = re.compile(rf"{SPACE}++({NAME}){SPACE}*+={SPACE}*+([\"'])")
_VALUE = {'"': re.compile(r'(?:[^"@]++|@(?![({]))*+'), "'": re.compile(r"(?:[^'@]++|@(?![({]))*+")}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text, from `start` up to and without `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """
    One attribute: `raw` as it is written, `value` as it is meant.

    `span` reaches from the name to the closing quote, `value_span` is what stands between the quotes.
    """

    name: str
    raw: str
    value: str
    span: Span
    value_span: Span

    @property
    def is_literal(self) -> bool:
        """Whether the value is known from the document alone: no expression and no named value."""
        return "@(" not in self.raw and "@{" not in self.raw and "{{" not in self.raw


@dataclass(frozen=True)
class Document:
    """A policy document or a fragment, read without loss. Make one with `Document.parse`."""

    text: str
    parts: list[str]
    partners: list[int]
    root_index: int
    sections: dict[str, int]

    @staticmethod
    def parse(text: str) -> "Document":
        """Read a text. Raises PolicyNotUnderstood where it can't be read without guessing."""
        parts = scan(text)
        partners, roots = _pair(text, parts)
        root = _only_root(text, parts, roots)
        return Document(text, parts, partners, root, _sections(text, parts, partners, root))

    @property
    def root(self) -> "Element":
        """`<policies>` or `<fragment>`."""
        return Element(self, self.root_index)

    @property
    def is_fragment(self) -> bool:
        """Whether this is a policy fragment, which has no sections."""
        return self.parts[WIDTH * self.root_index + 2] == "fragment"

    def section(self, name: str) -> "Element | None":
        """A section by name; None where the document has none."""
        index = self.sections.get(name)
        return None if index is None else Element(self, index)

    @property
    def tokens(self) -> Iterator[str]:
        """The texts and tags in their order. Joined they are the source."""
        for at in range(0, len(self.parts) - 1, WIDTH):
            before, *tag = self.parts[at : at + WIDTH]
            yield before
            yield f"<{''.join(tag)}>"
        yield self.parts[-1]

    def place(self, position: int) -> tuple[int, int]:
        """Line and column of a position, from 1."""
        line = bisect_right(self.lines, position)
        return line, max(position - self.lines[line - 1], 0) + 1

    @cached_property
    def lines(self) -> list[int]:
        """Where each line begins; the first behind a byte order mark."""
        return line_starts(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Where each tag begins: what the parts before it are long, and `<` and `>` of every earlier tag."""
        lengths = accumulate(map(len, self.parts))
        return [length + 2 * index for index, length in enumerate(islice(lengths, 0, None, WIDTH))]

    def tag_end(self, index: int) -> int:
        """The position behind a tag."""
        return self.starts[index + 1] - len(self.parts[WIDTH * (index + 1)])


@dataclass(frozen=True)
class Element:
    """One element of a document. Two are equal when they are the same one of the same text."""

    document: Document
    index: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self.index == other.index and self.document.text == other.document.text

    def __hash__(self) -> int:
        return hash((self.index, self.document.text))

    @property
    def name(self) -> str:
        """The name, as written."""
        return self.document.parts[WIDTH * self.index + 2]

    @property
    def is_self_closed(self) -> bool:
        """Whether it is written `<name />`."""
        return self.document.parts[WIDTH * self.index + 4] == "/"

    @property
    def start(self) -> int:
        """Where its start tag begins."""
        return self.document.starts[self.index]

    @property
    def span(self) -> Span:
        """From `<` of the start tag to `>` of the end tag."""
        return Span(self.start, self.document.tag_end(self._last))

    @property
    def inner_span(self) -> Span:
        """What stands between start tag and end tag; empty, at the end, where it is self-closed."""
        begin = self.document.tag_end(self.index)
        return Span(begin, begin if self.is_self_closed else self.document.starts[self._last])

    @property
    def end_tag_span(self) -> Span | None:
        """The end tag; None where it is self-closed."""
        return None if self.is_self_closed else Span(self.inner_span.end, self.span.end)

    @property
    def text(self) -> str:
        """The source of the whole element."""
        return self.document.text[self.span.start : self.span.end]

    @property
    def line(self) -> int:
        """The line on which it begins, from 1."""
        return self.document.place(self.start)[0]

    @property
    def column(self) -> int:
        """The column in which it begins, from 1."""
        return self.document.place(self.start)[1]

    @cached_property
    def attributes(self) -> dict[str, Attribute]:
        """The attributes by name, in their order. Raises PolicyNotUnderstood where one is given twice."""
        found: dict[str, Attribute] = {}
        begin = self.start + 1 + len(self.name)
        for attribute in _attributes(self.document.parts[WIDTH * self.index + 3], begin):
            if attribute.name in found:
                not_understood(self.document.text, attribute.span.start, f"attribute `{attribute.name}` is given twice")
            found[attribute.name] = attribute
        return found

    def value(self, name: str) -> str | None:
        """What an attribute means; None where it is not given."""
        attribute = self.attributes.get(name)
        return None if attribute is None else attribute.value

    @property
    def children(self) -> tuple["Element", ...]:
        """The elements directly in it, without comments, CDATA and processing instructions."""
        return tuple(Element(self.document, index) for index in self._child_tags if not self._kind(index))

    @property
    def descendants(self) -> Iterator["Element"]:
        """Every element in it, in the order of the text."""
        for index in range(self.index + 1, self._last):
            if not self._kind(index):
                yield Element(self.document, index)

    @property
    def own_text(self) -> str:
        """The text and CDATA directly in it, as it is meant; comments left out."""
        if self.is_self_closed:
            return ""
        parts, pieces = self.document.parts, []
        for index in self._child_tags:
            pieces.append(unescape(parts[WIDTH * index]))
            if self._kind(index).startswith("![CDATA["):
                pieces.append(self._kind(index)[8:-2])
        pieces.append(unescape(parts[WIDTH * self._last]))
        return "".join(pieces)

    @property
    def has_comments(self) -> bool:
        """Whether a comment, CDATA or a processing instruction stands directly in it."""
        return any(self._kind(index) for index in self._child_tags)

    @property
    def next_element(self) -> "Element | None":
        """The sibling that follows, where nothing but white space stands between."""
        following = self._last + 1
        parts = self.document.parts
        if following >= len(self.document.partners) or self._kind(following) or parts[WIDTH * following].strip():
            return None
        return Element(self.document, following)

    @property
    def parent(self) -> "Element | None":
        """The element that it stands in; None for the root."""
        for index in range(self.index - 1, -1, -1):
            if not self._kind(index) and self.document.partners[index] > self._last:
                return Element(self.document, index)
        return None

    @property
    def _last(self) -> int:
        return self.document.partners[self.index]

    @property
    def _child_tags(self) -> Iterator[int]:
        index = self.index + 1
        while index < self._last:
            yield index
            index = self.document.partners[index] + 1

    def _kind(self, index: int) -> str:
        return self.document.parts[WIDTH * index + 1]


def _pair(text: str, parts: list[str]) -> tuple[list[int], list[int]]:
    """For each tag the tag that ends it (itself, where none does), and the tags that stand at the top."""
    names = parts[2::WIDTH]
    partners = list(range(len(names)))
    open_: list[int] = []
    roots: list[int] = []
    for index, (kind, slash) in enumerate(zip(parts[1::WIDTH], parts[4::WIDTH], strict=True)):
        if not kind:
            if not open_:
                roots.append(index)
            if not slash:
                open_.append(index)
        elif kind[0] == "/":
            if not open_ or names[open_[-1]] != kind[1:].rstrip():
                _wrong_end(text, parts, index, open_)
            partners[open_.pop()] = index
    if open_:
        not_understood(text, _start_of(parts, open_[-1]), f"`{names[open_[-1]]}` is not closed")
    return partners, roots


def _wrong_end(text: str, parts: list[str], index: int, open_: list[int]) -> None:
    due = f"`</{parts[WIDTH * open_[-1] + 2]}>` is due" if open_ else "nothing is open"
    not_understood(text, _start_of(parts, index), f"`<{parts[WIDTH * index + 1]}>` stands where {due}")


def _only_root(text: str, parts: list[str], roots: list[int]) -> int:
    if not roots:
        not_understood(text, len(text), "the document has no root element")
    if len(roots) > 1:
        not_understood(text, _start_of(parts, roots[1]), "the document has a second root element")
    name = parts[WIDTH * roots[0] + 2]
    if name not in ROOTS:
        not_understood(text, _start_of(parts, roots[0]), f"the root is `{name}`, neither `policies` nor `fragment`")
    return roots[0]


def _sections(text: str, parts: list[str], partners: list[int], root: int) -> dict[str, int]:
    sections: dict[str, int] = {}
    if parts[WIDTH * root + 2] == "fragment":
        return sections
    index = root + 1
    while index < partners[root]:
        name = parts[WIDTH * index + 2]
        if name in sections:
            not_understood(text, _start_of(parts, index), f"section `{name}` stands twice")
        if name:
            sections[name] = index
        index = partners[index] + 1
    return sections


def _start_of(parts: list[str], index: int) -> int:
    return sum(map(len, parts[: WIDTH * index + 1])) + 2 * index


def _attributes(raw: str, begin: int) -> Iterator[Attribute]:
    position = 0
    while found := _ATTRIBUTE.match(raw, position):
        name, quote = found.groups()
        start, end = found.end(), _value_end(raw, found.end(), quote)
        written = raw[start:end]
        yield Attribute(
            name=name,
            raw=written,
            value=unescape(written, quote=quote),
            span=Span(begin + found.start(1), begin + end + 1),
            value_span=Span(begin + start, begin + end),
        )
        position = end + 1


def _value_end(raw: str, position: int, quote: str) -> int:
    """The closing quote of a value. The scanner has been here: every expression is known to end."""
    while True:
        plain = _VALUE[quote].match(raw, position)
        position = plain.end() if plain else position
        if raw.startswith(quote, position):
            return position
        position = expression_end(raw, position)
