"""
Hand-offs of the controls N1 to N8: the network around the gateway.
"""

from apimend.mends import Block, Mend, Value, Var
from apimend.model.ids import ResourceId
from apimend.report.handoff.spot import Entry, Spot, Table

_SETTINGS: dict[str, tuple[Value, str, Value]] = {
    "state": ("Enabled", "enabled", True),
    "mode": ("Prevention", "mode", "Prevention"),
    "requestBodyCheck": (True, "request_body_check", True),
}
_BOTS = ("Microsoft_BotManagerRuleSet", "1.1")


def _close(spot: Spot) -> Mend | None:
    """The public path shut."""
    if not spot.is_instance or spot.last != "publicNetworkAccess":
        return None
    return Mend(
        target=spot.instance,
        arm={"properties": {"publicNetworkAccess": "Disabled"}},
        azurerm={"public_network_access_enabled": False},
        note="Azure takes it only beside an approved private endpoint; callers have to have moved there",
    )


def _filter(spot: Spot) -> Mend:
    return Mend(
        target=spot.subject,
        arm={"properties": {"subnets": [{"properties": {"networkSecurityGroup": {"id": Var("security_group_id")}}}]}},
        azurerm={"subnet": Block({"security_group": Var("security_group_id")})},
        note=f"For the subnet at {spot.evidence.pointer.partition('/properties/networkSecurityGroup')[0]}",
    )


def _narrow(spot: Spot) -> Mend | None:
    if spot.last != "sourceAddressPrefix":
        return None
    source: Value = "ApiManagement" if spot.evidence.expected == "ApiManagement" else Var("callers")
    return Mend(
        target=spot.subject,
        arm={"properties": {"securityRules": [{"properties": {"sourceAddressPrefix": source}}]}},
        azurerm={"security_rule": Block({"source_address_prefix": source})},
        note=f"For the rule at {spot.evidence.pointer.rpartition('/properties/')[0]}",
    )


def _record(spot: Spot) -> Mend:
    new = spot.is_instance
    target = (
        ResourceId.of(
            f"/subscriptions/{spot.instance.subscription}/resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/"
            f"networkWatchers/NetworkWatcher/flowLogs/{spot.instance.name}"
        )
        if new
        else spot.subject
    )
    to: dict[str, Value] = {"targetResourceId": Var("network_id"), "storageId": Var("storage_account_id")}
    also: dict[str, Value] = {
        "target_resource_id": Var("network_id"), "storage_account_id": Var("storage_account_id")
    }  # fmt: skip
    where = {"workspaceResourceId": Var("workspace_resource_id")} if new else {}
    analytics: dict[str, Value] = {"networkWatcherFlowAnalyticsConfiguration": {"enabled": True, **where}}
    workspace = {
        "workspace_id": Var("workspace_id"),
        "workspace_region": Var("workspace_region"),
        "workspace_resource_id": Var("workspace_resource_id"),
    }
    return Mend(
        target=target,
        arm={
            "properties": {
                **(to if new else {}),
                "enabled": True,
                "retentionPolicy": {"enabled": True, "days": 90},
                "flowAnalyticsConfiguration": analytics,
            }
        },
        azurerm={
            **(also if new else {}),
            "enabled": True,
            "retention_policy": Block({"enabled": True, "days": 90}),
            "traffic_analytics": Block({"enabled": True, **(workspace if new else {})}),
        },
        new=new,
        note="network_id: the virtual network of the gateway; Network Watcher is one of its region" if new else "",
    )


def _firewall(spot: Spot) -> Mend | None:
    if spot.last == "managedRuleSets":
        kind, version = _BOTS
        return Mend(
            target=spot.subject,
            arm={
                "properties": {"managedRules": {"managedRuleSets": [{"ruleSetType": kind, "ruleSetVersion": version}]}}
            },
            azurerm={"managed_rules": Block({"managed_rule_set": Block({"type": kind, "version": version})})},
            note="Beside the rule sets that are there",
        )
    if spot.last not in _SETTINGS or "/policySettings/" not in spot.evidence.pointer:
        return None
    value, name, argument = _SETTINGS[spot.last]
    return Mend(
        target=spot.subject,
        arm={"properties": {"policySettings": {spot.last: value}}},
        azurerm={"policy_settings": Block({name: argument})},
    )


def _protect(spot: Spot) -> Mend:
    plan: dict[str, Value] = {"id": Var("ddos_protection_plan_id")}
    return Mend(
        target=spot.subject,
        arm={"properties": {"enableDdosProtection": True, "ddosProtectionPlan": plan}},
        azurerm={"ddos_protection_plan": Block({**plan, "enable": True})},
    )


TABLE: Table = {
    "N1": Entry(make=_close),
    "N2": Entry(make=_close, otherwise="Whether a waiting private endpoint is let in, a person decides."),
    "N3": Entry(make=_filter),
    "N4": Entry(make=_narrow, otherwise="Why a rule is there, only its author can write into it."),
    "N5": Entry(make=_record),
    "N6": Entry(make=_firewall, otherwise="Which firewall goes in front, and where, is a design of its own."),
    "N7": Entry(make=_close),
    "N8": Entry(make=_protect),
}
