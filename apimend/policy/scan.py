"""
From policy text to tags, without changing, repairing or forgetting a character.

Called by document.py. The scanner knows what makes the structure (tags, comments, CDATA, processing
instructions, expressions) and nothing of what policies mean. What it can't read without guessing is a
PolicyNotUnderstood with its line and column.

The result is one flat list: five strings a tag (`text before`, `kind`, `name`, `attributes`, `slash`), then
the text behind the last tag. `kind` is empty for a start tag, `/name` for an end tag, and for a comment, CDATA
or processing instruction it is all that stands between `<` and `>`. Joined again with `<` and `>` they are
the source. Most documents are split by one regular expression at once; a document where an
expression needs C# to be read takes the second, slower road, tag by tag. Both are linear: every quantifier
is possessive, and whatever the fast road does not know ends it.
"""

import re
from typing import NoReturn

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.expressions import ExpressionFault, expression_end

WIDTH = 5
"""Strings a tag in the flat list."""

SPACE = "[ \\t\\r\\n]"
NAME = r"[A-Za-z_\x80-\uffff][A-Za-z0-9_:.\x80-\uffff-]*+"

_SPECIAL = r"!--(?s:.*?)--(?=>)|!\[CDATA\[(?s:.*?)\]\](?=>)|\?(?s:.*?)\?(?=>)"


def _simple_expression() -> str:
    """`@(...)` with few levels of brackets and plain strings: what can be read without a C# scanner."""
    string = r'"(?!"")(?:[^"\\]++|\\(?s:.))*+"|&quot;(?:[^&"\\]++|\\[^&"]|&(?!quot;))*+&quot;'
    atom = rf"[^()\[\]{{}}\"'&/<@$#\\]++|&(?:lt|gt|amp);|&&|{string}|/(?![/*])|'[^'\"\\<&\r\n]'"
    inside = atom
    for _ in range(3):
        inside = rf"{atom}|\((?:{inside})*+\)|\[(?:{inside})*+\]"
    return rf"@\((?:{inside})*+\)"


_VALUE = rf'"(?:{_simple_expression()})?+(?:[^"<@]++|@(?![({{]))*+"' + "|'[^'<@]*+'"
_ATTRIBUTES = rf"(?:{SPACE}++{NAME}{SPACE}*+={SPACE}*+(?:{_VALUE}))*+{SPACE}*+"
_TAG = rf"<(/{NAME}{SPACE}*+(?=>)|{_SPECIAL}|)((?<=<){NAME}|(?<!<))({_ATTRIBUTES})(/?)>"

_SPLIT = re.compile(rf"{_TAG}|<(?s:.*)")
_ONE_TAG = re.compile(_TAG)
_LANDMARK = re.compile(r"<|@[({]")
_EXPRESSION = re.compile(r"@[({]")
_START = re.compile(rf"<({NAME})")
_ATTRIBUTE_NAME = re.compile(rf"{SPACE}++{NAME}{SPACE}*+={SPACE}*+[\"']")
_PLAIN = {'"': re.compile(r'(?:[^"<@]++|@(?![({]))*+'), "'": re.compile(r"(?:[^'<@]++|@(?![({]))*+")}
_TAG_END = re.compile(rf"{SPACE}*+(/?)>")
_LINE_END = re.compile(r"\r\n|\r|\n")


def scan(text: str) -> list[str]:
    """The flat list of a policy text. Raises PolicyNotUnderstood."""
    parts = _SPLIT.split(text)
    if len(parts) > 1 and parts[-2] is None:
        return _scan_slowly(text)
    if "@" in text and not all("@" not in part or _expressions_end(part) for part in parts[::WIDTH]):
        return _scan_slowly(text)
    return parts


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
    while found := _EXPRESSION.search(part, position):
        try:
            position = expression_end(part, found.start())
        except ExpressionFault:
            return False
    return True


def _scan_slowly(text: str) -> list[str]:
    parts: list[str] = []
    begun = position = 0
    while found := _LANDMARK.search(text, position):
        start = found.start()
        if found.group() != "<":
            is_first = position == begun and not text[begun:start].strip("\ufeff \t\r\n")
            position = _text_expression(text, start, is_first=is_first)
            continue
        tag = _ONE_TAG.match(text, start)
        if tag is not None:
            parts += (text[begun:start], *tag.groups())
            begun = position = tag.end()
        else:
            pieces, position = _start_tag(text, start)
            parts += (text[begun:start], *pieces)
            begun = position
    return [*parts, text[begun:]]


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
