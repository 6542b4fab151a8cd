"""
Configuration that nobody keeps in order.

What it finds: missing tags, locks and policies, faults that others have found, old management versions, weak
self-hosted gateways, changes by hand.
Why it matters: what nobody keeps drifts.
What it changes: nothing.
References: https://learn.microsoft.com/azure/well-architected/service-guides/azure-api-management
"""

from collections.abc import Iterator
from datetime import timedelta

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Beside
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_TAGS = ("owner", "environment", "data-classification")
_INITIATIVES = frozenset({"1f3afdf9-d0c9-4c3d-847f-89da613e70a8", "e3ec7e09-768c-4b64-882c-fcada3772047"})
_DEFINITIONS = (
    "ef619a2c", "73ef9241", "df73bd95", "b741306c", "3aa03346", "f1cc7827", "ee7495e7", "c15dcc82", "92bb331d",
    "d5448c98", "ffe25541", "1dc2fc00", "42daa904", "7926a6d1",
)  # fmt: skip
_FLOOR = "2021-08-01"
_WRITES_DAYS = 30


def tags_missing(estate: Estate) -> Iterator[Evidence]:
    tags = estate.service.at("tags")
    for name in _TAGS:
        tag = tags.at(name)
        yield tag.found(bool(tag.text), "a value", "" if tag.text else f"The tag {name} is missing.")


def not_locked(estate: Estate) -> Iterator[Evidence]:
    if not estate.is_prod:
        raise Beside("It is not production.")
    home = estate.instance.key
    locks = {row.subject.casefold(): row for key in ("locks", "group locks") for row in estate.rows(key)}
    mine = [row for row in locks.values() if _above(home, row.subject)]
    if not mine:
        yield estate.service.at("id").found(False, "CanNotDelete", "Nothing keeps it from being deleted.")
    for row in mine:
        level = row.prop("level")
        strong = level.word == "readonly"
        why = "A lock on writing breaks backups and every repair." if strong else ""
        yield level.found(not strong, "CanNotDelete", why)


def _above(home: str, lock: str) -> bool:
    scope = lock.casefold().partition("/providers/microsoft.authorization/locks/")[0]
    return home == scope or home.startswith(f"{scope}/")


def no_policy_assigned(estate: Estate) -> Iterator[Evidence]:
    rows = estate.of_type("assignments", "microsoft.authorization/policyassignments")
    live = [row for row in rows if _applies(estate, row)]
    for row in live:
        yield row.prop("policyDefinitionId").found(True, "the benchmark, or a policy for API Management")
    if not live:
        node = estate.service.at("id")
        yield node.found(False, "the benchmark, or a policy for API Management", "No Azure Policy watches it.")


def _applies(estate: Estate, row: Node) -> bool:
    home = estate.instance.key
    scope = row.prop("scope").word or row.subject.casefold().partition("/providers/microsoft.authorization/")[0]
    left_out = any(home == out or home.startswith(f"{out}/") for out in row.prop("notScopes").words)
    managed = scope.startswith("/providers/microsoft.management/")
    if left_out or not (managed or home.startswith(scope)):
        return False
    if row.prop("enforcementMode").word not in ("", "default"):
        return False
    guid = row.prop("policyDefinitionId").word.rpartition("/")[2]
    return guid in _INITIATIVES or guid.startswith(_DEFINITIONS)


def judged_noncompliant_elsewhere(estate: Estate) -> Iterator[Evidence]:
    home = estate.instance.key
    for row in estate.of_type("assignments", "microsoft.policyinsights/policystates"):
        state, about = row.prop("complianceState"), row.prop("resourceId").word
        if about.startswith(home):
            fine = state.word != "noncompliant"
            name = row.prop("policyDefinitionReferenceId").text or row.prop("policyDefinitionName").text
            yield state.found(fine, "Compliant", "" if fine else f"Azure Policy: {name}.")
    for row in estate.rows("defender"):
        status = row.prop("status", "code")
        if row.subject.casefold().startswith(home) and status.text:
            fine = status.word != "unhealthy"
            yield status.found(fine, "Healthy", "" if fine else f"Defender: {row.prop('displayName').text}.")
    for row in estate.rows("advisor"):
        if row.prop("resourceMetadata", "resourceId").word.startswith(home):
            what = row.prop("shortDescription", "problem")
            yield what.found(False, "no recommendation", f"Advisor: {what.text}.")


def management_api_floor(estate: Estate) -> Iterator[Evidence]:
    floor = estate.service.prop("apiVersionConstraint", "minApiVersion")
    high = floor.word >= _FLOOR
    yield floor.found(high, f"{_FLOOR} or later", "" if high else "Old management API versions are not turned away.")


