"""
The checks that we put in, found again: to let everybody pass them in seconds, or to take them out.

The orders relax and release lead here, and so does a vanished negotiation. What is ours is what was noted when we wrote
it (R21). It plans and writes nothing itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from apimend.engine.live import scope_of
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.ids import ResourceId
from apimend.model.own import Own
from apimend.model.plan import Change, Kind, Stage
from apimend.model.runs import Progress
from apimend.policy import Document, FoundCheck, each_edited, is_bare, our_checks, with_changed, without_found
from apimend.ports import InstanceReader

ENGINE = "engine"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A policy document in which checks of ours stand."""

    target: ResourceId
    document: Document = field(repr=False)
    etag: str
    own: Own

    @property
    def ours(self) -> tuple[FoundCheck, ...]:
        """The checks that we put in."""
        return our_checks(self.document, self.own)

    @property
    def enforcing(self) -> bool:
        """Whether one of ours refuses callers."""
        return any(not one.check.ignore_error for one in self.ours)


async def held(reader: InstanceReader, progress: Progress) -> tuple[Held, ...]:
    """The documents that hold checks of ours. Those that can't be read without guessing are left out."""
    holding = [(path, own) for path, own in progress.own.items() if own.checks or own.instead]
    found = await asyncio.gather(*(_held(reader, reader.instance.child(path), own) for path, own in holding))
    return tuple(one for one in found if one is not None and one.ours)


async def _held(reader: InstanceReader, target: ResourceId, own: Own) -> Held | None:
    policy = await reader.policy(scope_of(target))
    if policy is None:
        return None
    try:
        return Held(target=target, document=Document.parse(policy.text), etag=policy.etag, own=own)
    except PolicyNotUnderstood:
        return None


def observing(documents: Sequence[Held], *, reason: str) -> tuple[Change, ...]:
    """The changes after which every check of ours lets everybody pass, each a policy write of seconds."""
    return tuple(_change(one, _observed(one), reason, "every caller is let in") for one in documents)


def taken_out(documents: Sequence[Held], *, reason: str) -> tuple[Change, ...]:
    """The changes after which no check of ours is left; a document that we made goes with it."""
    return tuple(_change(one, _without(one), reason, "no check of ours") for one in documents)


def _without(one: Held) -> str | None:
    text = each_edited(one.document, one.own, without_found).text
    return None if one.own.made and is_bare(text) else text


def _to_observe(document: Document, found: FoundCheck) -> str:
    return with_changed(document, found, replace(found.check, ignore_error=True))


def _observed(one: Held) -> str:
    return each_edited(one.document, one.own, _to_observe).text


def _change(one: Held, after: str | None, reason: str, will: str) -> Change:
    return Change(
        kind=Kind.POLICY,
        target=one.target,
        stage=Stage.VALIDATE,
        remediator=ENGINE,
        before=one.document.text,
        after=after,
        etag=one.etag,
        reason=reason,
        was="our check refuses callers" if one.enforcing else "our check records callers",
        will=will,
        minutes=(0, 1),
    )
