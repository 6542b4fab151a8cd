"""
Access that is wider than it has to be: side doors, the portal, keys, operations, products.

What it finds: retired management doors left open, portal sign-in that is weak, keys for everything, operations without
authentication, products anybody can use.
Why it matters: an attacker takes the widest door.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-add-products
"""

from collections.abc import Iterator

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.policy import Element
from apimend.posture import documents
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Beside, Unsure
from apimend.posture.estate import Estate
from apimend.posture.node import Node
from apimend.posture.table import APIM

_MANAGED = frozenset({"aad", "aadb2c"})
_SOCIAL = frozenset({"facebook", "google", "microsoft", "twitter"})
_SAMPLES = frozenset({"starter", "unlimited"})
_CHECKS = frozenset({"validate-jwt", "validate-azure-ad-token", "validate-client-certificate"})
_CHECKED = {True: "a check", None: "a check under a condition", False: "neither key nor check"}
_UNCHECKED = {
    None: "{operation} of {api} is checked under a condition only.",
    False: "Anybody calls {operation} of {api}.",
}


def side_management_enabled(estate: Estate) -> Iterator[Evidence]:
    for key in ("tenant/access", "tenant/gitAccess"):
        switch = estate.one(key).prop("enabled")
        off = switch.truth is not True
        yield switch.found(off, "false", "" if off else "A second control plane is open.")


def _portal(estate: Estate) -> Node:
    """The portal's configuration. Raises Beside where the portal is off."""
    if estate.service.prop("developerPortalStatus").word == "disabled":
        raise Beside("The developer portal is off.")
    portal = estate.one("portalconfigs/default")
    if not portal.value:
        raise Unsure("The portal's configuration is not shown.")
    return portal


def portal_password_sign_in(estate: Estate) -> Iterator[Evidence]:
    basic = _portal(estate).prop("enableBasicAuth")
    if basic.truth is None:
        raise Unsure("Whether the portal takes passwords is not shown.")
    yield basic.found(not basic.truth, "false", "The portal takes local passwords." if basic.truth else "")


def portal_identity_weak(estate: Estate) -> Iterator[Evidence]:
    if estate.service.prop("developerPortalStatus").word == "disabled":
        raise Beside("The developer portal is off.")
    providers = estate.rows("identityProviders")
    kinds = {_kind(row) for row in providers}
    home = estate.service.prop("developerPortalUrl")
    has = bool(kinds & _MANAGED)
    yield home.found(has, "an Entra provider", "" if has else "The portal has no Entra provider.")
    for row in providers:
        kind = row.prop("type")
        if _kind(row) in _SOCIAL:
            yield kind.found(False, "aad or aadB2C", "Unmanaged accounts sign in.")
        if _kind(row) == "aad":
            library = row.prop("clientLibrary")
            yield library.found(
                library.word.startswith("msal"), "MSAL-2", "" if library.word.startswith("msal") else "ADAL has ended."
            )
            tenants = row.prop("allowedTenants")
            named = bool(tenants.items)
            yield tenants.found(named, "named tenants", "" if named else "Accounts of every tenant sign in.")


def _kind(row: Node) -> str:
    return row.prop("type").word or row.name.casefold()


def portal_open(estate: Estate) -> Iterator[Evidence]:
    portal = _portal(estate)
    require = portal.prop("signin", "require")
    yield require.found(bool(require.truth), "true", "" if require.truth else "Anybody reads the API catalogue.")
    signup = estate.one("portalsettings/signup").prop("enabled")
    yield signup.found(signup.truth is not True, "false", "Anybody signs up." if signup.truth else "")
    origins = portal.prop("cors", "allowedOrigins")
    wild = "*" in origins.words
    yield origins.found(not wild, "no *", "Every site may call the portal." if wild else "")
    csp = portal.prop("csp", "mode")
    on = csp.word == "enabled"
    yield csp.found(on, "enabled", "" if on else "No content security policy.")


