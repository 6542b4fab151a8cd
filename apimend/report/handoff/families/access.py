"""
Hand-offs of the controls I1 to I12: the portal, keys, products, and who administers.
"""

from apimend.mends import Block, Mend, Value, Var
from apimend.report.handoff.spot import Entry, Spot, Table

_PORTAL: dict[str, dict[str, Value]] = {
    "signin/require": {"signin": {"require": True}},
    "csp/mode": {"csp": {"mode": "enabled"}},
    "cors/allowedOrigins": {"cors": {"allowedOrigins": [Var("origin")]}},
    "enableBasicAuth": {"enableBasicAuth": False},
}


def _no_second_plane(spot: Spot) -> Mend | None:
    if not spot.is_in("tenant"):
        return None
    direct = spot.subject.name.casefold() == "access"
    return Mend(
        target=spot.subject,
        arm={"properties": {"enabled": False}},
        note="In Terraform, tenant_access { enabled = false } of azurerm_api_management" if direct else "",
    )


def _portal(spot: Spot) -> Mend | None:
    if spot.is_in("portalsettings"):
        return Mend(target=spot.subject, arm={"properties": {"enabled": False}})
    if not spot.is_in("portalconfigs") or spot.place not in _PORTAL:
        return None
    return Mend(target=spot.subject, arm={"properties": _PORTAL[spot.place]})


def _provider(spot: Spot) -> Mend | None:
    if not spot.is_in("identityProviders") or spot.last not in ("clientLibrary", "allowedTenants"):
        return None
    if spot.last == "clientLibrary":
        return Mend(
            target=spot.subject,
            arm={"properties": {"clientLibrary": "MSAL-2"}},
            azurerm={"client_library": "MSAL-2"},
            note="Publish the portal again afterwards",
        )
    named: list[Value] = [Var("tenant_id")]
    return Mend(target=spot.subject, arm={"properties": {"allowedTenants": named}}, azurerm={"allowed_tenants": named})


def _scoped(spot: Spot) -> Mend | None:
    if not spot.is_in("subscriptions") or spot.subject.name.casefold() == "master":
        return None
    product = Var("product_id")
    return Mend(target=spot.subject, arm={"properties": {"scope": product}}, azurerm={"product_id": product})


def _with_key(spot: Spot) -> Mend | None:
    parts = spot.subject.below_instance.split("/")
    if parts[0].casefold() != "apis" or len(parts) < 2:
        return None
    return Mend(
        target=spot.instance.child("apis", parts[1]),
        arm={"properties": {"subscriptionRequired": True}},
        azurerm={"subscription_required": True},
        note="The least that can be asked for: a check of tokens or certificates is better",
    )


def _product(spot: Spot) -> Mend | None:
    names = {"subscriptionRequired": "subscription_required", "approvalRequired": "approval_required"}
    if not spot.is_in("products") or spot.last not in names:
        return None
    return Mend(target=spot.subject, arm={"properties": {spot.last: True}}, azurerm={names[spot.last]: True})


def _identity(spot: Spot) -> Mend | None:
    who = {"type": "SystemAssigned"}
    return (
        Mend(target=spot.instance, arm={"identity": who}, azurerm={"identity": Block(who)})
        if spot.is_instance
        else None
    )


TABLE: Table = {
    "I1": Entry(make=_no_second_plane),
    "I2": Entry(make=_portal),
    "I3": Entry(make=_provider, otherwise="An Entra application for the portal is registered first, by a person."),
    "I4": Entry(make=_portal),
    "I5": "Whether the delegation page verifies signatures, is in the code of that page; attest A9.",
    "I6": Entry(
        make=_scoped, otherwise="The subscription `master` is Azure's own: rotate its keys and hand them to nobody."
    ),
    "I7": Entry(make=_with_key),
    "I8": Entry(make=_product, otherwise="Which groups see a product, and whether a sample goes, its owner decides."),
    "I9": Entry(make=_identity),
    "I10": "Which data roles take the place of this one, a person decides; then the assignment is deleted.",
    "I11": "Who administers, a person decides.",
    "I12": "Eligibility is given in Privileged Identity Management, by a person.",
}
