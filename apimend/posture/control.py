"""
A control of the security baseline, and what it finds: data and one pure function.

The families make controls, `judge` runs them. A control looks at an estate and yields what it found; it raises Unsure
where it can't tell and Beside where there is nothing to judge. It must not read anything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.estate import Estate


class Family(Enum):
    """A family of controls, in the order of reports."""

    NETWORK = "Network"
    TRANSIT = "Data in transit"
    SECRETS = "Secrets"
    ACCESS = "Identity and access"
    POLICIES = "Policies"
    DETECTION = "Logging and detection"
    OPERATION = "Configuration and recovery"
    ATTESTATIONS = "Attestations"


Judge = Callable[[Estate], Iterable[Evidence]]


@dataclass(frozen=True, kw_only=True)
class Control:
    """
    One control. `needs` are keys of readings, `feature` one of the tiers' table, `attested_by` the attestation that
    stands in where Azure shows nothing. `exposed`: it matters less behind a closed network. `compensated` is said
    where Apimend itself does what the control asks for.
    """

    id: str
    name: str
    family: Family
    title: str
    severity: Severity
    needs: tuple[str, ...]
    why: str
    mend: str
    judge: Judge = field(repr=False, compare=False)
    feature: str = ""
    attested_by: str = ""
    exposed: bool = False
    limits: str = ""
    mcsb: str = ""
    policy: str = ""
    psrule: str = ""
    cis: str = ""
    others: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What a waiver may call it, in lower case."""
        return frozenset({self.id.casefold(), self.name})


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What only a person can vouch for. `days` is how long an attestation may hold at the most."""

    id: str
    name: str
    title: str
    days: int
    severity: Severity = Severity.LOW
    mcsb: str = ""
    seed: str = ""
    hint: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """What an attestation or a waiver may call it, in lower case."""
        return frozenset({self.id.casefold(), self.name, self.name.replace("_", "-")})


@runtime_checkable
class Baseline(Protocol):
    """A rule that judges controls: what reports ask for their words."""

    @property
    def controls(self) -> tuple[Control, ...]: ...
    @property
    def statements(self) -> tuple[Statement, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The words of all controls and statements, by id."""

    controls: Mapping[str, Control] = field(default_factory=dict)
    statements: Mapping[str, Statement] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Iterable[object]) -> "Catalogue":
        """The catalogue of the rule among these that judges controls; an empty one where there is none."""
        for rule in rules:
            if isinstance(rule, Baseline):
                return cls(
                    controls={each.id: each for each in rule.controls},
                    statements={each.id: each for each in rule.statements},
                )
        return cls()

    @property
    def waivable(self) -> frozenset[str]:
        """Every name of a control or statement, in lower case."""
        return self.attestable | {name for control in self.controls.values() for name in control.names}

    @property
    def attestable(self) -> frozenset[str]:
        """Every name of a statement, in lower case."""
        return frozenset(name for statement in self.statements.values() for name in statement.names)
