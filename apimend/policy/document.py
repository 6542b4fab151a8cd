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
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from apimend.policy.escape import unescape
from apimend.policy.expressions import expression_end
from apimend.policy.outline import outlined, without_comments
from apimend.policy.scan import NAME, SPACE, Tag, line_starts, not_understood, scan
from apimend.policy.structure import only_root, pair, sections_of

SECTIONS = ("inbound", "backend", "outbound", "on-error")

_ATTRIBUTE = re.compile(rf"{SPACE}++({NAME}){SPACE}*+={SPACE}*+([\"'])")
_VALUE = {'"': re.compile(r'(?:[^"@]++|@(?![({]))*+'), "'": re.compile(r"(?:[^'@]++|@(?![({]))*+")}


_FEW = 24
"""Up to so many tags it is quicker to add their lengths up than to prepare a table of all."""


_READ = frozenset({"before", "pieces", "tags", "partners", "_root", "_sections"})
"""What a document knows of itself when it was read tag by tag."""


class Span(NamedTuple):
    """A stretch of the text, from `start` up to and without `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: `raw` as it is written between the quotes, `value` as it is meant."""

    name: str
    raw: str
    value: str
    start: int
    value_start: int

    @property
    def span(self) -> Span:
        """From the name to the closing quote."""
        return Span(self.start, self.value_start + len(self.raw) + 1)

    @property
    def value_span(self) -> Span:
        """What stands between the quotes."""
        return Span(self.value_start, self.value_start + len(self.raw))

    @property
    def is_literal(self) -> bool:
        """Whether the value is known from the document alone: no expression and no named value."""
        return "@(" not in self.raw and "@{" not in self.raw and "{{" not in self.raw


class Document:
    """
    A policy document or a fragment, read without loss. Make one with `Document.parse`; nothing changes it.

    `before` is the text before the first tag, `tags` are its tags in order, `pieces` their texts, and `partners` has
    for each the index of the tag that ends it, or its own. Where the `outline` shows that a document is understood,
    all these are read when somebody asks.
    """

    before: str
    pieces: list[str]
    tags: list[Tag]
    partners: list[int]

    def __init__(self, text: str, outline: "re.Match[str] | None") -> None:
        self.text = text
        self.outline = outline

    @staticmethod
    def parse(text: str) -> "Document":
        """Read a text. Raises PolicyNotUnderstood where it can't be read without guessing."""
        outline = outlined(text)
        document = Document(text, outline)
        if outline is None:
            document._read()
        return document

    def __getattr__(self, name: str) -> Any:
        if name not in _READ:
            raise AttributeError(name)
        self._read()
        return getattr(self, name)

    def _read(self) -> None:
        text = self.text
        scanned = scan(text)
        self.before, self.pieces, self.tags = scanned
        self.partners = pair(text, scanned)
        self._root = only_root(text, scanned, self.partners)
        self._sections = sections_of(text, scanned, self.partners, self._root)

    @property
    def text_without_comments(self) -> str:
        """The text without what is certain to be a comment."""
        return self.text if self.outline is None else without_comments(self.text)

    @property
    def root(self) -> "Element":
        """`<policies>` or `<fragment>`."""
        return Element(self, self._root)

    @property
    def is_fragment(self) -> bool:
        """Whether this is a policy fragment, which has no sections."""
        return self.tags[self._root].name == "fragment"

    def section(self, name: str) -> "Element | None":
        """A section by name; None where the document has none."""
        index = self._sections.get(name)
        return None if index is None else Element(self, index)

    @property
    def tokens(self) -> Iterator[str]:
        """The texts and tags in their order. Joined they are the source."""
        yield self.before
        for tag in self.tags:
            yield f"<{tag.kind}{'' if tag.depth < 0 else tag.name}{tag.attributes}{tag.slash}>"
            yield tag.behind

    def place(self, position: int) -> tuple[int, int]:
        """Line and column of a position, from 1."""
        line = bisect_right(self.lines, position)
        return line, max(position - self.lines[line - 1], 0) + 1

    @cached_property
    def lines(self) -> list[int]:
        """Where each line begins; the first behind a byte order mark."""
        return line_starts(self.text)

    def tag_start(self, index: int) -> int:
        """The position of a tag."""
        if index < _FEW:
            return len(self.before) + index + sum(map(len, self.pieces[:index]))
        return self._starts[index] + index

    def tag_end(self, index: int) -> int:
        """The position behind a tag."""
        return self.tag_start(index) + 1 + len(self.pieces[index]) - len(self.tags[index].behind)

    def text_before(self, index: int) -> str:
        """The text between a tag and the one before it."""
        return self.tags[index - 1].behind if index else self.before

    @cached_property
    def _starts(self) -> list[int]:
        """Where each piece begins, the `<` of the earlier ones left out."""
        return list(accumulate(map(len, self.pieces), initial=len(self.before)))


