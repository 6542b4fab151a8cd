"""
What the engine and the rules need of the world, as Protocols: adapters fulfil them, `wiring` joins them.

Reading and writing are different types. A rule is handed an InstanceReader and can't write; a run in report
mode has no InstanceWriter at all.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, TypeVar

from apimend.model.access import Grant, Subnet, Vault
from apimend.model.azure import (
    Api,
    Backend,
    Certificate,
    Gateway,
    GatewayAuthority,
    GatewayHost,
    Operation,
    PolicyText,
    Product,
    Service,
    VaultCertificate,
    VaultVersion,
    Workspace,
)
from apimend.model.desired import Desired, Uploaded, VaultObject
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, CoverageFigures, Finding
from apimend.model.posture import Assessment
from apimend.model.runs import Handshake, Intent, Order, Progress, Run, ServerShown, Trigger


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The time, in UTC, aware."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait. A few seconds at the most: anything longer goes back to the queue."""
        ...


class InstanceReader(Protocol):
    """
    One visit's view of one instance. Each resource is read once: concurrent askers share the fetch.

    Every method may raise TryLater or Denied; what is not there is None or an empty tuple unless said.
    """

    @property
    def instance(self) -> InstanceId:
        """The instance that this is a view of."""
        ...

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls were made so far, by kind (`arm`, `vault`, `graph`)."""
        ...

    def vault_host(self, vault: str) -> str:
        """The host, with port where it has one, of a vault by name."""
        ...

    async def service(self) -> Service:
        """The service itself. Raises Gone where there is none."""
        ...

    async def certificates(self) -> tuple[Certificate, ...]:
        """The certificate entities."""
        ...

    async def apis(self, workspace: str = "") -> tuple[Api, ...]:
        """The current revision of every API, of the instance or of a workspace."""
        ...

    async def revisions(self, api: Api) -> tuple[Api, ...]:
        """All revisions of an API, the current one included."""
        ...

    async def operations(self, api: Api) -> tuple[Operation, ...]:
        """The operations of an API revision."""
        ...

    async def products(self, workspace: str = "") -> tuple[Product, ...]:
        """The products, of the instance or of a workspace."""
        ...

    async def product_apis(self, product: Product) -> tuple[str, ...]:
        """The names of the APIs in a product."""
        ...

    async def policy(self, scope: ResourceId) -> PolicyText | None:
        """The document at a scope (the instance, a product, an API, an operation, a workspace)."""
        ...

    async def policy_scopes(self) -> frozenset[str]:
        """
        The keys of the scopes that have a document, as `allPolicies` tells them.

        A hint that spares reads; it may lag, so it is never proof that there is none.
        """
        ...

    async def fragments(self) -> tuple[PolicyText, ...]:
        """The policy fragments."""
        ...

    async def gateways(self) -> tuple[Gateway, ...]:
        """The self-hosted gateways."""
        ...

    async def gateway_hosts(self, gateway: Gateway) -> tuple[GatewayHost, ...]:
        """The hostname configurations of a self-hosted gateway."""
        ...

    async def gateway_authorities(self, gateway: Gateway) -> tuple[GatewayAuthority, ...]:
        """The certificate authorities of a self-hosted gateway."""
        ...

    async def gateway_apis(self, gateway: Gateway) -> tuple[str, ...]:
        """The names of the APIs that a self-hosted gateway serves."""
        ...

    async def workspaces(self) -> tuple[Workspace, ...]:
        """The workspaces."""
        ...

    async def backends(self) -> tuple[Backend, ...]:
        """The backends."""
        ...

    async def vault_certificate(self, source: VaultObject) -> VaultCertificate:
        """
        A Key Vault certificate's public side, latest version.

        Raises Gone (no such certificate or vault) or Denied (no right to see it, or a firewall).
        """
        ...

    async def vault_versions(self, source: VaultObject) -> tuple[VaultVersion, ...]:
        """
        Every version of a Key Vault certificate, the disabled and expired ones too.

        Raises Gone or Denied, as `vault_certificate` does.
        """
        ...

    async def proxies_in_front(self) -> tuple[str, ...]:
        """Ids of Application Gateways whose backends name this instance's hosts or addresses."""
        ...

    async def vault(self, name: str) -> Vault | None:
        """A vault as a resource: who it lets in. None where we can't see one of this name."""
        ...

    async def grants(self, scope: ResourceId, principal: str) -> tuple[Grant, ...]:
        """What a principal was given itself at a scope or above it; nothing through groups is seen."""
        ...

    async def subnet(self, id: ResourceId) -> Subnet | None:
        """A subnet with its security rules. None where we can't see it."""
        ...

    async def resource(self, id: ResourceId, api_version: str) -> Mapping[str, Any] | None:
        """Any other ARM resource as raw JSON; None where it is not there."""
        ...

    async def entity(self, id: ResourceId, api_version: str) -> Mapping[str, Any]:
        """The same, where it matters why it is not there. Raises Gone."""
        ...

    async def listed(
        self, id: ResourceId, api_version: str, *, filter: str = "", **asked: str
    ) -> tuple[Mapping[str, Any], ...]:
        """Any list as raw JSON, all its pages, shared with the lists above. Raises Gone."""
        ...

    async def query(self, text: str, *, everywhere: bool = False) -> tuple[Mapping[str, Any], ...]:
        """The rows of a Resource Graph query, within the instance's subscription or in all that we can read."""
        ...

    async def operation(self, at: str) -> str | None:
        """
        Why a long operation failed, in Azure's words; empty where it did not fail or is no longer known, None while
        it is under way.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Written:
    """
    What Azure said to a write. `pending`: a long operation was started, the state tells when it has ended;
    `operation` is the path and query where Azure tells what came of it.
    """

    etag: str = ""
    pending: bool = False
    operation: str = ""


class InstanceWriter(Protocol):
    """The only thing that can change an instance. It does not exist in report mode."""

    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        """
        Send the service changes in one PATCH, copied from a fresh GET less nulls.

        Raises Changed where the service is no longer what the changes were planned on, Busy while it is
        transitioning, Rejected where an entry may not be resent.
        """
        ...

    async def write(self, change: Change, *, request_id: str) -> Written:
        """Send any other change: conditional on its etag; `after` None deletes. Raises Changed on 412."""
        ...


class Azure(Protocol):
    """Where readers and writers come from."""

    def reader(self, instance: InstanceId, *, urgent: bool = True) -> InstanceReader:
        """A fresh view for one visit. One that is not urgent leaves room for those that are, below Azure's limits."""
        ...

    def writer(self, instance: InstanceId) -> InstanceWriter:
        """A writer."""
        ...

    async def instances(self, subscriptions: frozenset[str]) -> tuple[InstanceId, ...]:
        """Every instance that we can see in these subscriptions (all, where empty)."""
        ...

    async def subscriptions(self) -> Mapping[str, str]:
        """Every subscription that we can read, by id in lower case, with its state."""
        ...


