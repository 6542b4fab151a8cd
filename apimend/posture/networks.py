"""
How a gateway lies in its networks: its class, its subnets, the Application Gateways that name it.

The families of controls share it. Pure; it tells what Resource Graph showed and judges nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from apimend.model.features import PREMIUM_V2, SELF_MANAGED
from apimend.posture.doubt import Beside, Unsure
from apimend.posture.estate import Estate
from apimend.posture.node import Node

VNETS = "microsoft.network/virtualnetworks"
GROUPS = "microsoft.network/networksecuritygroups"
ADDRESSES = "microsoft.network/publicipaddresses"
FLOW_LOGS = "microsoft.network/networkwatchers/flowlogs"
GATEWAYS = "microsoft.network/applicationgateways"
INTERNET = frozenset({"*", "internet", "0.0.0.0/0", "::/0", "any"})


class Exposure(Enum):
    """Who can reach the gateway, as far as it can be seen."""

    INTERNAL = "internal"
    PRIVATE = "private"
    OPEN = "public"


def exposure(estate: Estate) -> Exposure:
    """Internal by injection, private by an approved endpoint with public access off, else open."""
    service = estate.service
    mode = service.prop("virtualNetworkType").word
    if mode == "internal":
        if estate.tier.name not in SELF_MANAGED | {PREMIUM_V2}:
            raise Unsure(f"What virtualNetworkType Internal means on the tier {estate.tier.name} is not documented.")
        return Exposure.INTERNAL
    if service.prop("publicNetworkAccess").word == "disabled" and approved(estate):
        return Exposure.PRIVATE
    return Exposure.OPEN


def approved(estate: Estate) -> tuple[Node, ...]:
    """The states of private endpoint connections that are approved."""
    return tuple(state for state in endpoint_states(estate) if state.word == "approved")


def endpoint_states(estate: Estate) -> tuple[Node, ...]:
    """The state of each private endpoint connection."""
    found = estate.service.prop("privateEndpointConnections").items
    return tuple(each.prop("privateLinkServiceConnectionState", "status") for each in found)


@dataclass(frozen=True, kw_only=True)
class Lying:
    """A subnet that the gateway lies in or speaks through: where the service says so, and the subnet."""

    said: Node
    subnet: Node


def is_injected(estate: Estate) -> bool:
    """Whether the gateway itself lies in a subnet (integration of the v2 tiers is outbound only)."""
    placed = estate.service.prop("virtualNetworkType").word in ("internal", "external")
    return placed and estate.tier.name in SELF_MANAGED | {PREMIUM_V2}


def said_subnets(estate: Estate) -> tuple[Node, ...]:
    """The subnet ids that the service names, of all its regions."""
    places = [estate.service.prop("virtualNetworkConfiguration")]
    places += [each.at("virtualNetworkConfiguration") for each in estate.service.prop("additionalLocations").items]
    return tuple(place.at("subnetResourceId") for place in places if place.at("subnetResourceId").text)


def lying(estate: Estate) -> Iterator[Lying]:
    """The subnets. Raises Beside where there is none, Unsure where one can't be seen."""
    said = said_subnets(estate)
    if not said:
        raise Beside("The gateway is neither injected into a virtual network nor integrated with one.")
    for each in said:
        yield Lying(said=each, subnet=_subnet(estate, each.word))


def network_of(estate: Estate, subnet_id: str) -> Node:
    """The virtual network of a subnet."""
    wanted = subnet_id.casefold().partition("/subnets/")[0]
    return row(estate, VNETS, wanted)


def _subnet(estate: Estate, id: str) -> Node:
    for subnet in network_of(estate, id).prop("subnets").items:
        if subnet.at("id").word == id or id.endswith(f"/{subnet.at('name').word}"):
            return subnet
    raise Unsure(f"The subnet {id} can't be seen.")


def row(estate: Estate, kind: str, id: str) -> Node:
    """One row of the network query by id. What Resource Graph does not show may exist all the same: Unsure."""
    for each in estate.of_type("network", kind):
        if each.subject.casefold() == id.casefold():
            return each
    raise Unsure(f"{id} can't be seen: it does not exist, or we may not read it.")


def group_of(estate: Estate, subnet: Node) -> Node | None:
    """The network security group of a subnet."""
    id = subnet.prop("networkSecurityGroup", "id").text
    return row(estate, GROUPS, id) if id else None


def admits(group: Node, port: int) -> Node | None:
    """The inbound rule by which the Internet reaches a port, first match by priority; None where none lets it in."""
    for rule in ranked(group):
        if not covers(rule, port) or not (sources(rule) & INTERNET):
            continue
        return rule if rule.prop("access").word == "allow" else None
    return None


def ranked(group: Node) -> list[Node]:
    """The inbound rules by priority."""
    rules = [rule for rule in group.prop("securityRules").items if rule.prop("direction").word == "inbound"]
    return sorted(rules, key=lambda rule: rule.prop("priority").number or 65000)


def sources(rule: Node) -> frozenset[str]:
    """The source prefixes of a rule, in lower case."""
    one = rule.prop("sourceAddressPrefix").word
    return rule.prop("sourceAddressPrefixes").words | (frozenset({one}) if one else frozenset())


def covers(rule: Node, port: int) -> bool:
    """Whether a rule is about a port."""
    one = rule.prop("destinationPortRange").word
    ranges = rule.prop("destinationPortRanges").words | (frozenset({one}) if one else frozenset())
    return any(_within(port, each) for each in ranges)


def _within(port: int, span: str) -> bool:
    if span == "*":
        return True
    low, _, high = span.partition("-")
    if not low.isdigit() or (high and not high.isdigit()):
        raise Unsure(f"The port range {span} is not understood.")
    return int(low) <= port <= int(high or low)


def proxies(estate: Estate) -> tuple[Node, ...]:
    """Application Gateways with a backend that names a host or an address of the gateway."""
    return tuple(each for each in estate.of_type("network", GATEWAYS) if estate.hosts & _backends(each))


def _backends(gateway: Node) -> frozenset[str]:
    found: set[str] = set()
    for pool in gateway.prop("backendAddressPools").items:
        for address in pool.prop("backendAddresses").items:
            found |= {address.at("fqdn").word, address.at("ipAddress").word}
    return frozenset(found - {""})
