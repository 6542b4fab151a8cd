"""
A renewal, told from other edits: a live check that accepts more certificates than before, and differs in nothing else.

Called by the rule that places checks. Such an edit can't lock anybody out, so it waits for nothing; it must never be
taken for one that puts a check in, sharpens one or takes one out.
"""

from dataclasses import replace

from apimend.model.check import ClientCertificateCheck
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.change import FoundCheck, find_checks
from apimend.policy.check import normal_check
from apimend.policy.compare import same_policy
from apimend.policy.document import Document


def only_accepts_more(before: str | None, after: str | None) -> bool:
    """Whether `after` is `before` with identities added to its checks, and nothing else."""
    if before is None or after is None:
        return False
    try:
        old, new = find_checks(Document.parse(before)), find_checks(Document.parse(after))
    except PolicyNotUnderstood:
        return False
    if not old or len(old) != len(new) or not all(map(_is_wider, old, new)):
        return False
    return same_policy(Document.parse(_without_checks(before, old)), Document.parse(_without_checks(after, new)))


def _is_wider(old: FoundCheck, new: FoundCheck) -> bool:
    if old.not_understood or new.not_understood or old.guard != new.guard:
        return False
    one, other = normal_check(old.check), normal_check(new.check)
    # No identity at all means any certificate: that is more than a list, and a list is less.
    wider = bool(one.identities) and set(one.identities) <= set(other.identities)
    return wider and _switches(one) == _switches(other)


def _switches(check: ClientCertificateCheck) -> ClientCertificateCheck:
    return replace(check, identities=())


def _without_checks(text: str, found: tuple[FoundCheck, ...]) -> str:
    """The text with an empty check in the place of each."""
    for one in reversed(found):
        span = one.element.span
        text = f"{text[: span.start]}<validate-client-certificate />{text[span.end :]}"
    return text
