"""
Raw JSON of vaults, role assignments and subnets as the values of `apimend.model.access`. Used by the reader only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from apimend.model.access import Deleted, Grant, SecurityRule, Subnet, Vault, VaultPolicy
from apimend.model.ids import ResourceId

VAULTS = "2023-07-01"
AUTHORIZATION = "2022-04-01"
NETWORK = "2024-01-01"

Raw = Mapping[str, Any]


def vault(raw: Raw) -> Vault:
    """A vault."""
    properties = raw["properties"]
    network = properties.get("networkAcls") or {}
    public = str(properties.get("publicNetworkAccess") or "Enabled").casefold()
    return Vault(
        id=ResourceId.of(raw["id"]),
        name=raw["name"],
        rbac=bool(properties.get("enableRbacAuthorization")),
        policies=tuple(_policy(entry) for entry in properties.get("accessPolicies") or ()),
        shut=str(network.get("defaultAction") or "Allow").casefold() == "deny" or public == "disabled",
        lets_azure_in=str(network.get("bypass") or "AzureServices").casefold() == "azureservices",
        subnets=tuple(ResourceId.of(rule["id"]) for rule in network.get("virtualNetworkRules") or ()),
    )


def _policy(entry: Raw) -> VaultPolicy:
    granted = (entry.get("permissions") or {}).get("secrets") or ()
    return VaultPolicy(
        principal=str(entry.get("objectId") or "").casefold(), secrets=frozenset(str(one).casefold() for one in granted)
    )


def deleted_vault(rows: Iterable[Raw], name: str) -> Deleted | None:
    """The vault of this name among the deleted ones of a subscription."""
    for row in rows:
        if str(row.get("name")).casefold() == name.casefold():
            properties = row.get("properties") or {}
            return Deleted(
                vault=str(row["name"]),
                location=str(properties.get("location") or ""),
                deleted=_moment(properties.get("deletionDate")),
                until=_moment(properties.get("scheduledPurgeDate")),
                purgeable=not properties.get("purgeProtectionEnabled"),
            )
    return None


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def grants(raw: Raw) -> Iterator[Grant]:
    """The role assignments of a list, without what their roles allow."""
    for entry in raw.get("value") or ():
        properties = entry["properties"]
        # The scope of a tenant-wide assignment is a bare slash, which is no id; it lies above everything.
        scope = str(properties.get("scope") or "/")
        if scope.strip("/"):
            yield Grant(role=ResourceId.of(properties["roleDefinitionId"]), scope=ResourceId.of(scope))


def with_actions(grant: Grant, role: Raw) -> Grant:
    """A grant with what its role allows in data planes."""
    permissions = (role.get("properties") or {}).get("permissions") or ()
    return replace(
        grant,
        data_actions=tuple(action for one in permissions for action in one.get("dataActions") or ()),
        not_data_actions=tuple(action for one in permissions for action in one.get("notDataActions") or ()),
    )


def subnet(network: Raw, id: ResourceId) -> Subnet | None:
    """A subnet of a network, without the rules of its security group."""
    for raw in (network.get("properties") or {}).get("subnets") or ():
        if ResourceId.of(raw["id"]) == id:
            properties = raw.get("properties") or {}
            group = (properties.get("networkSecurityGroup") or {}).get("id")
            endpoints = properties.get("serviceEndpoints") or ()
            return Subnet(
                id=ResourceId.of(raw["id"]),
                service_endpoints=frozenset(str(one.get("service")) for one in endpoints),
                security_group=ResourceId.of(group) if group else None,
            )
    return None


def with_rules(found: Subnet, group: Raw) -> Subnet:
    """A subnet with the outbound rules of its security group."""
    rules = (group.get("properties") or {}).get("securityRules") or ()
    return replace(found, outbound=tuple(_rule(one) for one in rules if _is_outbound(one)))


def _is_outbound(rule: Raw) -> bool:
    return str(rule["properties"].get("direction")).casefold() == "outbound"


def _rule(raw: Raw) -> SecurityRule:
    properties = raw["properties"]
    return SecurityRule(
        name=str(raw.get("name") or ""),
        priority=int(properties.get("priority") or 0),
        allows=str(properties.get("access")).casefold() == "allow",
        destinations=frozenset(_either(properties, "destinationAddressPrefix", "destinationAddressPrefixes")),
        ports=frozenset(_either(properties, "destinationPortRange", "destinationPortRanges")),
    )


def _either(properties: Raw, one: str, many: str) -> Iterator[str]:
    """Azure keeps a single value in one member and several in another."""
    if properties.get(one):
        yield str(properties[one])
    yield from map(str, properties.get(many) or ())
