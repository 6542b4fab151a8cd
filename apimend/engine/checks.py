"""
The checks that we put in, found again: to let everybody pass them in seconds, or to take them out.

The orders relax and release lead here, and so does a vanished negotiation. A check counts as ours where its document
was written by us and it means what we wrote (R21). It plans and writes nothing itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from apimend.engine.live import scope_of
from apimend.model.check import ClientCertificateCheck
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.ids import ResourceId
from apimend.model.plan import Change, Kind, Stage
from apimend.model.runs import Intent, Progress
from apimend.policy import Document, FoundCheck, find_checks, is_bare, same_check, with_changed, without_found
from apimend.ports import InstanceReader, Ledger

ENGINE = "engine"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A policy document in which checks stand; `ours` tells of each whether we put it in, `made` whether all of it."""

    target: ResourceId
    text: str = field(repr=False)
    etag: str
    written: tuple[Intent, ...] = ()
    made: bool = False

    @property
    def ours(self) -> tuple[FoundCheck, ...]:
        """The checks that we put in."""
        texts = [intent.after for intent in self.written if intent.after]
        known = [_strict(one) for text in texts for one in find_checks(_read(text))]
        found = find_checks(_read(self.text))
        return tuple(one for one in found if any(same_check(_strict(one), each) for each in known))

    @property
    def enforcing(self) -> bool:
        """Whether one of ours refuses callers."""
        return any(not one.check.ignore_error for one in self.ours)


async def held(reader: InstanceReader, ledger: Ledger, progress: Progress) -> tuple[Held, ...]:
    """The documents that hold checks of ours. Those that can't be read without guessing are left out."""
    found = await asyncio.gather(*(_held(reader, ledger, target) for target in progress.checks))
    return tuple(one for one in found if one is not None and one.ours)


async def _held(reader: InstanceReader, ledger: Ledger, target: ResourceId) -> Held | None:
    policy = await reader.policy(scope_of(target))
    if policy is None:
        return None
    written = await ledger.wrote(reader.instance, target)
    made = bool(written) and written[-1].before is None
    return Held(target=target, text=policy.text, etag=policy.etag, written=written, made=made)


def observing(documents: Sequence[Held], *, reason: str) -> tuple[Change, ...]:
    """The changes after which every check of ours lets everybody pass, each a policy write of seconds."""
    return tuple(_change(one, _all(one, _to_observe), reason, "every caller is let in") for one in documents)


def taken_out(documents: Sequence[Held], *, reason: str) -> tuple[Change, ...]:
    """The changes after which no check of ours is left; a document that we made goes with it."""
    return tuple(_change(one, _without(one), reason, "no check of ours") for one in documents)


def _without(one: Held) -> str | None:
    text = _all(one, without_found)
    return None if one.made and is_bare(text) else text


def _all(one: Held, edit: Callable[[Document, FoundCheck], str]) -> str:
    """The text with one edit made to each check of ours, one after the other."""
    text = one.text
    for position in range(len(one.ours) - 1, -1, -1):
        now = replace(one, text=text).ours
        text = edit(_read(text), now[position])
    return text


def _to_observe(document: Document, found: FoundCheck) -> str:
    return with_changed(document, found, replace(found.check, ignore_error=True))


def _change(one: Held, after: str | None, reason: str, will: str) -> Change:
    return Change(
        kind=Kind.POLICY,
        target=one.target,
        stage=Stage.VALIDATE,
        remediator=ENGINE,
        before=one.text,
        after=after,
        etag=one.etag,
        reason=reason,
        was="our check refuses callers" if one.enforcing else "our check records callers",
        will=will,
        minutes=(0, 1),
    )


def _strict(found: FoundCheck) -> ClientCertificateCheck:
    """The check as it refuses: whether it only observes makes it no less ours."""
    return replace(found.check, ignore_error=False)


def _read(text: str) -> Document:
    try:
        return Document.parse(text)
    except PolicyNotUnderstood:
        return Document.parse("<policies />")
