"""
Writes infra/roles: the custom roles of a deployment, from what the rules declare and what the engine itself needs.

`python -m script.roles` after a rule's `reads` or `writes` have changed; tests/infra/test_roles.py fails until then.
The built-in roles that infra/ assigns stand here too, with the reason for each: a test walks every assignment in
infra/ and fails on one that is not in this list.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from remediators import ALL

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "infra" / "roles"
APIM = "Microsoft.ApiManagement/"

ENGINE_READS = frozenset(
    {
        "Microsoft.ApiManagement/service/read",  # the sweep, and the first call of every visit
        "Microsoft.ApiManagement/service/gateways/read",  # hosts to shake hands with, where APIMEND_PROBE is on
        "Microsoft.ApiManagement/service/gateways/hostnameConfigurations/read",
        "Microsoft.Resources/subscriptions/read",  # the sweep says which subscriptions it can't see
        "Microsoft.Management/managementGroups/read",  # entries of the desired state that select by group
        "Microsoft.Management/managementGroups/subscriptions/read",
    }
)

SENSITIVE = (
    "users",
    "subscriptions",
    "tenant",
    "namedValues",
    "identityProviders",
    "authorizationProviders",
    "authorizationServers",
    "openidConnectProviders",
    "portalsettings",
    "workspaces/subscriptions",
    "workspaces/namedValues",
)
"""Children of a service that hold people or credentials. What no rule declares is taken out of the reading role."""

NEVER = (
    "*/listSecrets/action",
    "*/listValue/action",
    "*/listKeys/action",
    "*/getSecret/action",
    "*/getssotoken/action",
    "*/service/delete",
    "*/backup/action",
    "Microsoft.Authorization/*/write",
)
"""No role of the app may allow any of these, whatever a rule declares (docs/security.md says why)."""


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """A built-in role that infra/ assigns: to whom, on what, and why. `data_actions` as Azure publishes them."""

    name: str
    id: str
    holder: str
    scope: str
    why: str
    data_actions: tuple[str, ...] = ()


VAULT = "Microsoft.KeyVault/vaults/"
STORAGE = "Microsoft.Storage/storageAccounts/"
BUILT_IN = (
    BuiltIn(
        name="Storage Blob Data Owner",
        id="b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        holder="app",
        scope="the app's own storage account",
        why="The Functions host keeps its locks and its package there; ledger, leases and pre-images are blobs.",
        data_actions=(STORAGE + "blobServices/containers/blobs/*",),
    ),
    BuiltIn(
        name="Storage Queue Data Contributor",
        id="974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        holder="app",
        scope="the app's own storage account",
        why="Bells and notices are queue messages.",
        data_actions=(STORAGE + "queueServices/queues/messages/*",),
    ),
    BuiltIn(
        name="Storage Table Data Contributor",
        id="0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
        holder="app",
        scope="the app's own storage account",
        why="Bells, progress and the ledger's index are table rows.",
        data_actions=(STORAGE + "tableServices/tables/entities/*",),
    ),
    BuiltIn(
        name="Monitoring Metrics Publisher",
        id="3913510d-42f4-4e42-8a64-420c390055eb",
        holder="app",
        scope="the app's own Application Insights",
        why="Telemetry is taken in with Entra only.",
        data_actions=("Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"),
    ),
    BuiltIn(
        name="EventGrid Data Sender",
        id="d5a91429-5739-47e2-a06b-3470a27159e7",
        holder="app",
        scope="the app's own outgoing topic",
        why="Runs are published as CloudEvents.",
        data_actions=("Microsoft.EventGrid/events/send/action",),
    ),
    BuiltIn(
        name="Key Vault Reader",
        id="21090545-7ca7-4776-b22c-e363652d74d2",
        holder="app",
        scope="each declared vault",
        why="Certificates are read, never secrets.",
        data_actions=(VAULT + "*/read", VAULT + "secrets/readMetadata/action"),
    ),
    BuiltIn(
        name="Key Vault Secrets User",
        id="4633458b-17de-408a-b874-0445c86b69e6",
        holder="settings",
        scope="the one secret that is the webhook's URL",
        why="The platform resolves the Key Vault reference of an app setting. It is an identity of its own, and its "
        "role reaches no other secret.",
        data_actions=(VAULT + "secrets/getSecret/action", VAULT + "secrets/readMetadata/action"),
    ),
    BuiltIn(
        name="Storage Blob Data Contributor",
        id="ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        holder="events",
        scope="the container of dead letters",
        why="Event Grid writes what it could not deliver.",
        data_actions=(STORAGE + "blobServices/containers/blobs/*",),
    ),
    BuiltIn(
        name="Storage Blob Data Contributor",
        id="ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        holder="deployer",
        scope="the container of the desired state",
        why="Whoever deploys can write the first desired state.",
        data_actions=(STORAGE + "blobServices/containers/blobs/*",),
    ),
)


def is_data_action(action: str) -> bool:
    """Whether an action belongs to a vault's data plane, which a built-in role grants on each vault."""
    return action.startswith((VAULT + "certificates/", VAULT + "secrets/", VAULT + "keys/"))


