"""
What the ledger tells of the checks on an instance: which of them we put in, and since when they only record.

Rules call it with what they surveyed. A check is ours where we wrote it (R21), a document where we wrote all of it, so
that taking out what is ours can delete it. It reads the ledger alone, and decides nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apimend.model.check import ClientCertificateCheck
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.ids import ResourceId
from apimend.model.runs import Intent
from apimend.policy import Document, find_checks
from apimend.survey import Survey

_NEVER = ("refused", "failed")


@dataclass(frozen=True, kw_only=True)
class Ours:
    """
    `checks` that we wrote; `made`: scopes whose whole document is ours; `since`: by scope, since when a check of ours
    lets everybody pass and records them.
    """

    checks: tuple[ClientCertificateCheck, ...] = ()
    made: frozenset[str] = frozenset()
    since: Mapping[str, datetime] = field(default_factory=dict)


async def read_ours(found: Survey, wrote: Callable[[ResourceId], Awaitable[tuple[Intent, ...]]]) -> Ours:
    """What we once wrote into the documents that hold a check now; `wrote` tells the newest first."""
    holding = [
        scope
        for scope, document in found.topology.documents.items()
        if isinstance(document, Document) and find_checks(document)
    ]
    written = await asyncio.gather(*(wrote(found.texts[scope].id) for scope in holding))
    by_scope = dict(zip(holding, written, strict=True))
    texts = {intent.after for intents in written for intent in intents if intent.after}
    since = {scope: _observing_since(intents) for scope, intents in by_scope.items()}
    return Ours(
        checks=tuple({check.check: None for text in sorted(texts) for check in find_checks(Document.parse(text))}),
        made=frozenset(scope for scope, intents in by_scope.items() if _is_made(intents)),
        since={scope: at for scope, at in since.items() if at is not None},
    )


def _is_made(written: tuple[Intent, ...]) -> bool:
    return bool(written) and written[-1].before is None


def _observing_since(written: Iterable[Intent]) -> datetime | None:
    """Since when a document's check has been observing without a break; None where it is not."""
    since = None
    for intent in sorted(written, key=lambda each: each.at):
        if intent.closed not in _NEVER and not intent.undone:
            since = (since or intent.at) if _observes(intent.after) else None
    return since


def _observes(text: str | None) -> bool:
    try:
        found = find_checks(Document.parse(text)) if text else ()
    except PolicyNotUnderstood:
        return False
    return any(each.check.ignore_error for each in found)
