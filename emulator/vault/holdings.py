"""
What a vault holds: certificates with their versions, and plain secrets.

Values and the dictionary around them; no HTTP, no permissions.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from emulator.certificates import Bundle

PKCS12 = "application/x-pkcs12"
PEM = "application/x-pem-file"


@dataclass(frozen=True, kw_only=True)
class Version:
    """
    One version of a certificate or, where `bundle` is None, of a plain secret.
    """

    id: str
    created: datetime
    updated: datetime
    bundle: Bundle | None = None
    value: str = ""
    enabled: bool = True
    exportable: bool = True
    content_type: str = PKCS12

    def secret(self) -> str:
        """
        What the secret of this version gives: the PFX with its key only where the key is exportable.
        """
        if self.bundle is None:
            return self.value
        if not self.exportable or self.bundle.key is None:
            return base64.b64encode(self.bundle.der).decode()
        if self.content_type == PEM:
            return self.bundle.key_pem + self.bundle.chain_pem
        return base64.b64encode(self.bundle.pfx()).decode()


@dataclass
class Entry:
    """
    A named certificate or secret, oldest version first.
    """

    name: str
    versions: list[Version] = field(default_factory=list)

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    @property
    def is_certificate(self) -> bool:
        return self.latest.bundle is not None

    def version(self, identifier: str) -> Version | None:
        if not identifier:
            return self.latest
        return next((one for one in self.versions if one.id == identifier.casefold()), None)


@dataclass(frozen=True)
class Deleted:
    """
    A certificate or secret that was deleted, and when.
    """

    entry: Entry
    at: datetime


# Called with the vault's name for every new version.
Listener = Callable[[str, Entry, Version], None]


class Holdings:
    """
    Everything in all vaults, by the vault's name.
    """

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._vaults: dict[str, dict[str, Entry]] = {}
        self._deleted: dict[str, dict[str, Deleted]] = {}

    def add_vault(self, name: str) -> None:
        self._vaults.setdefault(name.casefold(), {})

    def has_vault(self, name: str) -> bool:
        return name.casefold() in self._vaults

    def entries(self, vault: str) -> Iterator[Entry]:
        yield from self._vaults.get(vault.casefold(), {}).values()

    def find(self, vault: str, name: str) -> Entry | None:
        return self._vaults.get(vault.casefold(), {}).get(name.casefold())

    def add(self, vault: str, name: str, version: Version) -> Entry:
        """
        Add a version as the latest one.
        """
        entry = self._vaults.setdefault(vault.casefold(), {}).setdefault(name.casefold(), Entry(name))
        entry.versions.append(version)
        for listener in self.listeners:
            listener(vault, entry, version)
        return entry

    def replace(self, vault: str, name: str, version: Version) -> None:
        entry = self._vaults[vault.casefold()][name.casefold()]
        entry.versions = [version if one.id == version.id else one for one in entry.versions]

    def remove(self, vault: str, name: str) -> Entry | None:
        """
        Take something away for good, as after a purge.
        """
        return self._vaults.get(vault.casefold(), {}).pop(name.casefold(), None)

    def delete(self, vault: str, name: str, at: datetime) -> Deleted | None:
        """
        Take something away that can be had back.
        """
        entry = self.remove(vault, name)
        if entry is None:
            return None
        return self._deleted.setdefault(vault.casefold(), {}).setdefault(name.casefold(), Deleted(entry, at))

    def deleted(self, vault: str) -> tuple[Deleted, ...]:
        return tuple(self._deleted.get(vault.casefold(), {}).values())

    def purge(self, vault: str, name: str) -> Deleted:
        return self._deleted[vault.casefold()].pop(name.casefold())

    def recover(self, vault: str, name: str) -> Entry:
        entry = self.purge(vault, name).entry
        self._vaults.setdefault(vault.casefold(), {})[name.casefold()] = entry
        return entry

    def drop_vault(self, name: str) -> None:
        self._vaults.pop(name.casefold(), None)
        self._deleted.pop(name.casefold(), None)


def new_version_id() -> str:
    return uuid.uuid4().hex
