"""
Networks that filter and record less than they should, where the gateway lies in one.

What it finds: subnets without a network security group, groups that admit too much, traffic that nobody records,
addresses without protection from floods.
Why it matters: what is reachable should be filtered and recorded.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/virtual-network-reference
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.posture import networks
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Beside
from apimend.posture.estate import Estate
from apimend.posture.networks import Exposure, Lying
from apimend.posture.node import Node

_MANAGEMENT = "apimanagement"
_RETENTION = 90
_GROUP_LOGS_END = datetime(2027, 9, 30, tzinfo=UTC)
"""Flow logs of network security groups end: https://learn.microsoft.com/azure/network-watcher/nsg-flow-logs-overview"""


def subnet_without_nsg(estate: Estate) -> Iterator[Evidence]:
    for each in networks.lying(estate):
        group = each.subnet.prop("networkSecurityGroup", "id")
        yield group.found(bool(group.text), "a network security group", "" if group.text else "A subnet has no filter.")


def nsg_too_open(estate: Estate) -> Iterator[Evidence]:
    if not networks.is_injected(estate):
        raise Beside("The gateway is not injected into a virtual network.")
    internal = networks.exposure(estate) is Exposure.INTERNAL
    for each in networks.lying(estate):
        group = networks.group_of(estate, each.subnet)
        if group is not None:
            yield from _too_open(group, internal=internal)


def _too_open(group: Node, *, internal: bool) -> Iterator[Evidence]:
    rules = group.prop("securityRules")
    bad = list(_bad_rules(group, internal=internal))
    yield from bad
    for rule in networks.ranked(group):
        if rule.prop("access").word == "allow" and not rule.prop("description").text:
            yield rule.prop("description").found(
                False, "why the rule is there", "A rule says not why it is there.", severity=Severity.LOW
            )
    if not bad:
        yield rules.found(True, "only what is needed")


def _bad_rules(group: Node, *, internal: bool) -> Iterator[Evidence]:
    closed = False
    for rule in networks.ranked(group):
        covers = networks.covers(rule, 3443)
        if rule.prop("access").word == "deny":
            closed = closed or (covers and bool(networks.sources(rule) & networks.INTERNET))
        elif covers and not closed and networks.sources(rule) - {_MANAGEMENT, "azureloadbalancer"}:
            source = rule.prop("sourceAddressPrefix")
            yield source.found(False, "ApiManagement", "The control plane port 3443 is open to more than its tag.")
    for port in (80, 443) if internal else ():
        rule_ = networks.admits(group, port)
        if rule_ is not None:
            source = rule_.prop("sourceAddressPrefix")
            yield source.found(False, "not the Internet", f"Port {port} is open to the Internet in internal mode.")


def flow_logs_missing(estate: Estate) -> Iterator[Evidence]:
    logs = estate.of_type("network", networks.FLOW_LOGS)
    for each in networks.lying(estate):
        targets = _targets(each, estate.now)
        mine = [log for log in logs if log.prop("targetResourceId").word in targets]
        live = [log for log in mine if log.prop("enabled").truth]
        if not live:
            yield each.said.found(False, "a flow log of its network", "No flow log records this network.")
        for log in live:
            yield from _flow_log(log)


def _targets(each: Lying, now: datetime) -> set[str]:
    """Whose flow logs record the subnet: its own, the network's, and while there are such logs its group's."""
    group = each.subnet.prop("networkSecurityGroup", "id").word if now < _GROUP_LOGS_END else ""
    return {each.said.word, each.said.word.partition("/subnets/")[0], group} - {""}


def _flow_log(log: Node) -> Iterator[Evidence]:
    policy = log.prop("retentionPolicy")
    days = policy.at("days").number or 0
    limited = bool(policy.at("enabled").truth) and 0 < days < _RETENTION
    yield policy.at("days").found(
        not limited, f"at least {_RETENTION}", "Flow logs are gone too soon." if limited else ""
    )
    on = log.prop("flowAnalyticsConfiguration", "networkWatcherFlowAnalyticsConfiguration", "enabled")
    yield on.found(bool(on.truth), "true", "" if on.truth else "Traffic analytics is off.")


def ddos_unprotected(estate: Estate) -> Iterator[Evidence]:
    if not networks.is_injected(estate):
        raise Beside("The gateway has no address of its own in a virtual network.")
    for each in networks.lying(estate):
        network = networks.network_of(estate, each.said.text)
        on = network.prop("enableDdosProtection")
        planned = bool(on.truth) and bool(network.prop("ddosProtectionPlan", "id").text)
        yield on.found(planned or _address_protected(estate), "a DDoS protection plan",
                       "" if planned else "No plan protects the network.")  # fmt: skip


def _address_protected(estate: Estate) -> bool:
    id = estate.service.prop("publicIpAddressId").text
    if not id:
        return False
    mode = networks.row(estate, networks.ADDRESSES, id).prop("ddosSettings", "protectionMode").word
    return mode == "enabled"


CONTROLS = (
    Control(
        id="N3",
        name="subnet_without_nsg",
        family=Family.NETWORK,
        title="A subnet of the gateway has no network security group",
        severity=Severity.HIGH,
        needs=("service", "network"),
        feature="networks",
        why="Nothing filters between the network and the gateway; platform stv2 and the v2 tiers require it.",
        mend="Attach a network security group with the documented rules.",
        mcsb="NS-1",
        policy="e71308d3",
        psrule="Azure.VNET.UseNSGs",
        cis="7.11",
        judge=subnet_without_nsg,
    ),
    Control(
        id="N4",
        name="nsg_too_open",
        family=Family.NETWORK,
        title="A network security group admits more than it should",
        severity=Severity.HIGH,
        needs=("service", "network"),
        feature="injection",
        why="Port 3443 is the control plane; in internal mode nobody outside has to reach 80 or 443.",
        mend="Admit only the documented service tags, and write the reason into each rule.",
        limits="Application security groups are not resolved. Port 80 from DigiCert renews managed certificates.",
        mcsb="NS-1, NS-7",
        judge=nsg_too_open,
    ),
    Control(
        id="N5",
        name="flow_logs_missing",
        family=Family.NETWORK,
        title="Network traffic is not recorded",
        severity=Severity.MEDIUM,
        needs=("service", "network"),
        feature="networks",
        why="An investigation has no record of the traffic.",
        mend="Create virtual network flow logs with traffic analytics, kept for 90 days or more.",
        limits="Flow logs of network security groups count until they end on 2027-09-30.",
        mcsb="LT-4",
        policy="4c3c6c5f, 27960feb, 2f080164",
        cis="6.1.1.6, 7.8",
        judge=flow_logs_missing,
    ),
    Control(
        id="N8",
        name="ddos_unprotected",
        family=Family.NETWORK,
        title="No DDoS protection covers the gateway's network",
        severity=Severity.MEDIUM,
        needs=("service", "network"),
        feature="ddos",
        why="An attack by volume takes the gateway down.",
        mend="Enable a DDoS protection plan on the virtual network, or IP protection on its address.",
        limits="In internal mode only port 3443 is covered.",
        mcsb="NS-5",
        policy="a7aca53f, 94de2ad3",
        cis="8.5",
        judge=ddos_unprotected,
    ),
)