class Element:
    """One element of a document; a view. Two are equal when they are the same one of the same text."""

    _start = -1
    _attributes: dict[str, Attribute] | None = None
    _children: tuple["Element", ...] | None = None

    def __init__(self, document: Document, index: int) -> None:
        self.document = document
        self.index = index
        self.tag = document.tags[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self.index == other.index and self.document.text == other.document.text

    def __hash__(self) -> int:
        return hash((self.index, self.document.text))

    @property
    def name(self) -> str:
        """The name, as written."""
        return self.tag.name

    @property
    def is_self_closed(self) -> bool:
        """Whether it is written `<name />`."""
        return self.tag.depth == 0

    @property
    def text_before(self) -> str:
        """The text in front of its start tag, back to the tag before."""
        return self.document.text_before(self.index)

    @property
    def text_behind(self) -> str:
        """The text behind it, up to the next tag."""
        return self.document.tags[self._last].behind

    @property
    def start(self) -> int:
        """Where its start tag begins."""
        if self._start < 0:
            self._start = self.document.tag_start(self.index)
        return self._start

    @property
    def end(self) -> int:
        """The position behind it."""
        return self.document.tag_end(self._last)

    @property
    def span(self) -> Span:
        """From `<` of the start tag to `>` of the end tag."""
        return Span(self.start, self.end)

    @property
    def inner_span(self) -> Span:
        """What stands between start tag and end tag; empty, at the end, where it is self-closed."""
        begin = self.document.tag_end(self.index)
        return Span(begin, begin if self.is_self_closed else self.document.tag_start(self._last))

    @property
    def end_space(self) -> str:
        """The white space in its end tag, behind the name; empty where it is self-closed."""
        return "" if self.is_self_closed else self._kind(self._last)[1 + len(self.name) :]

    @property
    def text(self) -> str:
        """The source of the whole element."""
        return self.document.text[self.start : self.end]

    @property
    def line(self) -> int:
        """The line on which it begins, from 1."""
        return self.document.place(self.start)[0]

    @property
    def column(self) -> int:
        """The column in which it begins, from 1."""
        return self.document.place(self.start)[1]

    @property
    def attributes(self) -> dict[str, Attribute]:
        """The attributes by name, in their order. Raises PolicyNotUnderstood where one is given twice."""
        if self._attributes is None:
            self._attributes = self._read_attributes()
        return self._attributes

    def value(self, name: str) -> str | None:
        """What an attribute means; None where it is not given."""
        attribute = self.attributes.get(name)
        return None if attribute is None else attribute.value

    @property
    def children(self) -> tuple["Element", ...]:
        """The elements directly in it, without comments, CDATA and processing instructions."""
        if self._children is None:
            tags = self.document.tags
            self._children = tuple([Element(self.document, each) for each in self._child_tags if not tags[each].kind])
        return self._children

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
        document = self.document
        texts: list[str] = []
        for index in self._child_tags:
            texts.append(unescape(document.text_before(index)))
            if self._kind(index).startswith("![CDATA["):
                texts.append(self._kind(index)[8:-2])
        texts.append(unescape(document.text_before(self._last)))
        return "".join(texts)

    @property
    def has_comments(self) -> bool:
        """Whether a comment, CDATA or a processing instruction stands directly in it."""
        return any(self._kind(index) for index in self._child_tags)

    @property
    def next_element(self) -> "Element | None":
        """The sibling that follows, where nothing but white space stands between."""
        following, tags = self._last + 1, self.document.tags
        if following >= len(tags) or tags[following].kind or tags[self._last].behind.strip():
            return None
        return Element(self.document, following)

    @property
    def first_element(self) -> "Element | None":
        """The first element directly in it."""
        tags, partners = self.document.tags, self.document.partners
        index, last = self.index + 1, partners[self.index]
        while index < last:
            if not tags[index].kind:
                return Element(self.document, index)
            index = partners[index] + 1
        return None

    @property
    def parent(self) -> "Element | None":
        """The element that it stands in; None for the root."""
        for index in range(self.index - 1, -1, -1):
            if not self._kind(index) and self.document.partners[index] > self._last:
                return Element(self.document, index)
        return None

    def _read_attributes(self) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        begin = self.start + 1 + len(self.name)
        for name, raw, value, start, value_start in _attributes(self.tag.attributes):
            if name in found:
                not_understood(self.document.text, begin + start, f"attribute `{name}` is given twice")
            found[name] = Attribute(name, raw, value, begin + start, begin + value_start)
        return found

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
        return self.document.tags[index].kind


@lru_cache(maxsize=4096)
def _attributes(raw: str) -> tuple[tuple[str, str, str, int, int], ...]:
    """Name, spelling, meaning, and where name and value begin, of each attribute in a start tag."""
    found: list[tuple[str, str, str, int, int]] = []
    position = 0
    while attribute := _ATTRIBUTE.match(raw, position):
        name, quote = attribute.groups()
        start, end = attribute.end(), _value_end(raw, attribute.end(), quote)
        found.append((name, raw[start:end], unescape(raw[start:end], quote=quote), attribute.start(1), start))
        position = end + 1
    return tuple(found)


def _value_end(raw: str, position: int, quote: str) -> int:
    """The closing quote of a value. The scanner has been here: every expression is known to end."""
    while True:
        plain = _VALUE[quote].match(raw, position)
        position = plain.end() if plain else position
        if raw.startswith(quote, position):
            return position
        position = expression_end(raw, position)
