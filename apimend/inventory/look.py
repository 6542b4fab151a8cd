"""
Reads what an inventory is made of, through a visit's reader. It joins and judges nothing.

What lies in a workspace is named with the workspace before it, and what a workspace does not let us see is told.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from apimend.clients import Client, resolve_clients
from apimend.inventory.items import Stored
from apimend.model.azure import Backend, Certificate, Gateway, GatewayAuthority, GatewayHost, Service
from apimend.model.desired import Desired, VaultObject
from apimend.model.errors import Denied, Final, Gone, Rejected, SoftDeleted
from apimend.model.ids import ResourceId
from apimend.policy.usage import Names, Reference, references
from apimend.ports import InstanceReader
from apimend.survey import survey

Entities = tuple[tuple[Certificate, ...], tuple[Backend, ...]]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was read. `unseen` are workspaces that don't show their certificates."""

    service: Service
    now: datetime
    entities: tuple[Certificate, ...]
    backends: tuple[Backend, ...]
    hosts: tuple[tuple[Gateway, GatewayHost], ...]
    authorities: tuple[tuple[Gateway, GatewayAuthority], ...]
    clients: tuple[Client, ...]
    named: tuple[Reference, ...]
    stored: Mapping[tuple[str, str], Stored]
    sources: Mapping[str, VaultObject]
    complete: bool
    unseen: tuple[str, ...] = ()

    def vault_object(self, secret_id: str | None) -> Stored | None:
        """The vault object behind a secret identifier."""
        key = _key_of(secret_id)
        return self.stored.get(key) if key else None

    def of(self, names: Names) -> Iterator[Reference]:
        """What policies name in one way."""
        return (reference for reference in self.named if reference.names is names)


async def look(reader: InstanceReader, desired: Desired, now: datetime, *, policies: bool) -> Seen:
    """Read an instance. Without `policies` no document is read: a few calls."""
    service, entities, backends = await asyncio.gather(reader.service(), reader.certificates(), reader.backends())
    gateways = await reader.gateways() if service.tier.self_hosted else ()
    hosts, authorities, clients, named, (within, unseen) = await asyncio.gather(
        asyncio.gather(*(reader.gateway_hosts(gateway) for gateway in gateways)),
        asyncio.gather(*(reader.gateway_authorities(gateway) for gateway in gateways)),
        resolve_clients(reader, desired.clients, now=now),
        _named(reader, desired) if policies else _nothing(),
        _workspaces(reader, service),
    )
    sources = {one.name: one.source for one in desired.clients if one.source}
    entities = (*entities, *(one for found, _ in within for one in found))
    keys = {key for id in _secret_ids(service, entities) if (key := _key_of(id))}
    keys |= {(source.vault.casefold(), source.name.casefold()) for source in sources.values()}
    stored = await asyncio.gather(*(_stored(reader, *key) for key in sorted(keys)))
    return Seen(
        service=service,
        now=now,
        entities=entities,
        backends=(*backends, *(one for _, found in within for one in found)),
        hosts=tuple((g, host) for g, found in zip(gateways, hosts, strict=True) for host in found),
        authorities=tuple((g, one) for g, found in zip(gateways, authorities, strict=True) for one in found),
        clients=clients,
        named=named,
        stored={(one.vault.casefold(), one.name.casefold()): one for one in stored},
        sources=sources,
        complete=policies,
        unseen=unseen,
    )


async def _workspaces(reader: InstanceReader, service: Service) -> tuple[tuple[Entities, ...], tuple[str, ...]]:
    """What lies in each workspace, and the names of those that don't show it."""
    names = [each.name for each in await reader.workspaces()] if service.tier.workspaces else []
    found = await asyncio.gather(*(_workspace(reader, name) for name in names))
    unseen = tuple(name for name, entities in zip(names, found, strict=True) if entities is None)
    return tuple(entities for entities in found if entities is not None), unseen


async def _workspace(reader: InstanceReader, name: str) -> Entities | None:
    try:
        return await asyncio.gather(reader.certificates(name), reader.backends(name))
    except (Denied, Rejected):
        return None


async def _named(reader: InstanceReader, desired: Desired) -> tuple[Reference, ...]:
    found = await survey(reader, desired, handshakes={}, walk=True)
    documents = {**found.topology.documents, **{f"fragment {id}": d for id, d in found.topology.fragments.items()}}
    return tuple(each for where, document in documents.items() for each in references(document, where))


async def _nothing() -> tuple[Reference, ...]:
    return ()


async def _stored(reader: InstanceReader, vault: str, name: str) -> Stored:
    try:
        found = await reader.vault_certificate(VaultObject(vault=vault, name=name))
    except (Gone, Denied) as error:
        return _absent(vault, name, error)
    return Stored(vault=vault, name=name, version=found.version, thumbprint=found.thumbprint, expires=found.expires)


def _absent(vault: str, name: str, error: Final) -> Stored:
    steps = error.steps if isinstance(error, SoftDeleted) else ()
    return Stored(vault=vault, name=name, trouble=str(error), gone=isinstance(error, Gone), steps=steps)


def _secret_ids(service: Service, entities: Iterable[Certificate]) -> Iterator[str | None]:
    yield from (entry.key_vault_id for entry in service.hostnames)
    yield from (entity.secret_identifier for entity in entities)


def _key_of(secret_id: str | None) -> tuple[str, str] | None:
    """Vault and name, in lower case, of a secret identifier; None for anything else."""
    parts = urlsplit(secret_id or "")
    names = [segment for segment in parts.path.split("/") if segment]
    if not parts.hostname or len(names) < 2:
        return None
    return parts.hostname.split(".")[0].casefold(), names[1].casefold()


def workspace_of(id: ResourceId) -> str:
    """The workspace that something lies in; empty where it is the instance's own."""
    segments = id.segments
    return segments[9] if len(segments) > 9 and segments[8].casefold() == "workspaces" else ""


def full_name(id: ResourceId) -> str:
    """The name of an entity, with that of its workspace before it."""
    return "/".join(filter(None, (workspace_of(id), id.name)))
