"""
Which host names answer, whose they are, and whether they ask for a client certificate at this moment.

Read from the store for every handshake, so a service update shows only when it is done: until then the resource
still holds the old values. The switch differs by tier. A host that no resource names does not exist.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from emulator.options import Options
from emulator.store import Json, Resource, Store

SERVICE = "Microsoft.ApiManagement/service"
WORKSPACE_GATEWAY = "Microsoft.ApiManagement/gateways"
MANAGED_GATEWAY_ID = "managed"


class Kind(enum.Enum):
    """
    The three kinds of gateway, and the partner behind them that demands mutual TLS.
    """

    MANAGED = "managed"
    SELF_HOSTED = "self-hosted"
    WORKSPACE = "workspace"
    PARTNER = "partner"


class Tier(enum.Enum):
    """
    What the sku means for client certificates.
    """

    CLASSIC = "classic"
    CONSUMPTION = "consumption"
    V2 = "v2"


@dataclass(frozen=True, kw_only=True)
class Host:
    """
    One host name. `service` is None for the partner only; `workspace` is set on workspace gateways.
    """

    host: str
    kind: Kind
    negotiates: bool
    service: Resource | None = None
    gateway: Resource | None = None
    workspace: Resource | None = None

    @property
    def gateway_id(self) -> str:
        return self.gateway.name if self.gateway else MANAGED_GATEWAY_ID

    @property
    def tier(self) -> Tier:
        return tier_of(self.service) if self.service else Tier.CLASSIC

    def answers(self, name: str) -> bool:
        """
        Whether the name in a handshake is this host's; a wildcard stands for one label.
        """
        own, asked = self.host.casefold(), name.casefold()
        if own.startswith("*."):
            return asked.partition(".")[2] == own[2:]
        return own == asked


def tier_of(service: Resource) -> Tier:
    sku = str((service.body.get("sku") or {}).get("name", "")).casefold()
    if sku == "consumption":
        return Tier.CONSUMPTION
    return Tier.V2 if sku.endswith("v2") else Tier.CLASSIC


def find(store: Store, options: Options, name: str) -> Host | None:
    found = [host for host in all_hosts(store, options) if host.answers(name)]
    return min(found, key=lambda host: host.host.startswith("*."), default=None)


def all_hosts(store: Store, options: Options) -> Iterator[Host]:
    for service in store.of_type(SERVICE):
        yield from _managed(service, options)
        for gateway in store.children(service.id, "gateways"):
            yield from _self_hosted(store, service, gateway)
    for gateway in store.of_type(WORKSPACE_GATEWAY):
        yield from _workspaces(store, gateway)


def _managed(service: Resource, options: Options) -> Iterator[Host]:
    whole = bool(service.properties.get("enableClientCertificate"))
    classic = tier_of(service) is Tier.CLASSIC
    for entry in service.properties.get("hostnameConfigurations") or ():
        if entry.get("type") == "Proxy" and entry.get("hostName"):
            negotiates = bool(entry.get("negotiateClientCertificate")) if classic else whole
            yield Host(host=str(entry["hostName"]), kind=Kind.MANAGED, negotiates=negotiates, service=service)
    follows = options.negotiate_on_regional_hosts and (_default_negotiates(service) if classic else whole)
    for url in _regional(service.properties):
        yield Host(host=url, kind=Kind.MANAGED, negotiates=follows, service=service)


def _default_negotiates(service: Resource) -> bool:
    default = f"{service.name}.azure-api.net".casefold()
    return any(
        str(entry.get("hostName")).casefold() == default and bool(entry.get("negotiateClientCertificate"))
        for entry in service.properties.get("hostnameConfigurations") or ()
        if entry.get("type") == "Proxy"
    )


def _regional(properties: Json) -> Iterator[str]:
    for place in (properties, *(properties.get("additionalLocations") or ())):
        if place.get("disableGateway") is True:
            continue
        name = urlsplit(str(place.get("gatewayRegionalUrl") or "")).hostname
        if name:
            yield name


def _self_hosted(store: Store, service: Resource, gateway: Resource) -> Iterator[Host]:
    """
    The configured hosts; without any, a gateway answers under a name of this emulator's making.
    """
    configured = store.children(gateway.id, "hostnameConfigurations")
    for entry in configured:
        yield Host(
            host=str(entry.properties.get("hostname", "")),
            kind=Kind.SELF_HOSTED,
            negotiates=bool(entry.properties.get("negotiateClientCertificate")),
            service=service,
            gateway=gateway,
        )
    if not configured:
        yield Host(
            host=self_hosted_name(service.name, gateway.name),
            kind=Kind.SELF_HOSTED,
            negotiates=False,
            service=service,
            gateway=gateway,
        )


def self_hosted_name(service: str, gateway: str) -> str:
    return f"{gateway}.{service}.self-hosted.test"


def _workspaces(store: Store, gateway: Resource) -> Iterator[Host]:
    """
    One host for each connected workspace; no switch for client certificates is documented there.
    """
    for connection in store.children(gateway.id, "configConnections"):
        workspace = store.get(str(connection.properties.get("sourceId", "")))
        service = store.get(workspace.id.rpartition("/workspaces/")[0]) if workspace else None
        if workspace and service:
            location = str(gateway.body.get("location", "")).replace(" ", "").casefold()
            made = f"{connection.name}.{gateway.name}.gateway.{location}.azure-api.net"
            yield Host(
                host=str(connection.properties.get("defaultHostname") or made),
                kind=Kind.WORKSPACE,
                negotiates=False,
                service=service,
                gateway=gateway,
                workspace=workspace,
            )
