"""
The identity member of a service: what a request asks for, and the principals it stands for.

Principal ids are derived from resource ids, so that roles can be declared before a service exists.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import provider_error
from emulator.identity import NAMESPACE
from emulator.store import Json, Store, key_of

USER_ASSIGNED = "Microsoft.ManagedIdentity/userAssignedIdentities"


def system_principal(service_id: str) -> str:
    """
    The object id of a service's system-assigned identity.
    """
    return str(uuid.uuid5(NAMESPACE, f"system:{key_of(service_id)}"))


def identity_after(sent: Mapping[str, Any] | None, service_id: str, tenant: str, store: Store) -> Json | None:
    """
    The identity a service has after it was sent one; None takes it away.
    """
    kind = str((sent or {}).get("type") or "None")
    if sent is None or kind == "None":
        return None
    found: Json = {"type": kind}
    if "SystemAssigned" in kind:
        found |= {"principalId": system_principal(service_id), "tenantId": tenant}
    if "UserAssigned" in kind:
        assigned = sent.get("userAssignedIdentities") or {}
        if any(assigned.values()):
            raise provider_error(
                400,
                "InvalidIdentityValues",
                "Invalid value for the identities. The 'UserAssignedIdentities' property values must be empty objects.",
            )
        found["userAssignedIdentities"] = {one: _user_assigned(one, store) for one in assigned}
    return found


def _user_assigned(identity_id: str, store: Store) -> Json:
    declared = store.get(identity_id)
    known = declared.properties if declared is not None else {}
    return {
        "principalId": known.get("principalId") or str(uuid.uuid5(NAMESPACE, f"principal:{key_of(identity_id)}")),
        "clientId": known.get("clientId") or str(uuid.uuid5(NAMESPACE, f"client:{key_of(identity_id)}")),
    }


def same_identity(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> bool:
    return _outline(left) == _outline(right)


def _outline(identity: Mapping[str, Any] | None) -> tuple[str, frozenset[str]]:
    held = identity or {}
    return str(held.get("type") or "None"), frozenset(key_of(one) for one in held.get("userAssignedIdentities") or {})
