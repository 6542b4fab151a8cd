"""
Which checks of a document are ours: those that we put in, never one that only looks like them.

Called by placement, by the engine before each write, and where checks are let go. What we put in is known by its
words. Where these were altered, a check that means the same and wasn't there beside ours counts as ours; of two that
say the same, one does. It decides nothing about what is done with them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from functools import lru_cache

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.own import Own, Put
from apimend.policy.change import FoundCheck, find_checks
from apimend.policy.check import normal_check
from apimend.policy.compare import normal_form
from apimend.policy.document import Document

_NOT_COMPARED = frozenset({"ignore_error"})
"""Whether a check observes or refuses makes it no less ours: the two are steps of one roll-out."""


def our_places(document: Document, own: Own | None) -> tuple[int, ...]:
    """Where among the checks of a document ours stand."""
    if own is None or own.is_empty:
        return ()
    there = _puts(document)
    ways = [_Match.of(there, ours, own.beside) for ours in (own.instead, own.checks) if ours is not None]
    return max(ways, key=lambda way: (way.by_words, len(way.places))).places


def our_checks(document: Document, own: Own | None) -> tuple[FoundCheck, ...]:
    """The checks of a document that are ours."""
    places = our_places(document, own)
    found = find_checks(document) if places else ()
    return tuple(found[place] for place in places)


def each_edited(document: Document, own: Own | None, edit: Callable[[Document, FoundCheck], str]) -> Document:
    """The document with one edit made to every check of ours."""
    for place in reversed(our_places(document, own)):
        document = Document.parse(edit(document, find_checks(document)[place]))
    return document


def own_after(own: Own | None, before: str | None, after: str | None, at: datetime | None = None) -> Own:
    """What is ours once a write of ours has made `after` of `before`: what it put in, and what it left of ours."""
    own = own or Own()
    first, last = _parsed(before), _parsed(after)
    there, then = _counted(_puts(first)), _counted(_puts(last))
    ours = _counted(_puts(first)[place] for place in our_places(first, own))
    ours = (ours - (there - then)) + (then - there)
    known = Own(
        checks=tuple(ours.elements()),
        beside=tuple(sorted(put.words for put in (then - ours).elements())),
        made=after is not None and (before is None or own.made),
    )
    observes = any(found.check.ignore_error for found in our_checks(last, known))
    return replace(known, since=(own.since or at) if observes else None)


def own_either(before: Own, after: Own) -> Own:
    """What is ours while nobody knows whether a write came through."""
    return replace(after, checks=before.checks, instead=after.checks, made=before.made or after.made)


def meaning_of(check: ClientCertificateCheck) -> str:
    """A digest of what a check means. Fields that stand at their default don't count, so later ones alter none."""
    return _digest(_said(normal_check(check)))


@dataclass(frozen=True, kw_only=True)
class _Match:
    """The places of ours, and how many of them were known by their words."""

    places: tuple[int, ...]
    by_words: int

    @classmethod
    def of(cls, there: Sequence[Put | None], ours: Sequence[Put], beside: Sequence[str]) -> "_Match":
        wanted, theirs, places = list(ours), Counter(beside), list[int]()
        spare = Counter(put.words for put in there if put is not None) - theirs
        for place, put in enumerate(there):
            mine = put and spare[put.words] and next((each for each in wanted if each.words == put.words), None)
            if put and mine:
                spare[put.words] -= 1
                wanted.remove(mine)
                places.append(place)
        by_words = len(places)
        for place, put in enumerate(there):
            if put is None or place in places or put.words in theirs:
                continue
            if mine := next((each for each in wanted if each.meaning == put.meaning), None):
                wanted.remove(mine)
                places.append(place)
        return cls(places=tuple(sorted(places)), by_words=by_words)


def _counted(puts: Iterable[Put | None]) -> Counter[Put]:
    return Counter(put for put in puts if put is not None)


def _puts(document: Document) -> list[Put | None]:
    """Of each check what it is known by; None for one that isn't understood whole, which is nobody's to change."""
    try:
        return [None if found.not_understood else _put(found) for found in find_checks(document)]
    except PolicyNotUnderstood:
        return []


def _put(found: FoundCheck) -> Put:
    return Put(words=_words(found.outer.text), meaning=meaning_of(found.check))


@lru_cache(maxsize=1024)
def _words(text: str) -> str:
    """A digest of an element, apart from its layout and spelling."""
    form = [
        [sorted(part) if isinstance(part, frozenset) else part for part in piece] if isinstance(piece, tuple) else piece
        for piece in normal_form(Document.parse(f"<fragment>{text}</fragment>"))
    ]
    return _digest(form)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _said(value: ClientCertificateCheck | ClientIdentity) -> dict[str, object]:
    given = ((field, getattr(value, field.name)) for field in fields(value) if field.name not in _NOT_COMPARED)
    return {field.name: _plain(each) for field, each in given if each != field.default}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_said(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def _parsed(text: str | None) -> Document:
    try:
        return Document.parse(text or "<policies />")
    except PolicyNotUnderstood:
        return Document.parse("<policies />")
