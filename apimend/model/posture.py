"""
The posture of an instance as data: what each control of the security baseline came to, and on what evidence.

Controls make assessments, the ledger keeps them, reports render them. Nothing here writes to Azure or holds a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from apimend.model.plan import Severity


class Verdict(Enum):
    """What a control came to. Not readable is UNKNOWN, never a pass."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not applicable"
    UNKNOWN = "unknown"
    WAIVED = "waived"
    ATTESTED = "attested"
    ATTESTATION_MISSING = "attestation missing"
    ATTESTATION_EXPIRED = "attestation expired"

    @property
    def is_bad(self) -> bool:
        """Whether somebody has to do something about it, if only to let us look."""
        return self in _BAD

    @property
    def is_good(self) -> bool:
        """Whether the control is met."""
        return self in (Verdict.PASS, Verdict.ATTESTED)

    @property
    def counts(self) -> bool:
        """Whether it counts in a score at all."""
        return self.is_bad or self.is_good


_BAD = frozenset({Verdict.FAIL, Verdict.UNKNOWN, Verdict.ATTESTATION_MISSING, Verdict.ATTESTATION_EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """
    What one judgement rests on: a property of a resource, as it was read.

    `pointer` is a JSON pointer into the resource `subject`, or a line of a policy document; `observed` is masked and
    safe to show anywhere. `ok` is None where nothing could be concluded. `attestable`: it speaks against the control
    only because Azure does not show more, so that a person may vouch for it.
    """

    subject: str
    pointer: str
    observed: str
    expected: str
    ok: bool | None
    read: datetime
    api_version: str = ""
    why: str = ""
    severity: Severity = Severity.INFO
    attestable: bool = False


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What one control came to on one instance. `until` is the end of a waiver or an attestation."""

    control: str
    name: str
    family: str
    title: str
    verdict: Verdict
    severity: Severity
    reason: str
    read: datetime
    evidence: tuple[Evidence, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class PostureFigures:
    """
    A posture in a few numbers: what a run and its card carry.

    `score` is out of 100; `families` has (family, score); `raises` names what would raise the score most; `failing`
    are the controls that newly fail since the posture before, `mended` those that no longer do. `whole`: every
    control was judged on this visit.
    """

    score: int
    verdicts: Mapping[str, int] = field(default_factory=dict)
    families: tuple[tuple[str, int], ...] = ()
    raises: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    whole: bool = True