def self_hosted_gateway_weak(estate: Estate) -> Iterator[Evidence]:
    gateways = estate.rows("gateways")
    if not gateways:
        raise Beside("There is no self-hosted gateway.")
    for host in estate.rows("gateway hosts"):
        for name in ("tls10Enabled", "tls11Enabled"):
            switch = host.prop(name)
            off = switch.truth is not True
            yield switch.found(off, "false", "" if off else f"A self-hosted gateway speaks {name[:5].upper()}.")
    if not estate.rows("gateway hosts"):
        yield gateways[0].at("name").found(True, "no host of its own", "It has no host whose protocols could be weak.")


def changed_by_hand(estate: Estate) -> Iterator[Evidence]:
    since = estate.now - timedelta(days=_WRITES_DAYS)
    home = estate.instance.key
    people = []
    for row in estate.rows("changes"):
        about, name = row.at("resourceId").word, row.at("operationName", "value").word
        lately = (row.at("eventTimestamp").moment or estate.now) > since
        if about.startswith(home) and lately and name.endswith(("/write", "/delete")) and "@" in row.at("caller").text:
            people.append(row)
    node = people[0].at("operationName", "value") if people else estate.service.at("id")
    why = f"{len(people)} changes by people in {_WRITES_DAYS} days." if people else ""
    yield node.found(not people, "changes by pipelines only", why, shown=f"{len(people)} changes by people")


CONTROLS = (
    Control(
        id="C1",
        name="tags_missing",
        family=Family.OPERATION,
        title="Tags are missing",
        severity=Severity.LOW,
        needs=("service",),
        why="Nobody knows whom to ask, and severity is guessed.",
        mend="Tag it, or let it inherit by policy.",
        limits="Tags select, they never exempt.",
        mcsb="AM-1, DP-1",
        policy="871b6d14",
        psrule="Azure.Resource.UseTags",
        judge=tags_missing,
    ),
    Control(
        id="C2",
        name="not_locked",
        family=Family.OPERATION,
        title="The instance is not locked as it should be",
        severity=Severity.LOW,
        needs=("service", "locks", "group locks"),
        why="It can be deleted by mistake; a lock on writing breaks backups and every repair.",
        mend="One lock CanNotDelete.",
        limits="It also blocks deleting an API.",
        mcsb="AM-4",
        cis="6.2",
        judge=not_locked,
    ),
    Control(
        id="C3",
        name="no_policy_assigned",
        family=Family.OPERATION,
        title="No Azure Policy watches the instance",
        severity=Severity.MEDIUM,
        needs=("service", "assignments"),
        why="Drift is not seen between audits.",
        mend="Assign the cloud security benchmark, in audit first.",
        limits="Exemptions are not looked at.",
        mcsb="AM-2, PV-1, PV-2",
        policy="a08ec900, 6c112d4e",
        cis="8.1.11",
        others="ALZ Enforce-Guardrails-APIM",
        judge=no_policy_assigned,
    ),
    Control(
        id="C4",
        name="judged_noncompliant_elsewhere",
        family=Family.OPERATION,
        title="Others find fault with the instance",
        severity=Severity.INFO,
        needs=("assignments", "defender", "advisor"),
        why="One list instead of four portals.",
        mend="Mend or exempt it there.",
        limits="Some of the others are known to be wrong on whole tiers.",
        mcsb="PV-2, AM-3",
        policy="c8acafaf-3d23-44d1-9624-978ef0f8652c",
        judge=judged_noncompliant_elsewhere,
    ),
    Control(
        id="C8",
        name="management_api_floor",
        family=Family.OPERATION,
        title="Old versions of the management API are taken",
        severity=Severity.INFO,
        needs=("service",),
        why="Hygiene only: versions before 2021-08-01 are retired anyway.",
        mend="Set minApiVersion, after checking every client's version.",
        limits="Null is the default.",
        mcsb="PV-2",
        policy="549814b6-3212-4203-bdc8-1548d342fb67",
        psrule="AZR-000321",
        judge=management_api_floor,
    ),
    Control(
        id="C9",
        name="self_hosted_gateway_weak",
        family=Family.OPERATION,
        title="A self-hosted gateway speaks old TLS",
        severity=Severity.HIGH,
        needs=("gateways", "gateway hosts"),
        feature="self_hosted",
        why="Its switches are apart from those of the instance.",
        mend="PUT the host with both set to false, and all its other fields.",
        limits="Image, tokens and replicas are not in Resource Manager: attestation A16.",
        mcsb="NS-8",
        judge=self_hosted_gateway_weak,
    ),
    Control(
        id="C12",
        name="changed_by_hand",
        family=Family.OPERATION,
        title="People change the instance by hand",
        severity=Severity.LOW,
        needs=("service", "changes"),
        why="The configuration drifts from its source.",
        mend="Route changes through the pipeline.",
        limits="Callers are personal data: only counted. Break-glass and the portal's tests count too.",
        mcsb="DS-6, PV-2",
        judge=changed_by_hand,
    ),
)
