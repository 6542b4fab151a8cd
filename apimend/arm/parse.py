"""
Raw JSON of ARM and Key Vault as the frozen values of `apimend.model.azure`.

Tolerant where Azure varies (explicit nulls, casing, missing keys), strict about what we decide by. Used by
the reader only.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from apimend.model.azure import (
    Api,
    Backend,
    CaCertificate,
    Certificate,
    CertificateFacts,
    Gateway,
    GatewayAuthority,
    GatewayHost,
    Hostname,
    Operation,
    PolicyText,
    Product,
    Region,
    Service,
    UserIdentity,
    Workspace,
)
from apimend.model.errors import Unreadable
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.tiers import tier

Raw = Mapping[str, Any]


def instant(text: object) -> datetime | None:
    """A time in any of Azure's forms: UTC or with an offset, up to seven fractional digits. None where none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def service(raw: Raw) -> Service:
    """The service resource. Raises Unreadable where it lacks what every service has."""
    try:
        properties = raw["properties"]
        return Service(
            id=InstanceId.of(raw["id"]),
            name=raw["name"],
            location=raw.get("location") or "",
            tier=tier(raw["sku"]["name"]),
            etag=raw.get("etag") or "",
            provisioning_state=properties.get("provisioningState") or "",
            target_state=properties.get("targetProvisioningState") or "",
            hostnames=tuple(_hostname(entry) for entry in properties.get("hostnameConfigurations") or ()),
            enable_client_certificate=properties.get("enableClientCertificate"),
            ca_certificates=tuple(_ca(entry) for entry in properties.get("certificates") or ()),
            system_principal=(raw.get("identity") or {}).get("principalId") or "",
            user_identities=_identities(raw.get("identity") or {}),
            tags=raw.get("tags") or {},
            virtual_network_type=properties.get("virtualNetworkType") or "",
            public_access=properties.get("publicNetworkAccess") or "",
            subnet_id=(properties.get("virtualNetworkConfiguration") or {}).get("subnetResourceId") or "",
            gateway_url=properties.get("gatewayUrl") or "",
            regions=tuple(_regions(raw.get("location") or "", properties)),
            raw=json.dumps(raw, ensure_ascii=False),
        )
    except (KeyError, TypeError) as error:
        raise Unreadable(f"The service resource has an unknown form: {error!r}") from error


def _regions(location: str, properties: Raw) -> Iterator[Region]:
    """The region it was made in, and those that were added."""
    for place in ({**properties, "location": location}, *(properties.get("additionalLocations") or ())):
        yield Region(
            location=place.get("location") or "",
            host=urlsplit(place.get("gatewayRegionalUrl") or "").hostname or "",
            disabled=place.get("disableGateway") is True,
            addresses=frozenset(
                str(address).casefold()
                for name in ("publicIPAddresses", "privateIPAddresses")
                for address in place.get(name) or ()
            ),
        )


def _hostname(entry: Raw) -> Hostname:
    return Hostname(
        type=entry["type"],
        host=entry.get("hostName") or "",
        negotiates=bool(entry.get("negotiateClientCertificate")),
        source=entry.get("certificateSource") or "",
        key_vault_id=entry.get("keyVaultId"),
        identity_client_id=entry.get("identityClientId"),
        certificate=_facts(entry.get("certificate")),
        status=entry.get("certificateStatus") or "",
    )


def _facts(raw: Raw | None) -> CertificateFacts | None:
    if not raw:
        return None
    return CertificateFacts(
        subject=raw.get("subject") or "",
        thumbprint=(raw.get("thumbprint") or "").upper(),
        expiry=instant(raw.get("expiry")),
    )


def _ca(entry: Raw) -> CaCertificate:
    return CaCertificate(store=entry.get("storeName") or "", certificate=_facts(entry.get("certificate")))


def _identities(identity: Raw) -> tuple[UserIdentity, ...]:
    given = identity.get("userAssignedIdentities") or {}
    return tuple(
        UserIdentity(
            id=ResourceId.of(id),
            client_id=(value or {}).get("clientId") or "",
            principal_id=(value or {}).get("principalId") or "",
        )
        for id, value in given.items()
    )


