"""
From policy text to tags, without changing, repairing or forgetting a character.

Called by document.py and by the report's diff. The scanner knows what makes the structure (tags, comments, CDATA,
processing instructions, expressions) and nothing of what policies mean. What it can't read without guessing is a
PolicyNotUnderstood with its line and column.

A text is cut at every `<`. Most pieces hold one whole tag and the text behind it, and such a piece reads the same
wherever it stands, so it is read once and remembered: policies of one tenant are made of few different pieces. A
piece that is cut inside an expression or a comment is not whole; there, and only there, the scanner goes on by
hand until the next `<` that begins a tag. Every step moves on, and every quantifier is possessive: the time is
linear in the text, whatever stands in it.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeVar, cast

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.expressions import ExpressionFault, expression_end

SPACE = "[ \\t\\r\\n]"
NAME = r"[^\x00-@\[-^`{-\x7f][^\x00-,/;-@\[-^`{-\x7f]*+"
"""
Letters, `_` and all beyond ASCII; behind the first also digits, `:`, `.` and `-`. Said by what is not allowed, because
a class that names the characters beyond ASCII takes long to compile, and every start of the app would pay for it.
"""

_SPECIAL = r"!--(?s:.*?)--(?=>)|!\[CDATA\[(?s:.*?)\]\](?=>)|\?(?s:.*?)\?(?=>)"


_VALUE = r'"(?:[^"<@]++|@(?![({]))*+"' + r"|'(?:[^'<@]++|@(?![({]))*+'"
_ATTRIBUTES = rf"(?:{SPACE}++{NAME}{SPACE}*+={SPACE}*+(?:{_VALUE}))*+{SPACE}*+"
_TAG = rf"<(/{NAME}{SPACE}*+(?=>)|{_SPECIAL}|)((?<=<){NAME}|(?<!<))({_ATTRIBUTES})(/?)>"

_TAG_PATTERN = re.compile(_TAG)
EXPRESSION = re.compile(r"@[({]")
_LANDMARK = re.compile(r"<|@[({]")
_START = re.compile(rf"<({NAME})")
_ATTRIBUTE_NAME = re.compile(rf"{SPACE}++{NAME}{SPACE}*+={SPACE}*+[\"']")
_PLAIN = {'"': re.compile(r'(?:[^"<@]++|@(?![({]))*+'), "'": re.compile(r"(?:[^'<@]++|@(?![({]))*+")}
_TAG_END = re.compile(rf"{SPACE}*+(/?)>")
_LINE_END = re.compile(r"\r\n|\r|\n")

_LONGEST = 65_536
_REMEMBERED = 16_777_216
"""Characters: the longest piece that is remembered, and all of them together."""


class Tag(NamedTuple):
    """
    What stands between `<` and `>`, and the text behind it.

    `depth` is 1 for a start tag, -1 for an end tag, 0 for all others. `kind` is empty for a start tag and `/name`
    for an end tag; for a comment, CDATA or a processing instruction it is all that stands in it. Between `<` and `>`
    stand kind, name (of a start tag), attributes and slash.
    """

    depth: int
    name: str
    kind: str
    attributes: str
    slash: str
    behind: str


Read = TypeVar("Read")


class Scanned(NamedTuple):
    """A text, cut: joined with `<`, `before` and the pieces are the source. Each piece is one tag, `<` left out."""

    before: str
    pieces: list[str]
    tags: list[Tag]


def scan(text: str) -> Scanned:
    """A text as tags. Raises PolicyNotUnderstood."""
    before, *pieces = text.split("<")
    tags = list(map(_whole, pieces))
    if all(tags) and ("@" not in before or _expressions_end(before)):
        return Scanned(before, pieces, cast(list[Tag], tags))
    return _scan_by_hand(text, pieces, tags)


class Memory(dict[str, Read]):
    """What was read of pieces of policies so far: a piece that comes again is not read again."""

    _all: ClassVar[list["Memory[Any]"]] = []

    def __init__(self, read: Callable[[str], Read]) -> None:
        super().__init__()
        self._read = read
        self._characters = 0
        self._all.append(self)

    def __missing__(self, piece: str) -> Read:
        read = self._read(piece)
        if len(piece) <= _LONGEST:
            self._characters += len(piece)
            if self._characters > _REMEMBERED:
                self.clear()
                self._characters = len(piece)
            self[piece] = read
        return read

    @classmethod
    def forget(cls) -> None:
        """Forget all, as in a fresh process. For measurements."""
        for memory in cls._all:
            memory.clear()
            memory._characters = 0


def _read_whole(piece: str) -> Tag | None:
    """The tag that a piece is; None for one that is cut inside something, or is no tag at all."""
    try:
        return tag_at("<" + piece, 0)[0]
    except PolicyNotUnderstood:
        return None


_whole = Memory(_read_whole).__getitem__


def _tag(kind: str, name: str, attributes: str, slash: str, behind: str) -> Tag:
    if kind.startswith("/"):
        return Tag(-1, kind[1:].rstrip(), kind, attributes, slash, behind)
    return Tag(0 if kind or slash else 1, name, kind, attributes, slash, behind)


def not_understood(text: str, position: int, reason: str) -> NoReturn:
    """Raises PolicyNotUnderstood for a place in a text."""
    line, column = place(text, position)
    raise PolicyNotUnderstood(reason, line=line, column=column)


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column of a position, from 1. CR, LF and CRLF end a line; a BOM takes no column."""
    starts = line_starts(text[:position])
    return len(starts), max(position - starts[-1], 0) + 1


