"""
Networks that let in more than they should: who reaches the gateway, what filters on the way, what records it.

What it finds: open gateways, public access beside private endpoints, subnets without filters or flow logs, firewalls
that are missing, only watch, or can be gone around.
Why it matters: what is not reachable can't be attacked; what is reachable should be filtered and recorded.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/virtual-network-concepts
"""

from collections.abc import Iterator, Sequence
from functools import partial

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.policy import Element
from apimend.posture import fronts, networks
from apimend.posture.control import Control, Family
from apimend.posture.documents import calls, in_effect
from apimend.posture.doubt import Beside, Unsure
from apimend.posture.estate import Estate
from apimend.posture.fronts import Front
from apimend.posture.networks import Exposure, Lying
from apimend.posture.node import Node

_DOOR_ID = "x-azure-fdid"
_BOTS = "microsoft_botmanagerruleset"
_MANAGEMENT = "apimanagement"
_RETENTION = 90


def gateway_public(estate: Estate) -> Iterator[Evidence]:
    seen = networks.exposure(estate)
    declared = estate.desired.exposure.casefold()
    access = estate.service.prop("publicNetworkAccess")
    if seen is not Exposure.OPEN:
        yield access.found(True, "not open to the Internet", f"The gateway is {seen.value}.")
    elif declared == "public":
        yield access.found(True, "as declared: public", "It is open, as declared.")
    elif declared in ("", "fronted") and _is_fronted(estate):
        yield access.found(True, "as declared: fronted", "A firewall stands in front and can't be gone around.")
    else:
        closes = "" if estate.tier.name not in ("Consumption", "BasicV2") else " This tier can't close it."
        yield access.found(False, "Disabled, or internal mode", f"The gateway is open to the Internet.{closes}")
    yield from _workspace_gateways(estate, declared)


def _workspace_gateways(estate: Estate, declared: str) -> Iterator[Evidence]:
    """Gateways of workspaces have networks of their own, and no private endpoints."""
    try:
        gateways = estate.rows("workspace gateways")
    except Unsure as error:
        yield estate.service.at("id").found(None, "gateways of workspaces that can be seen", f"{error}")
        return
    for gateway in gateways:
        mode = gateway.prop("virtualNetworkType")
        if declared == "public":
            yield mode.found(True, "as declared: public", "It is open, as declared.")
        else:
            closed = None if mode.value is None else mode.word == "internal"
            why = f"The workspace gateway {gateway.name} is open to the Internet."
            yield mode.found(closed, "Internal", "" if closed else why if closed is False else "It is not shown.")


def _is_fronted(estate: Estate) -> bool:
    seen = fronts.fronts(estate)
    held = (found.ok for front in seen for found in _firewall(estate, front))
    return bool(seen) and all(held) and _filtered(estate, seen)


def public_beside_private_endpoint(estate: Estate) -> Iterator[Evidence]:
    states = networks.endpoint_states(estate)
    if not states:
        raise Beside("There is no private endpoint.")
    access = estate.service.prop("publicNetworkAccess")
    if networks.approved(estate):
        closed = access.word == "disabled"
        yield access.found(closed, "Disabled", "" if closed else "The public path is open beside the private one.")
    for state in states:
        if state.word == "pending":
            yield state.found(False, "Approved or rejected", "A private endpoint waits.", severity=Severity.LOW)


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
        targets = _targets(each)
        mine = [log for log in logs if log.prop("targetResourceId").word in targets]
        live = [log for log in mine if log.prop("enabled").truth]
        if not live:
            yield each.said.found(False, "a flow log of its network", "No flow log records this network.")
        for log in live:
            yield from _flow_log(log)


def _targets(each: Lying) -> set[str]:
    group = each.subnet.prop("networkSecurityGroup", "id").word
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


def no_waf_in_front(estate: Estate) -> Iterator[Evidence]:
    if networks.exposure(estate) is not Exposure.OPEN:
        raise Beside("The gateway is not open to the Internet.")
    seen = fronts.fronts(estate)
    if not seen:
        hosts = estate.service.prop("hostnameConfigurations")
        wanted = "an Application Gateway or a Front Door with a firewall in front"
        yield hosts.found(False, wanted, "No web application firewall is seen in front.")
    for front in seen:
        yield from _firewall(estate, front)


def _firewall(estate: Estate, front: Front) -> Iterator[Evidence]:
    if front.bare is not None:
        yield front.bare.found(False, "a firewall policy", "What stands in front is no firewall.")
    for each in fronts.firewalls(estate, front):
        yield each.state.found(each.is_on, "Enabled", "" if each.is_on else "The firewall is off.")
        prevents = each.mode.word == "prevention"
        why = "" if prevents else "The firewall only watches."
        yield each.mode.found(prevents, "Prevention", why, severity=None if prevents else Severity.MEDIUM)
        sets = each.policy.prop("managedRules", "managedRuleSets")
        bots = any(rules.at("ruleSetType").word == _BOTS for rules in sets.items)
        why = "" if bots else "The firewall has no rules against bots."
        yield sets.found(bots, "Microsoft_BotManagerRuleSet among them", why, severity=None if bots else Severity.LOW)
        why = "" if each.sees_bodies else "The firewall does not look at bodies."
        yield each.body.found(each.sees_bodies, "not off", why)


