"""
Reads everything that decides what becomes of a call: APIs, operations, products, hosts and policy documents.

Rules, the command line and the posture call it with a visit's reader, which reads each resource once. It judges
nothing; `apimend.policy` does.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apimend.model.azure import Api, Gateway, Operation, PolicyText, Product, Service, Workspace
from apimend.model.desired import Desired
from apimend.model.errors import Unfinished
from apimend.model.ids import ResourceId
from apimend.model.runs import Handshake
from apimend.policy.topology import MANAGED, ApiNode, Host, Topology, read_documents, scope_of
from apimend.ports import InstanceReader, WalkMemory

AT_A_TIME = 200
"""So many scopes are asked before a walk looks at the time, and what they answered is noted."""

_ONE_OPERATION = {"graphql": "graphql", "websocket": "onHandshake"}
_NOT_LISTED = "*"
"""All calls of an API whose operations Resource Manager does not list: OData, gRPC, MCP."""
_LISTED = frozenset({"", "http", "soap"})


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was read. `texts` has the documents with their etags, by scope."""

    service: Service
    topology: Topology
    texts: Mapping[str, PolicyText] = field(repr=False)
    gateways: tuple[Gateway, ...] = ()
    workspaces: tuple[Workspace, ...] = ()


async def survey(
    reader: InstanceReader, desired: Desired, *, handshakes: Mapping[str, Handshake], walk: bool
) -> Survey:
    """
    Read an instance.

    `walk` asks every scope for its document. Without it those are read that `allPolicies` lists, a hint that may lag,
    those that a walk found, and those that an event has just named: it spares calls on an ordinary visit and proves
    nothing. Raises Unfinished where the reader has a memory
    of walks, and the visit's time is over before every scope has been asked or is remembered.
    """
    service = await reader.service()
    hint, fragments, gateways, workspaces = await asyncio.gather(
        reader.policy_scopes(),
        reader.fragments(),
        _gateways(reader, service),
        _workspaces(reader, service),
    )
    nodes = await asyncio.gather(_nodes(reader, ""), *(_nodes(reader, each.name) for each in workspaces))
    hosts = await asyncio.gather(*(_gateway_hosts(reader, desired, each, handshakes) for each in gateways))
    apis = tuple(node for found in nodes for node in found.apis)
    scopes = [scope for found in nodes for scope in found.scopes]
    listed = hint | {reader.instance.key}
    texts = await _policies(reader, [scope for scope in scopes if scope.key in listed])
    unlisted = [scope for scope in scopes if scope.key not in listed]
    texts += await _walked(reader, unlisted) if walk else await _heard_of(reader, unlisted)
    by_scope = {_scope(text.id): text for text in texts}
    return Survey(
        service=service,
        topology=Topology(
            apis=apis,
            hosts=(
                *_managed_hosts(service, desired, handshakes),
                *(host for found in hosts for host in found),
                *_team_hosts(workspaces),
            ),
            documents=read_documents({scope: text.text for scope, text in by_scope.items()}),
            fragments=read_documents({text.id.name.casefold(): text.text for text in fragments}),
        ),
        texts=by_scope,
        gateways=gateways,
        workspaces=workspaces,
    )


async def _policies(reader: InstanceReader, scopes: Iterable[ResourceId]) -> list[PolicyText]:
    return [text for text in await asyncio.gather(*(reader.policy(scope) for scope in scopes)) if text]


async def _heard_of(reader: InstanceReader, scopes: Sequence[ResourceId]) -> list[PolicyText]:
    """What the list of all policies leaves out and we know of all the same."""
    memory = reader.walk
    if memory is None:
        return []
    texts = await _policies(reader, [scope for scope in scopes if memory.is_present(_path(scope))])
    touched = [scope for scope in _unknown(memory, scopes) if memory.is_touched(_path(scope))]
    for first in range(0, len(touched), AT_A_TIME):
        if first and memory.is_over:
            break  # a storm of events on everything: the next walk asks
        texts += await _asked(reader, memory, touched[first : first + AT_A_TIME])
    await memory.save()
    return texts


