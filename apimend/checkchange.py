"""
An edit of a policy that holds a check, as a change with its stage and in words.

The rule that places checks calls it. What only accepts more certificates waits for nothing: it can lock nobody out.
It must not decide which edits there are.
"""

from collections.abc import Iterable, Sequence

from apimend.model.plan import Change, Kind, Stage
from apimend.policy import Document, FoundCheck, PlacedEdit, find_checks, is_bare
from apimend.policy.rotation import only_accepts_more
from apimend.reach import Reach
from apimend.survey import scope_id


def changes_of(reach: Reach, edits: Iterable[PlacedEdit], remediator: str) -> tuple[Change, ...]:
    """The edits of a placement as changes, in their order."""
    return tuple(_change(reach, edit, rank, remediator) for rank, edit in enumerate(edits))


def _change(reach: Reach, edit: PlacedEdit, rank: int, remediator: str) -> Change:
    assert reach.survey is not None
    text = reach.survey.texts.get(edit.scope)
    renews = only_accepts_more(edit.before, edit.after)
    left = find_checks(Document.parse(edit.after))
    after = None if not left and reach.ours.is_made(edit.scope) and is_bare(edit.after) else edit.after
    return Change(
        kind=Kind.POLICY,
        target=text.id if text else scope_id(reach.service.id, edit.scope),
        # Accepting a renewed certificate besides the old one refuses nobody, so it waits for nothing.
        stage=Stage.PREPARE if renews else Stage.VALIDATE,
        rank=rank,
        remediator=remediator,
        before=edit.before,
        after=after,
        etag=text.etag if text else None,
        reason="A client's certificate is renewed: the new one is accepted, and the old one as well."
        if renews
        else f"{edit.reason[:1].upper()}{edit.reason[1:]}.",
        was=_was(edit),
        will=_will(reach, left, is_kept=after is not None),
        minutes=(0, 1),
    )


def _was(edit: PlacedEdit) -> str:
    if edit.before is None:
        return "no policy"
    found = find_checks(Document.parse(edit.before))
    if not found:
        return "no check"
    return "a check that only records callers" if all(one.check.ignore_error for one in found) else "another check"


def _will(reach: Reach, left: Sequence[FoundCheck], *, is_kept: bool) -> str:
    if not left:
        return "no check of ours" if is_kept else "no document, as before"
    others = "is recorded and let in" if any(found.check.ignore_error for found in left) else "is refused"
    headers = sorted({found.check.header for found in left if found.check.header})
    where = f" in the header {', '.join(headers)}" if headers else ""
    return f"checks the certificate{where}: {_names(reach, left)}; any other caller {others}"


def _names(reach: Reach, found: Sequence[FoundCheck]) -> str:
    """The clients whom the checks in a document let in."""
    passing = {identity.thumbprint for one in found for identity in one.check.identities}
    pinned = [client.name for client in reach.clients if client.thumbprint in passing]
    everybody = [client.name for client in reach.clients if not any(passing)]
    return ", ".join(pinned or everybody) or "the declared identities"