def certificate(raw: Raw) -> Certificate:
    """A certificate entity."""
    properties = raw["properties"]
    vault = properties.get("keyVault") or {}
    status = vault.get("lastStatus") or {}
    return Certificate(
        id=ResourceId.of(raw["id"]),
        subject=properties.get("subject") or "",
        thumbprint=(properties.get("thumbprint") or "").upper(),
        expires=instant(properties.get("expirationDate")),
        secret_identifier=vault.get("secretIdentifier"),
        identity_client_id=vault.get("identityClientId"),
        last_status=status.get("code") or "",
        last_message=status.get("message") or "",
        has_private_key=properties.get("hasPrivateKey") is not False,
    )


def api(raw: Raw) -> Api:
    """An API, or one of its revisions as an entity."""
    properties = raw["properties"]
    return Api(
        id=ResourceId.of(raw["id"]),
        name=raw["name"],
        display_name=properties.get("displayName") or raw["name"],
        path=properties.get("path") or "",
        type=(properties.get("type") or properties.get("apiType") or "http").casefold(),
        revision=properties.get("apiRevision") or "1",
        is_current=properties.get("isCurrent", ";rev=" not in raw["name"]) is not False,
        is_online=properties.get("isOnline", True) is not False,
        subscription_required=properties.get("subscriptionRequired", True) is not False,
        version=properties.get("apiVersion") or "",
        service_url=properties.get("serviceUrl") or "",
        version_set_id=properties.get("apiVersionSetId") or "",
    )


def operation(raw: Raw) -> Operation:
    """An operation."""
    properties = raw["properties"]
    return Operation(
        id=ResourceId.of(raw["id"]),
        name=raw["name"],
        method=(properties.get("method") or "").upper(),
        url_template=properties.get("urlTemplate") or "",
    )


def product(raw: Raw) -> Product:
    """A product."""
    properties = raw["properties"]
    return Product(
        id=ResourceId.of(raw["id"]),
        name=raw["name"],
        subscription_required=properties.get("subscriptionRequired", True) is not False,
        published=(properties.get("state") or "published").casefold() == "published",
    )


def policy(raw: Raw, etag: str) -> PolicyText:
    """A policy document or fragment, read as rawxml."""
    return PolicyText(id=ResourceId.of(raw["id"]), text=(raw["properties"].get("value") or ""), etag=etag)


def gateway(raw: Raw) -> Gateway:
    """A self-hosted gateway."""
    return Gateway(id=ResourceId.of(raw["id"]), name=raw["name"])


def workspace(raw: Raw) -> Workspace:
    """A workspace."""
    return Workspace(id=ResourceId.of(raw["id"]), name=raw["name"])


def gateway_host(raw: Raw) -> GatewayHost:
    """A hostname configuration of a self-hosted gateway."""
    properties = raw["properties"]
    return GatewayHost(
        id=ResourceId.of(raw["id"]),
        host=properties.get("hostname") or "",
        negotiates=bool(properties.get("negotiateClientCertificate")),
        certificate_id=properties.get("certificateId") or "",
        raw=json.dumps(raw, ensure_ascii=False),
    )


def gateway_authority(raw: Raw) -> GatewayAuthority:
    """A certificate authority of a self-hosted gateway."""
    return GatewayAuthority(id=ResourceId.of(raw["id"]), trusted=bool(raw["properties"].get("isTrusted")))


def backend(raw: Raw) -> Backend:
    """A backend, or a pool of them."""
    properties = raw["properties"]
    credentials = properties.get("credentials") or {}
    tls = properties.get("tls") or {}
    members = (properties.get("pool") or {}).get("services") or ()
    return Backend(
        id=ResourceId.of(raw["id"]),
        name=raw["name"],
        url=properties.get("url") or "",
        certificate_ids=tuple(credentials.get("certificateIds") or ()),
        certificate_thumbprints=tuple(credentials.get("certificate") or ()),
        validate_chain=tls.get("validateCertificateChain"),
        validate_name=tls.get("validateCertificateName"),
        pool=tuple(member.get("id") or "" for member in members),
        raw=json.dumps(raw, ensure_ascii=False),
    )
