"""
What the controls need, how it is read, and with which permission: one table.

Called by the posture's rule with a visit's reader, which reads each resource once. It judges nothing, and a read that
fails spoils nothing but itself: the reading says why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from apimend.model.desired import Desired
from apimend.model.errors import ApimendError, Denied, Final, Gone, Rejected, Unavailable
from apimend.model.ids import ResourceId
from apimend.ports import InstanceReader, VisitContext
from apimend.posture.estate import Estate, Gap, Reading, service_reading
from apimend.survey import Survey, survey

APIM = "2024-05-01"
_APIM = "Microsoft.ApiManagement/service/"
_UNREGISTERED = (
    "invalidresourcetype",
    "invalidresourcenamespace",
    "missingsubscriptionregistration",
    "subscription not registered",
    "subscriptionnotregistered",
)


_ODD = (AttributeError, KeyError, TypeError, ValueError)
"""What reading JSON of an unknown form raises: a reading that failed, no reason to break the visit."""


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
    """

    key: str
    place: Place
    actions: tuple[str, ...]
    path: str = ""
    api_version: str = APIM
    one: bool = False
    touch: str = ""
    free: bool = False
    filter: Callable[[ResourceId, datetime], str] | None = None


def _list(segment: str, *actions: str, path: str = "", free: bool = False, touch: str = "") -> Read:
    return Read(
        key=segment,
        place=Place.INSTANCE,
        path=path or segment,
        actions=tuple(f"{_APIM}{action}/read" for action in actions or (segment,)),
        touch=touch or segment,
        free=free,
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


_EVERYWHERE = frozenset({"network", "stores"})
"""Networks and vaults often lie in a subscription of their own."""

_CONFIRMED = {
    "monitor": ("Microsoft.Insights/metricAlerts", "2018-03-01"),
    "assignments": ("Microsoft.Authorization/policyAssignments", "2022-06-01"),
    "roles": ("Microsoft.Authorization/roleAssignments", "2022-04-01"),
    "network": ("Microsoft.Network/virtualNetworks", "2024-05-01"),
}

NETWORK_TYPES = (
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/networkWatchers/flowLogs",
    "Microsoft.Network/applicationGateways",
    "Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies",
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
        _list("apis", free=True),
        Read(key="revisions", place=Place.OWN, actions=(f"{_APIM}apis/read", f"{_APIM}apis/revisions/read")),
        _list("allPolicies"),
        _list("products", "products", "products/groups", path="products?expandGroups=true"),
        _list("subscriptions"),
        _list("namedValues"),
        _list("backends"),
        _list("certificates"),
        _list("loggers"),
        _list("diagnostics"),
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
        _graph("network", "resources", NETWORK_TYPES),
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


def wanted(context: VisitContext) -> frozenset[str]:
    """
    What a visit reads: all where it walks; else what it has at hand, and what the event touched.

    A plain event on the service costs no call.
    """
    if context.walk:
        return frozenset(READS)
    free = {key for key, read in READS.items() if read.free and (context.thorough or key == "service")}
    return frozenset(free | {key for key, read in READS.items() if read.touch and read.touch == context.touched})


async def look(reader: InstanceReader, desired: Desired, context: VisitContext) -> Estate:
    """Read what this visit calls for."""
    service = await reader.service()
    keys = wanted(context)
    readings = {"service": service_reading(service.raw, service.id.text, context.now, APIM)}
    surveyed: Survey | None = None
    if "survey" in keys:
        readings["survey"], surveyed = await _survey(reader, desired, context)
    at_once = await asyncio.gather(*(_guarded(READS[key], reader, context) for key in sorted(keys - set(readings))))
    readings.update({reading.key: reading for reading in at_once})
    return Estate(
        instance=service.id,
        tier=service.tier,
        desired=desired,
        now=context.now,
        readings=readings,
        survey=surveyed,
        coverage=context.progress.coverage,
        whole=context.walk,
    )


async def _survey(reader: InstanceReader, desired: Desired, context: VisitContext) -> tuple[Reading, Survey | None]:
    blank = Reading(key="survey", subject=reader.instance.text, read=context.now, api_version=APIM)
    try:
        return blank, await survey(reader, desired, handshakes=context.handshakes, walk=context.walk)
    except ApimendError as error:
        return _gap(READS["survey"], blank, error), None
    except _ODD as error:
        return _odd(blank, error), None


async def _guarded(read: Read, reader: InstanceReader, context: VisitContext) -> Reading:
    subject = _subject(read, reader)
    blank = Reading(key=read.key, subject=subject, read=context.now, api_version=read.api_version)
    try:
        return replace(blank, value=await _value(read, reader, context))
    except ApimendError as error:
        return _gap(read, blank, error)
    except _ODD as error:
        return _odd(blank, error)


def _subject(read: Read, reader: InstanceReader) -> str:
    if read.place is Place.INSTANCE:
        return reader.instance.child(*read.path.partition("?")[0].split("/")).text
    if read.place is Place.SUBSCRIPTION:
        return f"/subscriptions/{reader.instance.subscription}/{read.path}"
    return reader.instance.text


async def _value(read: Read, reader: InstanceReader, context: VisitContext) -> Any:
    if read.place is Place.GRAPH:
        return await _queried(read, reader)
    if read.place is Place.OWN:
        return await _OWN[read.key](reader)
    id = ResourceId.of(_subject(read, reader))
    if read.one:
        return await reader.entity(id, read.api_version)
    asked = read.filter(reader.instance, context.now) if read.filter else ""
    expands = {"expandGroups": "true"} if "?" in read.path else {}
    return await reader.listed(id, read.api_version, filter=asked, **expands)


def _odd(blank: Reading, error: Exception) -> Reading:
    return replace(blank, gap=Gap.UNREAD, why=f"{blank.key} has an unknown form ({type(error).__name__}).")


async def _queried(read: Read, reader: InstanceReader) -> Any:
    """
    The rows of a query. Resource Graph leaves out what we may not read, without a word: where it shows nothing that
    can't be, or nothing that a control would blame somebody for, Resource Manager is asked, which says so.
    """
    rows = await reader.query(read.path, everywhere=read.key in _EVERYWHERE)
    if rows or read.key not in _CONFIRMED:
        return rows
    kind, version = _CONFIRMED[read.key]
    id = ResourceId.of(f"/subscriptions/{reader.instance.subscription}/providers/{kind}")
    if await reader.listed(id, version):
        raise Unavailable("Resource Graph does not show it yet.")
    return rows


def _gap(read: Read, blank: Reading, error: ApimendError) -> Reading:
    """Why there is no value. `400 MethodNotAllowedInPricingTier` is Azure's word for a tier without the feature."""
    code = str(getattr(error, "code", ""))
    if any(word in code.casefold() for word in _UNREGISTERED):
        what = read.actions[0].partition("/")[0]
        return replace(blank, gap=Gap.UNREAD, why=f"The provider {what} is not registered in the subscription.")
    if isinstance(error, Rejected) and "methodnotallowedinpricingtier" in code.casefold():
        return replace(blank, gap=Gap.NOT_IN_TIER, why=f"The tier does not have {read.key}, says Azure.")
    if isinstance(error, Gone):
        return replace(blank, gap=Gap.ABSENT)
    if isinstance(error, Denied):
        return replace(blank, gap=Gap.UNREAD, why=f"{read.key} can't be read: {', '.join(read.actions)} is missing.")
    again = "" if isinstance(error, Final) else " It is tried again on the next look."
    return replace(blank, gap=Gap.UNREAD, why=f"{read.key} could not be read ({type(error).__name__}).{again}")


async def _revisions(reader: InstanceReader) -> list[Mapping[str, Any]]:
    """Revisions that are online without being current: they can be called all the same."""
    current = await reader.apis()
    found = await asyncio.gather(*(reader.revisions(api) for api in current))
    callable_ = [rev for revisions in found for rev in revisions if rev.is_online and not rev.is_current]
    return list(await asyncio.gather(*(reader.entity(rev.id, APIM) for rev in callable_)))


async def _api_diagnostics(reader: InstanceReader) -> list[Mapping[str, Any]]:
    apis = await reader.apis()
    found = await asyncio.gather(*(reader.listed(api.id.child("diagnostics"), APIM) for api in apis))
    return [row for rows in found for row in rows]


async def _gateway_hosts(reader: InstanceReader) -> list[Mapping[str, Any]]:
    service = await reader.service()
    gateways = await reader.gateways() if service.tier.self_hosted else ()
    found = await asyncio.gather(
        *(reader.listed(gateway.id.child("hostnameConfigurations"), APIM) for gateway in gateways)
    )
    return [row for rows in found for row in rows]


async def _log_tables(reader: InstanceReader) -> list[Mapping[str, Any]]:
    """The workspaces that logs go to, and the table in them."""
    read = READS["resource logs"]
    settings = await reader.listed(ResourceId.of(_subject(read, reader)), read.api_version)
    ids = {str((row.get("properties") or {}).get("workspaceId") or "") for row in settings} - {""}
    return [row for id in sorted(ids) for row in await _tables(reader, ResourceId.of(id))]


async def _tables(reader: InstanceReader, workspace: ResourceId) -> Iterable[Mapping[str, Any]]:
    whole = await reader.entity(workspace, READS["log tables"].api_version)
    try:
        table = await reader.entity(
            workspace.child("tables", "ApiManagementGatewayLogs"), READS["log tables"].api_version
        )
    except Gone:
        return (whole,)
    return (table,)


_OWN: Mapping[str, Callable[[InstanceReader], Awaitable[list[Mapping[str, Any]]]]] = {
    "revisions": _revisions,
    "api diagnostics": _api_diagnostics,
    "gateway hosts": _gateway_hosts,
    "log tables": _log_tables,
}
