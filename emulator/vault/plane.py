"""
The vaults: what is put into them, who may come in, and the fetch by API Management.

`api` answers calls and asks here for permission; API Management's provider fetches certificates with the rules of a
real fetch. Tests and the seed put certificates in directly.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from multidict import CIMultiDict

from emulator.certificates import Bundle
from emulator.http import Call, Refusal
from emulator.store import Resource
from emulator.vault.holdings import PKCS12, Holdings, Version, new_version_id
from emulator.vault.refusals import disabled, firewall, forbidden, missing, refuse

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

VAULTS = "Microsoft.KeyVault/vaults"
AUDIENCE = "https://vault.azure.net"
READ_CERTIFICATE = "certificates/read"
GET_SECRET = "secrets/getSecret/action"
LIST_SECRETS = "secrets/readMetadata/action"


class VaultPlane:
    """
    All vaults' data planes.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self.holdings = Holdings()

    def put(
        self,
        vault: str,
        name: str,
        bundle: Bundle,
        *,
        enabled: bool = True,
        exportable: bool = True,
        content_type: str = PKCS12,
    ) -> Version:
        """
        Add a certificate, or a new version of one.
        """
        now = self._azure.now()
        version = Version(
            id=new_version_id(),
            created=now,
            updated=now,
            bundle=bundle,
            enabled=enabled,
            exportable=exportable,
            content_type=content_type,
        )
        self.holdings.add(vault, name, version)
        return version

    def put_secret(self, vault: str, name: str, value: str, *, content_type: str = "") -> Version:
        now = self._azure.now()
        version = Version(id=new_version_id(), created=now, updated=now, value=value, content_type=content_type)
        self.holdings.add(vault, name, version)
        return version

    def switch(self, vault: str, name: str, *, enabled: bool) -> None:
        """
        Enable or disable the latest version.
        """
        entry = self.holdings.find(vault, name)
        if entry is None:
            raise KeyError(f"{vault}/{name}")
        self.holdings.replace(vault, name, replace(entry.latest, enabled=enabled, updated=self._azure.now()))

    def secret_url(self, vault: str, name: str, version: str = "") -> str:
        return "/".join(filter(None, [f"{self._azure.vault_url(vault)}/secrets/{name}", version]))

    def resource(self, vault: str) -> Resource | None:
        wanted = vault.casefold()
        return next((one for one in self._azure.store.of_type(VAULTS) if one.name.casefold() == wanted), None)

    def locate(self, url: str) -> tuple[str, list[str]]:
        """
        The vault's name and the path's segments of any of a vault's URLs.
        """
        split = urlsplit(url)
        host = (split.hostname or "").casefold()
        first, _, rest = host.partition(".")
        vault = first if rest else self._by_port(split.port)
        return vault, [part for part in split.path.split("/") if part]

    def _by_port(self, port: int | None) -> str:
        ports = self._azure.listeners.vault_ports
        return next((name for name, own in ports.items() if own == port), "")

    def fetch(self, url: str, object_id: str, client_id: str, *, trusted: bool) -> Version:
        """
        Read a secret as a service does. `trusted` says that a system-assigned identity asks, which passes the
        firewall of a vault that lets trusted services in. Refusal as the vault would answer.
        """
        vault, parts = self.locate(url)
        resource = self.resource(vault)
        if resource is None:
            raise refuse(404, "VaultNotFound", f"The vault {vault} can't be reached.")
        if _shut(resource) and not (trusted and _lets_trusted_in(resource)):
            raise firewall(resource.name)
        self._permit(resource, object_id, client_id, GET_SECRET)
        entry = self.holdings.find(vault, parts[1] if len(parts) > 1 else "")
        version = entry.version(parts[2] if len(parts) > 2 else "") if entry else None
        if version is None:
            raise missing("Secret", parts[1] if len(parts) > 1 else "")
        if not version.enabled:
            raise disabled()
        return version

    def stop_strangers(self, call: Call) -> None:
        """
        Challenge whoever brings no token, before anything else is looked at: the path, say.
        """
        if self._azure.options.check_tokens and not call.headers.get("Authorization"):
            raise self._challenge("AKV10000: Request is missing a Bearer or PoP token.")

    def enter(self, call: Call, action: str) -> None:
        """
        Token, firewall and permission, in a vault's order.
        """
        resource = self.resource(call.vault)
        if resource is None:
            raise refuse(404, "VaultNotFound", f"The vault {call.vault} does not exist.")
        if not self._azure.options.check_tokens:
            return
        _, _, token = call.headers.get("Authorization", "").partition(" ")
        claims = self._azure.identity.claims(token) if token else None
        if claims is None:
            raise self._challenge("AKV10000: Request is missing a Bearer or PoP token.")
        if str(claims["aud"]).rstrip("/") != AUDIENCE:
            raise self._challenge(
                f"AKV10022: Invalid audience. Expected {AUDIENCE}, found: {str(claims['aud']).rstrip('/')}."
            )
        call.claims = claims
        if _shut(resource):
            raise firewall(resource.name)
        self._permit(resource, str(claims["oid"]), str(claims["appid"]), action)

    def _challenge(self, message: str) -> Refusal:
        refusal = refuse(401, "Unauthorized", message)
        refusal.answer.headers = CIMultiDict(
            {
                "WWW-Authenticate": f'Bearer authorization="{self._azure.endpoints.login}/{self._azure.tenant.id}", '
                f'resource="{AUDIENCE}"'
            }
        )
        return refusal

    def _permit(self, resource: Resource, object_id: str, client_id: str, action: str) -> None:
        access = self._azure.provider.access
        allowed = access.data_allows(object_id, action, resource)
        rbac = bool(resource.properties.get("enableRbacAuthorization"))
        if allowed and rbac and action == READ_CERTIFICATE and not self._azure.options.vault_reader_reads_certificates:
            allowed = access.data_allows(object_id, GET_SECRET, resource)
        if not allowed:
            raise forbidden(client_id, object_id, action, resource.name, rbac=rbac)


def _shut(vault: Resource) -> bool:
    rules = vault.properties.get("networkAcls") or {}
    return rules.get("defaultAction") == "Deny"


def _lets_trusted_in(vault: Resource) -> bool:
    rules = vault.properties.get("networkAcls") or {}
    return "AzureServices" in str(rules.get("bypass", ""))
