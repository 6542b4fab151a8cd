"""
Gives the app in the local Azure exactly the roles of infra/roles, and takes away what its tenant declares for it.
"""

import json
from pathlib import Path
from typing import Any

from demo.world import US, World
from emulator.access import ASSIGNMENTS, DEFINITIONS, Role
from emulator.arm.assignments import assignment_resource

ROOT = Path(__file__).parents[2]
KEY_VAULT_READER = "21090545-7ca7-4776-b22c-e363652d74d2"


def role_file(name: str) -> dict[str, Any]:
    """A role as it is deployed."""
    role: dict[str, Any] = json.loads((ROOT / "infra" / "roles" / f"{name}.json").read_text(encoding="utf-8"))
    return role


def grant(world: World, *names: str) -> None:
    """These custom roles in every subscription, and Key Vault Reader on every vault."""
    azure = world.azure
    me = azure.identity.find(US)
    assert me is not None
    for old in azure.store.of_type(ASSIGNMENTS):
        if old.properties["principalId"] == me.object_id:
            azure.store.remove(old.id, at=azure.now())
    scopes = [(f"/subscriptions/{id}", name) for id, _ in azure.tenant.subscriptions for name in names]
    scopes += [(vault.id, KEY_VAULT_READER) for vault in azure.store.of_type("Microsoft.KeyVault/vaults")]
    for number, (scope, name) in enumerate(scopes):
        if name != KEY_VAULT_READER:
            role = role_file(name)
            made = Role(name=name, guid=name, actions=tuple(role["actions"]), not_actions=tuple(role["notActions"]))
            azure.provider.access.custom[name] = made
        azure.store.put(
            assignment_resource(
                scope,
                name=f"00000000-0000-4000-8000-{number:012d}",
                role=f"{DEFINITIONS}{name}",
                principal=me.object_id,
                kind="ServicePrincipal",
            ),
            at=azure.now(),
        )
