"""
Azure as a visit sees it: a reader for everybody, a writer for `engine.apply` alone.

`apimend.arm` fulfils both. A rule is handed a reader only, and in report mode there is no writer at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apimend.model.access import Deleted, Grant, Subnet, Vault
from apimend.model.azure import (
    Api,
    Backend,
    Certificate,
    Gateway,
    GatewayAuthority,
    GatewayHost,
    Operation,
    PolicyText,
    Product,
    Service,
    VaultCertificate,
    VaultVersion,
    Workspace,
)
from apimend.model.desired import Uploaded, VaultObject
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change
from apimend.ports.walks import WalkMemory


class InstanceReader(Protocol):
    """
    One visit's view of one instance. Each resource is read once: concurrent askers share the fetch.

    Every method may raise TryLater or Denied; what is not there is None or an empty tuple unless said.
    """

    @property
    def instance(self) -> InstanceId:
        """The instance that this is a view of."""
        ...

    @property
    def walk(self) -> WalkMemory | None:
        """What earlier visits found by walking, and for how long this one may; None where it has all the time."""
        ...

    @property
    def calls(self) -> Mapping[str, int]:
        """How many calls were made so far, by kind (`arm`, `vault`, `graph`)."""
        ...

    def vault_host(self, vault: str) -> str:
        """The host, with port where it has one, of a vault by name."""
        ...

    async def service(self) -> Service:
        """The service itself. Raises Gone where there is none."""
        ...

    async def certificates(self, workspace: str = "") -> tuple[Certificate, ...]:
        """The certificate entities, of the instance or of a workspace."""
        ...

    async def apis(self, workspace: str = "") -> tuple[Api, ...]:
        """The current revision of every API, of the instance or of a workspace."""
        ...

    async def revisions(self, api: Api) -> tuple[Api, ...]:
        """All revisions of an API, the current one included."""
        ...

    async def operations(self, api: Api) -> tuple[Operation, ...]:
        """The operations of an API revision."""
        ...

    async def products(self, workspace: str = "") -> tuple[Product, ...]:
        """The products, of the instance or of a workspace."""
        ...

    async def product_apis(self, product: Product) -> tuple[str, ...]:
        """The names of the APIs in a product."""
        ...

    async def policy(self, scope: ResourceId) -> PolicyText | None:
        """The document at a scope (the instance, a product, an API, an operation, a workspace)."""
        ...

    async def policy_scopes(self) -> frozenset[str]:
        """
        The keys of the scopes that have a document, as `allPolicies` tells them.

        A hint that spares reads; it may lag, so it is never proof that there is none.
        """
        ...

    async def fragments(self) -> tuple[PolicyText, ...]:
        """The policy fragments."""
        ...

    async def gateways(self) -> tuple[Gateway, ...]:
        """The self-hosted gateways."""
        ...

    async def gateway_hosts(self, gateway: Gateway) -> tuple[GatewayHost, ...]:
        """The hostname configurations of a self-hosted gateway."""
        ...

    async def gateway_authorities(self, gateway: Gateway) -> tuple[GatewayAuthority, ...]:
        """The certificate authorities of a self-hosted gateway."""
        ...

    async def gateway_apis(self, gateway: Gateway) -> tuple[str, ...]:
        """The names of the APIs that a self-hosted gateway serves."""
        ...

    async def workspaces(self) -> tuple[Workspace, ...]:
        """The workspaces."""
        ...

    async def backends(self, workspace: str = "") -> tuple[Backend, ...]:
        """The backends, of the instance or of a workspace."""
        ...

    async def vault_certificate(self, source: VaultObject) -> VaultCertificate:
        """
        A Key Vault certificate's public side, latest version.

        Raises Gone (no such certificate or vault; SoftDeleted where it can be had back) or Denied (no right to see
        it, a firewall, or a vault whose name is not known here).
        """
        ...

    async def vault_versions(self, source: VaultObject) -> tuple[VaultVersion, ...]:
        """
        Every version of a Key Vault certificate, the disabled and expired ones too.

        Raises Gone or Denied, as `vault_certificate` does.
        """
        ...

    async def proxies_in_front(self) -> tuple[str, ...]:
        """Ids of Application Gateways whose backends name this instance's hosts or addresses."""
        ...

    async def vault(self, name: str) -> Vault | None:
        """A vault as a resource: who it lets in. None where we can't see one of this name."""
        ...

    async def deleted_vault(self, name: str) -> Deleted | None:
        """The vault of this name among those of the instance's subscription that were deleted and are kept."""
        ...

    async def grants(self, scope: ResourceId, principal: str) -> tuple[Grant, ...]:
        """What a principal was given itself at a scope or above it; nothing through groups is seen."""
        ...

    async def subnet(self, id: ResourceId) -> Subnet | None:
        """A subnet with its security rules. None where we can't see it."""
        ...

    async def resource(self, id: ResourceId, api_version: str) -> Mapping[str, Any] | None:
        """Any other ARM resource as raw JSON; None where it is not there."""
        ...

    async def entity(self, id: ResourceId, api_version: str) -> Mapping[str, Any]:
        """The same, where it matters why it is not there. Raises Gone."""
        ...

    async def listed(
        self, id: ResourceId, api_version: str, *, filter: str = "", **asked: str
    ) -> tuple[Mapping[str, Any], ...]:
        """Any list as raw JSON, all its pages, shared with the lists above. Raises Gone."""
        ...

    async def query(self, text: str, *, everywhere: bool = False) -> tuple[Mapping[str, Any], ...]:
        """The rows of a Resource Graph query, within the instance's subscription or in all that we can read."""
        ...

    async def operation(self, at: str) -> str | None:
        """
        Why a long operation failed, in Azure's words; empty where it did not fail or is no longer known, None while
        it is under way.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Written:
    """
    What Azure said to a write. `pending`: a long operation was started, the state tells when it has ended;
    `operation` is the path and query where Azure tells what came of it; `missing` are hostnames, by type and name, that
    stood there before and not in the answer.
    """

    etag: str = ""
    pending: bool = False
    operation: str = ""
    missing: tuple[str, ...] = ()


class InstanceWriter(Protocol):
    """The only thing that can change an instance. It does not exist in report mode."""

    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        """
        Send the service changes in one PATCH, copied from a fresh GET less nulls.

        Raises Changed where the service is no longer what the changes were planned on, Busy while it is
        transitioning, Rejected where an entry may not be resent.
        """
        ...

    async def write(self, change: Change, *, request_id: str) -> Written:
        """Send any other change: conditional on its etag; `after` None deletes. Raises Changed on 412."""
        ...


class Azure(Protocol):
    """Where readers and writers come from."""

    def reader(self, instance: InstanceId, *, urgent: bool = True, walk: WalkMemory | None = None) -> InstanceReader:
        """A fresh view for one visit. One that is not urgent leaves room for those that are, below Azure's limits."""
        ...

    def writer(self, instance: InstanceId) -> InstanceWriter:
        """A writer."""
        ...

    async def instances(self, subscriptions: frozenset[str]) -> tuple[InstanceId, ...]:
        """Every instance that we can see in these subscriptions (all, where empty)."""
        ...

    async def subscriptions(self) -> Mapping[str, str]:
        """Every subscription that we can read, by id in lower case, with its state."""
        ...
