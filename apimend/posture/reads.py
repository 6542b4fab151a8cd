"""
Reads what the controls need: what a visit calls for, by the table.

Called by the posture's rule with a visit's reader, which reads each resource once. It judges nothing, and a read that
fails spoils nothing but itself: the reading says why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from apimend.model.azure import Api
from apimend.model.desired import Desired
from apimend.model.errors import ApimendError, Denied, Final, Gone, Rejected, Unavailable
from apimend.model.ids import ResourceId
from apimend.ports import InstanceReader, VisitContext
from apimend.posture.estate import Estate, Gap, Reading, service_reading
from apimend.posture.table import APIM, READS, Place, Read
from apimend.survey import Survey, survey

_UNREGISTERED = (
    "invalidresourcetype",
    "invalidresourcenamespace",
    "missingsubscriptionregistration",
    "subscription not registered",
    "subscriptionnotregistered",
)
_ODD = (AttributeError, KeyError, TypeError, ValueError)
"""What reading JSON of an unknown form raises: a reading that failed, no reason to break the visit."""
_EVERYWHERE = frozenset({"network", "stores"})
"""Networks and vaults often lie in a subscription of their own."""

_CONFIRMED = {
    "monitor": ("Microsoft.Insights/metricAlerts", "2018-03-01"),
    "assignments": ("Microsoft.Authorization/policyAssignments", "2022-06-01"),
    "roles": ("Microsoft.Authorization/roleAssignments", "2022-04-01"),
    "network": ("Microsoft.Network/virtualNetworks", "2024-05-01"),
}


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
        heard=context.progress.heard,
        # What was throttled, say, keeps its last verdict: such a look is not whole.
        whole=context.walk and not any(reading.gap is Gap.LATER for reading in readings.values()),
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
    homes = await _workspaces(reader) if read.spaces else ()
    ids = [id, *(home.child(id.name) for home in homes)]
    found = await asyncio.gather(*(reader.listed(each, read.api_version, filter=asked, **expands) for each in ids))
    return [row for rows in found for row in rows]


async def _workspaces(reader: InstanceReader) -> tuple[ResourceId, ...]:
    service = await reader.service()
    return tuple(each.id for each in await reader.workspaces()) if service.tier.workspaces else ()


async def _apis(reader: InstanceReader) -> list[Api]:
    """The current revision of every API, those of workspaces too."""
    names = ["", *(home.name for home in await _workspaces(reader))]
    found = await asyncio.gather(*(reader.apis(name) for name in names))
    return [api for apis in found for api in apis]


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
    why = f"{read.key} could not be read ({type(error).__name__})."
    if isinstance(error, Final):
        return replace(blank, gap=Gap.UNREAD, why=why)
    return replace(blank, gap=Gap.LATER, why=f"{why} It is tried again on the next look.")


async def _revisions(reader: InstanceReader) -> list[Mapping[str, Any]]:
    """Revisions that are online without being current: they can be called all the same."""
    current = await _apis(reader)
    found = await asyncio.gather(*(reader.revisions(api) for api in current))
    callable_ = [rev for revisions in found for rev in revisions if rev.is_online and not rev.is_current]
    return list(await asyncio.gather(*(reader.entity(rev.id, APIM) for rev in callable_)))


async def _api_diagnostics(reader: InstanceReader) -> list[Mapping[str, Any]]:
    apis = await _apis(reader)
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


async def _workspace_gateways(reader: InstanceReader) -> list[Mapping[str, Any]]:
    """The gateways that workspaces of this instance run on."""
    service = await reader.service()
    if not service.tier.workspaces:
        return []
    links = await reader.listed(service.id.child("workspaceLinks"), APIM)
    ids = {
        str(each.get("id")) for link in links for each in (link.get("properties") or {}).get("gateways") or () if each
    }
    return list(await asyncio.gather(*(reader.entity(ResourceId.of(id), APIM) for id in sorted(ids))))


async def _zones(reader: InstanceReader) -> Mapping[str, Any]:
    """The v2 tiers say in a newer api-version only whether they lie in several zones."""
    service = await reader.service()
    return await reader.entity(service.id, READS["zones"].api_version) if service.tier.is_v2 else {}


async def _front_doors(reader: InstanceReader) -> list[Mapping[str, Any]]:
    """Origins of Front Doors that name a host of this instance, and the security policies of their profiles."""
    service = await reader.service()
    hosts = {entry.host.casefold() for entry in service.proxies}
    if service.virtual_network_type.casefold() == "internal":
        return []
    rows = await reader.query(READS["network"].path, everywhere=True)
    profiles = [ResourceId.of(str(row["id"])) for row in rows if _is_front_door(row)]
    found = await asyncio.gather(*(_of_door(reader, profile, hosts) for profile in profiles))
    return [row for each in found for row in each]


def _is_front_door(row: Mapping[str, Any]) -> bool:
    kind, tier = str(row.get("type")).casefold(), str((row.get("sku") or {}).get("name")).casefold()
    return kind == "microsoft.cdn/profiles" and tier.endswith("_azurefrontdoor")


async def _of_door(reader: InstanceReader, profile: ResourceId, hosts: set[str]) -> list[Mapping[str, Any]]:
    version = READS["front doors"].api_version
    groups = [ResourceId.of(str(row["id"])) for row in await reader.listed(profile.child("originGroups"), version)]
    lists = await asyncio.gather(*(reader.listed(group.child("origins"), version) for group in groups))
    mine = [
        row for rows in lists for row in rows if str((row.get("properties") or {}).get("hostName")).casefold() in hosts
    ]
    return [*mine, *await reader.listed(profile.child("securityPolicies"), version)] if mine else []


_OWN: Mapping[str, Callable[[InstanceReader], Awaitable[Any]]] = {
    "revisions": _revisions,
    "api diagnostics": _api_diagnostics,
    "gateway hosts": _gateway_hosts,
    "log tables": _log_tables,
    "workspace gateways": _workspace_gateways,
    "zones": _zones,
    "front doors": _front_doors,
}
