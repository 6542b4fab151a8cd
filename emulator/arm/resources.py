"""
Types beside API Management: subscriptions, resource groups, vaults, role assignments, and whatever else is declared.

Shapes follow recordings of vaults and resource lists; the rest is what the specifications say. Resources of a type that
has no route here can be read by id as they were declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.access import ASSIGNMENTS
from emulator.arm.bodies import body_of, page
from emulator.arm.deleted_vaults import record, record_of
from emulator.arm.errors import arm_error
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource, key_of

VAULTS = "Microsoft.KeyVault/vaults"
GROUPS = "Microsoft.Resources/resourceGroups"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
SUBSCRIPTION = "/subscriptions/{subscription}"
IN_GROUP = f"{SUBSCRIPTION}/resourceGroups/{{group}}"
NOT_RESOURCES = frozenset({GROUPS.casefold(), SUBSCRIPTIONS.casefold(), ASSIGNMENTS.casefold()})


class Resources:
    """
    The routes of everything that isn't API Management.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        recorded, specified, inferred = Source.RECORDED, Source.SPECIFIED, Source.INFERRED
        vault = f"{IN_GROUP}/providers/Microsoft.KeyVault/vaults"
        one = f"{IN_GROUP}/providers/{{namespace}}/{{type}}/{{name}}"
        table = [
            ("GET", "/subscriptions", self.subscriptions, specified),
            ("GET", SUBSCRIPTION, self.subscription, specified),
            ("GET", f"{SUBSCRIPTION}/resourceGroups", self.groups, specified),
            ("GET", IN_GROUP, self.group, specified),
            ("PUT", IN_GROUP, self.put_group, specified),
            ("GET", f"{SUBSCRIPTION}/resources", self.resources, recorded),
            ("GET", f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/vaults", self.vaults, recorded),
            ("GET", vault, self.vaults, specified),
            ("PUT", f"{vault}/{{vault}}", self.put_vault, specified),
            ("DELETE", f"{vault}/{{vault}}", self.delete_vault, specified),
            ("GET", f"{SUBSCRIPTION}/providers/{{namespace}}/{{type}}", self.of_type, inferred),
            ("GET", f"{IN_GROUP}/providers/{{namespace}}/{{type}}", self.of_type, inferred),
            ("GET", one, self.get, inferred),
            ("PUT", one, self.put, inferred),
            ("PATCH", one, self.patch, inferred),
            ("DELETE", one, self.delete, inferred),
        ]
        return [Route(method=row[0], path=row[1], handler=row[2], source=row[3]) for row in table]

    async def subscriptions(self, call: Call) -> Answer:
        found = self._provider.store.of_type(SUBSCRIPTIONS)
        return Answer(body={"value": [one.body for one in found], "count": {"type": "Total", "value": len(found)}})

    async def subscription(self, call: Call) -> Answer:
        return Answer(body=self._subscription(call).body)

    async def groups(self, call: Call) -> Answer:
        self._subscription(call)
        prefix = f"/subscriptions/{call.params['subscription']}/".casefold()
        found = [one for one in self._provider.store.of_type(GROUPS) if key_of(one.id).startswith(prefix)]
        return page(self._provider, call, found, shown, count=False)

    async def group(self, call: Call) -> Answer:
        self._provider.group_of(call)
        found = self._provider.store.get(self._path(call, ""))
        assert found is not None
        return Answer(body=shown(found))

    async def put_group(self, call: Call) -> Answer:
        self._subscription(call)
        identifier = self._path(call, "")
        new = self._provider.store.get(identifier) is None
        sent = body_of(call)
        saved = self._provider.store.put(
            group_resource(identifier, str(sent.get("location", "westeurope")), sent.get("tags") or {}),
            at=self._provider.now(),
        )
        return Answer(status=201 if new else 200, body=shown(saved))

    async def resources(self, call: Call) -> Answer:
        self._subscription(call)
        prefix = f"/subscriptions/{call.params['subscription']}/".casefold()
        wanted = call.query.get("$filter", "").partition(" eq ")[2].strip().strip("'").casefold()
        found = [
            one
            for one in self._provider.store.all()
            if is_tracked(one) and key_of(one.id).startswith(prefix) and wanted in ("", one.type.casefold())
        ]
        items = [
            {
                "id": one.id,
                "name": one.name,
                "type": one.type,
                "location": one.body.get("location"),
                "tags": one.body.get("tags") or {},
            }
            for one in found
        ]
        return page(self._provider, call, items, count=False)

    async def vaults(self, call: Call) -> Answer:
        prefix = f"/subscriptions/{call.params['subscription']}/"
        if "group" in call.params:
            self._provider.group_of(call)
            prefix += f"resourceGroups/{call.params['group']}/"
        found = [one for one in self._provider.store.of_type(VAULTS) if key_of(one.id).startswith(prefix.casefold())]
        return page(self._provider, call, found, shown, count=False)

    async def of_type(self, call: Call) -> Answer:
        """
        Declared resources of one type, in a subscription or group.
        """
        prefix = key_of(call.path.partition("/providers/")[0]) + "/"
        found = self._provider.store.of_type(f"{call.params['namespace']}/{call.params['type']}")
        items = [shown(one) for one in found if key_of(one.id).startswith(prefix)]
        return page(self._provider, call, items, count=False)

    async def put_vault(self, call: Call) -> Answer:
        self._provider.group_of(call)
        identifier = self._path(call, f"/providers/{VAULTS}/{call.params['vault']}")
        sent = body_of(call)
        new = self._provider.store.get(identifier) is None
        if new and (kept := record_of(self._provider, call.params["vault"])) is not None:
            return self._recover_vault(kept, str((sent.get("properties") or {}).get("createMode") or ""))
        self._provider.azure.vaults.holdings.add_vault(call.params["vault"])
        made = vault_resource(
            identifier,
            uri=f"{self._provider.azure.vault_url(call.params['vault'])}/",
            tenant=self._provider.azure.tenant.id,
            location=str(sent.get("location", "westeurope")),
            properties=sent.get("properties") or {},
            tags=sent.get("tags") or {},
        )
        saved = self._provider.store.put(made, at=self._provider.now())
        return Answer(status=201 if new else 200, body=shown(saved))

    def _recover_vault(self, kept: Resource, mode: str) -> Answer:
        """
        A deleted vault keeps its name: with `createMode: recover` it is back as it was, any other way is refused.
        """
        if mode.casefold() != "recover":
            raise arm_error(
                409,
                "ConflictError",
                f"A vault with the same name already exists in deleted state: {kept.name}. You need to either recover "
                "or purge existing key vault.",
            )
        self._provider.store.remove(kept.id, at=self._provider.now())
        back = self._provider.store.put(kept.hidden["vault"], at=self._provider.now())
        return Answer(body=shown(back))

    async def delete_vault(self, call: Call) -> Answer:
        self._provider.group_of(call)
        identifier = self._path(call, f"/providers/{VAULTS}/{call.params['vault']}")
        gone = self._provider.store.remove(identifier, at=self._provider.now())
        if gone is None:
            return Answer(status=204)
        record(self._provider, gone)
        return Answer()

    async def get(self, call: Call) -> Answer:
        return Answer(body=shown(self._found(call)))

    async def put(self, call: Call) -> Answer:
        self._provider.group_of(call)
        identifier = self._identifier(call)
        current = self._provider.store.get(identifier)
        saved = Resource(
            id=current.id if current is not None else identifier,
            type=f"{call.params['namespace']}/{call.params['type']}",
            name=call.params["name"],
            body={name: value for name, value in body_of(call).items() if name not in ("id", "name", "type")},
            etag=self._provider.store.next_etag(),
        )
        self._provider.store.put(saved, at=self._provider.now())
        return Answer(status=200 if current is not None else 201, body=shown(saved))

    async def patch(self, call: Call) -> Answer:
        current, sent = self._found(call), body_of(call)
        changed = {name: value for name, value in sent.items() if name != "properties"}
        body = {**current.body, **changed, "properties": _merged(current.properties, sent.get("properties") or {})}
        saved = Resource(
            id=current.id, type=current.type, name=current.name, body=body, etag=self._provider.store.next_etag()
        )
        self._provider.store.put(saved, at=self._provider.now())
        return Answer(body=shown(saved))

    async def delete(self, call: Call) -> Answer:
        self._provider.group_of(call)
        gone = self._provider.store.remove(self._identifier(call), at=self._provider.now())
        return Answer(status=200 if gone is not None else 204)

    def _subscription(self, call: Call) -> Resource:
        found = self._provider.store.get(f"/subscriptions/{call.params['subscription']}")
        if found is None:
            raise arm_error(
                404, "SubscriptionNotFound", f"The subscription '{call.params['subscription']}' could not be found."
            )
        return found

    def _path(self, call: Call, tail: str) -> str:
        return f"/subscriptions/{call.params['subscription']}/resourceGroups/{call.params['group']}{tail}"

    def _identifier(self, call: Call) -> str:
        namespace, kind, name = (call.params[part] for part in ("namespace", "type", "name"))
        return self._path(call, f"/providers/{namespace}/{kind}/{name}")

    def _found(self, call: Call) -> Resource:
        self._provider.group_of(call)
        found = self._provider.store.get(self._identifier(call))
        if found is None:
            namespace, kind, name = (call.params[part] for part in ("namespace", "type", "name"))
            raise arm_error(
                404,
                "ResourceNotFound",
                f"The Resource '{namespace}/{kind}/{name}' under resource group '{call.params['group']}' was not "
                "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            )
        return found


def is_tracked(resource: Resource) -> bool:
    """
    Whether Azure lists a resource by itself: not a child of another, not a scope or an assignment.
    """
    return (
        resource.type.casefold() not in NOT_RESOURCES and resource.type.count("/") == 1 and "location" in resource.body
    )


def shown(resource: Resource) -> Json:
    return {"id": resource.id, "name": resource.name, "type": resource.type, **resource.body}


def group_resource(identifier: str, location: str, tags: Mapping[str, Any]) -> Resource:
    return Resource(
        id=identifier,
        type=GROUPS,
        name=identifier.rpartition("/")[2],
        body={"location": location, "tags": dict(tags), "properties": {"provisioningState": "Succeeded"}},
    )


def subscription_resource(identifier: str, name: str, tenant: str) -> Resource:
    return Resource(
        id=f"/subscriptions/{identifier}",
        type=SUBSCRIPTIONS,
        name=identifier,
        body={
            "id": f"/subscriptions/{identifier}",
            "subscriptionId": identifier,
            "tenantId": tenant,
            "displayName": name,
            "state": "Enabled",
            "authorizationSource": "RoleBased",
        },
    )


def vault_resource(
    identifier: str, *, uri: str, tenant: str, location: str, properties: Mapping[str, Any], tags: Mapping[str, Any]
) -> Resource:
    kept = {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": tenant,
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []},
        "accessPolicies": [],
        "enabledForDeployment": False,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "enableRbacAuthorization": True,
        "publicNetworkAccess": "Enabled",
        "provisioningState": "Succeeded",
        **properties,
        "vaultUri": uri,
    }
    return Resource(
        id=identifier,
        type=VAULTS,
        name=identifier.rpartition("/")[2],
        body={"location": location, "tags": dict(tags), "properties": kept},
    )


def _merged(held: Json, sent: Mapping[str, Any]) -> Json:
    found = dict(held)
    for name, value in sent.items():
        old = found.get(name)
        found[name] = _merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return found
