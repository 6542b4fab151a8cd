"""
The service resource: list, get, create, update, delete, and the life cycle of its long updates.

Recorded: an update shows the old values and `targetProvisioningState` until it is done, moves the etag at acceptance
and at completion, and locks the service against further service writes; one that changes nothing answers 200 with the
same etag; tags take effect at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from emulator.arm import tiers
from emulator.arm.bodies import body_of, page
from emulator.arm.deleted import record, record_of
from emulator.arm.entities import seen
from emulator.arm.errors import locked, provider_error
from emulator.arm.keyvault import FetchFailed, fetch_certificate
from emulator.arm.operations import Kind
from emulator.arm.policies import plant_global
from emulator.arm.polls import SINGLE_URL_SINCE, Polls
from emulator.arm.provider import SERVICE, Provider, service_path
from emulator.arm.service_body import activating, new_properties, region, shown
from emulator.arm.service_changes import QUICK, After, Changes, refuse_twice, sku_of
from emulator.http import Answer, Call
from emulator.store import Json, Resource


class Services:
    """
    The handlers of the service resource.
    """

    def __init__(self, provider: Provider, polls: Polls) -> None:
        self._provider = provider
        self._polls = polls
        self._changes = Changes(provider)

    async def list_all(self, call: Call) -> Answer:
        wanted = call.params["subscription"].casefold()
        found = [one for one in self._provider.store.of_type(SERVICE) if one.id.split("/")[2].casefold() == wanted]
        return page(self._provider, call, found, shown, count=False)

    async def list_group(self, call: Call) -> Answer:
        self._provider.group_of(call)
        prefix = f"/subscriptions/{call.params['subscription']}/resourcegroups/{call.params['group']}/".casefold()
        found = [one for one in self._provider.store.of_type(SERVICE) if one.id.casefold().startswith(prefix)]
        return page(self._provider, call, found, shown, count=False)

    async def get(self, call: Call) -> Answer:
        asked = self._asked(call)
        return self._answer(200, seen(self._provider, call, asked.id) or asked)

    async def put(self, call: Call) -> Answer:
        subscription, group, name = (call.params[part] for part in ("subscription", "group", "service"))
        self._provider.group_of(call)
        current = self._provider.store.get(service_path(subscription, group, name))
        if current is None:
            return self._create(call, service_path(subscription, group, name), name)
        self._unlocked(current)
        return self._update(call, current, body_of(call), whole=True)

    async def patch(self, call: Call) -> Answer:
        current = self._asked(call)
        self._unlocked(current)
        return self._update(call, current, body_of(call), whole=False)

    async def delete(self, call: Call) -> Answer:
        self._provider.group_of(call)
        subscription, group, name = (call.params[part] for part in ("subscription", "group", "service"))
        current = self._provider.store.get(service_path(subscription, group, name))
        if current is None:
            return Answer(status=204)
        self._unlocked(current)
        leaving = self._mark(current, "Deleting")
        duration = self._provider.options.delete_duration

        def finish(failure: Json | None) -> None:
            if failure is None:
                self._bury(leaving)
            else:
                self._mark(leaving, "")
            self._announce(call, failure, created=False)

        operation = self._provider.operations.start(
            Kind.DELETE, current.id, str(current.body["location"]), self._provider.now() + duration, finish
        )
        answer = self._answer(202, leaving)
        del answer.headers["ETag"]
        return self._polls.announced(call, operation, answer)

    async def check_name(self, call: Call) -> Answer:
        name = str(body_of(call).get("name", ""))
        if any(one.name.casefold() == name.casefold() for one in self._provider.store.of_type(SERVICE)):
            return Answer(
                body={
                    "nameAvailable": False,
                    "reason": "AlreadyExists",
                    "message": f"{name} is already in use. Please select a different name.",
                }
            )
        return Answer(body={"nameAvailable": True, "reason": "Valid", "message": ""})

    def _asked(self, call: Call) -> Resource:
        """
        The service of the path. Asked at the service itself, its absence is the provider's own error.
        """
        subscription, group, name = (call.params[part] for part in ("subscription", "group", "service"))
        found = self._provider.store.get(service_path(subscription, group, name))
        if found is None:
            self._provider.group_of(call)
            raise provider_error(404, "ServiceNotFound", f"Api service does not exist: {name}")
        return found

    def _answer(self, status: int, service: Resource) -> Answer:
        answer = Answer(status=status, body=shown(service))
        answer.headers["ETag"] = service.etag
        return answer

    def _unlocked(self, service: Resource) -> None:
        if service.properties.get("targetProvisioningState") or self._provider.operations.running(service.id):
            raise locked(service.name)

    # Create

    def _create(self, call: Call, service_id: str, name: str) -> Answer:
        sent = body_of(call)
        sku = sent.get("sku") or {}
        if not sku.get("name") or not sent.get("location"):
            raise provider_error(400, "InvalidParameters", "Invalid parameter: sku and location are required.")
        refuse_twice(region(str(sent["location"])), sent)
        old = record_of(self._provider, name)
        if old is not None and (sent.get("properties") or {}).get("restore"):
            return self._restore(call, old)
        self._refuse_taken(name)
        now = self._provider.now()
        location = region(str(sent["location"]))
        blank = Resource(
            id=service_id,
            type=SERVICE,
            name=name,
            body={
                "properties": new_properties(name, str(sku["name"]), location, stamp(now)),
                "sku": {"name": sku["name"], "capacity": sku.get("capacity", 1)},
                "identity": None,
                "zones": None,
                "systemData": system_data(call.claims, now),
                "location": location,
                "tags": {},
            },
        )
        return self._activate(call, blank, self._changes.after(blank, sent, whole=True))

    def _activate(self, call: Call, blank: Resource, after: After) -> Answer:
        """
        Start the operation that makes a service out of a blank one.
        """
        sku, location = sku_of(blank), str(blank.body["location"])
        starting = activating(after.body["properties"], sku, call.api_version)
        begun = self._put(
            replace(blank, body={**after.body, "properties": starting}, etag=self._provider.store.next_etag())
        )

        def finish(failure: Json | None) -> None:
            state = "Succeeded" if failure is None else "Failed"
            held = {**after.body["properties"], "provisioningState": state, "targetProvisioningState": ""}
            self._settle(begun.id, {**after.body, "properties": held}, after)
            self._announce(call, failure, created=True)

        plant_global(self._provider.store, begun, self._provider.now())
        operation = self._provider.operations.start(
            Kind.CREATE, begun.id, location, self._provider.now() + self._provider.options.create_duration, finish
        )
        return self._polls.announced(call, operation, self._answer(201, begun))

    def _restore(self, call: Call, old: Resource) -> Answer:
        """
        Bring a deleted service back with everything below it.
        """
        service: Resource = old.hidden["service"]
        self._provider.store.remove(old.id, at=self._provider.now())
        hosts, authorities = (service.hidden.get(name, {}) for name in ("hostnames", "authorities"))
        answer = self._activate(call, service, After(service.body, hosts, authorities))
        for one in old.hidden["below"]:
            self._provider.store.put(one, at=self._provider.now())
        return answer

    def _refuse_taken(self, name: str) -> None:
        store = self._provider.store
        if any(one.name.casefold() == name.casefold() for one in store.of_type(SERVICE)):
            raise provider_error(409, "ServiceAlreadyExists", f"Api service already exists: {name}")
        if record_of(self._provider, name) is not None:
            raise provider_error(
                409,
                "ServiceAlreadyExistsInSoftDeletedState",
                f"Api service {name} was soft-deleted. In order to create the new service with the same name, you "
                "have to either undelete the service or purge it. See https://aka.ms/apimsoftdelete.",
            )

    # Update

    def _update(self, call: Call, current: Resource, sent: Mapping[str, Any], *, whole: bool) -> Answer:
        after = self._changes.after(current, sent, whole=whole)
        changed = self._changes.changed(current, after)
        if not changed:
            return self._answer(200, current)
        tags = {**current.body, "tags": after.body["tags"]}
        long = bool(changed - QUICK - {"tags"}) or self._provider.options.tags_update_is_long
        if not long and not tiers.is_v2(sku_of(current)):
            return self._answer(200, self._settle(current.id, self._modified(after.body, call), after))
        accepted = self._put(replace(current, body=tags, etag=self._provider.store.next_etag()))
        marked = self._mark(accepted, "Updating", both=tiers.is_v2(sku_of(current)))
        begun = self._provider.now()
        modified = self._modified(after.body, call)

        def finish(failure: Json | None) -> None:
            broken = failure or self._unfetchable(marked)
            if broken is None:
                self._settle(marked.id, modified, after)
            else:
                operation.failure = broken
                self._rolled_back(marked.id)
            self._announce(call, broken, created=False)

        operation = self._provider.operations.start(
            Kind.UPDATE, current.id, str(current.body["location"]), begun + self._duration(current), finish
        )
        # Clients of the newer versions accept no 202 here; up to 2021-08-01 it was recorded.
        new = tiers.is_v2(sku_of(current)) or call.api_version >= SINGLE_URL_SINCE
        status = 200 if whole and new else 202
        return self._polls.announced(call, operation, self._answer(status, marked))

    def _unfetchable(self, service: Resource) -> Json | None:
        """
        A hostname's vault certificate that can't be read any more fails every update.
        """
        current = self._provider.store.get(service.id) or service
        for entry in current.properties.get("hostnameConfigurations") or []:
            if not entry.get("keyVaultId"):
                continue
            try:
                fetch_certificate(
                    self._provider, current, entry["keyVaultId"], entry.get("identityClientId"), entry["hostName"]
                )
            except FetchFailed as failed:
                return {"code": failed.code, "message": failed.message, "details": None, "innerError": None}
        return None

    def _duration(self, service: Resource) -> timedelta:
        options = self._provider.options
        return options.update_duration if tiers.is_classic(sku_of(service)) else options.update_duration_v2

    # Writing down

    def _put(self, service: Resource) -> Resource:
        return self._provider.store.put(service, at=self._provider.now())

    def _mark(self, service: Resource, target: str, *, both: bool = False) -> Resource:
        changes = {"targetProvisioningState": target, **({"provisioningState": target} if both else {})}
        moved = replace(service.with_properties(**changes), etag=self._provider.store.next_etag())
        return self._put(moved)

    def _settle(self, service_id: str, body: Json, after: After) -> Resource:
        current = self._provider.store.get(service_id)
        assert current is not None
        properties = {**body["properties"], "targetProvisioningState": ""}
        properties["provisioningState"] = "Failed" if properties.get("provisioningState") == "Failed" else "Succeeded"
        return self._put(
            replace(
                current,
                body={**body, "tags": body["tags"], "properties": properties},
                hidden={**current.hidden, "hostnames": dict(after.hosts), "authorities": dict(after.authorities)},
                etag=self._provider.store.next_etag(),
            )
        )

    def _rolled_back(self, service_id: str) -> None:
        current = self._provider.store.get(service_id)
        if current is not None:
            state = self._provider.options.state_after_failed_update
            idle = current.with_properties(targetProvisioningState="", provisioningState=state)
            self._put(replace(idle, etag=self._provider.store.next_etag()))

    def _modified(self, body: Json, call: Call) -> Json:
        fresh = system_data(call.claims, self._provider.now())
        held = body.get("systemData") or fresh
        last = {name: value for name, value in fresh.items() if name.startswith("lastModified")}
        return {**body, "systemData": {**held, **last}}

    def _bury(self, service: Resource) -> None:
        below = list(self._provider.store.below(service.id))
        self._provider.store.remove(service.id, at=self._provider.now())
        record(self._provider, service, below)

    def _announce(self, call: Call, failure: Json | None, *, created: bool) -> None:
        self._provider.azure.front.announce(call, self._provider.now(), failed=failure is not None, created=created)


def stamp(moment: datetime) -> str:
    """
    A moment with seven fractional digits, as the provider writes it.
    """
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def system_data(claims: Mapping[str, Any], now: datetime) -> Json:
    who, when = claims.get("appid") or claims.get("oid"), stamp(now)
    return {
        "createdBy": who,
        "createdByType": "Application",
        "createdAt": when,
        "lastModifiedBy": who,
        "lastModifiedByType": "Application",
        "lastModifiedAt": when,
    }
