"""
What stands beside a resource and belongs to another provider: diagnostic settings, locks, role schedules, events.

Such a list is asked for at a scope (a service, a subscription) and shows what was declared right there, or, for locks,
there and below. Like the singletons of a service here, it is plain: nothing happens when it is written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.arm.bodies import body_of, page
from emulator.arm.entities import SERVICE_PATH, resource_type, whole, with_etag
from emulator.arm.errors import management_error
from emulator.arm.provider import Provider
from emulator.arm.resources import SUBSCRIPTION, shown
from emulator.arm.tiers import is_classic, is_consumption
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource, key_of

LISTS = (
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Authorization/locks",
    "Microsoft.Authorization/denyAssignments",
    "Microsoft.Authorization/roleAssignmentScheduleInstances",
    "Microsoft.Authorization/roleEligibilityScheduleInstances",
    "Microsoft.Authorization/roleManagementPolicyAssignments",
    "Microsoft.Security/apiCollections",
)
OF_SUBSCRIPTION = (
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Insights/eventtypes/management/values",
    "Microsoft.Authorization/locks",
    "Microsoft.Authorization/denyAssignments",
    "Microsoft.Security/securityContacts",
    "Microsoft.Security/pricings",
)
DOORS = "Microsoft.Cdn/profiles/{profile}"
CHILDREN = (f"{DOORS}/originGroups", f"{DOORS}/originGroups/{{group_name}}/origins", f"{DOORS}/securityPolicies")
"""Lists below a resource of another provider: those of Front Door, whose children Resource Graph does not show."""
WITH_THOSE_BELOW = frozenset({"microsoft.authorization/locks"})
ITEMS = ("Microsoft.Security/pricings",)
TABLES = "/providers/Microsoft.OperationalInsights/workspaces/{workspace}/tables/{table}"


class Extensions:
    """
    The lists, at services and subscriptions.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        found = [self._list(SERVICE_PATH, kind) for kind in LISTS]
        found += [self._list(SUBSCRIPTION, kind) for kind in OF_SUBSCRIPTION]
        found += [self._item(f"{SUBSCRIPTION}/providers/{kind}/{{name}}") for kind in ITEMS]
        found.append(self._item(f"{SUBSCRIPTION}/resourceGroups/{{group}}{TABLES}"))
        for kind in CHILDREN:
            path = f"{SUBSCRIPTION}/resourceGroups/{{group}}/providers/{kind}"
            found.append(
                Route(method="GET", path=path, handler=self.children, source=Source.INFERRED, note="as declared")
            )
        return found

    def _list(self, scope: str, kind: str) -> Route:
        return Route(
            method="GET", path=f"{scope}/providers/{kind}", handler=self.list_all, source=Source.SPECIFIED,
            note="as declared; filters are not applied",
        )  # fmt: skip

    def _item(self, path: str) -> Route:
        return Route(method="GET", path=path, handler=self.get, source=Source.SPECIFIED, note="as declared")

    async def list_all(self, call: Call) -> Answer:
        scope, _, kind = call.path.rpartition("/providers/")
        here = f"{key_of(scope)}/providers/{kind.casefold()}/"
        below = kind.casefold() in WITH_THOSE_BELOW
        marker = f"/providers/{kind.casefold()}/"
        rows = [
            one
            for one in self._provider.store.all()
            if key_of(one.id).startswith(here)
            or (below and key_of(one.id).startswith(f"{key_of(scope)}/") and marker in key_of(one.id))
        ]
        return page(self._provider, call, rows, shown, count=False)

    async def children(self, call: Call) -> Answer:
        parent, _, segment = call.path.rpartition("/")
        return page(self._provider, call, self._provider.store.children(parent, segment), shown, count=False)

    async def get(self, call: Call) -> Answer:
        found = self._provider.store.get(call.path)
        if found is None:
            raise management_error(404, "ResourceNotFound", f"The resource '{call.path}' was not found.")
        return Answer(body=shown(found))


SINGLETONS: Mapping[str, Json] = {
    "tenant/access": {"id": "access", "principalId": None, "enabled": False},
    "tenant/gitAccess": {"id": "gitAccess", "principalId": None, "enabled": False},
    "portalsettings/signup": {
        "enabled": True,
        "termsOfService": {"text": None, "enabled": False, "consentRequired": False},
    },
    "portalsettings/signin": {"enabled": False},
    "portalconfigs/default": {
        "enableBasicAuth": True,
        "signin": {"require": False},
        "signup": {"termsOfService": {"text": None, "requireConsent": False}},
        "delegation": {"delegateRegistration": False, "delegateSubscription": False, "delegationUrl": None},
        "cors": {"allowedOrigins": []},
        "csp": {"mode": "disabled", "reportUri": [], "allowedSources": []},
    },
}


class Singletons:
    """
    Settings that every service of a fitting tier has: read, and written whole.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        return [
            Route(
                method=method,
                path=f"{SERVICE_PATH}/{path}",
                handler=handler,
                source=Source.SPECIFIED,
                note="defaults are inferred; tiers without it answer MethodNotAllowedInPricingTier",
            )
            for path in SINGLETONS
            for method, handler in (("GET", self.get), ("PUT", self.put), ("PATCH", self.put))
        ]

    async def get(self, call: Call) -> Answer:
        found = self._found(call)
        return with_etag(call, Answer(body=whole(found, found.properties)), found.etag)

    async def put(self, call: Call) -> Answer:
        found = self._found(call)
        sent: Mapping[str, Any] = body_of(call).get("properties") or {}
        saved = Resource(
            id=found.id,
            type=found.type,
            name=found.name,
            body={"properties": {**found.properties, **sent}},
            etag=self._provider.store.next_etag(),
        )
        self._provider.store.put(saved, at=self._provider.now())
        return with_etag(call, Answer(body=whole(saved, saved.properties)), saved.etag)

    def _found(self, call: Call) -> Resource:
        service = self._provider.service_of(call)
        path = "/".join(call.path.rstrip("/").split("/")[-2:])
        name = next(each for each in SINGLETONS if each.casefold() == path.casefold())
        self._refuse_tier(str((service.body.get("sku") or {}).get("name", "")), name)
        identifier = f"{service.id}/{name}"
        return self._provider.store.get(identifier) or Resource(
            id=identifier,
            type=resource_type(identifier),
            name=name.rpartition("/")[2],
            body={"properties": dict(SINGLETONS[name])},
            etag='"AAAAAAAAAAA="',
        )

    def _refuse_tier(self, sku: str, name: str) -> None:
        """
        The management of tenants is classic; Consumption has no portal.
        """
        has = is_classic(sku) if name.startswith("tenant/") else not is_consumption(sku)
        if not has:
            raise management_error(400, "MethodNotAllowedInPricingTier", f"Method not allowed in {sku} pricing tier")