def declared_reads() -> frozenset[str]:
    """All that is read: by the rules and by the engine."""
    return ENGINE_READS.union(*(rule.reads for rule in ALL))


def declared_writes() -> frozenset[str]:
    """All that is written by the rules."""
    return frozenset().union(*(rule.writes for rule in ALL))


def allows(role: Mapping[str, Any], action: str) -> bool:
    """Whether a role allows an action, as Azure reads it: without case, not-actions last."""

    def fits(patterns: Iterable[str]) -> bool:
        return any(fnmatchcase(action.casefold(), pattern.casefold()) for pattern in patterns)

    return fits(role["actions"]) and not fits(role["notActions"])


def detect() -> dict[str, Any]:
    """What a deployment in report mode may do: look."""
    reads = declared_reads()
    outside = sorted(
        action for action in reads if not action.startswith(f"{APIM}service/") and not is_data_action(action)
    )
    hidden = [f"{APIM}service/{child}/*" for child in SENSITIVE if not _is_declared(child, reads)]
    return {
        "name": "Apimend Detect",
        "description": "Reads API Management services and what stands in front of them. Writes nothing; reads no "
        "keys, no secrets and no users.",
        # Not one by one: the list of all policies has no published action of its own, which a custom role can't name.
        "actions": [f"{APIM}service/read", f"{APIM}service/*/read", *outside],
        "notActions": [*hidden, *([f"{APIM}service/users/keys/read"] if _is_declared("users", reads) else [])],
    }


def remediate() -> dict[str, Any]:
    """What it takes besides, to put right what was found. Assigned on its own, and only when somebody wants it."""
    return {
        "name": "Apimend Remediate",
        "description": "Writes what Apimend's rules change, and nothing else. Needs Apimend Detect besides.",
        "actions": sorted(declared_writes()),
        "notActions": [],
    }


def subscribe() -> dict[str, Any]:
    """What the Azure Policy's identity may do in a subscription: tell the app of events there."""
    return {
        "name": "Apimend Subscribe",
        "description": "Lets Azure Policy create the resource group, the system topic and the event subscriptions by "
        "which the app hears of changes.",
        "actions": [
            "Microsoft.EventGrid/eventSubscriptions/read",
            "Microsoft.EventGrid/eventSubscriptions/write",
            "Microsoft.EventGrid/systemTopics/eventSubscriptions/read",
            "Microsoft.EventGrid/systemTopics/eventSubscriptions/write",
            "Microsoft.EventGrid/systemTopics/read",
            "Microsoft.EventGrid/systemTopics/write",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Resources/subscriptions/resourceGroups/write",
        ],
        "notActions": [],
    }


def deliver() -> dict[str, Any]:
    """What the same identity needs in the hub: Event Grid asks whether it may write to the destination."""
    return {
        "name": "Apimend Deliver",
        "description": "Lets Azure Policy name the app's function, its dead-letter container and its events identity "
        "in event subscriptions. Assigned on the app's resource group.",
        "actions": [
            "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "Microsoft.Storage/storageAccounts/blobServices/containers/write",
            "Microsoft.Storage/storageAccounts/read",
            "Microsoft.Web/sites/functions/read",
            "Microsoft.Web/sites/functions/write",
        ],
        "notActions": [],
    }


MADE = {"detect": detect, "remediate": remediate, "subscribe": subscribe, "deliver": deliver}


def text(role: Mapping[str, Any]) -> str:
    """A role as it stands in its file."""
    return json.dumps(role, indent=2) + "\n"


def _is_declared(child: str, reads: frozenset[str]) -> bool:
    return any(action.casefold().startswith(f"{APIM}service/{child}/".casefold()) for action in reads)


def main() -> int:
    """Write all files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, made in MADE.items():
        (FOLDER / f"{name}.json").write_text(text(made()), encoding="utf-8")
        print(f"infra/roles/{name}.json: {len(made()['actions'])} actions")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