def _unknown(memory: WalkMemory, scopes: Iterable[ResourceId]) -> list[ResourceId]:
    """The scopes of which nothing is remembered that still counts."""
    return [s for s in scopes if not memory.is_present(_path(s)) and not memory.is_absent(_path(s))]


async def _walked(reader: InstanceReader, scopes: Sequence[ResourceId]) -> list[PolicyText]:
    """What the list of all policies left out: every scope is asked, or was so lately and had none."""
    memory = reader.walk
    if memory is None:
        return await _policies(reader, scopes)
    texts = await _policies(reader, [scope for scope in scopes if memory.is_present(_path(scope))])
    left = _unknown(memory, scopes)
    try:
        for first in range(0, len(left), AT_A_TIME):
            if first and memory.is_over:
                known = len(scopes) - len(left) + first
                raise Unfinished(f"{known:,} of {len(scopes):,} scopes have been asked for a policy.", after=1.0)
            texts += await _asked(reader, memory, left[first : first + AT_A_TIME])
    finally:
        await memory.save()
    return texts


async def _asked(reader: InstanceReader, memory: WalkMemory, scopes: Sequence[ResourceId]) -> list[PolicyText]:
    began = memory.now()
    found = await _policies(reader, scopes)
    present = {_scope(text.id) for text in found}
    await memory.note(absent={_path(scope) for scope in scopes} - present, present=present, asked=began)
    return found


def _path(scope: ResourceId) -> str:
    return scope_of(scope.below_instance)


async def gateway_hosts(reader: InstanceReader, service: Service) -> tuple[str, ...]:
    """The names, in lower case, of every host at which Resource Manager says that APIs can be called."""
    listed = [entry.host for entry in service.proxies]
    for gateway in await _gateways(reader, service):
        listed += [entry.host for entry in await reader.gateway_hosts(gateway)]
    names = (host.casefold() for host in (*listed, *service.regional_hosts))
    return tuple(host for host in dict.fromkeys(names) if host and "*" not in host)


def scope_id(instance: ResourceId, scope: str) -> ResourceId:
    """The id of a scope's policy document."""
    return instance.child(*(part for part in scope.split("/") if part), "policies", "policy")


def _scope(policy: ResourceId) -> str:
    return scope_of(policy.below_instance)


async def _gateways(reader: InstanceReader, service: Service) -> tuple[Gateway, ...]:
    return await reader.gateways() if service.tier.self_hosted else ()


async def _workspaces(reader: InstanceReader, service: Service) -> tuple[Workspace, ...]:
    return await reader.workspaces() if service.tier.workspaces else ()


@dataclass(frozen=True, kw_only=True)
class _Nodes:
    """The APIs of an instance or a workspace, and every scope in it that can have a document."""

    apis: tuple[ApiNode, ...]
    scopes: tuple[ResourceId, ...]


async def _nodes(reader: InstanceReader, workspace: str) -> _Nodes:
    current, products = await asyncio.gather(reader.apis(workspace), reader.products(workspace))
    members, revisions = await asyncio.gather(
        asyncio.gather(*(reader.product_apis(product) for product in products)),
        asyncio.gather(*(reader.revisions(api) for api in current)),
    )
    callable_ = [rev for found in revisions for rev in found if rev.is_current or rev.is_online]
    operations = await asyncio.gather(*(reader.operations(api) for api in callable_))
    in_product = {p.name: frozenset(names) for p, names in zip(products, members, strict=True)}
    apis = tuple(
        ApiNode(
            name=api.name,
            operations=_names(api, found),
            products=tuple(name for name, names in in_product.items() if api.name.partition(";rev=")[0] in names),
            type=api.type,
            workspace=workspace,
        )
        for api, found in zip(callable_, operations, strict=True)
    )
    home = reader.instance.child("workspaces", workspace) if workspace else reader.instance
    return _Nodes(apis=apis, scopes=tuple(_scopes(home, products, callable_, operations)))


