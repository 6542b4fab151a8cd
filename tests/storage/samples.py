"""Values to store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from apimend.model.desired import Mode
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, CoverageFigures, Finding, Kind, Plan, Severity, Stage
from apimend.model.runs import Cause, Intent, Order, OrderKind, Outcome, Result, Run, Status, Trigger

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
SECRET = '<set-header name="X-Key"><value>hunter2 "quoted" @(1 < 2) \ufeff\r\n\t</value></set-header>'


def instance(name: str = "apim-orders") -> InstanceId:
    return InstanceId.of(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG-One/providers/Microsoft.ApiManagement/service/{name}"
    )


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def trigger(on: InstanceId | None = None, *, cause: Cause = Cause.EVENT, **more: Any) -> Trigger:
    return Trigger(cause=cause, instance=on or instance(), at=START, **more)


def policy_of(on: InstanceId | None = None) -> ResourceId:
    return (on or instance()).child("apis", "Orders", "policies", "policy")


def intent(id: str = "i1", *, run: str = "r1", at: datetime = START, **more: Any) -> Intent:
    basis = Intent(
        id=id,
        run=run,
        instance=instance(),
        change="0123456789abcdef",
        kind="policy",
        target=policy_of(),
        stage=2,
        remediator="client_certificate_unchecked",
        at=at,
        before=SECRET,
        after=None,
        request_id=f"request-of-{id}",
    )
    return replace(basis, **more)


def order(id: str = "o1", *, at: datetime = START, **more: Any) -> Order:
    basis = Order(
        id=id,
        kind=OrderKind.APPROVE,
        instance=instance(),
        by="ada@contoso.example",
        at=at,
        expires=at + timedelta(hours=8),
        mode=Mode.ENFORCE,
        run="r1",
        changes=frozenset({"b", "a"}),
        reason="CHG-1",
    )
    return replace(basis, **more)


def plan() -> Plan:
    change = Change(
        kind=Kind.POLICY,
        target=policy_of(),
        stage=Stage.VALIDATE,
        remediator="client_certificate_unchecked",
        before=SECRET,
        after=SECRET + "<!-- after -->",
        etag='"1"',
        reason="nobody checks",
        minutes=(0, 1),
    )
    finding = Finding(
        code="host_does_not_negotiate",
        target=instance(),
        remediator="negotiation_disabled",
        severity=Severity.HIGH,
        message="The host doesn't negotiate.",
        steps=("az apim update …",),
        hand_off="resource snippet {}",
        blocks=frozenset({Stage.VALIDATE}),
    )
    figures = CoverageFigures(covered=1, total=2, verdicts={"covered": 1, "bypassed": 1}, apis=(("orders", 1, 2),))
    return Plan.of([change], [finding], coverage=figures)


def run(id: str = "r1", *, started: datetime = START, on: InstanceId | None = None, **more: Any) -> Run:
    basis = Run(
        id=id,
        instance=on or instance(),
        trigger=trigger(on, touched=policy_of(on), event_id="e1"),
        mode=Mode.REPORT,
        started=started,
        ended=started + timedelta(seconds=3),
        result=Result.PLANNED,
        plan=plan(),
        outcomes=(Outcome(change="0123456789abcdef", status=Status.DEFERRED, why="busy", after=60.0),),
        notes=("access depends on Apimend until 2027-01-01",),
        calls={"arm": 7},
        next_visit=60.0,
    )
    return replace(basis, **more)
