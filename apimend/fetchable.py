"""
Whether a service update could fetch the certificates of all hosts again: one that can't be had bricks the update.

Rules that plan an update of the service ask it before. It must not conclude anything from what it may not see.
"""

import asyncio
from urllib.parse import urlsplit

from apimend.model.azure import Hostname, Service
from apimend.model.desired import VaultObject
from apimend.model.errors import Denied, Gone
from apimend.ports import InstanceReader


async def unfetchable(reader: InstanceReader, service: Service) -> tuple[str, ...]:
    """Why the next update could not fetch a host's certificate, a sentence each; empty where it can."""
    held = [entry for entry in service.hostnames if entry.key_vault_id]
    faults = await asyncio.gather(*(_fault(reader, service, entry) for entry in held))
    return tuple(fault for fault in faults if fault)


async def _fault(reader: InstanceReader, service: Service, entry: Hostname) -> str:
    """Empty where the certificate can be fetched, or where we can't tell."""
    parts = urlsplit(entry.key_vault_id or "")
    names = [segment for segment in parts.path.split("/") if segment]
    if len(names) < 2:
        return f"{entry.host}: {entry.key_vault_id!r} is no Key Vault secret identifier."
    if not service.principal(entry.identity_client_id):
        who = f"identity {entry.identity_client_id}" if entry.identity_client_id else "system-assigned identity"
        return f"{entry.host}: the {who} that fetches its certificate is gone from the service."
    try:
        found = await reader.vault_certificate(VaultObject(vault=parts.netloc.split(".")[0], name=names[1]))
    except Gone:
        return f"{entry.host}: the Key Vault certificate {names[1]} does not exist any more."
    except Denied:
        return f"{entry.host}: Azure's last fetch of its certificate failed." if entry.status == "Failed" else ""
    return "" if found.enabled else f"{entry.host}: the Key Vault certificate {names[1]} is disabled."
