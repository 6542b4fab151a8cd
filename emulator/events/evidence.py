"""
Which role assignment let a caller write: the `evidence` of an ARM event.

The event names the principal that holds the assignment. A caller that nothing was assigned to shows a role and
nothing else, as classic administrators do in Azure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.access import ASSIGNMENTS, role_named
from emulator.events.resource_manager import NO_EVIDENCE
from emulator.store import Resource, Store, Write, key_of


def evidence_of(store: Store, write: Write) -> Mapping[str, Any]:
    """
    The first assignment of the caller whose scope holds the resource.
    """
    caller = str(write.claims.get("oid", "")).casefold()
    for assignment in store.of_type(ASSIGNMENTS) if caller else ():
        held = assignment.properties
        if str(held.get("principalId", "")).casefold() == caller and _holds(held.get("scope", ""), write.resource_id):
            return _shown(assignment)
    return NO_EVIDENCE


def _shown(assignment: Resource) -> Mapping[str, Any]:
    held = assignment.properties
    definition = str(held.get("roleDefinitionId", ""))
    role = role_named(definition)
    return {
        "role": role.name if role else definition.rpartition("/")[2],
        "roleAssignmentScope": held.get("scope", ""),
        "roleAssignmentId": _bare(assignment.name),
        "roleDefinitionId": _bare(definition.rpartition("/")[2]),
        "principalId": _bare(str(held.get("principalId", ""))),
        "principalType": held.get("principalType", "ServicePrincipal"),
    }


def _holds(scope: str, resource_id: str) -> bool:
    outer = key_of(scope)
    return (key_of(resource_id) + "/").startswith(outer + "/") or not outer


def _bare(guid: str) -> str:
    """
    Evidence writes GUIDs without dashes.
    """
    return guid.replace("-", "")
