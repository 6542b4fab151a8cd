"""
What the controls need, where it is read, and with which permission: one table.

A new api-version or a new thing to read changes this file. `reads` reads by it, the rule declares its permissions by
it, and the documentation shows them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from apimend.model.ids import ResourceId

APIM = "2024-05-01"
_APIM = "Microsoft.ApiManagement/service/"


class Place(Enum):
    """Where a read begins."""

    INSTANCE = "instance"
    SUBSCRIPTION = "subscription"
    GRAPH = "Resource Graph"
    OWN = "its own way"


@dataclass(frozen=True, kw_only=True)
class Read:
    """
    One read. `path` is below the instance or the subscription, or a query of Resource Graph. `touch` is the segment
    below the instance by which an event calls for it; `free`: mTLS has read it on a visit that looks closely.
    `spaces`: workspaces have the like, which is read with it.
    """

    key: str
    place: Place
    actions: tuple[str, ...]
    path: str = ""
    api_version: str = APIM
    one: bool = False
    touch: str = ""
    free: bool = False
    spaces: bool = False
    filter: Callable[[ResourceId, datetime], str] | None = None


def _list(segment: str, *actions: str, path: str = "", free: bool = False, spaces: bool = False) -> Read:
    own = tuple(f"{_APIM}{action}/read" for action in actions or (segment,))
    within = (f"{_APIM}workspaces/read", *(f"{_APIM}workspaces/{action}/read" for action in actions or (segment,)))
    return Read(
        key=segment,
        place=Place.INSTANCE,
        path=path or segment,
        actions=(*own, *within) if spaces else own,
        touch=segment,
        free=free,
        spaces=spaces,
    )


def _one(path: str, action: str, touch: str) -> Read:
    return Read(key=path, place=Place.INSTANCE, path=path, one=True, actions=(f"{_APIM}{action}/read",), touch=touch)


def _beside(key: str, path: str, version: str, *actions: str, place: Place, one: bool = False, **more: Any) -> Read:
    return Read(key=key, place=place, path=path, api_version=version, one=one, actions=actions, **more)


def _graph(key: str, table: str, types: Sequence[str], *actions: str) -> Read:
    listed = ", ".join(f"'{each.casefold()}'" for each in types)
    query = f"{table} | where type in~ ({listed}) | project id, name, type, location, tags, sku, properties"
    return Read(
        key=key, place=Place.GRAPH, path=query, api_version="", actions=actions or tuple(f"{t}/read" for t in types)
    )


def _changes(instance: ResourceId, now: datetime) -> str:
    since = (now - timedelta(days=89)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"eventTimestamp ge '{since}' and resourceGroupName eq '{instance.resource_group}'"


NETWORK_TYPES = (
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/networkWatchers/flowLogs",
    "Microsoft.Network/applicationGateways",
    "Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies",
    "Microsoft.Network/frontDoors",
    "Microsoft.Network/frontDoorWebApplicationFirewallPolicies",
    "Microsoft.Cdn/profiles",
)
MONITOR_TYPES = (
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Insights/activityLogAlerts",
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.Insights/actionGroups",
    "Microsoft.Security/automations",
)
STORE_TYPES = ("Microsoft.KeyVault/vaults", "Microsoft.Storage/storageAccounts")
_ROLES = ("Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleDefinitions")
_PIM = "Microsoft.Authorization"
_INSIGHTS = "Microsoft.Insights"

READS: Mapping[str, Read] = {
    read.key: read
    for read in (
        Read(key="service", place=Place.OWN, actions=(f"{_APIM}read",), free=True),
        Read(
            key="survey",
            place=Place.OWN,
            free=True,
            actions=tuple(
                f"{_APIM}{each}/read"
                for each in (
                    "allPolicies",
                    "apis",
                    "apis/operations",
                    "apis/operations/policies",
                    "apis/policies",
                    "apis/revisions",
                    "policies",
                    "policyFragments",
                    "products",
                    "products/apis",
                    "products/policies",
                )
            ),
        ),
        _list("apis", free=True, spaces=True),
        Read(key="revisions", place=Place.OWN, actions=(f"{_APIM}apis/read", f"{_APIM}apis/revisions/read")),
        _list("allPolicies"),
        _list("products", "products", "products/groups", path="products?expandGroups=true", spaces=True),
        _list("subscriptions", spaces=True),
        _list("namedValues", spaces=True),
        _list("backends", spaces=True),
        _list("certificates", spaces=True),
        _list("loggers", spaces=True),
        _list("diagnostics", spaces=True),
        Read(
            key="api diagnostics", place=Place.OWN, actions=(f"{_APIM}apis/diagnostics/read",), touch="apis/diagnostics"
        ),
        _list("identityProviders"),
        _one("portalconfigs/default", "portalconfigs", "portalconfigs"),
        _one("portalsettings/signup", "portalsettings", "portalsettings"),
        _one("tenant/access", "tenant", "tenant"),
        _one("tenant/gitAccess", "tenant", "tenant"),
        _list("gateways"),
        Read(
            key="gateway hosts",
            place=Place.OWN,
            actions=(f"{_APIM}gateways/read", f"{_APIM}gateways/hostnameConfigurations/read"),
            touch="gateways",
        ),
        Read(
            key="workspace gateways",
            place=Place.OWN,
            actions=(f"{_APIM}workspaceLinks/read", "Microsoft.ApiManagement/gateways/read"),
        ),
        Read(key="zones", place=Place.OWN, one=True, api_version="2025-09-01-preview", actions=(f"{_APIM}read",)),
        _graph("network", "resources", NETWORK_TYPES),
        Read(
            key="front doors",
            place=Place.OWN,
            api_version="2024-02-01",
            actions=tuple(
                f"Microsoft.Cdn/profiles/{each}read"
                for each in ("", "origingroups/", "origingroups/origins/", "securitypolicies/")
            ),
        ),
        _graph("monitor", "resources", MONITOR_TYPES),
        _graph("stores", "resources", STORE_TYPES),
        _graph("defender", "securityresources", ("Microsoft.Security/assessments",)),
        _graph(
            "assignments",
            "policyresources",
            ("Microsoft.Authorization/policyAssignments", "Microsoft.PolicyInsights/policyStates"),
            "Microsoft.Authorization/policyAssignments/read",
            "Microsoft.PolicyInsights/policyStates/queryResults/read",
        ),
        _graph("advisor", "advisorresources", ("Microsoft.Advisor/recommendations",)),
        _graph("roles", "authorizationresources", _ROLES),
        _beside(
            "resource logs",
            "providers/Microsoft.Insights/diagnosticSettings",
            "2021-05-01-preview",
            f"{_INSIGHTS}/diagnosticSettings/read",
            place=Place.INSTANCE,
        ),
        _beside(
            "activity logs",
            "providers/Microsoft.Insights/diagnosticSettings",
            "2021-05-01-preview",
            f"{_INSIGHTS}/diagnosticSettings/read",
            place=Place.SUBSCRIPTION,
        ),
        Read(
            key="log tables",
            place=Place.OWN,
            api_version="2023-09-01",
            actions=(
                "Microsoft.OperationalInsights/workspaces/read",
                "Microsoft.OperationalInsights/workspaces/tables/read",
            ),
        ),
        _beside(
            "changes",
            "providers/Microsoft.Insights/eventtypes/management/values",
            "2015-04-01",
            f"{_INSIGHTS}/eventtypes/values/read",
            place=Place.SUBSCRIPTION,
            filter=_changes,
        ),
        _beside(
            "locks",
            "providers/Microsoft.Authorization/locks",
            "2016-09-01",
            "Microsoft.Authorization/locks/read",
            place=Place.INSTANCE,
        ),
        _beside(
            "group locks",
            "providers/Microsoft.Authorization/locks",
            "2016-09-01",
            "Microsoft.Authorization/locks/read",
            place=Place.SUBSCRIPTION,
        ),
        *(
            _beside(
                key,
                f"providers/{_PIM}/{kind}",
                "2020-10-01",
                f"{_PIM}/{kind}/read",
                place=Place.INSTANCE,
                filter=lambda _instance, _now: "atScope()",
            )
            for key, kind in (
                ("active roles", "roleAssignmentScheduleInstances"),
                ("eligible roles", "roleEligibilityScheduleInstances"),
                ("role policies", "roleManagementPolicyAssignments"),
            )
        ),
        _beside(
            "api collections",
            "providers/Microsoft.Security/apiCollections",
            "2023-11-15",
            "Microsoft.Security/apiCollections/read",
            place=Place.INSTANCE,
        ),
        _beside(
            "defender plan",
            "providers/Microsoft.Security/pricings/Api",
            "2024-01-01",
            "Microsoft.Security/pricings/read",
            place=Place.SUBSCRIPTION,
            one=True,
        ),
        _beside(
            "security contacts",
            "providers/Microsoft.Security/securityContacts",
            "2023-12-01-preview",
            "Microsoft.Security/securityContacts/read",
            place=Place.SUBSCRIPTION,
        ),
    )
}
"""Every read there is, by key."""
