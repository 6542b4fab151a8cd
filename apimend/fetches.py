"""
Every fetch that an instance makes from a vault, and what of its way there can be seen.

`vault_access_missing` judges by it. It reads and concludes nothing: what we may not see is told apart from what is not
there.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from apimend.model.access import Deleted, Grant, Subnet, Vault
from apimend.model.azure import Certificate, Service
from apimend.model.desired import Desired
from apimend.model.errors import Denied, Rejected
from apimend.model.ids import ResourceId
from apimend.ports import InstanceReader

_IDENTITIES = "2023-01-31"


@dataclass(frozen=True, kw_only=True)
class Use:
    """
    One fetch from a vault. `identity` is a client id, or empty for the system-assigned identity; `failed` is what
    Azure said of its last try, `proved` that it went well.
    """

    what: str
    target: ResourceId
    vault: str
    identity: str
    failed: str = ""
    proved: bool = False


@dataclass(frozen=True, kw_only=True)
class Door:
    """A vault as one identity finds it. `grants` None: we may not look."""

    vault: Vault
    grants: tuple[Grant, ...] | None


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A vault that is not shown. `kept`: it was deleted, and can be had back; `looked`: we could see whether."""

    kept: Deleted | None = None
    looked: bool = False


@dataclass(frozen=True, kw_only=True)
class Access:
    """What is fetched from where, and what of it could be seen. `vanished` are client ids of identities."""

    service: Service
    uses: tuple[Use, ...] = ()
    doors: Mapping[tuple[str, str], Door | Unseen] = field(default_factory=dict)
    subnet: Subnet | None = None
    vanished: frozenset[str] = frozenset()

    def door(self, use: Use) -> Door | Unseen:
        """What was seen of the vault of a use."""
        return self.doors[use.vault.casefold(), use.identity.casefold()]


async def access(reader: InstanceReader, desired: Desired) -> Access:
    """What is fetched, and what can be seen of the way there where a fetch has not proved it."""
    service = await reader.service()
    uses = tuple(_uses(service, await reader.certificates(), desired, reader))
    keys = sorted({(use.vault.casefold(), use.identity.casefold()) for use in uses if not use.proved})
    doors = await asyncio.gather(*(_door(reader, service, *key) for key in keys))
    return Access(
        service=service,
        uses=uses,
        doors=dict(zip(keys, doors, strict=True)),
        subnet=await _subnet(reader, service) if keys else None,
        vanished=await _vanished(reader, service, {identity for _, identity in keys}),
    )


def _uses(
    service: Service, entities: tuple[Certificate, ...], desired: Desired, reader: InstanceReader
) -> Iterator[Use]:
    """Every fetch that the instance makes or is to make, each once."""
    declared = {one.id.casefold() for one in desired.certificates}
    for one in desired.certificates:
        entity = next((e for e in entities if e.id.name.casefold() == one.id.casefold()), None)
        wanted = f"https://{reader.vault_host(one.source.vault)}/secrets/{one.source.name}"
        same = entity is not None and (entity.secret_identifier or "").casefold() == wanted.casefold()
        same = same and entity is not None and (entity.identity_client_id or "") == (one.identity or "")
        yield Use(
            what=f"the certificate {one.id}",
            target=service.id.child("certificates", one.id),
            vault=one.source.vault,
            identity=one.identity or "",
            failed=_failure(entity) if entity and same else "",
            proved=bool(same and entity and entity.last_status == "Success"),
        )
    for entity in entities:
        if entity.secret_identifier and entity.id.name.casefold() not in declared:
            yield Use(
                what=f"the certificate {entity.id.name}",
                target=entity.id,
                vault=_vault_of(entity.secret_identifier),
                identity=entity.identity_client_id or "",
                failed=_failure(entity),
                proved=entity.last_status == "Success",
            )
    for entry in service.hostnames:
        if entry.key_vault_id:
            yield Use(
                what=f"the certificate of {entry.host}",
                target=service.id,
                vault=_vault_of(entry.key_vault_id),
                identity=entry.identity_client_id or "",
                failed="the status of its certificate is Failed" if entry.status.casefold() == "failed" else "",
            )


def _failure(entity: Certificate) -> str:
    return "" if entity.last_status in ("", "Success") else entity.last_message or entity.last_status


def _vault_of(secret_id: str) -> str:
    return (urlsplit(secret_id).hostname or "").split(".")[0]


async def _door(reader: InstanceReader, service: Service, vault: str, identity: str) -> Door | Unseen:
    try:
        found = await reader.vault(vault)
    except Denied:
        return Unseen()
    if found is None:
        return await _unseen(reader, vault)
    principal = service.principal(identity)
    if not principal or not found.rbac:
        return Door(vault=found, grants=())
    try:
        return Door(vault=found, grants=await reader.grants(found.id, principal))
    except Denied:
        return Door(vault=found, grants=None)


async def _unseen(reader: InstanceReader, vault: str) -> Unseen:
    try:
        return Unseen(kept=await reader.deleted_vault(vault), looked=True)
    except Denied:
        return Unseen()


async def _vanished(reader: InstanceReader, service: Service, wanted: set[str]) -> frozenset[str]:
    """Of these identities those that the service names, and that are deleted. What we may not see is not told."""
    named = [user for user in service.user_identities if user.client_id.casefold() in wanted]
    seen = await asyncio.gather(*(_is_there(reader, user.id) for user in named))
    return frozenset(user.client_id.casefold() for user, there in zip(named, seen, strict=True) if not there)


async def _is_there(reader: InstanceReader, id: ResourceId) -> bool:
    try:
        return await reader.resource(id, _IDENTITIES) is not None
    except (Denied, Rejected):
        return True


async def _subnet(reader: InstanceReader, service: Service) -> Subnet | None:
    if not service.subnet_id:
        return None
    try:
        return await reader.subnet(ResourceId.of(service.subnet_id))
    except Denied:
        return None
