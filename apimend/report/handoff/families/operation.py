"""
Hand-offs of the controls C1 to C12: tags, locks, tier, versions, backups.
"""

from apimend.mends import Block, Mend, Value, Var
from apimend.report.handoff.spot import Entry, Spot, Table

_BENCHMARK = "/providers/Microsoft.Authorization/policySetDefinitions/1f3afdf9-d0c9-4c3d-847f-89da613e70a8"
"""The Microsoft cloud security benchmark: https://learn.microsoft.com/azure/governance/policy/samples/built-in-initiatives"""

_STORE: dict[str, tuple[Value, str]] = {
    "allowBlobPublicAccess": (False, "allow_nested_items_to_be_public"),
    "allowSharedKeyAccess": (False, "shared_access_key_enabled"),
    "minimumTlsVersion": ("TLS1_2", "min_tls_version"),
}


def _tag(spot: Spot) -> Mend | None:
    if not spot.evidence.pointer.startswith("/tags/"):
        return None
    tags: dict[str, Value] = {spot.last: Var(f"tag_{spot.last.replace('-', '_')}")}
    return Mend(target=spot.instance, arm={"tags": tags}, azurerm={"tags": tags})


def _lock(spot: Spot) -> Mend:
    target = spot.upon("Microsoft.Authorization/locks/not-deleted") if spot.is_instance else spot.subject
    return Mend(
        target=target,
        arm={"properties": {"level": "CanNotDelete"}},
        azurerm={"scope": target.text.rpartition("/providers/")[0], "lock_level": "CanNotDelete"},
        new=spot.is_instance,
    )


def _policy(spot: Spot) -> Mend:
    return Mend(
        target=spot.in_subscription("Microsoft.Authorization/policyAssignments/cloud-security-benchmark"),
        arm={"properties": {"policyDefinitionId": _BENCHMARK, "enforcementMode": "DoNotEnforce"}},
        azurerm={
            "subscription_id": f"/subscriptions/{spot.instance.subscription}",
            "policy_definition_id": _BENCHMARK,
            "enforce": False,
        },
        new=True,
    )


def _zones(spot: Spot) -> Mend | None:
    zones = ["1", "2", "3"]
    if spot.evidence.pointer.startswith("/zones"):
        return Mend(target=spot.instance, arm={"zones": zones}, azurerm={"zones": zones}, note="Two units at least")
    if spot.evidence.pointer == "/sku/capacity":
        return Mend(
            target=spot.instance,
            arm={"sku": {"capacity": 2}},
            note="In Terraform the number at the end of sku_name; units cost",
        )
    return None


def _floor(spot: Spot) -> Mend:
    return Mend(
        target=spot.instance,
        arm={"properties": {"apiVersionConstraint": {"minApiVersion": "2021-08-01"}}},
        azurerm={"min_api_version": "2021-08-01"},
        note="After looking which versions its clients use",
    )


def _gateway(spot: Spot) -> Mend | None:
    names = {"tls10Enabled": "tls10_enabled", "tls11Enabled": "tls11_enabled"}
    if spot.last not in names:
        return None
    return Mend(target=spot.subject, arm={"properties": {spot.last: False}}, azurerm={names[spot.last]: False})


def _store(spot: Spot) -> Mend | None:
    if spot.last == "defaultAction":
        shut = Block({"default_action": "Deny"})
        arm: dict[str, Value] = {"networkAcls": {"defaultAction": "Deny"}}
        return Mend(target=spot.subject, arm={"properties": arm}, azurerm={"network_rules": shut})
    if spot.last not in _STORE:
        return None
    value, name = _STORE[spot.last]
    return Mend(target=spot.subject, arm={"properties": {spot.last: value}}, azurerm={name: value})


TABLE: Table = {
    "C1": Entry(make=_tag),
    "C2": Entry(make=_lock),
    "C3": Entry(make=_policy),
    "C4": "What the other product finds, it tells how to mend; the evidence names it.",
    "C5": "Moving to stv2 is a migration that a person plans: az apim show tells platformVersion.",
    "C6": "A tier is chosen and paid for by a person; it is `sku` in every language.",
    "C7": Entry(make=_zones, otherwise="Regions and their gateways are planned by a person."),
    "C8": Entry(make=_floor),
    "C9": Entry(make=_gateway),
    "C10": "A backup is an operation, not a resource: az apim backup, on a schedule.",
    "C11": Entry(make=_store),
    "C12": "How changes arrive is a habit of people: the evidence names who, and when.",
}