def waf_bypassable(estate: Estate) -> Iterator[Evidence]:
    if networks.exposure(estate) is not Exposure.OPEN:
        raise Beside("The gateway is not open to the Internet.")
    seen = fronts.fronts(estate)
    if not seen:
        raise Beside("No firewall is seen in front.")
    access = estate.service.prop("publicNetworkAccess")
    if _filtered(estate, seen):
        yield access.found(True, "the direct path closed", "Calls past the firewall are turned away.")
    else:
        yield access.found(False, "the direct path closed", "The firewall can be gone around by the default host.")


def _filtered(estate: Estate, seen: Sequence[Front]) -> bool:
    """Whether what does not come through the front is turned away: by a network, or by a policy for every call."""
    groups = []
    if networks.is_injected(estate):
        groups = [networks.group_of(estate, each.subnet) for each in networks.lying(estate)]
    if groups and all(group is not None and networks.admits(group, 443) is None for group in groups):
        return True
    survey = estate.surveyed
    doors = all(front.is_door for front in seen)
    chains = {chain for _, _, chain in calls(survey)} or {("",)}
    return all(in_effect(survey, chain, partial(_turns_away, doors=doors)) for chain in chains)


def _turns_away(element: Element, *, doors: bool) -> bool:
    """Addresses that are allowed, or the id of one Front Door, which its service tag alone does not prove."""
    if element.name == "ip-filter":
        return (element.value("action") or "").casefold() == "allow"
    names_door = element.name == "check-header" and (element.value("name") or "").casefold() == _DOOR_ID
    return doors and names_door and any(each.name == "value" and each.own_text.strip() for each in element.children)


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
        id="N1",
        name="gateway_public",
        family=Family.NETWORK,
        title="The gateway is open to the Internet",
        severity=Severity.HIGH,
        needs=("service", "network", "survey", "front doors", "workspace gateways"),
        exposed=True,
        why="A gateway that is open to the Internet is attacked directly.",
        mend="Inject it in internal mode, or give it a private endpoint and set public access to Disabled, or put a "
        "web application firewall in front and close the direct path.",
        limits="Internal mode keeps publicNetworkAccess Enabled. Outbound integration of the v2 tiers closes nothing. "
        "Gateways of workspaces are judged each by its own network; they have no private endpoints.",
        mcsb="NS-1, NS-2",
        policy="ef619a2c, 73ef9241",
        others="CKV_AZURE_107, CKV_AZURE_174, AzTS NetSec_Use_Virtual_Network, azqr apim-004",
        judge=gateway_public,
    ),
    Control(
        id="N2",
        name="public_beside_private_endpoint",
        family=Family.NETWORK,
        title="Public access is on beside a private endpoint",
        severity=Severity.MEDIUM,
        needs=("service",),
        feature="private_endpoint",
        why="The private path protects nothing while the public one is open.",
        mend="Set public access to Disabled once the clients have moved; reject endpoints that nobody knows.",
        limits="A private endpoint covers the gateway only, not the portal or the management endpoint.",
        mcsb="NS-2",
        others="CKV_AZURE_174, azqr apim-004",
        judge=public_beside_private_endpoint,
    ),
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
        id="N6",
        name="no_waf_in_front",
        family=Family.NETWORK,
        title="No web application firewall stands in front",
        severity=Severity.HIGH,
        needs=("service", "network", "front doors"),
        attested_by="A1",
        exposed=True,
        why="Injection, bots and known-bad addresses reach the policies unfiltered.",
        mend="Put a firewall in Prevention mode with managed and bot rules before the gateway. A proxy ends client "
        "mutual TLS: declare how certificates arrive.",
        limits="Firewalls of other vendors can't be seen: attest A1.",
        mcsb="NS-6, NS-4",
        policy="564feb30, 12430be1, 055aa869, 425bea59",
        psrule="Azure.AppGw.*",
        cis="7.10, 7.12, 7.14, 7.15",
        judge=no_waf_in_front,
    ),
    Control(
        id="N7",
        name="waf_bypassable",
        family=Family.NETWORK,
        title="The firewall can be gone around",
        severity=Severity.HIGH,
        needs=("service", "network", "survey", "front doors"),
        exposed=True,
        why="Attackers skip the firewall by calling the default host.",
        mend="Close the direct path; behind Front Door check its id in X-Azure-FDID as well as its service tag.",
        limits="Closed means: by a network, or by `ip-filter` or the Front Door's id (`check-header` X-Azure-FDID), "
        "without a condition and for every operation. A header is worth as much as its secrecy.",
        mcsb="NS-2, NS-6",
        judge=waf_bypassable,
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
