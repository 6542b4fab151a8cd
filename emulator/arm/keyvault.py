"""
How a service gets a certificate out of a vault, and every way in which that is refused.

Callers: hostname entries, the certificates entity, named values, rotation. Texts are recorded or reported from the
field; the caller says in whose envelope they go.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from emulator.arm.provider import Provider
from emulator.certificates import Bundle, NotACertificate, read
from emulator.http import Refusal
from emulator.store import Resource
from emulator.vault.holdings import Version

MSI = "Managed Service Identity (http://aka.ms/apimmsi)"


class FetchFailed(Exception):
    """
    A secret could not be had; `message` is what API Management says of it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Caller:
    """
    The identity with which a service goes to a vault.
    """

    kind: str
    object_id: str
    client_id: str


def fetch_secret(provider: Provider, service: Resource, url: str, identity_client_id: str | None) -> Version:
    """
    The version of a secret that a service's identity can read.
    """
    _, parts = provider.azure.vaults.locate(url)
    if len(parts) < 2 or parts[0].casefold() != "secrets":
        raise FetchFailed("InvalidParameters", "ApiManagement service only accepts KeyVault Secrets type.")
    caller = _caller(service, url, identity_client_id)
    try:
        return provider.azure.vaults.fetch(
            url, caller.object_id, caller.client_id, trusted=caller.kind == "SystemAssigned"
        )
    except Refusal as refused:
        raise FetchFailed(
            "InvalidOperation",
            f"Failed to access KeyVault Secret {url} using {MSI} of Api Management service. Check if Managed Identity "
            f"of Type: {caller.kind}, ClientId: {caller.client_id} and ObjectId: {caller.object_id} has GET "
            "permissions on secrets in the KeyVault Access Policies.",
        ) from refused


def fetch_certificate(
    provider: Provider, service: Resource, url: str, identity_client_id: str | None, what: str
) -> tuple[Version, Bundle]:
    """
    A certificate with its private key out of a vault. `what` names it in a refusal.
    """
    version = fetch_secret(provider, service, url, identity_client_id)
    bundle = version.bundle
    if bundle is None:
        try:
            bundle = read(base64.b64decode(version.value, validate=True))
        except (NotACertificate, binascii.Error) as unreadable:
            # What the service says of a secret that is no PFX is not known; the text is ours.
            raise FetchFailed("InvalidParameters", f"The KeyVault secret {url} is not a PKCS12 file.") from unreadable
    if bundle.key is None or not version.exportable:
        raise FetchFailed("InvalidParameters", f"Certificate with id '{what}' does not contain private key.")
    return version, bundle


def _caller(service: Resource, url: str, identity_client_id: str | None) -> Caller:
    identity = service.body.get("identity") or {}
    if not identity_client_id:
        principal = identity.get("principalId")
        if not principal:
            raise FetchFailed(
                "InvalidOperation",
                f"{MSI} type: System Assigned which is required to access KeyVault {url} is not enabled on the API "
                "Management service.",
            )
        return Caller("SystemAssigned", str(principal), str(service.hidden.get("client_id", principal)))
    for one in (identity.get("userAssignedIdentities") or {}).values():
        if str(one.get("clientId", "")).casefold() == identity_client_id.casefold():
            return Caller("UserAssigned", str(one["principalId"]), identity_client_id)
    raise FetchFailed(
        "InvalidOperation",
        f"{MSI} type: User Assigned with ClientId: {identity_client_id} which is required to access KeyVault {url} is "
        "not enabled on the API Management service.",
    )
