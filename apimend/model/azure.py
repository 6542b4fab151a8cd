"""
What is read of a live instance, as frozen values.

The ARM adapter makes these from raw JSON; rules and the engine read them. `raw` keeps the resource as the
service sent it, as JSON text, because a write copies from it (and models lose keys, nulls and offsets).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apimend.model.features import PREMIUM_V2, SELF_MANAGED
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.tiers import Tier


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """What the service tells of a certificate it holds. `thumbprint` is upper-case hexadecimal SHA-1."""

    subject: str
    thumbprint: str
    expiry: datetime | None


@dataclass(frozen=True, kw_only=True)
class Hostname:
    """
    One entry of `hostnameConfigurations`.

    `source` is Azure's word (BuiltIn, KeyVault, Managed, Custom), or an empty text where it sent none.
    """

    type: str
    host: str
    negotiates: bool
    source: str
    key_vault_id: str | None = None
    identity_client_id: str | None = None
    certificate: CertificateFacts | None = None
    status: str = ""

    @property
    def is_proxy(self) -> bool:
        """Whether callers of APIs come in here."""
        return self.type.casefold() == "proxy"


@dataclass(frozen=True, kw_only=True)
class Region:
    """
    One region of the gateway. `host` is its own name (`*.regional.azure-api.net`), empty where it has none;
    `addresses` are IP addresses.
    """

    location: str
    host: str = ""
    disabled: bool = False
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CaCertificate:
    """One entry of the service's own CA store; `store` is Root or CertificateAuthority."""

    store: str
    certificate: CertificateFacts | None


@dataclass(frozen=True, kw_only=True)
class UserIdentity:
    """A user-assigned identity of an instance."""

    id: ResourceId
    client_id: str
    principal_id: str


@dataclass(frozen=True, kw_only=True)
class Service:
    """One API Management service as it is now."""

    id: InstanceId
    name: str
    location: str
    tier: Tier
    etag: str
    provisioning_state: str
    target_state: str
    hostnames: tuple[Hostname, ...]
    enable_client_certificate: bool | None
    ca_certificates: tuple[CaCertificate, ...] = ()
    system_principal: str = ""
    user_identities: tuple[UserIdentity, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    virtual_network_type: str = ""
    public_access: str = ""
    subnet_id: str = ""
    gateway_url: str = ""
    regions: tuple[Region, ...] = ()
    raw: str = field(default="{}", repr=False)

    @property
    def busy(self) -> bool:
        """Whether an update is on its way, whatever `provisioningState` says meanwhile."""
        return self.target_state != "" or self.provisioning_state not in ("Succeeded", "Ready")

    @property
    def proxies(self) -> tuple[Hostname, ...]:
        """The hosts that callers of APIs come in by."""
        return tuple(entry for entry in self.hostnames if entry.is_proxy)

    @property
    def regional_hosts(self) -> tuple[str, ...]:
        """The names of single regions, in lower case, of those whose gateway runs."""
        return tuple(region.host.casefold() for region in self.regions if region.host and not region.disabled)

    @property
    def open_to_all(self) -> bool:
        """
        Whether nothing that Resource Manager shows could keep callers away from the gateway itself.

        Integration of the other v2 tiers is outbound only.
        """
        lies_within = self.tier.name in SELF_MANAGED | {PREMIUM_V2}
        injected = lies_within and self.virtual_network_type.casefold() in ("internal", "external")
        return not injected and self.public_access.casefold() != "disabled"

    def principal(self, client_id: str | None) -> str:
        """The object id of its identity with this client id, or of the system-assigned one; empty: it has none."""
        if not client_id:
            return self.system_principal
        wanted = client_id.casefold()
        return next((user.principal_id for user in self.user_identities if user.client_id.casefold() == wanted), "")

    def negotiates(self, host: Hostname) -> bool:
        """Whether this gateway host asks for a client certificate, by the switch of the tier."""
        return host.negotiates if self.tier.is_classic else bool(self.enable_client_certificate)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """
    A certificate entity of the service (`.../certificates/{id}`).

    `secret_identifier` is the Key Vault secret it is fetched from, or None for an uploaded one; `last_status`
    is Azure's code of the last fetch (`Success`), empty where there is none. One without a private key can only
    recognise clients.
    """

    id: ResourceId
    subject: str
    thumbprint: str
    expires: datetime | None
    secret_identifier: str | None = None
    identity_client_id: str | None = None
    last_status: str = ""
    last_message: str = ""
    etag: str = ""
    has_private_key: bool = True


@dataclass(frozen=True, kw_only=True)
class VaultCertificate:
    """
    A Key Vault certificate's public side.

    `der` is the certificate itself; `secret_id` is the versionless secret identifier that API Management takes.
    """

    vault: str
    name: str
    version: str
    secret_id: str
    thumbprint: str
    der: bytes = field(repr=False)
    enabled: bool
    not_before: datetime | None
    expires: datetime | None
    key_type: str
    exportable: bool
    content_type: str


@dataclass(frozen=True, kw_only=True)
class VaultVersion:
    """One version of a Key Vault certificate, as the list of versions tells it."""

    version: str
    thumbprint: str
    enabled: bool
    not_before: datetime | None
    expires: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether its dates hold now."""
        return (self.not_before is None or self.not_before <= now) and (self.expires is None or now < self.expires)


@dataclass(frozen=True, kw_only=True)
class PolicyText:
    """
    A policy document as it stands (`rawxml`). `etag` is as received, for the next conditional write.

    `id` is that of the policy itself (`.../policies/policy`), or of the fragment.
    """

    id: ResourceId
    text: str = field(repr=False)
    etag: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of an API."""

    id: ResourceId
    name: str
    method: str
    url_template: str


@dataclass(frozen=True, kw_only=True)
class Api:
    """One API revision. `type` is Azure's (http, soap, websocket, graphql ...); `revision` its number as text."""

    id: ResourceId
    name: str
    display_name: str
    path: str
    type: str = "http"
    revision: str = "1"
    is_current: bool = True
    is_online: bool = True
    subscription_required: bool = True
    version: str = ""
    service_url: str = ""
    version_set_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product. Open: its APIs can be called without a subscription."""

    id: ResourceId
    name: str
    subscription_required: bool
    published: bool = True


@dataclass(frozen=True, kw_only=True)
class GatewayHost:
    """One hostname configuration of a self-hosted gateway."""

    id: ResourceId
    host: str
    negotiates: bool
    certificate_id: str = ""
    etag: str = ""
    raw: str = field(default="{}", repr=False)


@dataclass(frozen=True, kw_only=True)
class GatewayAuthority:
    """One certificate authority of a self-hosted gateway."""

    id: ResourceId
    trusted: bool
    etag: str = ""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One self-hosted gateway of the instance."""

    id: ResourceId
    name: str


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """One workspace of the instance."""

    id: ResourceId
    name: str


@dataclass(frozen=True, kw_only=True)
class Backend:
    """One backend. `certificate_ids` are full ids of certificate entities; `pool` those of its members."""

    id: ResourceId
    name: str
    url: str
    certificate_ids: tuple[str, ...] = ()
    certificate_thumbprints: tuple[str, ...] = ()
    validate_chain: bool | None = None
    validate_name: bool | None = None
    pool: tuple[str, ...] = ()
    etag: str = ""
    raw: str = field(default="{}", repr=False)
