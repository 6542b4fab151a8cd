"""
What is remembered of the checks on an instance: which of them we put in, and since when they only record.

Rules call it with what they surveyed, the engine before and after each write of a policy. What is ours is noted with
the rest of what is remembered of an instance, which nothing deletes: texts expire. It decides nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from apimend.model.ids import ResourceId
from apimend.model.own import Own
from apimend.model.runs import Intent, Progress, Status
from apimend.policy import own_after, own_either
from apimend.survey import Survey

_NEVER = frozenset({Status.REFUSED.value, Status.FAILED.value})
_DONE = frozenset({Status.APPLIED.value, Status.PENDING.value})
_NOTHING = Own()


@dataclass(frozen=True, kw_only=True)
class Ours:
    """What is ours, by the scope of the document."""

    by_scope: Mapping[str, Own] = field(default_factory=dict)

    def is_made(self, scope: str) -> bool:
        """Whether the whole document is ours."""
        return self.by_scope.get(scope, _NOTHING).made

    def since(self, scope: str) -> datetime | None:
        """Since when a check of ours lets everybody pass and records them."""
        return self.by_scope.get(scope, _NOTHING).since


def read_ours(found: Survey, progress: Progress) -> Ours:
    """What is ours of the documents that are there."""
    known = {path.casefold(): own for path, own in progress.own.items()}
    paths = {scope: text.id.below_instance.casefold() for scope, text in found.texts.items()}
    return Ours(by_scope={scope: known[path] for scope, path in paths.items() if path in known})


def expecting(progress: Progress, intent: Intent) -> Progress:
    """Before a write of a policy: what is ours if it comes through, and what if it doesn't."""
    before = _own(progress, intent.target)
    as_read = own_after(before, intent.before, intent.before)
    return _with_own(progress, intent.target, own_either(as_read, _after(before, intent)))


def having_written(progress: Progress, before: Progress, intent: Intent, status: Status) -> Progress:
    """After it: what is ours, where the outcome tells. `before` is what was remembered before the write."""
    known = _own(before, intent.target)
    if status.value in _DONE:
        return _with_own(progress, intent.target, _after(known, intent))
    return _with_own(progress, intent.target, known) if status.value in _NEVER else progress


def inherited(progress: Progress, wrote: Mapping[ResourceId, Iterable[Intent]]) -> Progress:
    """
    What is ours of documents that were written before it was noted: from the writes themselves, oldest first.

    A write whose texts are gone tells nothing; the later ones still tell what they changed.
    """
    for target, intents in wrote.items():
        own = _NOTHING
        for intent in sorted(intents, key=lambda each: each.at):
            if intent.textless or intent.closed in _NEVER:
                continue
            after = _after(own, intent)
            as_read = own_after(own, intent.before, intent.before)
            own = after if intent.closed in _DONE else own_either(as_read, after)
        progress = _with_own(progress, target, own)
    return replace(progress, checks=())


def _after(own: Own, intent: Intent) -> Own:
    return own_after(own, intent.before, intent.after, intent.at)


def _own(progress: Progress, target: ResourceId) -> Own:
    path = target.below_instance.casefold()
    return next((own for each, own in progress.own.items() if each.casefold() == path), _NOTHING)


def _with_own(progress: Progress, target: ResourceId, own: Own) -> Progress:
    path = target.below_instance
    others = {each: known for each, known in progress.own.items() if each.casefold() != path.casefold()}
    return replace(progress, own=others if own.is_empty else {**others, path: own})
