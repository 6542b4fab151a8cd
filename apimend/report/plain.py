"""
Small words of every report: names made harmless, long texts clipped, amounts and times in plain English.

The view cleans whatever comes from outside with `clean`; renderers clip. Nothing here knows what a run is.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

_SUBSTITUTE = "\N{REPLACEMENT CHARACTER}"
_SPACES = frozenset({"Zs", "Zl", "Zp"})
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn"})
_MARKS = frozenset({"Mn", "Me"})
_MARKS_IN_A_ROW = 2
_SOON_MINUTES = 1
_UNBROKEN = re.compile(r"[^\s/\-?]{41,}")


def clean(text: str) -> str:
    """
    One line of visible characters, whatever came in.

    Line ends become spaces. Control, bidirectional and other unseen characters become U+FFFD, so that a
    name can neither move the cursor nor turn the text around; of piled-up combining marks two stay.
    """
    return " ".join("".join(_visible(text)).split())


def clean_lines(text: str) -> tuple[str, ...]:
    """The same for a text of several lines; the indentation stays."""
    return tuple("".join(_visible(line.expandtabs(4))).rstrip() for line in text.splitlines())


def _visible(text: str) -> Iterable[str]:
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if character in "\r\n\t" or category in _SPACES:
            yield " "
        elif category in _UNSEEN:
            yield _SUBSTITUTE
        elif marks <= _MARKS_IN_A_ROW:
            yield character


def clip(text: str, length: int) -> str:
    """At most `length` characters; the middle goes, because names differ at both ends."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    tail = length - 1 - head
    return text[:head].rstrip() + "…" + (text[-tail:].lstrip() if tail else "")


def breakable(text: str, length: int = 40) -> str:
    """
    The text with its longest words clipped, where nothing in them lets a line end: a card can't break these.
    """
    return _UNBROKEN.sub(lambda found: clip(found.group(), length), text) if len(text) > length else text


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 change`, `3 changes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    items = list(words)
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def minutes(span: tuple[int, int]) -> str:
    """How long something takes, shortest to longest, in minutes."""
    shortest, longest = span
    if longest < _SOON_MINUTES:
        return "seconds"
    if shortest < _SOON_MINUTES:
        return f"up to {count(longest, 'minute')}"
    return count(longest, "minute") if shortest == longest else f"{shortest} to {longest} minutes"


def seconds(amount: float) -> str:
    """A length of time in the unit that suits it."""
    if amount < 1:
        return "less than a second"
    if amount < 120:
        return count(round(amount), "second")
    if amount < 7200:
        return count(round(amount / 60), "minute")
    return count(round(amount / 3600), "hour")


def moment(at: datetime) -> str:
    """A moment as `22 Nov 2026, 14:05 UTC`."""
    return f"{day(at)}, {at.astimezone(UTC):%H:%M} UTC"


def day(at: datetime) -> str:
    """A day as `22 Nov 2026`, without the platform's locale."""
    utc = at.astimezone(UTC)
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[utc.month - 1]
    return f"{utc.day} {month} {utc.year}"
