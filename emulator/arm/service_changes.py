"""
What a PUT or PATCH makes of a service, before anything of it happens.

Pure but for the fetch of vault certificates: `services` takes the result, compares it with what is there and starts an
operation. Recorded: read-only members are ignored, custom properties are merged without case, classic tiers drop
`enableClientCertificate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from emulator.arm import hostnames, tiers
from emulator.arm.errors import provider_error
from emulator.arm.identities import identity_after, same_identity
from emulator.arm.keyvault import FetchFailed, fetch_certificate
from emulator.arm.provider import Provider
from emulator.arm.service_body import READ_ONLY, custom_properties, region
from emulator.certificates import Bundle
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


class Changes:
    """
    Works out what a service is to become.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        azure = provider.azure
        self._hostnames = hostnames.Hostnames(provider.options, azure.workshop, azure.now)

    def after(self, current: Resource, sent: Mapping[str, Any], *, whole: bool) -> After:
        """
        What a PUT (`whole`) or PATCH makes of a service.
        """
        wanted = {
            name: value
            for name, value in (sent.get("properties") or {}).items()
            if name not in READ_ONLY and name not in SECRETIVE and _less_nulls(value) is not None
        }
        same = {
            name for name, value in wanted.items() if _less_nulls(value) == _less_nulls(current.properties.get(name))
        }
        wanted = {name: value for name, value in wanted.items() if name not in same}
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
            return custom_properties(sku_of(current)) if whole and not held else dict(held)
        base = (
            custom_properties(sku_of(current))
            if whole or self._provider.options.custom_properties_reset
            else dict(held)
        )
        merged = dict(base)
        for name, value in given.items():
            before = held.get(name)
            same = before is not None and str(before).casefold() == str(value).casefold()
            merged[name] = before if same else str(value)
        return merged

    def _client_certificate(self, properties: Json, current: Resource, sent: Mapping[str, Any]) -> None:
        given = (sent.get("properties") or {}).get("enableClientCertificate")
        if given is not None and tiers.keeps_client_certificate_switch(sku_of(current)):
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

    def changed(self, current: Resource, after: After) -> set[str]:
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


def sku_of(service: Resource) -> str:
    return str((service.body.get("sku") or {}).get("name", ""))


def _less_nulls(value: Any) -> Any:
    """
    A value without its nulls and empty members: clients leave out what answers write as null.
    """
    if isinstance(value, Mapping):
        found = {name: kept for name, one in value.items() if (kept := _less_nulls(one)) is not None}
        return found or None
    if isinstance(value, list):
        return [_less_nulls(one) for one in value] or None
    return value


def refuse_twice(location: str, sent: Mapping[str, Any]) -> None:
    """
    A service has one place in each region.
    """
    further = (sent.get("properties") or {}).get("additionalLocations") or []
    places = [location, *(region(str(one.get("location", ""))) for one in further)]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise provider_error(
            400, "InvalidParameters", f"Invalid parameter: Cannot have two services in the same location '{twice}'."
        )
