"""
Who may do what: role assignments and vault access policies, as the tenant declares them or ARM writes them.

A principal for whom nothing at all is declared may do everything, so that simple tenants need no roles; a service's own
identity always needs a grant. Azure's built-in roles are here as far as API Management and Key Vault are concerned.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from emulator.store import Resource, key_of

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions/"


@dataclass(frozen=True, kw_only=True)
class Role:
    """
    A built-in role: what it allows in ARM and in a vault's data plane.
    """

    name: str
    guid: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


VAULT = "Microsoft.KeyVault/vaults/"
ROLES = (
    Role(name="Owner", guid="8e3af657-a8ff-443c-a75c-2fe8c4bcb635", actions=("*",)),
    Role(
        name="Contributor",
        guid="b24988ac-6180-42a0-ab88-20f7382dd24c",
        actions=("*",),
        not_actions=("Microsoft.Authorization/*/delete", "Microsoft.Authorization/*/write"),
    ),
    Role(name="Reader", guid="acdd72a7-3385-48ef-bd42-f606fba81ae7", actions=("*/read",)),
    Role(
        name="API Management Service Contributor",
        guid="312a565d-c81f-4fd8-895a-4e21e48d571c",
        actions=("Microsoft.ApiManagement/service/*", "Microsoft.Resources/*/read", "Microsoft.Authorization/*/read"),
    ),
    Role(
        name="API Management Service Reader Role",
        guid="71522526-b88f-4d52-b57f-d31fc3546d0d",
        actions=("Microsoft.ApiManagement/service/*/read", "Microsoft.ApiManagement/service/read"),
    ),
    Role(
        name="Key Vault Administrator",
        guid="00482a5a-887f-4fb3-b363-3b7fe8e74483",
        actions=("Microsoft.KeyVault/*/read",),
        data_actions=(VAULT + "*",),
    ),
    Role(
        name="Key Vault Reader",
        guid="21090545-7ca7-4776-b22c-e363652d74d2",
        actions=("Microsoft.KeyVault/*/read",),
        data_actions=(VAULT + "*/read", VAULT + "secrets/readMetadata/action"),
    ),
    Role(
        name="Key Vault Secrets User",
        guid="4633458b-17de-408a-b874-0445c86b69e6",
        data_actions=(VAULT + "secrets/getSecret/action", VAULT + "secrets/readMetadata/action"),
    ),
    Role(
        name="Key Vault Secrets Officer",
        guid="b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        actions=("Microsoft.KeyVault/*/read",),
        data_actions=(VAULT + "secrets/*",),
    ),
    Role(
        name="Key Vault Certificate User",
        guid="db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
        data_actions=(
            VAULT + "certificates/read",
            VAULT + "secrets/getSecret/action",
            VAULT + "secrets/readMetadata/action",
            VAULT + "keys/read",
        ),
    ),
    Role(
        name="Key Vault Certificates Officer",
        guid="a4417e6f-fecd-4de8-b567-7b0420556985",
        actions=("Microsoft.KeyVault/*/read",),
        data_actions=(VAULT + "certificates/*", VAULT + "certificatecas/*"),
    ),
)


def role_named(text: str) -> Role | None:
    """
    A built-in role by name, GUID or definition id.
    """
    wanted = text.rpartition("/")[2].casefold()
    return next((role for role in ROLES if wanted in (role.name.casefold(), role.guid)), None)


class Access:
    """
    The grants in force.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self.custom: dict[str, Role] = {}

    def arm_allows(self, claims: Mapping[str, Any], action: str, scope: str) -> bool:
        roles = self._free_or_roles(str(claims.get("oid", "")), scope)
        return roles is None or any(_acts(role, action) for role in roles)

    def data_allows(self, object_id: str, action: str, vault: Resource) -> bool:
        """
        Whether a principal may do something in a vault's data plane (`secrets/getSecret/action`).
        """
        roles = self._free_or_roles(object_id, vault.id)
        if roles is None:
            return True
        if not vault.properties.get("enableRbacAuthorization"):
            return _policy_allows(vault, object_id, action)
        return any(_fits(VAULT + action, role.data_actions) for role in roles)

    def _free_or_roles(self, object_id: str, scope: str) -> list[Role] | None:
        """
        The roles that reach a scope, or None for a principal that nothing was declared for.
        """
        if not self._azure.options.enforce_roles:
            return None
        own = [one for one in self._assignments() if _same(one.properties.get("principalId"), object_id)]
        known = any(_same(principal.object_id, object_id) for principal in self._azure.identity.principals)
        if known and not own and not self._in_policies(object_id):
            return None
        found = [
            self._definition(one) for one in own if _within(scope, one.properties.get("scope", "")) and self._live(one)
        ]
        return [role for role in found if role is not None]

    def _in_policies(self, object_id: str) -> bool:
        return any(
            _same(entry.get("objectId"), object_id)
            for vault in self._azure.store.of_type("Microsoft.KeyVault/vaults")
            for entry in vault.properties.get("accessPolicies") or []
        )

    def _assignments(self) -> list[Resource]:
        return self._azure.store.of_type(ASSIGNMENTS)

    def _definition(self, assignment: Resource) -> Role | None:
        identifier = str(assignment.properties.get("roleDefinitionId", ""))
        return role_named(identifier) or self.custom.get(identifier.rpartition("/")[2].casefold())

    def _live(self, assignment: Resource) -> bool:
        since: datetime | None = assignment.hidden.get("effective")
        return since is None or since <= self._azure.now()


def _policy_allows(vault: Resource, object_id: str, action: str) -> bool:
    kind, _, verb = action.partition("/")
    wanted = {"getSecret/action": "get", "read": "get", "readMetadata/action": "list"}.get(verb, verb)
    for entry in vault.properties.get("accessPolicies") or []:
        granted = (entry.get("permissions") or {}).get(kind) or []
        if _same(entry.get("objectId"), object_id) and wanted in {str(one).casefold() for one in granted} | (
            {wanted} if "all" in granted else set()
        ):
            return True
    return False


def _acts(role: Role, action: str) -> bool:
    return _fits(action, role.actions) and not _fits(action, role.not_actions)


def _fits(action: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(action.casefold(), pattern.casefold()) for pattern in patterns)


def _within(scope: str, wider: str) -> bool:
    outer, inner = key_of(wider), key_of(scope)
    return outer in ("", inner) or inner.startswith(outer + "/")


def _same(left: object, right: str) -> bool:
    return bool(left) and str(left).casefold() == right.casefold()
