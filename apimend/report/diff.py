"""
What a change alters in a policy, readable, and with nothing in it that may not be shown.

Policies hold keys, and a pre-image is somebody's policy verbatim. So only client-certificate checks are shown as
they stand; of any other element the name alone, of conditions the comparison without its texts. Called by the view.
It must not let a value through that it isn't sure of: what can't be read is not shown.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import NamedTuple

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.scan import scan
from apimend.report.plain import clean

MASK = "…"

_CHECK = frozenset({"validate-client-certificate", "identities", "identity"})
_CONTEXT = 2
_TOO_MANY = 2_000
_STATUS = re.compile(r"\s*code=\"\d{3}\"(?:\s*reason=\"[\w .-]{0,60}\")?\s*")
_CONDITION = re.compile(r"\s*condition=\"(@\(.*\))\"\s*", re.DOTALL)
_SUBJECTS = re.compile(r"context\.(?:Request\.Certificate|Deployment|Api|Operation|Product)\b")
_HARD_TO_READ = re.compile(r"['$\\#{}]|@\"|//|/\*|@&quot;|\"\"\"")
_LITERAL = re.compile(r"(\"|&quot;)(.*?)\1", re.DOTALL)
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_ID_BEFORE = re.compile(r"context\.(?:Api|Operation|Product|Deployment\.Gateway)\.Id\s*(?:==|!=)\s*\Z")


class Sign(Enum):
    """What becomes of a line."""

    SAME = " "
    ADDED = "+"
    REMOVED = "-"
    SKIPPED = "…"


class Line(NamedTuple):
    """One line of a diff; `text` is indented and harmless."""

    sign: Sign
    text: str


@dataclass(frozen=True)
class _Token:
    raw: str
    shown: str
    depth: int


def of_policy(before: str | None, after: str | None) -> tuple[Line, ...]:
    """The lines that a change of a policy adds and removes, with a little around them."""
    try:
        old, new = _tokens(before or ""), _tokens(after or "")
    except PolicyNotUnderstood:
        return (Line(Sign.SKIPPED, "The document can't be read without guessing; it is not shown."),)
    return tuple(_lines(old, new))


def _lines(old: Sequence[_Token], new: Sequence[_Token]) -> Iterator[Line]:
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    if max(len(old), len(new)) - start - end > _TOO_MANY:
        yield Line(Sign.SKIPPED, "The documents differ in too many places to be shown.")
        return
    head = max(start - _CONTEXT, 0)
    foot = max(end - _CONTEXT, 0)
    old, new = old[head : len(old) - foot], new[head : len(new) - foot]
    matcher = SequenceMatcher(None, [token.raw for token in old], [token.raw for token in new], autojunk=False)
    if all(tag == "equal" for tag, *_ in matcher.get_opcodes()):
        return
    yield from [Line(Sign.SKIPPED, MASK)] if head else []
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        for tag, from_old, to_old, from_new, to_new in group:
            yield from _block(tag, old[from_old:to_old], new[from_new:to_new])
        yield Line(Sign.SKIPPED, MASK)


def _block(tag: str, old: Sequence[_Token], new: Sequence[_Token]) -> Iterator[Line]:
    if tag == "equal":
        yield from (_line(Sign.SAME, token) for token in new)
        return
    yield from (_line(Sign.REMOVED, token) for token in old)
    yield from (_line(Sign.ADDED, token) for token in new)


def _line(sign: Sign, token: _Token) -> Line:
    return Line(sign, "  " * token.depth + token.shown)


def _common(first: Sequence[_Token], second: Sequence[_Token]) -> int:
    """How many tokens both begin with."""
    pairs = zip(first, second, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a.raw != b.raw), min(len(first), len(second)))


def _tokens(text: str) -> list[_Token]:
    """The tags and texts of a document without its layout, which the service rewrites."""
    scanned = scan(text)
    depth = 0
    tokens = _text(scanned.before, depth)
    for tag in scanned.tags:
        depth = max(depth - (tag.depth < 0), 0)
        tokens.append(_tag(tag.kind, "" if tag.kind else tag.name, tag.attributes, tag.slash, depth))
        depth += tag.depth > 0
        tokens += _text(tag.behind, depth)
    return tokens


def _text(between: str, depth: int) -> list[_Token]:
    raw = between.strip("\ufeff \t\r\n")
    return [_Token(raw, MASK, depth)] if raw else []


def _tag(kind: str, name: str, attributes: str, slash: str, depth: int) -> _Token:
    raw = f"<{kind}{name}{attributes.strip()}{slash}>"
    if kind.startswith("/"):
        return _Token(raw, clean(f"<{kind.strip()}>"), depth)
    if kind:
        return _Token(raw, f"<!-- {MASK} -->" if kind.startswith("!--") else f"<{MASK}>", depth)
    shown = _attributes(name, attributes)
    return _Token(raw, clean(f"<{name}{' ' if shown else ''}{shown}{' /' if slash else ''}>"), depth)


def _attributes(name: str, attributes: str) -> str:
    """The attributes of a start tag as far as they may be shown."""
    if not attributes.strip():
        return ""
    if name in _CHECK or (name == "set-status" and _STATUS.fullmatch(attributes)):
        return attributes.strip()
    condition = _CONDITION.fullmatch(attributes) if name == "when" else None
    return f'condition="{_masked(condition.group(1))}"' if condition else MASK


def _masked(condition: str) -> str:
    """A condition without its texts, save thumbprints and the ids that a guard compares with."""
    if not _SUBJECTS.search(condition) or _HARD_TO_READ.search(condition):
        return MASK

    def literal(found: re.Match[str]) -> str:
        quote, value = found.groups()
        known = _HEXADECIMAL.fullmatch(value) or _ID_BEFORE.search(condition[: found.start()])
        return f"{quote}{value if known else MASK}{quote}"

    return _LITERAL.sub(literal, condition)
