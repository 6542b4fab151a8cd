"""
What a rule is, what it may know, and what it says: fulfilled by each module of `remediators`, called by the engine.

A rule observes through a reader and plans purely; nothing here can write.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

from apimend.model.desired import Desired
from apimend.model.plan import Change, CoverageFigures, Finding
from apimend.model.posture import Assessment
from apimend.model.runs import Handshake, Progress, ServerShown
from apimend.ports.azure import InstanceReader


class Safety(Enum):
    """How careful one has to be with a rule's changes."""

    SAFE = "safe"
    OPT_IN = "opt-in"
    REPORT_ONLY = "report only"


@dataclass(frozen=True, kw_only=True)
class VisitContext:
    """
    What a rule may know besides what it observed: the time, and what the ledger remembers.

    `thorough`: look also at what a plain event on the service doesn't call for. `handshakes` is what hosts showed from
    outside, by host in lower case: only where this visit looked. `walk`: ask every scope for its policy, because lists
    lag. `show` looks at the certificate that a backend shows; None where nothing tells us to look.
    """

    now: datetime
    progress: Progress
    thorough: bool = True
    walk: bool = False
    handshakes: Mapping[str, Handshake] = field(default_factory=dict)
    touched: str = ""
    show: Callable[[str], Awaitable[ServerShown]] | None = None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """
    What a rule says: changes, findings, sentences for the run, and coverage where it is the one that knows.

    `remember` goes into the ledger's `Progress.evidence` for the next visit. `posture` is what controls came to.
    """

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    coverage: CoverageFigures | None = None
    coverage_after: CoverageFigures | None = None
    remember: Mapping[str, str] = field(default_factory=dict)
    posture: tuple[Assessment, ...] = ()


Observed = TypeVar("Observed")


class Remediator(Protocol[Observed]):
    """
    One rule for one fault. Observing reads; planning is pure.

    `watches` are path segments below the instance that concern it (`certificates`, `policies`; an empty text
    is the service itself): for the documentation and the roles, never for branching on an event.
    """

    @property
    def name(self) -> str: ...
    @property
    def watches(self) -> frozenset[str]: ...
    @property
    def safety(self) -> Safety: ...
    @property
    def reads(self) -> frozenset[str]:
        """The Azure actions it needs for observing."""
        ...

    @property
    def writes(self) -> frozenset[str]:
        """The Azure actions it needs for its changes."""
        ...

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Observed: ...
    def plan(self, observed: Observed, desired: Desired, context: VisitContext) -> Proposal: ...