def _names(api: Api, operations: Iterable[Operation]) -> tuple[str, ...]:
    """The operations by name. An HTTP API without any answers nothing; every other kind can be called as a whole."""
    listed = tuple(operation.name for operation in operations)
    kind = api.type.casefold()
    return listed if listed or kind in _LISTED else (_ONE_OPERATION.get(kind, _NOT_LISTED),)


def _scopes(
    home: ResourceId,
    products: Iterable[Product],
    apis: Iterable[Api],
    operations: Iterable[Iterable[Operation]],
) -> Iterable[ResourceId]:
    yield home
    yield from (product.id for product in products)
    for api, found in zip(apis, operations, strict=True):
        yield api.id
        yield from (operation.id for operation in found)


def _managed_hosts(service: Service, desired: Desired, handshakes: Mapping[str, Handshake]) -> tuple[Host, ...]:
    """
    The instance's own hosts.

    Whether the address of a single region asks is not documented, nor shown by Resource Manager. It is there to reach
    one region of several, so with one region alone it counts only where operators say something of it.
    """
    roots = any(entry.store.casefold() == "root" for entry in service.ca_certificates)
    trusts = (roots or None) if service.tier.ca_store else False
    own = tuple(
        Host(name=entry.host.casefold(), negotiates=service.negotiates(entry), gateway=MANAGED, trusts=trusts)
        for entry in service.proxies
    )
    said = desired.negotiating_hosts | desired.plain_hosts
    counted = [host for host in service.regional_hosts if len(service.regional_hosts) > 1 or host in said]
    return own + tuple(
        Host(name=host, negotiates=_at_region(host, desired, handshakes), gateway=MANAGED, trusts=trusts)
        for host in counted
        if host not in {each.name for each in own}
    )


def _at_region(host: str, desired: Desired, handshakes: Mapping[str, Handshake]) -> bool | None:
    shown = handshakes.get(host)
    if shown is not None and shown.asks is not None:
        return shown.asks
    return True if host in desired.negotiating_hosts else None


async def _gateway_hosts(
    reader: InstanceReader, desired: Desired, gateway: Gateway, handshakes: Mapping[str, Handshake]
) -> tuple[Host, ...]:
    """
    The ways into a self-hosted gateway. What it really does Resource Manager doesn't show: a handshake tells, or
    the operator's word; a switch that is off is off.
    """
    hosts, apis, authorities = await asyncio.gather(
        reader.gateway_hosts(gateway), reader.gateway_apis(gateway), reader.gateway_authorities(gateway)
    )
    said = next((each.negotiates for each in desired.gateways if each.name.casefold() == gateway.name.casefold()), None)
    serves, trusts = frozenset(apis), any(each.trusted for each in authorities) or None
    if not hosts:
        return (Host(name="", negotiates=said, gateway=gateway.name, apis=serves, trusts=trusts),)
    return tuple(
        Host(
            name=entry.host.casefold(),
            negotiates=_seen(entry.host, entry.negotiates, said, desired, handshakes),
            gateway=gateway.name,
            apis=serves,
            trusts=trusts,
        )
        for entry in hosts
    )


def _seen(
    host: str, switch: bool, said: bool | None, desired: Desired, handshakes: Mapping[str, Handshake]
) -> bool | None:
    shown = handshakes.get(host.casefold())
    if shown is not None and shown.asks is not None:
        return shown.asks
    if not switch:
        return False
    return True if said or host.casefold() in desired.negotiating_hosts else None


def _team_hosts(workspaces: Iterable[Workspace]) -> tuple[Host, ...]:
    """Workspace gateways have no switch, and whether they ask is not documented. They take no CA certificates."""
    return tuple(
        Host(name="", negotiates=None, trusts=False, gateway=f"workspace {each.name}", workspace=each.name)
        for each in workspaces
    )
