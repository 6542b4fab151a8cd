"""
The text of a desired state that says what is live: `init` writes it.

It knows the language's keys and how YAML quotes; it reads nothing. Texts from Azure become quoted scalars or cleaned
comments, so that none of them can end a line or begin a key.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apimend.report.plain import clean

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_WIDTH = 110


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    One instance as declared: the keys of its entry, the parts of the catalogues that it uses, and what is said of it.

    `left_out` are sentences about what is live and not declared.
    """

    name: str
    subscription: str
    about: str
    keys: Mapping[str, Any]
    certificates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    clients: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def text_of(entries: Sequence[Entry]) -> str:
    """The whole document. The entries' catalogues must agree where they use the same name."""
    return "\n".join(_lines(entries)) + "\n"


def _lines(entries: Sequence[Entry]) -> Iterator[str]:
    yield "# What is live, as `apimend init` found it: nothing differs from it, so its plan is empty."
    yield "# Declare what should be different; `apimend plan` shows what follows, and mode says how far it goes."
    yield "version: 1"
    yield from ("", "subscriptions:")
    yield from (f"  - {each}" for each in sorted({entry.subscription for entry in entries}))
    for kind in ("certificates", "clients"):
        catalogue = {name: value for entry in entries for name, value in getattr(entry, kind).items()}
        if catalogue:
            yield from ("", f"{kind}:")
            yield from (f"  {scalar(name)}: {flow(value)}" for name, value in sorted(catalogue.items()))
    yield from ("", "defaults:", "  mode: report # then ask, then enforce", "", "instances:")
    for position, entry in enumerate(entries):
        yield from [""] if position else []
        yield from _entry(entry)


def _entry(entry: Entry) -> Iterator[str]:
    yield f"  - name: {scalar(entry.name)} # {clean(entry.about)}"
    yield f"    match: {flow({'name': entry.name})}"
    for key, value in entry.keys.items():
        whole = f"    {key}: {flow(value)}"
        if len(whole) <= _WIDTH or not isinstance(value, Mapping):
            yield whole
            continue
        yield f"    {key}:"
        for inner, each in value.items():
            if isinstance(each, list) and each and isinstance(each[0], Mapping):
                yield f"      {scalar(inner)}:"
                yield from (f"        - {flow(one)}" for one in each)
            else:
                yield f"      {scalar(inner)}: {flow(each)}"
    for sentence in entry.left_out:
        yield f"    # {clean(sentence)}"


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return scalar(str(value))


def scalar(text: str) -> str:
    """A text, quoted unless it is plain to every reader of YAML."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08x}"