def line_starts(text: str) -> list[int]:
    """Where each line begins; the first behind a byte order mark."""
    return [1 if text.startswith("\ufeff") else 0, *(end.end() for end in _LINE_END.finditer(text))]


def _expressions_end(part: str) -> bool:
    """Whether every expression in the text between two tags ends there: then no `<` can belong to it."""
    position = 0
    while found := EXPRESSION.search(part, position):
        try:
            position = expression_end(part, found.start())
        except ExpressionFault:
            return False
    return True


def _scan_by_hand(text: str, cut: list[str], read: list[Tag | None]) -> Scanned:
    """The same where some pieces are not whole: those are put together from the text, between those that are."""
    position = _text_end(text, 0)
    before, number = text[:position], text.count("<", 0, position)
    pieces: list[str] = []
    tags: list[Tag] = []
    while number < len(cut):
        broken = _first_broken(read, number)
        whole = cut[number:broken]
        pieces += whole
        tags += cast(list[Tag], read[number:broken])
        position += sum(map(len, whole)) + len(whole)
        number = broken
        if broken < len(cut):
            tag, end = _comment_at(text, position) or tag_at(text, position)
            pieces.append(text[position + 1 : end])
            tags.append(tag)
            number += 1 + pieces[-1].count("<")
            position = end
    return Scanned(before, pieces, tags)


def _first_broken(read: list[Tag | None], number: int) -> int:
    try:
        return read.index(None, number)
    except ValueError:
        return len(read)


def _comment_at(text: str, start: int) -> tuple[Tag, int] | None:
    """A comment with tags in it, which is remembered as a whole; None for anything else."""
    close = text.find("-->", start + 4) if text.startswith("<!--", start) else -1
    if close < 0:
        return None
    following = text.find("<", close)
    end = len(text) if following < 0 else following
    tag = _whole(text[start + 1 : end])
    return None if tag is None else (tag, end)


def tag_at(text: str, start: int) -> tuple[Tag, int]:
    """The tag that begins at a position, with the text behind it, and where that ends."""
    found = _TAG_PATTERN.match(text, start)
    if found is not None:
        pieces, end = (found[1], found[2], found[3], found[4]), found.end()
    else:
        pieces, end = _start_tag(text, start)
    text_end = _text_end(text, end)
    return _tag(*pieces, text[end:text_end]), text_end


def _text_end(text: str, begun: int) -> int:
    """Where the text that begins at a position ends: at the next `<` that is not in an expression."""
    position = begun
    while found := _LANDMARK.search(text, position):
        start = found.start()
        if found.group() == "<":
            return start
        is_first = position == begun and not text[begun:start].strip("\ufeff \t\r\n")
        position = _text_expression(text, start, is_first=is_first)
    return len(text)


def _text_expression(text: str, start: int, *, is_first: bool) -> int:
    """
    The end of what looks like an expression in element text.

    Only a text that begins with `@(` or `@{` is one for certain. Further on it may as well be prose: that is
    no matter while both readings agree where the text ends.
    """
    end = _expression_end(text, start)
    if not is_first and "<" in text[start:end]:
        not_understood(text, start, "what may be an expression within a text, or prose with a tag in it")
    return end


def _expression_end(text: str, start: int) -> int:
    try:
        return expression_end(text, start)
    except ExpressionFault as fault:
        not_understood(text, fault.position, fault.reason)


def _start_tag(text: str, start: int) -> tuple[tuple[str, str, str, str], int]:
    """A start tag, attribute by attribute: kind, name, attributes and slash, and the position behind it."""
    name = _START.match(text, start)
    if name is None:
        not_understood(text, start, _why_no_tag(text, start))
    position = name.end()
    while attribute := _ATTRIBUTE_NAME.match(text, position):
        position = _value_end(text, attribute.end())
    end = _TAG_END.match(text, position)
    if end is None:
        not_understood(text, position, f"the start tag of `{name.group(1)}` is malformed here")
    return ("", name.group(1), text[name.end() : end.start(1)], end.group(1)), end.end()


def _value_end(text: str, start: int) -> int:
    """The position behind the closing quote of the attribute value that begins at `start`."""
    quote = text[start - 1]
    position = start
    while True:
        if text.startswith(("@(", "@{"), position):
            begun, position = position, _expression_end(text, position)
            if begun > start and any(mark in text[begun:position] for mark in (quote, "<")):
                not_understood(text, begun, "what may be an expression within an attribute value")
        plain = _PLAIN[quote].match(text, position)
        position = plain.end() if plain else position
        if text.startswith(quote, position):
            return position + 1
        if not text.startswith(("@(", "@{"), position):
            not_understood(text, position, "an attribute value with `<` in it, or without its closing quote")


def _why_no_tag(text: str, start: int) -> str:
    for opening, what in (("<!--", "a comment"), ("<![CDATA[", "a CDATA section"), ("<?", "a processing instruction")):
        if text.startswith(opening, start):
            return f"{what} is not closed"
    if text.startswith("<!", start):
        return "a document type declaration, which policies do not have"
    return "`<` that begins no tag"