def delegation_unsafe(estate: Estate) -> Iterator[Evidence]:
    delegation = _portal(estate).prop("delegation")
    delegates = [delegation.at(name) for name in ("delegateRegistration", "delegateSubscription")]
    url = delegation.at("delegationUrl")
    for switch in delegates:
        if switch.truth:
            safe = url.word.startswith("https://")
            why = "Whether the page verifies signatures can't be seen." if safe else "The delegation page is not https."
            yield switch.found(False, "false, or attestation A9", why, attestable=safe)
        else:
            yield switch.found(True, "false")


def all_apis_key(estate: Estate) -> Iterator[Evidence]:
    for row in estate.rows("subscriptions"):
        scope, state = row.prop("scope"), row.prop("state")
        if state.word != "active":
            continue
        wide = scope.word.rstrip("/").endswith("/apis")
        master = row.name.casefold() == "master"
        why = "A key opens every API." if wide else "`master` opens everything: hand it to nobody." if master else ""
        yield scope.found(not wide, "a product or an API", why)


def endpoint_unauthenticated(estate: Estate) -> Iterator[Evidence]:
    survey = estate.surveyed
    apis, products = documents.by_scope(estate, "apis"), documents.by_scope(estate, "products")
    for api, operation, _ in documents.calls(survey):
        row = apis.get(documents.beside(api, "apis", api.base_name))
        asks = row.prop("subscriptionRequired") if row is not None else None
        opened = [name for name in api.products if _is_open(products.get(documents.beside(api, "products", name)))]
        keyed = asks is not None and asks.truth is not False
        without_key = opened if keyed else ["", *opened]
        checked = [
            documents.in_effect(survey, survey.topology.chain(api, operation, name), _is_check) for name in without_key
        ]
        ok = False if False in checked else None if None in checked else True
        yield Evidence(
            subject=estate.instance.child(*api.operation_scope(operation).split("/")).text,
            pointer=asks.pointer if asks is not None else "effective inbound",
            observed=_CHECKED[ok] if checked else "a key",
            expected="a subscription key or a check of tokens or certificates",
            ok=ok,
            read=estate.now,
            api_version=APIM,
            why="" if ok else _UNCHECKED[ok].format(operation=operation, api=api.name),
        )


def _is_check(element: Element) -> bool:
    return element.name in _CHECKS


def _is_open(product: Node | None) -> bool:
    """Whether a product lets its APIs be called without a key."""
    return product is not None and product.prop("subscriptionRequired").truth is False


def product_too_open(estate: Estate) -> Iterator[Evidence]:
    for row in estate.rows("products"):
        if row.prop("state").word != "published":
            continue
        required, approval = row.prop("subscriptionRequired"), row.prop("approvalRequired")
        asks = required.truth is not False
        yield required.found(asks, "true", "" if asks else "A product needs no key.")
        if asks:
            approves = bool(approval.truth)
            why = "" if approves else "A product hands out keys by itself."
            yield approval.found(approves, "true", why, severity=None if approves else Severity.MEDIUM)
        groups = row.prop("groups")
        names = {group.at("name").word or group.at("id").word.rpartition("/")[2] for group in groups.items}
        guests = "guests" in names
        yield groups.found(
            not guests, "no guests", "Guests see a product." if guests else "",
            severity=Severity.MEDIUM if guests else None,
        )  # fmt: skip
        if row.name.casefold() in _SAMPLES:
            name = row.at("name")
            yield name.found(False, "no sample", "A sample product is published.", severity=Severity.LOW)


