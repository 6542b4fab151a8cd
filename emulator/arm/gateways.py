"""
Self-hosted gateways: their hostnames, trusted authorities and APIs.

Recorded: little-endian etags; linking an API moves the gateway's etag; a child of a missing gateway is a
ValidationError with target `gwid`; PUT shows `heartbeat` null, GET an empty list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.arm import tiers
from emulator.arm.apis import linked_api
from emulator.arm.bodies import page
from emulator.arm.entities import SERVICE_PATH, Entities, indented, private, whole, with_etag
from emulator.arm.errors import not_found, validation
from emulator.arm.kind import Kind, Write, merged
from emulator.arm.provider import Provider
from emulator.http import Answer, Call, Layout
from emulator.routes import Route, Source
from emulator.store import Json, Resource


def _accept(write: Write) -> tuple[Json, Mapping[str, Any]]:
    sku = str((write.service.body.get("sku") or {}).get("name", ""))
    if sku.casefold() not in tiers.SELF_HOSTED:
        # Documented; the text is ours.
        raise validation("gwid", f"Gateways are not supported for the SKU type {sku}.")
    if write.id.rpartition("/")[2].casefold() == "managed":
        raise validation("gwid", "Gateway id 'managed' is reserved.")
    return merged(write)


def _hostname(write: Write) -> tuple[Json, Mapping[str, Any]]:
    certificate = write.sent.get("certificateId")
    if not write.sent.get("hostname"):
        raise validation("hostname", "Hostname should not be empty.")
    if certificate and write.provider.store.get(str(certificate)) is None:
        raise validation("certificateId", "Certificate not found")
    return {
        "negotiateClientCertificate": False,
        "tls10Enabled": False,
        "tls11Enabled": False,
        "http2Enabled": True,
        **write.sent,
    }, {}


def _authority(write: Write) -> tuple[Json, Mapping[str, Any]]:
    name = write.id.rpartition("/")[2]
    if write.provider.store.get(f"{write.service.id}/certificates/{name}") is None:
        raise validation("certificateId", "Certificate not found")
    return {"isTrusted": bool(write.sent.get("isTrusted"))}, {}


GATEWAY = Kind(
    segment="gateways",
    label="Gateway",
    param="gateway",
    accept=_accept,
    shown=lambda gateway: {**gateway.properties, "heartbeat": []},
    shown_on_put=lambda gateway: {**gateway.properties, "heartbeat": None},
    little_endian=True,
    parent_target="gwid",
    source=Source.RECORDED,
)
HOSTNAME = Kind(
    segment="hostnameConfigurations",
    label="Gateway hostname configuration",
    param="hostname",
    parent=GATEWAY,
    accept=_hostname,
    little_endian=True,
    methods=("LIST", "HEAD", "GET", "PUT", "DELETE"),
    source=Source.RECORDED,
)
AUTHORITY = Kind(
    segment="certificateAuthorities",
    label="Gateway certificate authority",
    param="certificate",
    parent=GATEWAY,
    accept=_authority,
    little_endian=True,
    methods=("LIST", "HEAD", "GET", "PUT", "DELETE"),
)


class Gateways:
    """
    The routes of self-hosted gateways.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._parts = [Entities(provider, kind) for kind in (GATEWAY, HOSTNAME, AUTHORITY)]

    def routes(self) -> list[Route]:
        apis = f"{SERVICE_PATH}/gateways/{{gateway}}/apis"
        found = [route for part in self._parts for route in part.routes()]
        return [
            *found,
            Route(method="GET", path=apis, handler=self.list_apis, source=Source.SPECIFIED),
            Route(method="HEAD", path=f"{apis}/{{api}}", handler=self.has_api, source=Source.SPECIFIED),
            Route(method="PUT", path=f"{apis}/{{api}}", handler=self.link_api, source=Source.RECORDED),
            Route(method="DELETE", path=f"{apis}/{{api}}", handler=self.unlink_api, source=Source.SPECIFIED),
        ]

    async def list_apis(self, call: Call) -> Answer:
        gateway = self._gateway(call)
        items = []
        for link in self._provider.store.children(gateway.id, "apis"):
            api = self._provider.store.get(f"{self._provider.service_of(call).id}/apis/{link.name}")
            if api is not None:
                items.append(whole(link, _linked(api)))
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    async def has_api(self, call: Call) -> Answer:
        gateway = self._gateway(call)
        link = self._provider.store.get(f"{gateway.id}/apis/{call.params['api']}")
        if link is None:
            raise not_found("Api")
        return with_etag(call, Answer(), link.etag)

    async def link_api(self, call: Call) -> Answer:
        gateway = self._gateway(call)
        api = self._provider.store.get(f"{self._provider.service_of(call).id}/apis/{call.params['api']}")
        if api is None:
            raise not_found("Api")
        identifier = f"{gateway.id}/apis/{api.name}"
        new = self._provider.store.get(identifier) is None
        link = Resource(
            id=identifier,
            type="Microsoft.ApiManagement/service/gateways/apis",
            name=api.name,
            etag=self._provider.store.next_etag(),
        )
        self._provider.store.put(link, at=self._provider.now())
        self._touch(gateway)
        return with_etag(call, indented(whole(link, _linked(api)), 201 if new else 200), link.etag)

    async def unlink_api(self, call: Call) -> Answer:
        gateway = self._gateway(call)
        gone = self._provider.store.remove(f"{gateway.id}/apis/{call.params['api']}", at=self._provider.now())
        if gone is not None:
            self._touch(gateway)
        return private(call, Answer(status=200 if gone is not None else 204))

    def _gateway(self, call: Call) -> Resource:
        service = self._provider.service_of(call)
        found = self._provider.store.get(f"{service.id}/gateways/{call.params['gateway']}")
        if found is None:
            raise GATEWAY.missing()
        return found

    def _touch(self, gateway: Resource) -> None:
        moved = replace(gateway, etag=self._provider.store.next_etag(little_endian=True))
        self._provider.store.put(moved, at=self._provider.now())


def _linked(api: Resource) -> Json:
    return {**linked_api(api), "protocols": None}
