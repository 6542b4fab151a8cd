"""
What placement left alone, as findings: each kind with a code of its own, the place, and why it is left.

Called by the rule that places checks. It must not decide what is left; placement.py has done that.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Finding, Severity, Stage
from apimend.policy.placed import Left, Unplaced
from apimend.policy.topology import GLOBAL


class _Told(NamedTuple):
    """How a kind is reported."""

    code: str
    why: str


_TOLD = {
    Left.NOT_NEGOTIATED: _Told(code="check_refused", why="A check would refuse every caller there."),
    Left.FOREIGN: _Told(
        code="foreign_check",
        why="Apimend changes only what it put in. Take the check out, and the next visit puts in the declared one.",
    ),
    Left.NOT_READ: _Told(
        code="policy_not_understood",
        why="What can't be read without guessing is never edited, and what runs in it counts as uncovered.",
    ),
    Left.TOO_LARGE: _Told(code="policy_too_large", why="Azure takes no larger document in this tier."),
    Left.NOT_THERE: _Told(
        code="scope_not_found", why="What is declared for it has no effect. Mend the name in the desired state."
    ),
    Left.NOT_COVERED: _Told(code="operations_not_covered", why="It is not ours to change."),
}

_STEPS = {
    Left.NOT_NEGOTIATED: (
        "Of a host that Resource Manager doesn't show (a single region, a self-hosted gateway) say under `hosts` "
        "whether it `negotiates` or stays `plain`, or have the app look from outside: APIMEND_PROBE=true.",
    )
}
_MOST = 40
"""Findings about single documents in one run; what is beyond is counted."""


def findings_of(unplaced: Sequence[Unplaced], instance: InstanceId, remediator: str) -> Iterator[Finding]:
    """What is left alone, document by document; the rest is counted."""
    yield from (_finding(each, instance, remediator) for each in unplaced[:_MOST])
    if len(unplaced) > _MOST:
        common = Counter(each.reason for each in unplaced[_MOST:]).most_common(3)
        yield Finding(
            code="operations_not_covered",
            target=instance,
            remediator=remediator,
            severity=Severity.MEDIUM,
            message=f"{len(unplaced) - _MOST} more documents: {'; '.join(reason for reason, _ in common)}.",
            why_left="They are not ours to change.",
        )


def target_of(instance: InstanceId, scope: str) -> ResourceId:
    """The resource that a scope is; a fragment's findings stand at the instance."""
    if scope == GLOBAL or scope.startswith("fragment "):
        return instance
    return instance.child(*(part for part in scope.split("/") if part))


def _finding(each: Unplaced, instance: InstanceId, remediator: str) -> Finding:
    code, why = _TOLD[each.kind]
    return Finding(
        code=code,
        target=instance if each.blocks else target_of(instance, each.scope),
        remediator=remediator,
        severity=Severity.HIGH if each.blocks else Severity.MEDIUM,
        message=f"{_where(each)}: {each.reason}.",
        why_left=why,
        steps=_STEPS.get(each.kind, ()),
        blocks=frozenset({Stage.VALIDATE}) if each.blocks else frozenset(),
    )


def _where(each: Unplaced) -> str:
    line = f", line {each.line}" if each.line else ""
    return f"{each.scope or 'all APIs'}{line}{f', column {each.column}' if each.column else ''}"
