"""
What is still not covered when all edits are made, as something that is left alone: where, and why.

Called by placement.py for every call that meets no check as it is wished.
"""

from collections.abc import Iterator, Sequence

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.change import FoundCheck, find_checks
from apimend.policy.coverage import Judgement
from apimend.policy.document import Document
from apimend.policy.placed import Left, Unplaced
from apimend.policy.single import says
from apimend.policy.topology import ReadDocument, Topology
from apimend.policy.wish import Wish

NOT_OURS = "the check there was not put in by Apimend, so it is neither changed nor doubled"


def judged_document(topology: Topology, judgement: Judgement) -> ReadDocument | None:
    """The document or fragment in which a judgement was decided."""
    fragment = judgement.document.removeprefix("fragment ")
    named = topology.documents if fragment == judgement.document else topology.fragments
    return named.get(fragment)


def left_at(judgement: Judgement, document: ReadDocument | None, ours: Sequence[FoundCheck], wish: Wish) -> Unplaced:
    """What is said of a call that is left uncovered; `ours` are the checks of ours in the document."""
    if isinstance(document, PolicyNotUnderstood):
        return unread(judgement.document, document)
    foreign = next(_foreign_at(document, ours, wish, judgement.line), None) if document is not None else None
    if foreign is None:
        kind, reason, column = Left.NOT_COVERED, judgement.reason, 0
    else:
        kind, reason, column = Left.FOREIGN, f"{judgement.reason}; {NOT_OURS}", foreign.element.column
    return Unplaced(scope=judgement.document, line=judgement.line, column=column, reason=reason, kind=kind)


def unread(scope: str, error: PolicyNotUnderstood) -> Unplaced:
    """A document that can't be read."""
    reason = f"it can't be read: {error.reason}"
    return Unplaced(scope=scope, line=error.line, column=error.column, reason=reason, kind=Left.NOT_READ)


def _foreign_at(document: Document, ours: Sequence[FoundCheck], wish: Wish, line: int) -> Iterator[FoundCheck]:
    wished = [check for check in (wish.check, *wish.scopes.values()) if check is not None]
    places = {found.outer.index for found in ours}
    for found in find_checks(document):
        is_known = found.outer.index in places or any(says(found, check) for check in wished)
        if found.element.line == line and not is_known:
            yield found
