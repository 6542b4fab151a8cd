"""
One visit's view of one instance: every resource is read once, and concurrent askers share the fetch.

The engine opens one for each visit and hands it to the rules. It can't write.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from azure.core.rest import HttpRequest
from azure.mgmt.apimanagement.aio import ApiManagementClient

from apimend.arm import access, parse
from apimend.arm.errors import UNKNOWN_NAME, translated
from apimend.arm.graph import Graph
from apimend.arm.transport import CALLS, URGENT
from apimend.arm.vault import Vaults
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
from apimend.model.desired import VaultObject
from apimend.model.errors import Denied, Gone, Rejected, SoftDeleted
from apimend.model.ids import InstanceId, ResourceId
from apimend.ports import WalkMemory

T = TypeVar("T")
Raw = Mapping[str, Any]
_RAWXML = "rawxml"
_POLICY = "policy"
_NO_VAULT = frozenset({"vaultnotfound", UNKNOWN_NAME.casefold()})


def _entity(response: Any, _model: Any, _headers: Any) -> tuple[Raw, str]:
    """What a GET or PUT answered, unread by any model: body and etag."""
    answer = response.http_response
    return answer.json(), answer.headers.get("ETag", "")


@dataclass
class _Read:
    """One read that is under way or done, and how many wait for it."""

    task: asyncio.Future[Any]
    waiting: int = 0


class View:
    """Fulfils `ports.InstanceReader`."""

    def __init__(
        self,
        instance: InstanceId,
        *,
        client: ApiManagementClient,
        vaults: Vaults,
        graph: Graph,
        send: Callable[[HttpRequest], Awaitable[Any]],
        at_once: asyncio.Semaphore,
        urgent: bool = True,
        walk: WalkMemory | None = None,
    ) -> None:
        self._instance = instance
        self._client: Any = client  # its overloads don't know `cls`, by which we get raw JSON
        self._vaults = vaults
        self._graph = graph
        self._send = send
        self._calls: Counter[str] = Counter()
        self._at_once = at_once
        self._urgent = urgent
        self._walk = walk
        self._reads: dict[object, _Read] = {}
        self._at = (instance.resource_group, instance.name)

    @property
    def instance(self) -> InstanceId:
        return self._instance

    @property
    def walk(self) -> WalkMemory | None:
        return self._walk

    @property
    def calls(self) -> Mapping[str, int]:
        return dict(self._calls)

    def vault_host(self, vault: str) -> str:
        return self._vaults.host(vault)

    async def service(self) -> Service:
        raw, _ = await self._once(
            "service", lambda: self._client.api_management_service.get(*self._at, cls=_entity), what="service"
        )
        return parse.service(raw)

    async def certificates(self, workspace: str = "") -> tuple[Certificate, ...]:
        if workspace:
            listed = self._client.workspace_certificate.list_by_workspace
            key = f"workspaces/{workspace}/certificates"
            return await self._all(key, parse.certificate, listed, *self._at, workspace)
        return await self._all("certificates", parse.certificate, self._client.certificate.list_by_service, *self._at)

    async def apis(self, workspace: str = "") -> tuple[Api, ...]:
        if workspace:
            listed = self._client.workspace_api.list_by_service
            return await self._all(f"workspaces/{workspace}/apis", parse.api, listed, *self._at, workspace)
        return await self._all("apis", parse.api, self._client.api.list_by_service, *self._at)

    async def revisions(self, api: Api) -> tuple[Api, ...]:
        at, group = self._place(api.id, self._client.api_revision, self._client.workspace_api_revision)
        found = await self._all(f"{api.id.below_instance}/revisions", dict, group.list_by_service, *at)
        return tuple(_revision(api, raw) for raw in found) or (api,)

    async def operations(self, api: Api) -> tuple[Operation, ...]:
        at, group = self._place(api.id, self._client.api_operation, self._client.workspace_api_operation)
        return await self._all(f"{api.id.below_instance}/operations", parse.operation, group.list_by_api, *at)

    async def products(self, workspace: str = "") -> tuple[Product, ...]:
        if workspace:
            listed = self._client.workspace_product.list_by_service
            return await self._all(f"workspaces/{workspace}/products", parse.product, listed, *self._at, workspace)
        return await self._all("products", parse.product, self._client.product.list_by_service, *self._at)

    async def product_apis(self, product: Product) -> tuple[str, ...]:
        key = f"{product.id.below_instance}/apis"
        at, group = self._place(product.id, self._client.product_api, self._client.workspace_product_api_link)
        if len(at) > 3:
            links = await self._all(key, dict, group.list_by_product, *at)
            return tuple(str(link["properties"]["apiId"]).rsplit("/", 1)[-1] for link in links)
        return tuple(raw["name"] for raw in await self._all(key, dict, group.list_by_product, *at))

    def _place(self, id: ResourceId, outside: Any, inside: Any) -> tuple[tuple[str, ...], Any]:
        """The names in an id as the SDK wants them, and which of two operation groups is for it."""
        names = id.segments[9::2]
        workspaced = id.segments[8].casefold() == "workspaces"
        return (*self._at, *names), inside if workspaced else outside

    async def policy(self, scope: ResourceId) -> PolicyText | None:
        try:
            raw, etag = await self._once(
                ("policy", scope.key), lambda: self._get_policy(scope), what=f"policy of {scope}"
            )
        except Gone:
            return None
        return parse.policy(raw, etag)

    def _get_policy(self, scope: ResourceId) -> Awaitable[tuple[Raw, str]]:
        below = scope.segments[8:]
        names = list(below[1::2])
        kinds = tuple(kind.casefold() for kind in below[0::2])
        get = {
            (): self._client.policy.get,
            ("products",): self._client.product_policy.get,
            ("apis",): self._client.api_policy.get,
            ("apis", "operations"): self._client.api_operation_policy.get,
            ("workspaces",): self._client.workspace_policy.get,
            ("workspaces", "products"): self._client.workspace_product_policy.get,
            ("workspaces", "apis"): self._client.workspace_api_policy.get,
            ("workspaces", "apis", "operations"): self._client.workspace_api_operation_policy.get,
        }[kinds]
        found: Awaitable[tuple[Raw, str]] = get(*self._at, *names, _POLICY, format=_RAWXML, cls=_entity)
        return found

    async def policy_scopes(self) -> frozenset[str]:
        found = await self._all("allPolicies", dict, self._client.all_policies.list_by_service, *self._at)
        scopes = set()
        for raw in found:
            reference = str(raw["properties"]["referencePolicyId"])
            full = reference if reference.casefold().startswith("/subscriptions/") else f"{self._instance}{reference}"
            scopes.add(full.casefold().removesuffix("/policies/policy"))
        return frozenset(scopes)

    async def fragments(self) -> tuple[PolicyText, ...]:
        listed = await self._all("policyFragments", dict, self._client.policy_fragment.list_by_service, *self._at)
        return tuple(await asyncio.gather(*(self._fragment(str(raw["name"])) for raw in listed)))

    async def _fragment(self, name: str) -> PolicyText:
        raw, etag = await self._once(
            ("fragment", name),
            lambda: self._client.policy_fragment.get(*self._at, name, format=_RAWXML, cls=_entity),
            what=f"policy fragment {name}",
        )
        return parse.policy(raw, etag)

    async def gateways(self) -> tuple[Gateway, ...]:
        return await self._all("gateways", parse.gateway, self._client.gateway.list_by_service, *self._at)

    async def gateway_hosts(self, gateway: Gateway) -> tuple[GatewayHost, ...]:
        hosts = self._client.gateway_hostname_configuration.list_by_service
        return await self._all(
            f"{gateway.id.below_instance}/hostnameConfigurations", parse.gateway_host, hosts, *self._at, gateway.name
        )

    async def gateway_authorities(self, gateway: Gateway) -> tuple[GatewayAuthority, ...]:
        listed = self._client.gateway_certificate_authority.list_by_service
        return await self._all(
            f"gateways/{gateway.name}/authorities", parse.gateway_authority, listed, *self._at, gateway.name
        )

    async def gateway_apis(self, gateway: Gateway) -> tuple[str, ...]:
        listed = self._client.gateway_api.list_by_service
        found = await self._all(f"gateways/{gateway.name}/apis", dict, listed, *self._at, gateway.name)
        return tuple(raw["name"] for raw in found)

    async def workspaces(self) -> tuple[Workspace, ...]:
        return await self._all("workspaces", parse.workspace, self._client.workspace.list_by_service, *self._at)

    async def backends(self, workspace: str = "") -> tuple[Backend, ...]:
        if workspace:
            listed = self._client.workspace_backend.list_by_workspace
            return await self._all(f"workspaces/{workspace}/backends", parse.backend, listed, *self._at, workspace)
        return await self._all("backends", parse.backend, self._client.backend.list_by_service, *self._at)

    async def vault_certificate(self, source: VaultObject) -> VaultCertificate:
        key = ("vault", source.vault.casefold(), source.name.casefold())
        try:
            found: VaultCertificate = await self._shared(key, lambda: self._vaults.certificate(source))
        except (Gone, Denied) as error:
            raise await self._traced(source, error) from error
        return found

    async def _traced(self, source: VaultObject, error: Gone | Denied) -> Gone | Denied:
        """The same, or what is known of it: that it was deleted and is kept, or that nothing of it is."""
        without_vault = error.code.casefold() in _NO_VAULT
        if isinstance(error, Denied) and not without_vault:
            return error
        try:
            kept = await (self.deleted_vault(source.vault) if without_vault else self._deleted(source))
        except Denied:
            return error
        if kept is not None:
            return SoftDeleted(f"{kept}", steps=kept.steps, code=error.code, status=error.status)
        # A vault that another subscription keeps is not in the list of this one.
        if isinstance(error, Gone):
            error.for_good = not without_vault
        return error

    async def _deleted(self, source: VaultObject) -> Deleted | None:
        key = ("deleted", source.vault.casefold(), source.name.casefold())
        try:
            found: Deleted = await self._shared(key, lambda: self._vaults.deleted(source))
        except Gone:
            return None
        return found

    async def deleted_vault(self, name: str) -> Deleted | None:
        home = ResourceId.of(f"/subscriptions/{self._instance.subscription}/providers/Microsoft.KeyVault/deletedVaults")
        return access.deleted_vault(await self.listed(home, access.VAULTS), name)

    async def vault_versions(self, source: VaultObject) -> tuple[VaultVersion, ...]:
        key = ("versions", source.vault.casefold(), source.name.casefold())
        found: tuple[VaultVersion, ...] = await self._shared(key, lambda: self._vaults.versions(source))
        return found

    async def proxies_in_front(self) -> tuple[str, ...]:
        service = await self.service()
        addresses = [address for region in service.regions for address in region.addresses]
        names = frozenset((*(entry.host.casefold() for entry in service.proxies), *service.regional_hosts, *addresses))
        found: tuple[str, ...] = await self._shared(
            "proxies", lambda: self._graph.proxies_of(self._instance.subscription, names)
        )
        return found

    async def vault(self, name: str) -> Vault | None:
        id = await self._shared(("vault id", name.casefold()), lambda: self._graph.vault(name))
        raw = await self.resource(id, access.VAULTS) if id else None
        return access.vault(raw) if raw else None

    async def grants(self, scope: ResourceId, principal: str) -> tuple[Grant, ...]:
        assignments = scope.child("providers", "Microsoft.Authorization", "roleAssignments")
        try:
            rows = await self.listed(assignments, access.AUTHORIZATION, filter=f"principalId eq '{principal}'")
        except Gone:
            rows = ()
        given = [grant for grant in access.grants({"value": rows}) if scope.within(grant.scope)]
        roles = await asyncio.gather(*(self.resource(grant.role, access.AUTHORIZATION) for grant in given))
        return tuple(access.with_actions(grant, role or {}) for grant, role in zip(given, roles, strict=True))

    async def subnet(self, id: ResourceId) -> Subnet | None:
        network = ResourceId.of("/".join(("", *id.segments[:-2])))  # a network shows its subnets
        found = access.subnet(await self.resource(network, access.NETWORK) or {}, id)
        if found is None or found.security_group is None:
            return found
        group = await self.resource(found.security_group, access.NETWORK)
        return access.with_rules(found, group or {})

    async def resource(self, id: ResourceId, api_version: str, *, filter: str = "") -> Raw | None:
        try:
            return await self.entity(id, api_version, filter=filter)
        except Gone:
            return None

    async def entity(self, id: ResourceId, api_version: str, *, filter: str = "") -> Raw:
        asked = {"api-version": api_version, **({"$filter": filter} if filter else {})}
        found: Raw = await self._got(f"{id}", asked)
        return found

    async def listed(self, id: ResourceId, api_version: str, *, filter: str = "", **asked: str) -> tuple[Raw, ...]:
        query = {"api-version": api_version, **({"$filter": filter} if filter else {}), **asked}
        is_plain = id.within(self._instance) and len(query) == 1
        # By the path alone, as the lists that the SDK reads are kept: whoever asks first, it is read once.
        key: object = id.below_instance if is_plain else ("list", id.key, *query.values())
        rows = await self._shared(key, lambda: self._pages_of(f"{id}", query))
        return tuple(rows)

    async def query(self, text: str, *, everywhere: bool = False) -> tuple[Raw, ...]:
        subscriptions = [] if everywhere else [self._instance.subscription]
        rows = await self._shared(("graph", text), lambda: self._graph.query(text, subscriptions))
        return tuple(rows)

    async def _pages_of(self, path: str, query: Mapping[str, str]) -> list[Raw]:
        rows: list[Raw] = []
        with translated(path):
            body = await self._send(HttpRequest("GET", path, params=dict(query)))
            rows.extend(body.get("value") or ())
            while link := body.get("nextLink"):
                body = await self._send(HttpRequest("GET", str(link)))
                rows.extend(body.get("value") or ())
        return rows

    async def _got(self, path: str, query: Mapping[str, str]) -> Raw:
        async def fetch() -> Raw:
            with translated(path):
                found: Raw = await self._send(HttpRequest("GET", path, params=dict(query)))
                return found

        return await self._shared(("resource", path.casefold(), *query.values()), fetch)

    async def operation(self, at: str) -> str | None:
        try:
            with translated("operation"):
                answer = await self._shared(("operation", at), lambda: self._send(HttpRequest("GET", at)))
        except Rejected as error:
            return str(error)
        except Gone:
            return ""
        except ValueError:  # the older way: no body while it is under way
            return None
        told, status = answer.get("error") or {}, str(answer.get("status") or "Succeeded").casefold()
        if status in ("failed", "canceled"):
            return f"{told.get('code', '')}: {told.get('message', '')}"
        return "" if status == "succeeded" else None

    async def _all(self, key: str, made: Callable[[Raw], T], call: Callable[..., Any], *at: str) -> tuple[T, ...]:
        """Everything of a list, over all its pages, from raw JSON."""
        rows = await self._shared(key, lambda: _pages(key, call, *at))
        return tuple(made(row) for row in rows)

    async def _once(self, key: object, fetch: Callable[[], Awaitable[T]], *, what: str) -> T:
        async def guarded() -> T:
            with translated(what):
                return await fetch()

        return await self._shared(key, guarded)

    async def _shared(self, key: object, fetch: Callable[[], Awaitable[T]]) -> T:
        """One read for all who want it in this visit; it ends when nobody waits for it any more."""
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = _Read(asyncio.ensure_future(self._bounded(fetch)))
        read.waiting += 1
        try:
            found: T = await asyncio.shield(read.task)
            return found
        except asyncio.CancelledError:
            if read.waiting == 1 and not read.task.done():
                del self._reads[key]
                read.task.cancel()
            raise
        finally:
            read.waiting -= 1

    async def _bounded(self, fetch: Callable[[], Awaitable[T]]) -> T:
        CALLS.set(self._calls)
        URGENT.set(self._urgent)
        async with self._at_once:
            return await fetch()


async def _pages(what: str, call: Callable[..., Any], *at: str) -> list[Raw]:
    rows: list[Raw] = []

    def keep(response: Any) -> None:
        if response.http_response.status_code == 200:
            rows.extend(response.http_response.json().get("value") or ())

    with translated(what):
        pages: AsyncIterable[Any] = call(*at, raw_response_hook=keep).by_page()
        async for _page in pages:
            pass
    return rows


def _revision(api: Api, raw: Raw) -> Api:
    """A revision of an API, from a row of its revision list: what the row doesn't say is as in the current one."""
    number = str(raw.get("apiRevision") or "1")
    current = bool(raw.get("isCurrent"))
    name = api.name if current else f"{api.name};rev={number}"
    return Api(
        id=ResourceId.of(f"{api.id.text.rsplit('/', 1)[0]}/{name}"),
        name=name,
        display_name=api.display_name,
        path=api.path,
        type=api.type,
        revision=number,
        is_current=current,
        is_online=bool(raw.get("isOnline", True)),
        subscription_required=api.subscription_required,
        version=api.version,
        service_url=api.service_url,
        version_set_id=api.version_set_id,
    )