class Prober(Protocol):
    """Looks at gateway hosts from outside."""

    async def shake_hands(self, host: str, *, canary_path: str = "") -> Handshake:
        """What the host shows. A host that can't be reached from here is said to be so; nothing is raised."""
        ...

    async def show(self, url: str) -> ServerShown:
        """The certificate that a server shows. One that can't be reached is said to be so; nothing is raised."""
        ...


class Safety(Enum):
    """How careful one has to be with a rule's changes."""

    SAFE = "safe"
    OPT_IN = "opt-in"
    REPORT_ONLY = "report only"


@dataclass(frozen=True, kw_only=True)
class VisitContext:
    """
    What a rule may know besides what it observed: the time, and what the ledger remembers.

    `thorough`: look also at what a plain event on the service doesn't call for. `wrote` tells our writes to a
    resource, newest first, so that a rule knows its own work again. `handshakes` is what hosts showed from outside,
    by host in lower case: only where this visit looked. `walk`: ask every scope for its policy, because lists lag.
    `show` looks at the certificate that a backend shows; None where nothing tells us to look.
    """

    now: datetime
    progress: Progress
    wrote: Callable[[ResourceId], Awaitable[tuple[Intent, ...]]]
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


class DesiredSource(Protocol):
    """Where the desired state comes from."""

    async def resolve(self, service: Service) -> Desired | None:
        """
        What is declared for this instance; None where nothing selects it.

        Raises BadInput where the desired state can't be read: then nothing is written.
        """
        ...

    async def allows(self, instance: InstanceId) -> bool:
        """Whether the instance lies in a declared subscription."""
        ...


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An honoured bell: the instance, and the count of rings that this visit answers."""

    instance: InstanceId
    rung: int
    ticket: str


class Bells(Protocol):
    """How visits are woken: a row and a message for each instance (one that is due, never a heap)."""

    async def ring(self, trigger: Trigger, *, after: float = 0.0) -> None:
        """Ask for a visit in `after` seconds; a message is sent only if none is due sooner."""
        ...

    async def answer(self, message: str) -> Visit | None:
        """The visit that a queue message asks for; None for a message that is no longer the current one.

        Raises Unreadable for a message of an unknown form or version."""
        ...

    async def finish(self, visit: Visit, *, again_after: float | None = None, hold: bool = False) -> None:
        """
        Note what was answered; ring again if it was rung meanwhile, or in `again_after` seconds.

        With `hold` only a person's wish (replay, order, command) wakes the instance before that: for a Retry-After.
        """
        ...

    async def overdue(self) -> tuple[InstanceId, ...]:
        """Instances whose bell should have been answered long ago."""
        ...

    async def trigger(self, instance: InstanceId) -> Trigger | None:
        """The newest trigger that rang this bell, for the log."""
        ...

    async def due(self, instance: InstanceId) -> datetime | None:
        """When the next visit is due: in the past for one that is late or under way, None where none is wanted."""
        ...


class Leases(Protocol):
    """One writer per instance."""

    def hold(self, instance: InstanceId) -> AbstractAsyncContextManager["Lease"]:
        """The lease, held and renewed inside the block. Raises LeaseTaken."""
        ...


class Lease(Protocol):
    """A held lease."""

    async def confirm(self) -> None:
        """Raises LeaseTaken where it was lost meanwhile: ask before every write."""
        ...


class Ledger(Protocol):
    """What is remembered: runs, intents with pre-images, orders, progress."""

    async def progress(self, instance: InstanceId) -> Progress: ...
    async def save_progress(self, progress: Progress) -> None: ...
    async def intend(self, intent: Intent) -> None:
        """Before a write: the intent, with its pre-image, is durable when this returns."""
        ...

    async def close(self, intent: Intent) -> None:
        """After a write: what came of it (`closed`, `etag_after`, `undone`)."""
        ...

    async def open_intents(self, instance: InstanceId) -> tuple[Intent, ...]:
        """Writes that a crash left open."""
        ...

    async def intents(self, run: str) -> tuple[Intent, ...]:
        """The writes of a run, oldest first."""
        ...

    async def wrote(self, instance: InstanceId, target: ResourceId, *, limit: int | None = None) -> tuple[Intent, ...]:
        """Our writes to one resource, newest first."""
        ...

    async def is_ours(self, request_id: str) -> bool:
        """Whether a client request id is that of one of our recorded writes."""
        ...

    async def save_run(self, run: Run) -> None: ...
    async def run(self, id: str) -> Run | None: ...
    async def runs(self, instance: InstanceId | None = None, *, limit: int = 50) -> tuple[Run, ...]:
        """Runs, newest first."""
        ...

    async def add_order(self, order: Order) -> None: ...
    async def orders(self, instance: InstanceId) -> tuple[Order, ...]:
        """Orders that are not consumed, oldest first (expired ones included: the visit says so)."""
        ...

    async def order(self, id: str) -> tuple[Order, str] | None:
        """An order by its id, and the run that consumed it: empty while it stands."""
        ...

    async def consume(self, order: Order, run: str) -> None: ...
    async def instances(self) -> tuple[Progress, ...]:
        """What is remembered of every instance that was ever looked at."""
        ...

    async def note(self, key: str, value: str) -> None:
        """A small fact of the whole tenant (the last sweep, the global stop)."""
        ...

    async def noted(self, key: str) -> str: ...


class Buckets(Protocol):
    """Shared token buckets that stay below Azure Resource Manager's limits (`reads`, `writes`, `deletes`)."""

    async def take(self, subscription: str, kind: str, *, urgent: bool = True) -> None:
        """Leave to make one call. Raises Throttled; work that is not urgent meets it earlier."""
        ...

    async def drain(self, subscription: str, kind: str, *, after: float) -> None:
        """Azure answered 429 with this Retry-After: nobody gets leave before."""
        ...


