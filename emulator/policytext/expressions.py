"""
Where a C# expression ends, and whether its literals and brackets close.

Used by the parser (an expression may hold quotes and angle brackets) and by validation. It knows the lexical forms of
C# that decide about nesting, nothing of its grammar.
"""

from __future__ import annotations

OPENERS = {"(": ")", "[": "]", "{": "}"}
CLOSERS = frozenset(OPENERS.values())


class Unbalanced(ValueError):
    """
    The expression does not close; `at` is the index where that shows.
    """

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def is_expression(text: str) -> bool:
    """
    Whether a value is a C# expression: `@(…)` or `@{…}`.
    """
    bare = text.strip()
    return bare.startswith(("@(", "@{"))


def end_of_expression(text: str, start: int) -> int:
    """
    The index after the closer of the expression that begins at `start` (its `@`). Unbalanced when there is none.
    """
    stack = [OPENERS[text[start + 1]]]
    at = start + 2
    while at < len(text):
        skipped = _skip_literal(text, at)
        if skipped > at:
            at = skipped
            continue
        character = text[at]
        if character in OPENERS:
            stack.append(OPENERS[character])
        elif character in CLOSERS:
            if character != stack.pop():
                raise Unbalanced(f"; expected instead of '{character}'", at)
            if not stack:
                return at + 1
        at += 1
    raise Unbalanced(f"{stack[-1]} expected", len(text))


def expression_fault(text: str) -> str:
    """
    What a compiler would say of an expression's literals and brackets; empty when they close.
    """
    bare = text.strip()
    try:
        end = end_of_expression(bare, 0)
    except Unbalanced as fault:
        return str(fault)
    return "" if end == len(bare) else "} expected"


def _skip_literal(text: str, at: int) -> int:
    """
    The index after a literal or comment that starts at `at`, or `at` itself.
    """
    if text.startswith("//", at):
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if text.startswith("/*", at):
        end = text.find("*/", at + 2)
        return _or_unbalanced(end, 2, "End-of-file found, '*/' expected", at)
    for opener in ('$@"', '@$"', '@"'):
        if text.startswith(opener, at):
            return _verbatim(text, at + len(opener))
    if text.startswith('$"', at):
        return _quoted(text, at + 2, '"')
    if text[at] == '"':
        return _quoted(text, at + 1, '"')
    if text[at] == "'":
        return _quoted(text, at + 1, "'")
    return at


def _quoted(text: str, at: int, quote: str) -> int:
    start = at
    while at < len(text) and text[at] not in (quote, "\n"):
        at += 2 if text[at] == "\\" else 1
    if at >= len(text) or text[at] != quote:
        raise Unbalanced("Newline in constant", start)
    if quote == "'" and at - start > 1 and text[start] != "\\":
        raise Unbalanced("Too many characters in character literal", start)
    return at + 1


def _verbatim(text: str, at: int) -> int:
    while True:
        end = text.find('"', at)
        if end < 0:
            raise Unbalanced("Unterminated string literal", at)
        if not text.startswith('""', end):
            return end + 1
        at = end + 2


def _or_unbalanced(end: int, width: int, message: str, at: int) -> int:
    if end < 0:
        raise Unbalanced(message, at)
    return end + width
