"""
Gateways that more can reach than should: open ones, and firewalls that are missing, only watch, or can be gone around.

What it finds: open gateways, those of workspaces too, public access beside private endpoints, and what stands in front.
Why it matters: what is not reachable can't be attacked.
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
from apimend.posture.networks import Exposure

_DOOR_ID = "x-azure-fdid"
_BOTS = "microsoft_botmanagerruleset"


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


def no_waf_in_front(estate: Estate) -> Iterator[Evidence]:
    if networks.exposure(estate) is not Exposure.OPEN:
        raise Beside("The gateway is not open to the Internet.")
    seen = fronts.fronts(estate)
    if not seen:
        hosts = estate.service.prop("hostnameConfigurations")
        wanted = "an Application Gateway or a Front Door with a firewall in front"
        yield hosts.found(False, wanted, "No web application firewall is seen in front.", attestable=True)
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
)
