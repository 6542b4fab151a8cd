"""
What the operators declare for one instance, resolved from the desired state.

`apimend.documents` makes these; rules read them. A Desired is complete: selectors, defaults and precedence
have already been applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import Enum, IntEnum

from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form, Record
from apimend.model.ids import InstanceId


class Mode(IntEnum):
    """How far a run may go. The lowest of ceiling, declared and requested counts."""

    REPORT = 0
    ASK = 1
    ENFORCE = 2

    @property
    def word(self) -> str:
        """As it is written in settings, bodies and the desired state."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> "Mode":
        """The mode of a word in lower case. Raises ValueError for any other text."""
        if word != word.lower() or word.upper() not in cls.__members__:
            raise ValueError(f"{word!r} is no mode. Write report, ask or enforce.")
        return cls[word.upper()]


class Arrives(Enum):
    """How the client's certificate reaches the gateway: in the handshake, or in a header set by a proxy."""

    DIRECT = "direct"
    HEADER = "header"


class Action(Enum):
    """What a check does with a caller who fails it."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class State(Enum):
    """Whether a thing is declared to be there; ABSENT is the only way to have one taken out."""

    PRESENT = "present"
    ABSENT = "absent"


class Uploaded(Enum):
    """What to do with a hostname list that holds an uploaded certificate, whose private part never comes back."""

    REFUSE = "refuse"
    RESEND = "resend"


class NegotiationLost(Enum):
    """What to do when negotiation vanishes under a live check: leave the check, or set it to observe."""

    KEEP = "keep"
    OBSERVE = "observe"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something is declared, for messages: `desired.yaml:12`."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, kw_only=True)
class VaultObject:
    """A Key Vault certificate by vault and name; never a version, so that renewals are picked up."""

    vault: str
    name: str


@dataclass(frozen=True, kw_only=True)
class DeclaredCertificate:
    """
    A client certificate that is to be attached to the instance from Key Vault.

    `identity` is the client id of a user-assigned identity, or None for the system-assigned one.
    """

    id: str
    source: VaultObject
    identity: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeclaredClient:
    """
    A caller who is to be let in. Exactly one of `source`, `pem` and `thumbprint` is given.

    `also` are certificates accepted besides (a rotation's other side), as upper-case SHA-1 thumbprints; `retired`
    those of which it is confirmed that nobody shows them any more: they are given up before they expire.
    """

    name: str
    source: VaultObject | None = None
    pem: str | None = field(default=None, repr=False)
    thumbprint: str | None = None
    also: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DeclaredAuthority:
    """A CA certificate that is to be in the trust store; `store` is Root or CertificateAuthority."""

    name: str
    store: str
    source: VaultObject | None = None
    pem: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class DeclaredCheck:
    """
    The check that callers have to pass.

    `template` carries the attributes and any explicitly declared identities; without these, the clients'
    thumbprints are pinned.
    """

    template: ClientCertificateCheck
    action: Action = Action.ENFORCE
    state: State = State.PRESENT
    form: Form = Form.ELEMENT
    observe_days: int = 7
    record: Record = Record.TRACE

    @property
    def identities(self) -> tuple[ClientIdentity, ...]:
        """The identities that the operators wrote themselves; empty: the clients are pinned by thumbprint."""
        return self.template.identities


@dataclass(frozen=True, kw_only=True)
class DeclaredScope:
    """
    A check of its own below the instance. `scope` is a path such as `apis/orders` or `products/gold`.

    `check` is complete: what it leaves out is taken over from the instance's check, and so are the clients.
    """

    scope: str
    check: DeclaredCheck
    clients: tuple[DeclaredClient, ...] = ()
    place: Place = Place()


@dataclass(frozen=True, kw_only=True)
class DeclaredGateway:
    """
    What is said of a self-hosted gateway. `negotiates` is the operator's word on its hosts, None: not said.

    `authorities` are ids of attached certificates that it trusts; `trust` authorities that are uploaded for it.
    """

    name: str
    negotiates: bool | None = None
    authorities: tuple[str, ...] = ()
    trust: tuple[DeclaredAuthority, ...] = ()
    guarded: bool = False


@dataclass(frozen=True, kw_only=True)
class DeclaredBackend:
    """What a backend is to present and to check. Validation is opt-in for each backend."""

    name: str
    certificates: tuple[str, ...] = ()
    validate: bool = False


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """
    A declared exemption. `scope` is a path below the instance (`apis/status`) or empty for all of it.

    `controls` are the names it applies to; it never ends a check by itself when it expires.
    """

    id: str
    category: str
    owner: str
    reason: str
    ticket: str
    expires: datetime
    scope: str = ""
    controls: tuple[str, ...] = ()
    place: Place = Place()


@dataclass(frozen=True, kw_only=True)
class Window:
    """When writes may start: weekdays (Monday is 0), from and to as local times of `zone` (an IANA name)."""

    days: frozenset[int]
    start: time
    end: time
    zone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """
    Safety valves: more than this becomes `ask`.

    `writes_a_day` bounds the writes on one instance, `instances_a_day` how many instances are changed,
    `rounds` how often one property is written against another writer before we stop.
    """

    writes_a_day: int = 50
    instances_a_day: int = 10
    rounds: int = 3


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where cards go: `webhook` names a setting that holds the URL, never the URL itself."""

    webhook: str
    severities: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """What a person vouches for, because Azure cannot show it: who, with what evidence, and until when."""

    control: str
    owner: str
    evidence: str
    expires: datetime
    place: Place = Place()


@dataclass(frozen=True, kw_only=True)
class Desired:
    """Everything declared for one instance."""

    instance: InstanceId
    place: Place = Place()
    name: str = ""
    mode: Mode = Mode.REPORT
    modes: Mapping[str, Mode] = field(default_factory=dict)
    arrives: Arrives | None = None
    header: str = ""
    header_restriction: str = ""
    negotiate: bool = True
    plain_hosts: frozenset[str] = frozenset()
    negotiating_hosts: frozenset[str] = frozenset()
    uploaded: Uploaded = Uploaded.REFUSE
    consumption_require: bool = False
    on_negotiation_lost: NegotiationLost = NegotiationLost.KEEP
    certificates: tuple[DeclaredCertificate, ...] = ()
    clients: tuple[DeclaredClient, ...] = ()
    authorities: tuple[DeclaredAuthority, ...] = ()
    check: DeclaredCheck | None = None
    scopes: tuple[DeclaredScope, ...] = ()
    gateways: tuple[DeclaredGateway, ...] = ()
    backends: tuple[DeclaredBackend, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    window: Window | None = None
    limits: Limits = Limits()
    routes: tuple[Route, ...] = ()
    canary_path: str = ""
    expiry_days: int = 30
    approvers: frozenset[str] = frozenset()
    attestations: tuple[Attestation, ...] = ()
    exposure: str = ""
    environment: str = "prod"
    owner: str = ""
    stage: str = ""

    def mode_of(self, remediator: str) -> Mode:
        """The declared mode of one remediator: never above the instance's own."""
        return min(self.mode, self.modes.get(remediator, self.mode))
