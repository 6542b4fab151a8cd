"""
Whether a service update could fetch the certificates of all hosts again: one that can't be had bricks the update.

Rules that plan an update of the service ask it before. It must not conclude anything from what it may not see.
"""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from apimend.model.azure import Hostname, Service
from apimend.model.desired import VaultObject
from apimend.model.errors import Denied, Gone, SoftDeleted
from apimend.ports import InstanceReader


@dataclass(frozen=True, kw_only=True)
class Unfetchable:
    """Why the next update could not fetch a host's certificate, and what to do about it."""

    why: str
    steps: tuple[str, ...] = ()


async def unfetchable(reader: InstanceReader, service: Service) -> tuple[Unfetchable, ...]:
    """The certificates of hosts that the next update could not fetch."""
    held = [entry for entry in service.hostnames if entry.key_vault_id]
    faults = await asyncio.gather(*(_fault(reader, service, entry) for entry in held))
    return tuple(fault for fault in faults if fault is not None)


async def _fault(reader: InstanceReader, service: Service, entry: Hostname) -> Unfetchable | None:
    """None where the certificate can be fetched, or where we can't tell."""
    parts = urlsplit(entry.key_vault_id or "")
    names = [segment for segment in parts.path.split("/") if segment]
    if len(names) < 2:
        return Unfetchable(why=f"{entry.host}: {entry.key_vault_id!r} is no Key Vault secret identifier.")
    if not service.principal(entry.identity_client_id):
        who = f"identity {entry.identity_client_id}" if entry.identity_client_id else "system-assigned identity"
        return Unfetchable(why=f"{entry.host}: the {who} that fetches its certificate is gone from the service.")
    try:
        found = await reader.vault_certificate(VaultObject(vault=parts.netloc.split(".")[0], name=names[1]))
    except SoftDeleted as error:
        return Unfetchable(why=f"{entry.host}: {error}", steps=error.steps)
    except Gone:
        return Unfetchable(why=f"{entry.host}: the Key Vault certificate {names[1]} does not exist any more.")
    except Denied:
        if entry.status != "Failed":
            return None
        return Unfetchable(why=f"{entry.host}: Azure's last fetch of its certificate failed.")
    if found.enabled:
        return None
    return Unfetchable(why=f"{entry.host}: the Key Vault certificate {names[1]} is disabled.")
