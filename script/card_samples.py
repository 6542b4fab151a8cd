"""
One run of each kind, made up but true to life: for the pictures in docs/cards and for the tests of the reports.

Nothing in the product imports this.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apimend.model.desired import Mode
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, CoverageFigures, Finding, Kind, Plan, Severity, Stage
from apimend.model.runs import Cause, Outcome, Result, Run, Status, Trigger

AT = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
INSTANCE = InstanceId.of(
    f"{SUBSCRIPTION}/resourceGroups/rg-apim-prod/providers/Microsoft.ApiManagement/service/contoso-prod"
)

_SECTIONS = "<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"
_BEFORE = (
    '<policies><inbound><base /><set-header name="x-backend-key" exists-action="override">'
    f"<value>s3cr3t-k3y</value></set-header></inbound>{_SECTIONS}"
)
_CHECK = (
    '<validate-client-certificate validate-revocation="false" validate-trust="true" ignore-error="false">'
    '<identities><identity thumbprint="D4DE20D05E66FC53FE1A50882C78DB2852CAE474" /></identities>'
    "</validate-client-certificate>"
)
SECRET = "s3cr3t-k3y"

ATTACH = Change(
    kind=Kind.CERTIFICATE,
    target=INSTANCE.child("certificates", "partner-a"),
    stage=Stage.PREPARE,
    remediator="client_certificate_missing",
    before=None,
    after='{"secretIdentifier":"https://kv-contoso.vault.azure.net/secrets/partner-a"}',
    reason="The declared certificate is not attached to the instance.",
    was="not attached",
    will="from Key Vault kv-contoso",
    minutes=(0, 1),
    hand_off='resource "azurerm_api_management_certificate" "partner_a" {\n  name = "partner-a"\n}\n',
)
NEGOTIATE = Change(
    kind=Kind.SERVICE_NEGOTIATION,
    target=INSTANCE,
    stage=Stage.NEGOTIATE,
    remediator="negotiation_disabled",
    before='{"api.contoso.com":false}',
    after='{"api.contoso.com":true}',
    reason="Without negotiation the gateway never asks for a certificate, so no check can pass.",
    was="api.contoso.com does not ask for a certificate",
    will="it asks",
    minutes=(15, 45),
    hand_off="proxy {\n  negotiate_client_certificate = true\n}\n",
)
CHECK = Change(
    kind=Kind.POLICY,
    target=INSTANCE.child("policies", "policy"),
    stage=Stage.VALIDATE,
    remediator="client_certificate_unchecked",
    before=_BEFORE,
    after=_BEFORE.replace("<inbound><base />", "<inbound><base />" + _CHECK),
    etag='"AAAAAAAAB2o="',
    reason="Callers without an allowed certificate reach the backends.",
    was="no check",
    will="validate-client-certificate, 1 thumbprint, callers without it get 403",
)
CHANGES = (ATTACH, NEGOTIATE, CHECK)

NO_BASE = Finding(
    code="policy_without_base",
    target=INSTANCE.child("apis", "legacy-orders"),
    remediator="client_certificate_unchecked",
    severity=Severity.MEDIUM,
    message="The API legacy-orders leaves out <base />, so a check for all APIs does not reach its 2 operations.",
    why_left="Adding <base /> would run policies there that its owner left out.",
    steps=("Declare legacy-orders as a scope of its own, or ask its owner to add <base />.",),
)
UPLOADED = Finding(
    code="uploaded_certificate",
    target=INSTANCE,
    remediator="negotiation_disabled",
    severity=Severity.HIGH,
    message="The host legacy.contoso.com has an uploaded certificate, whose private key Azure does not give back.",
    why_left="Sending the list of hosts without the key may take the host off the air.",
    steps=(
        "az apim update --name contoso-prod --resource-group rg-apim-prod "
        "--set hostnameConfigurations[1].negotiateClientCertificate=true",
        "Or move the certificate to Key Vault; then Apimend can do it.",
    ),
    hand_off='hostname_configuration {\n  proxy {\n    host_name = "legacy.contoso.com"\n  }\n}\n',
    blocks=frozenset({Stage.NEGOTIATE, Stage.VALIDATE}),
)
_NOW = CoverageFigures(covered=2, total=36, verdicts={"bypassed": 34, "covered": 2})
_THEN = CoverageFigures(covered=34, total=36, verdicts={"bypassed": 2, "covered": 34})
_NOTE = "Access depends on Apimend until 12 Mar 2027, when the pinned certificate expires."
_BY_EVENT = Trigger(
    cause=Cause.EVENT,
    instance=INSTANCE,
    at=AT,
    touched=INSTANCE,
    event_id="4f8b0e4e-5a3c-4c53-9a8e-5a2f8a5d3b11",
    operation="Microsoft.ApiManagement/service/write",
    by="alice@contoso.com",
)


def plan(changes: Sequence[Change] = CHANGES, *findings: Finding) -> Plan:
    """A plan with figures."""
    return Plan.of(changes, findings, coverage=_NOW, coverage_after=_THEN if changes else _NOW)


def finding(code: str, severity: Severity, message: str, *steps: str, below: str = "", why: str = "") -> Finding:
    """A finding about something below the instance."""
    target: ResourceId = INSTANCE.child(*below.split("/")) if below else INSTANCE
    return Finding(
        code=code, target=target, remediator="posture", severity=severity, message=message, why_left=why, steps=steps
    )


PLANNED = Run(
    id="01JDB2Q8K3",
    instance=INSTANCE,
    trigger=_BY_EVENT,
    mode=Mode.REPORT,
    started=AT,
    ended=AT + timedelta(seconds=2),
    result=Result.PLANNED,
    plan=plan(CHANGES, NO_BASE),
    notes=(_NOTE,),
    declared="desired.yaml:12",
    calls={"arm": 9, "vault": 1},
)
_DONE = tuple(Outcome(change=change.id, status=Status.APPLIED) for change in CHANGES)

RUNS = {
    "plan": PLANNED,
    "approval_needed": replace(PLANNED, id="01JDB2Q8K4", mode=Mode.ASK, result=Result.ASKED),
    "started": replace(
        PLANNED,
        id="01JDB2Q8K5",
        mode=Mode.ENFORCE,
        result=Result.PENDING,
        outcomes=(
            Outcome(change=ATTACH.id, status=Status.APPLIED),
            Outcome(change=NEGOTIATE.id, status=Status.PENDING, why="Azure accepted the update."),
            Outcome(change=CHECK.id, status=Status.DEFERRED, why="Waits until negotiation is live on every gateway."),
        ),
        next_visit=300.0,
    ),
    "applied": replace(PLANNED, id="01JDB2Q8K6", mode=Mode.ENFORCE, result=Result.APPLIED, plan=plan(), outcomes=_DONE),
    "partially_applied": replace(
        PLANNED,
        id="01JDB2Q8K7",
        mode=Mode.ENFORCE,
        result=Result.PARTIAL,
        plan=plan(),
        outcomes=(
            Outcome(change=ATTACH.id, status=Status.APPLIED),
            Outcome(change=NEGOTIATE.id, status=Status.APPLIED),
            Outcome(
                change=CHECK.id,
                status=Status.REFUSED,
                why="The declared client partner-b would be turned away: its chain is not trusted.",
            ),
        ),
    ),
    "refused": replace(
        PLANNED,
        id="01JDB2Q8K8",
        mode=Mode.ENFORCE,
        result=Result.REFUSED,
        plan=plan((NEGOTIATE, CHECK), UPLOADED),
        outcomes=(
            Outcome(
                change=NEGOTIATE.id, status=Status.REFUSED, why="A host of this instance has an uploaded certificate."
            ),
            Outcome(change=CHECK.id, status=Status.REFUSED, why="Waits for negotiation, which is refused."),
        ),
    ),
    "findings": replace(
        PLANNED,
        id="01JDB2Q8KG",
        result=Result.REFUSED,
        trigger=replace(_BY_EVENT, cause=Cause.SWEEP, by="", operation="", touched=None),
        plan=plan((), UPLOADED, NO_BASE),
        notes=(),
    ),
    "failed": replace(
        PLANNED,
        id="01JDB2Q8K9",
        mode=Mode.ENFORCE,
        result=Result.FAILED,
        plan=plan(),
        outcomes=(
            Outcome(change=ATTACH.id, status=Status.APPLIED),
            Outcome(
                change=NEGOTIATE.id,
                status=Status.FAILED,
                why="A lock on the resource group rg-apim-prod forbids the update.",
                code="ScopeLocked",
            ),
            Outcome(change=CHECK.id, status=Status.DEFERRED, why="Waits for negotiation."),
        ),
    ),
    "undone": replace(
        PLANNED,
        id="01JDB2Q8KA",
        mode=Mode.ENFORCE,
        result=Result.UNDONE,
        trigger=replace(_BY_EVENT, cause=Cause.ORDER, operation="", touched=None),
        plan=Plan.of([replace(CHECK, before=CHECK.after, after=CHECK.before, was=CHECK.will, will=CHECK.was)]),
        outcomes=(),
    ),
    "negotiation_lost": replace(
        PLANNED,
        id="01JDB2Q8KB",
        mode=Mode.ENFORCE,
        result=Result.PENDING,
        plan=Plan.of(
            [NEGOTIATE],
            [
                finding(
                    "negotiation_lost",
                    Severity.CRITICAL,
                    "api.contoso.com no longer asks for a certificate while its check is live: every caller gets 403.",
                    "Relax the check until negotiation is back (seconds), or wait for the repair.",
                    why="Declared: on_negotiation_lost: keep.",
                )
            ],
            coverage=replace(_THEN, covered=0, verdicts={"locked out": 36}),
            coverage_after=_THEN,
        ),
        outcomes=(Outcome(change=NEGOTIATE.id, status=Status.PENDING, why="The repair was started."),),
    ),
    "fight_detected": replace(
        PLANNED,
        id="01JDB2Q8KC",
        mode=Mode.ENFORCE,
        result=Result.REFUSED,
        plan=plan(
            (NEGOTIATE,),
            finding(
                "fight_detected",
                Severity.HIGH,
                "Someone set negotiation of api.contoso.com back 3 times: the service principal terraform-prod.",
                "Set negotiate_client_certificate = true in the owner's Terraform; the run has the snippet.",
                why="Apimend stopped writing this property.",
            ),
        ),
        outcomes=(Outcome(change=NEGOTIATE.id, status=Status.REFUSED, why="Written 3 times, set back 3 times."),),
    ),
    "waiver_expiring": replace(
        PLANNED,
        id="01JDB2Q8KD",
        result=Result.CONVERGED,
        trigger=replace(_BY_EVENT, cause=Cause.SWEEP, by="", operation="", touched=None),
        plan=plan(
            (),
            finding(
                "waiver_expiring",
                Severity.LOW,
                "The waiver status-page (owner web-team, ticket OPS-2211) expires on 2 Dec 2026.",
                "Renew it at desired.yaml:48, or take it out.",
                below="apis/status",
            ),
        ),
        notes=(),
    ),
    "certificate_expiring": replace(
        PLANNED,
        id="01JDB2Q8KE",
        result=Result.CONVERGED,
        trigger=replace(_BY_EVENT, cause=Cause.SWEEP, by="", operation="", touched=None),
        plan=plan(
            (),
            finding(
                "certificate_expiring",
                Severity.MEDIUM,
                "partner-a (CN=partner-a, O=Contoso) expires on 12 Dec 2026, in 20 days.",
                "Renew it in Key Vault kv-contoso; API Management fetches it within 4 hours.",
                below="certificates/partner-a",
            ),
        ),
    ),
    "no_longer_managed": replace(
        PLANNED,
        id="01JDB2Q8KF",
        result=Result.UNMANAGED,
        trigger=replace(_BY_EVENT, operation="Microsoft.Resources/tags/write"),
        plan=Plan.of(
            (),
            [
                finding(
                    "no_longer_managed",
                    Severity.MEDIUM,
                    "Nothing declares contoso-prod any more.",
                    why="A change of selectors or tags never takes a check out.",
                )
            ],
        ),
        notes=("Apimend's check and 1 attached certificate stay in place.",),
        declared="",
    ),
}
_UNDO = RUNS["undone"].plan.changes[0]
RUNS["undone"] = replace(RUNS["undone"], outcomes=(Outcome(change=_UNDO.id, status=Status.APPLIED),))


def elsewhere(run: Run, name: str) -> Run:
    """The same for an instance named after it, of another team."""
    instance = InstanceId.of(INSTANCE.text.replace("contoso-prod", f"apim-{name.replace('_', '-')[:20].rstrip('-')}"))
    return replace(run, id=f"{run.id}-{name}", instance=instance)
