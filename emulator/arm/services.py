"""
The service resource: list, get, create, update, delete, and the life cycle of its long updates.

Recorded: an update shows the old values and `targetProvisioningState` until it is done, moves the etag at acceptance
and at completion, and locks the service against further service writes; one that changes nothing answers 200 with the
same etag; tags take effect at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from emulator.arm import hostnames, tiers
from emulator.arm.bodies import body_of, page
from emulator.arm.errors import locked, provider_error
from emulator.arm.identities import identity_after, same_identity
from emulator.arm.keyvault import FetchFailed, fetch_certificate
from emulator.arm.operations import Kind
from emulator.arm.policies import plant_global
from emulator.arm.polls import Polls
from emulator.arm.provider import SERVICE, Provider, service_path
from emulator.arm.service_body import READ_ONLY, activating, custom_properties, new_properties, region, shown
from emulator.certificates import Bundle
from emulator.http import Answer, Call
from emulator.store import Json, Resource

# Changes of these alone need no update of the platform behind the service.
QUICK = frozenset({"publisherEmail", "publisherName", "notificationSenderEmail"})
SECRETIVE = frozenset({"hostnameConfigurations", "certificates", "customProperties", "enableClientCertificate"})


@dataclass(frozen=True)
class After:
    """
    What a service is to become.
    """

    body: Json
    hosts: Mapping[str, Bundle]
    authorities: Mapping[str, Bundle]


class Services:
    """
    The handlers of the service resource.
    """

    def __init__(self, provider: Provider, polls: Polls) -> None:
        self._provider = provider
        self._polls = polls
        azure = provider.azure
        self._hostnames = hostnames.Hostnames(provider.options, azure.workshop, azure.now)

    async def list_all(self, call: Call) -> Answer:
        wanted = call.params["subscription"].casefold()
        found = [one for one in self._provider.store.of_type(SERVICE) if one.id.split("/")[2].casefold() == wanted]
        return page(self._provider, call, [shown(one) for one in found], count=False)

    async def list_group(self, call: Call) -> Answer:
        self._provider.group_of(call)
        prefix = f"/subscriptions/{call.params['subscription']}/resourcegroups/{call.params['group']}/".casefold()
        found = [one for one in self._provider.store.of_type(SERVICE) if one.id.casefold().startswith(prefix)]
        return page(self._provider, call, [shown(one) for one in found], count=False)

    async def get(self, call: Call) -> Answer:
        return self._answer(200, self._asked(call))

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

    async def deleted(self, call: Call) -> Answer:
        kept = self._provider.options.soft_delete
        now = self._provider.now()
        found = [
            one
            for one in self._provider.store.of_type("Microsoft.ApiManagement/deletedservices")
            if (one.changed or now) + kept > now
        ]
        return page(
            self._provider,
            call,
            [{"id": one.id, "type": one.type, "name": one.name, **one.body} for one in found],
            count=False,
        )

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
        after = self._after(blank, sent, whole=True)
        starting = activating(after.body["properties"], str(sku["name"]), call.api_version)
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
            Kind.CREATE, service_id, location, now + self._provider.options.create_duration, finish
        )
        return self._polls.announced(call, operation, self._answer(201, begun))

    def _refuse_taken(self, name: str) -> None:
        store, now = self._provider.store, self._provider.now()
        if any(one.name.casefold() == name.casefold() for one in store.of_type(SERVICE)):
            raise provider_error(409, "ServiceAlreadyExists", f"Api service already exists: {name}")
        for one in store.of_type("Microsoft.ApiManagement/deletedservices"):
            if (
                one.name.casefold() == name.casefold()
                and (one.changed or now) + self._provider.options.soft_delete > now
            ):
                raise provider_error(
                    409,
                    "ServiceAlreadyExistsInSoftDeletedState",
                    f"Api service {name} was soft-deleted. In order to create the new service with the same name, you "
                    "have to either undelete the service or purge it. See https://aka.ms/apimsoftdelete.",
                )

    # Update

    def _update(self, call: Call, current: Resource, sent: Mapping[str, Any], *, whole: bool) -> Answer:
        after = self._after(current, sent, whole=whole)
        changed = self._changed(current, after)
        if not changed:
            return self._answer(200, current)
        tags = {**current.body, "tags": after.body["tags"]}
        long = bool(changed - QUICK - {"tags"}) or self._provider.options.tags_update_is_long
        if not long and not tiers.is_v2(_sku(current)):
            return self._answer(200, self._settle(current.id, self._modified(after.body, call), after))
        accepted = self._put(replace(current, body=tags, etag=self._provider.store.next_etag()))
        marked = self._mark(accepted, "Updating", both=tiers.is_v2(_sku(current)))
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
        status = 200 if whole and tiers.is_v2(_sku(current)) else 202
        return self._polls.announced(call, operation, self._answer(status, marked))

    def _after(self, current: Resource, sent: Mapping[str, Any], *, whole: bool) -> After:
        """
        What a PUT (`whole`) or PATCH makes of a service.
        """
        wanted = {
            name: value
            for name, value in (sent.get("properties") or {}).items()
            if name not in READ_ONLY and name not in SECRETIVE and value is not None
        }
        wanted.pop("restore", None)
        if isinstance(wanted.get("apiVersionConstraint"), Mapping):
            held = current.properties.get("apiVersionConstraint") or {}
            wanted["apiVersionConstraint"] = {**held, **wanted["apiVersionConstraint"]}
        properties = {**current.properties, **wanted}
        properties["customProperties"] = self._custom_properties(current, sent, whole=whole)
        self._client_certificate(properties, current, sent)
        sku = {**(current.body.get("sku") or {}), **(sent.get("sku") or {})}
        identity = current.body.get("identity")
        service_id = current.id
        if whole or sent.get("identity") is not None:
            identity = identity_after(
                sent.get("identity"), service_id, self._provider.azure.tenant.id, self._provider.store
            )
        with_identity = replace(current, body={**current.body, "identity": identity})
        hosts = self._hosts(with_identity, sent, properties, str(sku.get("name", "")), whole=whole)
        authorities = self._authorities(current, sent, properties, str(sku.get("name", "")), whole=whole)
        tags = sent.get("tags")
        body = {
            **current.body,
            "properties": properties,
            "sku": sku,
            "identity": identity,
            "zones": sent.get("zones", current.body.get("zones")),
            "tags": (tags or {}) if whole or tags is not None else current.body.get("tags") or {},
        }
        return After(body, hosts, authorities)

    def _custom_properties(self, current: Resource, sent: Mapping[str, Any], *, whole: bool) -> Json:
        given = (sent.get("properties") or {}).get("customProperties")
        held = current.properties.get("customProperties") or {}
        if given is None:
            return custom_properties(_sku(current)) if whole and not held else dict(held)
        base = (
            custom_properties(_sku(current)) if whole or self._provider.options.custom_properties_reset else dict(held)
        )
        merged = dict(base)
        for name, value in given.items():
            before = held.get(name)
            same = before is not None and str(before).casefold() == str(value).casefold()
            merged[name] = before if same else str(value)
        return merged

    def _client_certificate(self, properties: Json, current: Resource, sent: Mapping[str, Any]) -> None:
        given = (sent.get("properties") or {}).get("enableClientCertificate")
        if given is not None and tiers.keeps_client_certificate_switch(_sku(current)):
            properties["enableClientCertificate"] = bool(given)

    def _before(self, current: Resource, sku: str) -> hostnames.Before:
        return hostnames.Before(
            name=current.name,
            sku=sku,
            hosts=current.properties.get("hostnameConfigurations") or [],
            host_bundles=current.hidden.get("hostnames", {}),
            authorities=current.properties.get("certificates") or [],
            authority_bundles=current.hidden.get("authorities", {}),
        )

    def _hosts(
        self, current: Resource, sent: Mapping[str, Any], properties: Json, sku: str, *, whole: bool
    ) -> Mapping[str, Bundle]:
        given = (sent.get("properties") or {}).get("hostnameConfigurations")
        if given is None and not whole and current.properties.get("hostnameConfigurations"):
            held: Mapping[str, Bundle] = current.hidden.get("hostnames", {})
            return held

        def fetch(url: str, identity: str | None) -> Bundle:
            try:
                return fetch_certificate(self._provider, current, url, identity, url.rpartition("/")[2])[1]
            except FetchFailed as failed:
                raise provider_error(400, failed.code, failed.message) from failed

        entries, bundles = self._hostnames.hosts(given, self._before(current, sku), fetch)
        properties["hostnameConfigurations"] = entries
        return bundles

    def _authorities(
        self, current: Resource, sent: Mapping[str, Any], properties: Json, sku: str, *, whole: bool
    ) -> Mapping[str, Bundle]:
        given = (sent.get("properties") or {}).get("certificates")
        if given is None and not whole:
            held: Mapping[str, Bundle] = current.hidden.get("authorities", {})
            return held
        entries, bundles = self._hostnames.authorities(given, self._before(current, sku))
        properties["certificates"] = entries
        return bundles

    def _changed(self, current: Resource, after: After) -> set[str]:
        """
        The names of the members that would change.
        """
        names = {
            name
            for name in {*current.properties, *after.body["properties"]} - READ_ONLY
            if current.properties.get(name) != after.body["properties"].get(name)
        }
        names |= {
            one for one in ("sku", "zones", "tags") if (current.body.get(one) or None) != (after.body[one] or None)
        }
        if not same_identity(current.body.get("identity"), after.body["identity"]):
            names.add("identity")
        return names

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
        return options.update_duration if tiers.is_classic(_sku(service)) else options.update_duration_v2

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
        store, now = self._provider.store, self._provider.now()
        store.remove(service.id, at=now)
        subscription = service.id.split("/")[2]
        place = str(service.body["location"]).replace(" ", "").casefold()
        store.put(
            Resource(
                id=f"/subscriptions/{subscription}/providers/Microsoft.ApiManagement/locations/{place}/deletedservices/"
                f"{service.name}",
                type="Microsoft.ApiManagement/deletedservices",
                name=service.name,
                body={
                    "location": service.body["location"],
                    "properties": {
                        "serviceId": service.id,
                        "scheduledPurgeDate": stamp(now + self._provider.options.soft_delete),
                        "deletionDate": stamp(now),
                    },
                },
            ),
            at=now,
        )

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


def _sku(service: Resource) -> str:
    return str((service.body.get("sku") or {}).get("name", ""))