class Notices(Protocol):
    """Where the engine hands over what people should hear; delivery goes through a queue and never blocks a visit."""

    async def tell(self, run: Run, desired: Desired | None) -> None:
        """Queue the notices that this run deserves."""
        ...


class Notifier(Protocol):
    """The only speaker to Teams and to the outgoing topic."""

    async def card(self, webhook: str, card: Mapping[str, Any]) -> None:
        """Post one card. Raises TryLater on 429 and outages, Rejected otherwise."""
        ...

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Publish CloudEvents to the outgoing topic, where one is set."""
        ...


class Messages(Protocol):
    """A queue as Azure Storage has it: at least once, delays, no order."""

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        """Put a message that becomes visible in `after` seconds (7 days at the most)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Record:
    """A stored document with the etag it had when it was read."""

    key: str
    body: bytes = field(repr=False)
    etag: str


class Records(Protocol):
    """
    Small documents by container and key, with etags: what ledger and bells are built on.

    `etag` None writes whatever is there; an empty text only where nothing is there yet; any other only where
    it is still the current one. Raises Changed otherwise. Keys sort as text.
    """

    async def get(self, container: str, key: str) -> Record | None: ...
    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        """The new etag."""
        ...

    async def delete(self, container: str, key: str) -> None: ...
    def list(self, container: str, prefix: str = "", *, limit: int | None = None) -> AsyncIterator[Record]:
        """The documents whose key begins with `prefix`, in the order of their keys."""
        ...
