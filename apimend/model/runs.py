"""
What rings, what a person orders, what came of it: Trigger, Order, Outcome, Run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from apimend.model.desired import Mode
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.own import Own
from apimend.model.plan import Plan
from apimend.model.posture import PostureFigures


class Cause(Enum):
    """Why an instance is visited."""

    EVENT = "event"
    SWEEP = "sweep"
    REPLAY = "replay"
    ORDER = "order"
    FOLLOW_UP = "follow-up"
    COMMAND = "command"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """
    What rang. `touched` is the resource that was written, where an event told; `by` who caused it, for the log.

    `client_request_id` is the writer's own mark, by which our own echoes are known.
    """

    cause: Cause
    instance: InstanceId
    at: datetime
    touched: ResourceId | None = None
    event_id: str = ""
    operation: str = ""
    by: str = ""
    client_request_id: str = ""
    urgent: bool = True


class OrderKind(Enum):
    """What a person asked of a visit."""

    REPLAY = "replay"
    APPROVE = "approve"
    UNDO = "undo"
    RELAX = "relax"
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True)
class Order:
    """
    What a person asked of a visit: kept in the ledger until a visit consumes it, or until it expires.

    `run` is the earlier run that it speaks of; `changes` the ids of changes that an approval covers.
    `mode` lowers the mode, never raises it.
    """

    id: str
    kind: OrderKind
    instance: InstanceId
    by: str
    at: datetime
    expires: datetime | None = None
    mode: Mode | None = None
    run: str = ""
    changes: frozenset[str] = frozenset()
    reason: str = ""


class Status(Enum):
    """What became of a change."""

    PLANNED = "planned"
    APPLIED = "applied"
    PENDING = "pending"
    DEFERRED = "deferred"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    What became of one change. `why` is for people; `after` is in seconds, for DEFERRED.

    `code` and `request_id` are Azure's, where it answered.
    """

    change: str
    status: Status
    why: str = ""
    after: float | None = None
    code: str = ""
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """
    What a gateway host showed from outside. `asks` is None where it could not be reached, and `why` says so.

    `versions` are TLS versions that it speaks; `canary` is the status that a call without a certificate got from
    the declared path, None where there is none or no answer.
    """

    host: str
    asks: bool | None
    versions: tuple[str, ...] = ()
    canary: int | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class ServerShown:
    """
    What a server showed in a handshake: its chain in DER, its own certificate first; empty where it could not be
    reached, and `why` says so. `public`: its chain and its name pass with the authorities that every system trusts.
    """

    chain: tuple[bytes, ...] = field(default=(), repr=False)
    public: bool = False
    why: str = ""


class Result(Enum):
    """How a run ended, in one word; a card is made for each."""

    CONVERGED = "converged"
    PLANNED = "planned"
    ASKED = "asked"
    APPLIED = "applied"
    PENDING = "pending"
    PARTIAL = "partial"
    REFUSED = "refused"
    FAILED = "failed"
    UNDONE = "undone"
    GONE = "gone"
    UNMANAGED = "unmanaged"


@dataclass(frozen=True, kw_only=True)
class Run:
    """
    One visit, whole. `notes` are sentences for people (why something waits, until when access depends on us).
    `posture` is there where controls were judged; what each came to the ledger has in a note.

    `error` is set where the visit itself broke.
    """

    id: str
    instance: InstanceId
    trigger: Trigger
    mode: Mode
    started: datetime
    ended: datetime
    result: Result
    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    declared: str = ""
    error: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    next_visit: float | None = None
    handshakes: tuple[Handshake, ...] = ()
    posture: PostureFigures | None = None

    def outcome_of(self, change: str) -> Outcome | None:
        """What became of the change with this id."""
        return next((outcome for outcome in self.outcomes if outcome.change == change), None)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """
    A write that is about to happen, with its pre-image: in the ledger before the write.

    `before` is the pre-image (None: it was not there) and `after` what is written; `etag_after` is filled in
    when the write was accepted. An intent that is still open when a visit starts means that we crashed. `textless`: its
    texts have expired, or were not asked for, so that None tells nothing; it is never stored.
    """

    id: str
    run: str
    instance: InstanceId
    change: str
    kind: str
    target: ResourceId
    stage: int
    remediator: str
    at: datetime
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)
    request_id: str
    closed: str = ""
    etag_after: str = ""
    undone: bool = False
    textless: bool = False


@dataclass(frozen=True, kw_only=True)
class Hold:
    """
    What a person took back by an order: no visit puts it in force again by itself.

    RELAX holds every check until `until`, RELEASE every check until an approval, UNDO the one property of `kind` at
    `target` until an approval. `run` is the run that took it back.
    """

    order: OrderKind
    by: str
    at: datetime
    run: str
    until: datetime | None = None
    kind: str = ""
    target: ResourceId | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """
    What the ledger remembers of an instance between visits.

    `update_since` is when our service update was started, `operation` where Azure tells of it (path and query);
    `good_readings` how often, since it ended, both state fields were found idle with negotiation on, `last_reading`
    when last. `update_failures` counts those that failed in a row, `update_failed_at` and `update_error` tell of
    the last. `hosts` are those that the service had before it (type, name, thumbprint).
    `writes` counts our writes by day (`2026-11-22`). `last_digest` is the plan that was posted last. `seen`
    is the last look at the instance, `heard` the last that an event called for. `failures` counts visits that failed in
    a row. `own` is what is ours of policies, by their path below the instance: it tells what texts told that have
    expired. `checks` are policies that were written before `own` was kept. `holds` is what people took back.
    """

    instance: InstanceId
    update_since: datetime | None = None
    settling: bool = False
    good_readings: int = 0
    last_reading: datetime | None = None
    writes: Mapping[str, int] = field(default_factory=dict)
    last_digest: str = ""
    last_result: str = ""
    managed: bool = False
    negotiated: bool = False
    checked: bool = False
    seen: datetime | None = None
    heard: datetime | None = None
    coverage: tuple[int, int] | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    operation: str = ""
    update_failures: int = 0
    update_failed_at: datetime | None = None
    update_error: str = ""
    hosts: tuple[str, ...] = ()
    failures: int = 0
    checks: tuple[ResourceId, ...] = ()
    own: Mapping[str, Own] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
