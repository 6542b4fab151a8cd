"""
A plan: what a visit would do, as data. Sorted, frozen, with a digest; doing nothing is a plan too.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import cached_property

from apimend.model.ids import ResourceId


class Stage(IntEnum):
    """The order of changes. A stage starts only when the one before is live."""

    PREPARE = 0
    NEGOTIATE = 1
    VALIDATE = 2


class Kind(Enum):
    """What a change writes."""

    SERVICE_NEGOTIATION = "service negotiation"
    SERVICE_CA = "service CA certificates"
    CERTIFICATE = "certificate"
    CERTIFICATE_REFRESH = "certificate refresh"
    POLICY = "policy"
    BACKEND = "backend"
    GATEWAY_HOSTNAME = "gateway hostname"
    GATEWAY_AUTHORITY = "gateway certificate authority"

    @property
    def on_service(self) -> bool:
        """Whether it goes into the one PATCH of the service."""
        return self in (Kind.SERVICE_NEGOTIATION, Kind.SERVICE_CA)


class Severity(IntEnum):
    """How much a finding matters."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """As it is written in reports."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Change:
    """
    One write.

    `before` and `after` are texts: a policy document verbatim, or canonical JSON of the properties that we own
    (see `canonical`). `before` None: it is not there now; `after` None: it is to go. `etag` is the one that was
    read, for If-Match. `was` and `will` say the same for people and are safe to show anywhere.
    `minutes` is how long Azure is expected to take, (shortest, longest); `downtime` what callers notice.
    `rank` orders changes within a stage where the order matters; `ask` is why this one needs approval in every mode.
    """

    kind: Kind
    target: ResourceId
    stage: Stage
    remediator: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    etag: str | None = None
    reason: str
    was: str = ""
    will: str = ""
    minutes: tuple[int, int] = (0, 0)
    downtime: str = ""
    hand_off: str = field(default="", repr=False)
    rank: int = 0
    ask: str = ""

    @cached_property
    def id(self) -> str:
        """What the change is, in 16 hexadecimal digits: kind, target, before and after."""
        parts = (self.kind.value, self.target.key, self.before, self.after)
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Where it stands in a plan."""
        return (self.stage, self.rank, self.target.key, self.kind.value)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """
    Something wrong that is reported and not changed.

    `code` is constant and in snake case; `why_left` tells why it is left alone; `steps` are commands or manual
    steps with the names filled in; `hand_off` is a snippet for the owner's code.
    """

    code: str
    target: ResourceId
    remediator: str
    severity: Severity
    message: str
    why_left: str = ""
    steps: tuple[str, ...] = ()
    hand_off: str = field(default="", repr=False)
    blocks: frozenset[Stage] = frozenset()

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Where it stands in a plan: the worst first."""
        return (-self.severity, self.target.key, self.code, self.message)


@dataclass(frozen=True, kw_only=True)
class Uncovered:
    """
    Operations of one API that are not covered for one reason: how many, and the first of them by name.

    `document` is a scope, empty for the instance, or `fragment x`; line 0 where nothing is there.
    """

    verdict: str
    api: str
    operation: str
    operations: int
    document: str
    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CoverageFigures:
    """
    How many operations turn away a caller without an allowed certificate, in every call context.

    `verdicts` counts operations by their worst verdict; `apis` has (API name, covered, total); `worst` are the worst
    verdicts with place and reason, a bounded number of them.
    """

    covered: int
    total: int
    verdicts: Mapping[str, int] = field(default_factory=dict)
    apis: tuple[tuple[str, int, int], ...] = ()
    worst: tuple[Uncovered, ...] = ()

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all; an instance without operations has nothing uncovered."""
        return 100 if self.total == 0 else self.covered * 100 // self.total


@dataclass(frozen=True, kw_only=True)
class Plan:
    """
    The changes and findings of one visit, sorted.

    `coverage` is how it stands now, `coverage_after` how it would stand with all changes applied.
    """

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    coverage: CoverageFigures | None = None
    coverage_after: CoverageFigures | None = None

    @classmethod
    def of(
        cls,
        changes: Iterable[Change],
        findings: Iterable[Finding] = (),
        *,
        coverage: CoverageFigures | None = None,
        coverage_after: CoverageFigures | None = None,
    ) -> "Plan":
        """The plan of these, in order and without doubles."""
        return cls(
            changes=tuple(sorted({c.id: c for c in changes}.values(), key=lambda c: c.order)),
            findings=tuple(sorted(dict.fromkeys(findings), key=lambda f: f.order)),
            coverage=coverage,
            coverage_after=coverage_after,
        )

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the set of changes; an approval names it."""
        return hashlib.sha256("\n".join(sorted(c.id for c in self.changes)).encode()).hexdigest()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.changes

    def blocked(self, stage: Stage) -> tuple[Finding, ...]:
        """The findings that forbid this stage."""
        return tuple(finding for finding in self.findings if stage in finding.blocks)


def canonical(value: object) -> str:
    """JSON with sorted keys and no white space: the form in which owned properties are compared and stored."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
