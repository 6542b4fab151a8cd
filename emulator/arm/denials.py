"""
Deny assignments: what a declared one forbids, whatever the caller's roles allow.

Asked by the front for every call that the roles let through. They are resources of the store like locks; Azure makes
them itself (managed applications, deployment stacks), nobody can write one. Their form is specified, the text of the
refusal was never recorded.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import arm_error
from emulator.store import Json, Resource, Store, key_of

DENIALS = "Microsoft.Authorization/denyAssignments"
EVERYBODY = "00000000-0000-0000-0000-000000000000"


def refuse_denied(store: Store, claims: Mapping[str, Any], action: str, scope: str) -> None:
    """
    403 where a deny assignment reaches the scope, names the caller and forbids the action.
    """
    caller = str(claims.get("oid", ""))
    for denial in store.of_type(DENIALS):
        if _reaches(denial, scope) and _names(denial, caller) and _forbids(denial, action):
            raise arm_error(
                403,
                "DenyAssignmentAuthorizationFailed",
                f"The client '{claims.get('appid')}' with object id '{caller}' has permission to perform action "
                f"'{action}' on scope '{scope}'; however, the access is denied because of the deny assignment with "
                f"name '{denial.properties.get('denyAssignmentName', denial.name)}' and Id '{denial.name}' at scope "
                f"'{_scope(denial)}'.",
            )


def _scope(denial: Resource) -> str:
    return str(denial.properties.get("scope") or denial.id.rpartition("/providers/")[0])


def _reaches(denial: Resource, scope: str) -> bool:
    at, asked = key_of(_scope(denial)), key_of(scope)
    return asked == at or (asked.startswith(f"{at}/") and not denial.properties.get("doNotApplyToChildScopes"))


def _names(denial: Resource, caller: str) -> bool:
    named, spared = (_ids(denial.properties.get(kind)) for kind in ("principals", "excludePrincipals"))
    return (caller.casefold() in named or EVERYBODY in named) and caller.casefold() not in spared


def _ids(principals: Any) -> frozenset[str]:
    return frozenset(str(one.get("id", "")).casefold() for one in principals or [])


def _forbids(denial: Resource, action: str) -> bool:
    permissions: list[Json] = denial.properties.get("permissions") or []
    return any(_fits(action, one.get("actions")) and not _fits(action, one.get("notActions")) for one in permissions)


def _fits(action: str, patterns: Any) -> bool:
    return any(fnmatch.fnmatchcase(action.casefold(), str(pattern).casefold()) for pattern in patterns or [])