CONTROLS = (
    Control(
        id="I1",
        name="side_management_enabled",
        family=Family.ACCESS,
        title="The direct management API or Git is on",
        severity=Severity.LOW,
        needs=("tenant/access", "tenant/gitAccess"),
        feature="side_management",
        why="A second control plane past roles, throttling and logs. It was retired on 2025-03-15; the flag remains.",
        mend="Switch it off.",
        limits="Whether managementApiUrl or scmUrl are filled says nothing.",
        mcsb="PV-2, NS-2",
        policy="b741306c-968e-4b67-b916-5675e5c709f4, df73bd95-24da-4a4f-96b9-4e8b94b402bd",
        others="AzTS AuthN_Disable_Management_API",
        judge=side_management_enabled,
    ),
    Control(
        id="I2",
        name="portal_password_sign_in",
        family=Family.ACCESS,
        title="The developer portal takes passwords",
        severity=Severity.MEDIUM,
        needs=("service", "portalconfigs/default"),
        feature="entra_portal",
        why="Local passwords know no second factor.",
        mend="Set up Entra ID or External ID, then switch basic authentication off.",
        limits="Basic has no Entra integration: there the way is to switch the portal off, or to move up.",
        mcsb="IM-1, PA-1",
        policy="ffe25541-3853-4f4e-b71d-064422294b11",
        judge=portal_password_sign_in,
    ),
    Control(
        id="I3",
        name="portal_identity_weak",
        family=Family.ACCESS,
        title="Who signs in to the portal is not well controlled",
        severity=Severity.MEDIUM,
        needs=("service", "identityProviders"),
        feature="entra_portal",
        why="Unmanaged accounts sign in, or sign-in by ADAL has stopped working.",
        mend="One Entra provider with MSAL and named tenants, then publish the portal again.",
        limits="A portal for consumers wants External ID: waive it.",
        mcsb="IM-1, IM-5",
        others="AzTS Use_Microsoft_Entra_ID, Use_AAD_Only",
        judge=portal_identity_weak,
    ),
    Control(
        id="I4",
        name="portal_open",
        family=Family.ACCESS,
        title="The developer portal is open to anybody",
        severity=Severity.MEDIUM,
        needs=("service", "portalconfigs/default", "portalsettings/signup"),
        feature="portal",
        why="By default anybody reads the API catalogue.",
        mend="Require sign-in, close sign-up, switch the content security policy on, or the portal off.",
        limits="A public developer programme is legitimate: waive it.",
        mcsb="PA-7",
        others="AzTS Content_Security_Policy",
        judge=portal_open,
    ),
    Control(
        id="I5",
        name="delegation_unsafe",
        family=Family.ACCESS,
        title="Sign-in is delegated to a page of your own",
        severity=Severity.MEDIUM,
        needs=("service", "portalconfigs/default"),
        feature="portal",
        attested_by="A9",
        why="A page that skips the signature check signs anybody in.",
        mend="Use https, verify `sig`, rotate the key, and attest A9.",
        limits="The validation key is a secret and is never read.",
        mcsb="IM-5",
        others="AzTS AuthN_Verify_Delegated_Authentication",
        judge=delegation_unsafe,
    ),
    Control(
        id="I6",
        name="all_apis_key",
        family=Family.ACCESS,
        title="A subscription key opens every API",
        severity=Severity.MEDIUM,
        needs=("subscriptions",),
        why="One leaked key opens everything, and no product policy runs.",
        mend="Scope keys to products or APIs; rotate `master` and hand it to nobody.",
        limits="The built-in policy misses `master`. Workspaces have keys of their own.",
        mcsb="PA-7",
        policy="3aa03346-d8c5-4994-a5bc-7652c2a2aef1",
        judge=all_apis_key,
    ),
    Control(
        id="I7",
        name="endpoint_unauthenticated",
        family=Family.ACCESS,
        title="An operation can be called by anybody",
        severity=Severity.HIGH,
        needs=("apis", "products", "survey"),
        exposed=True,
        why="Anonymous access to the backend.",
        mend="Check tokens or certificates; a key alone is weak.",
        limits="Health endpoints are a case for a waiver. Whether a check is sound, P3 and D11 say. A product that "
        "needs no key opens its APIs; a check behind a condition is unknown.",
        mcsb="IM-4, IM-1",
        policy="8ac833bd-f505-48d5-887e-c993a1d3eea0",
        others="AzTS AuthZ_Validate_JWT",
        judge=endpoint_unauthenticated,
    ),
    Control(
        id="I8",
        name="product_too_open",
        family=Family.ACCESS,
        title="A product is open to anybody",
        severity=Severity.HIGH,
        needs=("products",),
        why="Open products admit everybody; automatic approval hands out keys.",
        mend="Require and approve subscriptions; delete the samples.",
        limits="Consumption has no groups.",
        mcsb="PA-7",
        psrule="AZR-000046, AZR-000047, AZR-000048",
        others="AzTS Enable_Requires_Subscription, Remove_Default_Products",
        judge=product_too_open,
    ),
)
