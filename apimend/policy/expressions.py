"""
Where a policy expression ends: `@(...)` and `@{...}` hold C#, and C# holds quotes, brackets and comments.

Called by the scanner only. It finds the end of an expression and nothing else: it must not judge what the
C# means (recognise.py does, for a few fixed forms), and it must never guess. Code whose end depends on a
reading that is not certain is an ExpressionFault.

A string may be quoted with `"` or, where the author wrote well-formed XML, with `&quot;`: it ends with the
spelling that it began with.
"""

import re

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_APOSTROPHES = ("'", "&apos;", "&#39;", "&#x27;")
_QUOTES = ('"', "&quot;", "&#34;", "&#x22;")

_STRINGS = (
    r"\"(?!\"\")(?:[^\"\\]++|\\(?s:.))*+\"",
    r"@\"(?:[^\"]++|\"\")*+\"",
    r"\$\"(?:[^\"\\{}]++|\\(?s:.)|\{\{|\}\}|\{[^{}()\[\]\"'&/:]*+(?::[^{}\"]*+)?\})*+\"",
    r"&quot;(?:[^&\\]++|\\(?s:.)|&(?!quot;))*+&quot;",
)
_FLAT = "|".join(
    (
        r"[^()\[\]{}\"'&/@$#]++",
        *_STRINGS,
        r"'(?:[^'\\\r\n]|\\[^\r\n&])'",
        r"//[^\r\n\u0085\u2028\u2029]*+",
        r"/\*(?s:.*?)\*/",
        r"/(?![/*])",
        r"&(?!quot;|apos;|#)",
        r"@(?=[A-Za-z_])",
    )
)
"""Code that opens and closes nothing: the common kinds of tokens, each read to its end."""


CODE = rf"(?:{_FLAT}|\((?:{_FLAT})*+\)|\[(?:{_FLAT})*+\]|\{{(?:{_FLAT})*+\}})*+"
"""The same with one level of brackets: what needs no stack to be read."""

_STEP = re.compile(rf"{CODE}([()\[\]{{}}]?)")
"""Such code, and the bracket that it stops at."""
_LANDMARK = re.compile(r"[()\[\]{}:#]|//|/\*|'|&(?:apos|#39|#x27);|(?:\$@|@\$|[$@])?(?:\"|&(?:quot|#34|#x22);)")
_LINE = re.compile(r"[^\r\n\u0085\u2028\u2029]*+")
_FORMAT = re.compile(r"[^{}]*+")
_CHARACTERS = (
    r"[^'\\\r\n]|&(?:quot|amp|lt|gt|#\w{1,6});"
    r"|\\[^\r\n](?:[0-9A-Fa-f]{0,8}|[a-z]{3,4};)"
    r"|[\w .:,=-]{2,64}"
)
"""The last form is no C#, but people write it, and with neither quote nor bracket in it the end is certain."""
_CHARACTER = {quote: re.compile(rf"(?:{_CHARACTERS}){quote}") for quote in _APOSTROPHES}


class ExpressionFault(Exception):
    """An expression whose end is not certain, with the place where that showed."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def _string(prefix: str, quote: str) -> "re.Pattern[str]":
    """The rest of a string from any point inside it, up to its end or to an interpolation hole."""
    first = quote[0]
    other = rf"[^{first}{{}}" if "$" in prefix else rf"[^{first}"
    pieces = [(other + "]++") if "@" in prefix else (other + r"\\]++")]
    if len(quote) > 1:
        pieces.append(f"{first}(?!{quote[1:]})")
    if "@" in prefix:
        pieces.append(quote * 2)
    else:
        pieces.append(r"\\(?s:.)")
    if "$" in prefix:
        pieces += [r"\{\{", r"\}\}"]
        return re.compile(rf"(?:{'|'.join(pieces)})*+({quote}|\{{)")
    return re.compile(rf"(?:{'|'.join(pieces)})*+({quote})")


_STRING = {prefix + quote: _string(prefix, quote) for prefix in ("", "@", "$", "$@", "@$") for quote in _QUOTES}


def expression_end(text: str, start: int) -> int:
    """
    The position just behind the expression that begins at `start`. Raises ExpressionFault.

    `open_` holds the closers that are still due; that of an interpolation hole carries the string it is in.
    """
    open_ = [_CLOSERS[text[start + 1]]]
    position = start + 2
    while open_:
        mark = ""
        if len(open_[-1]) == 1 and (step := _STEP.match(text, position)) is not None:
            position, mark = step.end(), step[1]
            if mark == open_[-1]:
                open_.pop()
                continue
        if not mark:
            found = _LANDMARK.search(text, position)
            if found is None:
                raise ExpressionFault("the expression is not closed", start)
            position, mark = found.end(), found[0]
        if mark in _CLOSERS:
            open_.append(_CLOSERS[mark])
        elif mark in ")]}":
            position = _close(text, position, mark, open_)
        elif mark in _STRING:
            position = _in_string(text, position, mark, open_)
        else:
            position = _other(text, position, mark, open_)
    return position


def _close(text: str, position: int, mark: str, open_: list[str]) -> int:
    due = open_.pop()
    if due[0] != mark:
        raise ExpressionFault(f"`{mark}` stands where `{due[0]}` is due in the expression", position - 1)
    return _in_string(text, position, due[1:], open_) if len(due) > 1 else position


def _in_string(text: str, position: int, kind: str, open_: list[str]) -> int:
    if kind == '"' and text.startswith('""', position):
        raise ExpressionFault("a raw string literal, which policy expressions do not have", position - 1)
    found = _STRING[kind].match(text, position)
    if found is None:
        raise ExpressionFault("a string is not closed in the expression", position - 1)
    if found.group(1) == "{":
        open_.append("}" + kind)
    return found.end()


def _other(text: str, position: int, mark: str, open_: list[str]) -> int:
    if mark == ":":
        return _format(text, position, open_)
    if mark == "//":
        return _matched_end(_LINE, text, position)
    if mark == "/*":
        return _comment(text, position)
    if mark == "#":
        return _hash(text, position)
    found = _CHARACTER[mark].match(text, position)
    if found is None:
        raise ExpressionFault("an apostrophe that is no character literal in the expression", position - 1)
    return found.end()


def _format(text: str, position: int, open_: list[str]) -> int:
    """Behind `:` in an interpolation hole stands a format, where quotes mean nothing."""
    if len(open_[-1]) == 1:
        return position
    if text.startswith(":", position):
        return position + 1
    return _matched_end(_FORMAT, text, position)


def _comment(text: str, position: int) -> int:
    end = text.find("*/", position)
    if end < 0:
        raise ExpressionFault("a comment is not closed in the expression", position - 2)
    return end + 2


def _hash(text: str, position: int) -> int:
    before = position - 2
    while before >= 0 and text[before] in " \t":
        before -= 1
    if text[before : before + 1] in ("", "\n", "\r"):
        raise ExpressionFault("a preprocessor directive in the expression", position - 1)
    return position


def _matched_end(pattern: "re.Pattern[str]", text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position
