"""
Rights that are wider than they have to be: those of the instance, and those of the people who run it.

What it finds: an instance without an identity or with one that may too much, administrators by name, in number or for
ever.
Why it matters: a policy author acts with the instance's identity, and a stolen session with its owner's rights.
What it changes: nothing. Names of people are not shown: counts and ids of principals are.
References: https://learn.microsoft.com/azure/api-management/api-management-role-based-access-control
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Beside
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_MOST_OWNERS = 3
_PRIVILEGED = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "a4417e6f-fecd-4de8-b567-7b0420556985": "Key Vault Certificates Officer",
    "14b46e9e-c2b7-41b4-b07b-48a6ebf60603": "Key Vault Crypto Officer",
}
_SERVICE_WRITE = "Microsoft.ApiManagement/service/write"


def no_managed_identity(estate: Estate) -> Iterator[Evidence]:
    kind = estate.service.at("identity", "type")
    has = kind.word not in ("", "none")
    yield kind.found(has, "an identity", "" if has else "Without an identity, secrets are the only way.")


def _principals(estate: Estate) -> frozenset[str]:
    identity = estate.service.at("identity")
    found = {identity.at("principalId").word}
    found |= {each.at("principalId").word for _, each in identity.at("userAssignedIdentities").members}
    return frozenset(found - {""})


def instance_over_privileged(estate: Estate) -> Iterator[Evidence]:
    principals = _principals(estate)
    if not principals:
        raise Beside("The instance has no identity.")
    mine = [row for row in _assignments(estate) if row.prop("principalId").word in principals]
    for row in mine:
        role = row.prop("roleDefinitionId")
        privileged = _PRIVILEGED.get(role.word.rpartition("/")[2], "")
        wide = row.prop("scope").word.strip("/").count("/") < 2
        why = (
            f"The instance is {privileged}."
            if privileged
            else "It holds a role in a whole subscription."
            if wide
            else ""
        )
        yield role.found(
            not privileged and not wide, "data roles on single resources", why, shown=privileged or "a role"
        )
    if not mine:
        identity = estate.service.at("identity", "type")
        yield identity.found(True, "no privileged role", "No role is seen; roles through groups can't be.")


def _assignments(estate: Estate) -> tuple[Node, ...]:
    return estate.of_type("roles", "microsoft.authorization/roleassignments")


def _administrators(estate: Estate) -> tuple[Node, ...]:
    """The assignments by which somebody may write the service."""
    home = estate.instance.key
    definitions = {
        row.name.casefold(): row for row in estate.of_type("roles", "microsoft.authorization/roledefinitions")
    }
    return tuple(
        row
        for row in _assignments(estate)
        if _above(home, row.prop("scope").word) and _writes(row.prop("roleDefinitionId"), definitions)
    )


def _above(home: str, scope: str) -> bool:
    scope = scope.rstrip("/")
    return home == scope or home.startswith(f"{scope}/") or not scope


def _writes(role: Node, definitions: dict[str, Node]) -> bool:
    guid = role.word.rpartition("/")[2]
    definition = definitions.get(guid)
    if definition is None:
        return guid in list(_PRIVILEGED)[:2]
    return any(
        _fits(permission.at("actions")) and not _fits(permission.at("notActions"))
        for permission in definition.prop("permissions").items
    )


def _fits(patterns: Node) -> bool:
    return any(fnmatchcase(_SERVICE_WRITE.casefold(), pattern) for pattern in patterns.words)


def too_many_administrators(estate: Estate) -> Iterator[Evidence]:
    rows = _administrators(estate)
    owners = {row.prop("principalId").word for row in rows if "8e3af657" in row.prop("roleDefinitionId").word}
    node = estate.service.at("id")
    few = len(owners) <= _MOST_OWNERS
    why = "A lower bound: members of groups are not seen." if few else f"{len(owners)} owners can write the instance."
    yield node.found(few, f"at most {_MOST_OWNERS} owners", why, shown=f"{len(owners)} owners")
    for row in rows:
        kind = row.prop("principalType")
        single = kind.word == "user"
        unknown = kind.word in ("", "unknown")
        why = (
            "A person administers by name, not by group." if single else "Who that is, is not known." if unknown else ""
        )
        yield kind.found(not single and not unknown, "a group or an application", why)


def standing_privilege(estate: Estate) -> Iterator[Evidence]:
    active, eligible = estate.rows("active roles"), estate.rows("eligible roles")
    if not active and not eligible:
        raise Beside("Privileged Identity Management is not used here: see attestation A2.")
    writers = {row.prop("principalId").word for row in _administrators(estate)}
    people = [
        row
        for row in active
        if row.prop("principalType").word != "serviceprincipal" and row.prop("principalId").word in writers
    ]
    for row in people:
        kind, end = row.prop("assignmentType"), row.prop("endDateTime")
        bound = kind.word == "activated" or bool(end.text)
        yield kind.found(bound, "Activated, or with an end", "" if bound else "A role stands for ever.")
    yield from _activation(estate)


def _activation(estate: Estate) -> Iterator[Evidence]:
    for row in estate.rows("role policies"):
        rules = row.prop("effectiveRules")
        asks = any(
            "multifactorauthentication" in rule.at("enabledRules").words
            or bool(rule.at("setting", "isApprovalRequired").truth)
            for rule in rules.items
        )
        yield rules.found(asks, "several factors or approval", "" if asks else "A role is activated without a check.")


CONTROLS = (
    Control(
        id="I9",
        name="no_managed_identity",
        family=Family.ACCESS,
        title="The instance has no managed identity",
        severity=Severity.LOW,
        needs=("service",),
        why="Without it secrets are the only way to reach anything.",
        mend="Enable a system- or user-assigned identity.",
        mcsb="IM-3",
        psrule="AZR-000053",
        others="azqr apim-008, AzTS Use_Managed_Service_Identity",
        judge=no_managed_identity,
    ),
    Control(
        id="I10",
        name="instance_over_privileged",
        family=Family.ACCESS,
        title="The instance's identity may do too much",
        severity=Severity.HIGH,
        needs=("service", "roles"),
        why="Whoever writes a policy acts with that identity.",
        mend="Give each API a user-assigned identity of its own, with data roles only.",
        limits="Roles through groups are not seen: a lower bound.",
        mcsb="PA-7, IM-3",
        judge=instance_over_privileged,
    ),
    Control(
        id="I11",
        name="too_many_administrators",
        family=Family.ACCESS,
        title="Too many can administer the instance",
        severity=Severity.MEDIUM,
        needs=("service", "roles"),
        why="Each of them can open the gateway and read every secret.",
        mend="Groups instead of people, workspace roles, narrower custom roles.",
        limits="Groups are not expanded and deny assignments not seen: a lower bound.",
        mcsb="PA-1, PA-7",
        policy="4f11b553, a451c1ef",
        psrule="Azure.RBAC.UseGroups",
        cis="5.3.3, 5.3.4, 5.4",
        judge=too_many_administrators,
    ),
    Control(
        id="I12",
        name="standing_privilege",
        family=Family.ACCESS,
        title="Administrators hold their role for ever",
        severity=Severity.MEDIUM,
        needs=("service", "roles", "active roles", "eligible roles", "role policies"),
        why="A stolen session stays privileged.",
        mend="Privileged Identity Management: eligible, bounded in time, approved.",
        limits="Service principals can't be eligible and are left out. Without a licence: attestation A2.",
        mcsb="PA-2",
        judge=standing_privilege,
    ),
)
