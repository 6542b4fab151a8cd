"""
Certificates of declared vaults, by the short names that a tenant gives them.

Called by the seeds of services and of what stands below them. It reads; nothing is fetched as a service would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.certificates import Bundle
from emulator.tenant import TenantError

if TYPE_CHECKING:
    from emulator.azure import LocalAzure


def secret_url(azure: LocalAzure, text: str) -> str:
    """
    `vault/name` or `vault/name/2` (the second version) as a secret URL; a URL stays.
    """
    if text.startswith("https://"):
        return text
    vault, name, number = ([*text.split("/"), "", ""])[:3]
    entry = azure.vaults.holdings.find(vault, name)
    if entry is None:
        raise TenantError(f"no certificate {name} in vault {vault}")
    version = entry.versions[int(number) - 1].id if number else ""
    return azure.vaults.secret_url(vault, entry.name, version)


def from_vault(azure: LocalAzure, url: str) -> Bundle:
    """
    The certificate behind a secret URL.
    """
    vault, parts = azure.vaults.locate(url)
    entry = azure.vaults.holdings.find(vault, parts[1])
    version = entry.version(parts[2] if len(parts) > 2 else "") if entry is not None else None
    if version is None or version.bundle is None:
        raise TenantError(f"{url} is no certificate")
    return version.bundle
