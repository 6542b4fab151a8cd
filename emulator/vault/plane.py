"""
The API of the vaults: challenge, certificates, versions, policies, secrets, import; and the fetch by API Management.

Shapes are recorded (7.0 to 7.3): list items carry no version, an empty subject and no policy; the latest version embeds
its policy, a given version does not.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from multidict import CIMultiDict

from emulator.certificates import Bundle, NotACertificate, read
from emulator.http import Answer, Call, Refusal
from emulator.routes import Place, Route, RouteTable, Source
from emulator.store import Json, Resource
from emulator.vault.holdings import PEM, PKCS12, Entry, Holdings, Version, new_version_id
from emulator.vault.refusals import disabled, firewall, forbidden, missing, refuse

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

VAULTS = "Microsoft.KeyVault/vaults"
AUDIENCE = "https://vault.azure.net"
# Soft delete without purge protection, as a new vault has it.
RECOVERY = "Recoverable+Purgeable"
READ_CERTIFICATE = "certificates/read"
GET_SECRET = "secrets/getSecret/action"
LIST_SECRETS = "secrets/readMetadata/action"
PAGE = 25


class VaultPlane:
    """
    All vaults' data planes.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self.holdings = Holdings()

    # What the outside arranges

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

    # The fetch by a service's identity

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

    # The API

    def routes(self, table: RouteTable) -> None:
        recorded, specified = Source.RECORDED, Source.SPECIFIED
        for method, path, handler, source in (
            ("GET", "/certificates", self._list_certificates, recorded),
            ("GET", "/certificates/{name}", self._get_certificate, recorded),
            ("DELETE", "/certificates/{name}", self._delete_certificate, recorded),
            ("PATCH", "/certificates/{name}", self._update_certificate, specified),
            ("GET", "/certificates/{name}/versions", self._list_versions, recorded),
            ("GET", "/certificates/{name}/policy", self._get_policy, specified),
            ("GET", "/certificates/{name}/pending", self._get_pending, recorded),
            ("POST", "/certificates/{name}/import", self._import, recorded),
            ("GET", "/certificates/{name}/{version}", self._get_certificate, recorded),
            ("PATCH", "/certificates/{name}/{version}", self._update_certificate, specified),
            ("GET", "/secrets", self._list_secrets, specified),
            ("PUT", "/secrets/{name}", self._set_secret, specified),
            ("GET", "/secrets/{name}", self._get_secret, specified),
            ("GET", "/secrets/{name}/{version}", self._get_secret, specified),
        ):
            table.add(Route(method=method, path=path, handler=handler, place=Place.VAULT, source=source))

    async def _list_certificates(self, call: Call) -> Answer:
        self._enter(call, READ_CERTIFICATE)
        found = [one for one in self.holdings.entries(call.vault) if one.is_certificate]
        return self._page(call, [self._item(call.vault, entry, entry.latest, "") for entry in found])

    async def _list_versions(self, call: Call) -> Answer:
        self._enter(call, READ_CERTIFICATE)
        entry = self._certificate(call)
        return self._page(call, [self._item(call.vault, entry, one, one.id) for one in entry.versions])

    async def _get_certificate(self, call: Call) -> Answer:
        self._enter(call, READ_CERTIFICATE)
        entry = self._certificate(call)
        asked = call.params.get("version", "")
        version = entry.version(asked)
        if version is None:
            raise missing("Certificate", entry.name)
        return Answer(body=self._full(call.vault, entry, version, embed=not asked, pending=not asked))

    async def _get_policy(self, call: Call) -> Answer:
        self._enter(call, READ_CERTIFICATE)
        entry = self._certificate(call)
        return Answer(body=self._policy(call.vault, entry, entry.latest))

    async def _get_pending(self, call: Call) -> Answer:
        self._enter(call, READ_CERTIFICATE)
        name = call.params["name"]
        raise refuse(404, "PendingCertificateNotFound", f"Pending certificate not found: {name}")

    async def _delete_certificate(self, call: Call) -> Answer:
        self._enter(call, "certificates/delete")
        entry = self._certificate(call)
        self.holdings.remove(call.vault, entry.name)
        return Answer(body=self._full(call.vault, entry, entry.latest))

    async def _update_certificate(self, call: Call) -> Answer:
        self._enter(call, "certificates/update")
        entry = self._certificate(call)
        version = entry.version(call.params.get("version", ""))
        if version is None:
            raise missing("Certificate", entry.name)
        enabled = (_body(call).get("attributes") or {}).get("enabled", version.enabled)
        changed = replace(version, enabled=bool(enabled), updated=self._azure.now())
        self.holdings.replace(call.vault, entry.name, changed)
        return Answer(body=self._full(call.vault, entry, changed, pending=True))

    async def _import(self, call: Call) -> Answer:
        self._enter(call, "certificates/import")
        body = _body(call)
        policy = body.get("policy") or {}
        content_type = (policy.get("secret_props") or {}).get("contentType") or PKCS12
        text = str(body.get("value", ""))
        try:
            raw = text.encode() if content_type == PEM else base64.b64decode(text, validate=True)
            bundle = read(raw, str(body.get("pwd") or ""))
        except (NotACertificate, binascii.Error) as unreadable:
            raise refuse(
                400, "BadParameter", "The specified PKCS#12 X.509 certificate content can not be read."
            ) from unreadable
        self.put(
            call.vault,
            call.params["name"],
            bundle,
            enabled=bool((body.get("attributes") or {}).get("enabled", True)),
            exportable=bool((policy.get("key_props") or {}).get("exportable", True)),
            content_type=content_type,
        )
        entry = self._certificate(call)
        return Answer(body=self._full(call.vault, entry, entry.latest))

    async def _list_secrets(self, call: Call) -> Answer:
        self._enter(call, LIST_SECRETS)
        items = []
        for entry in self.holdings.entries(call.vault):
            item = {
                "id": self._id(call.vault, "secrets", entry, ""),
                "contentType": entry.latest.content_type,
                "attributes": {**_attributes(entry.latest), "recoveryLevel": RECOVERY},
            }
            items.append({**item, "managed": True} if entry.is_certificate else item)
        return self._page(call, items)

    async def _get_secret(self, call: Call) -> Answer:
        self._enter(call, GET_SECRET)
        entry = self.holdings.find(call.vault, call.params["name"])
        version = entry.version(call.params.get("version", "")) if entry else None
        if entry is None or version is None:
            raise missing("Secret", call.params["name"])
        if not version.enabled:
            raise disabled()
        shown: Json = {
            "value": version.secret(),
            "contentType": version.content_type,
            "id": self._id(call.vault, "secrets", entry, version.id),
            "attributes": {**_attributes(version), "recoveryLevel": RECOVERY},
        }
        if entry.is_certificate:
            shown |= {"managed": True, "kid": self._id(call.vault, "keys", entry, version.id)}
        return Answer(body=shown)

    async def _set_secret(self, call: Call) -> Answer:
        self._enter(call, "secrets/set")
        body = _body(call)
        self.put_secret(
            call.vault,
            call.params["name"],
            str(body.get("value", "")),
            content_type=str(body.get("contentType") or ""),
        )
        call.params = {"name": call.params["name"]}
        entry = self.holdings.find(call.vault, call.params["name"])
        assert entry is not None
        version = entry.latest
        return Answer(
            body={
                "value": version.value,
                "id": self._id(call.vault, "secrets", entry, version.id),
                "attributes": _attributes(version),
            }
        )

    # Shared steps

    def stop_strangers(self, call: Call) -> None:
        """
        Challenge whoever brings no token, before anything else is looked at: the path, say.
        """
        if self._azure.options.check_tokens and not call.headers.get("Authorization"):
            raise self._challenge("AKV10000: Request is missing a Bearer or PoP token.")

    def _enter(self, call: Call, action: str) -> None:
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

    def _certificate(self, call: Call) -> Entry:
        entry = self.holdings.find(call.vault, call.params["name"])
        if entry is None or not entry.is_certificate:
            raise missing("Certificate", call.params["name"])
        return entry

    def _page(self, call: Call, items: list[Json]) -> Answer:
        size = int(call.query.get("maxresults", PAGE))
        skip = int(call.query.get("$skiptoken", "0"))
        shown = items[skip : skip + size]
        following = None
        if skip + size < len(items):
            base = f"{self._azure.vault_url(call.vault)}{call.path}"
            following = f"{base}?api-version={call.api_version}&$skiptoken={skip + size}&maxresults={size}"
            if call.host.startswith("localhost:"):
                following = following.replace(
                    self._azure.vault_url(call.vault), self._azure.vault_url(call.vault, plain=True)
                )
        return Answer(body={"value": shown, "nextLink": following})

    def _id(self, vault: str, kind: str, entry: Entry, version: str) -> str:
        resource = self.resource(vault)
        name = resource.name if resource is not None else vault
        return "/".join(filter(None, [self._azure.vault_url(name), kind, entry.name, version]))

    def _item(self, vault: str, entry: Entry, version: Version, identifier: str) -> Json:
        return {
            "id": self._id(vault, "certificates", entry, identifier),
            "x5t": _x5t(_bundle(version)),
            "attributes": _attributes(version),
            "subject": "",
        }

    def _full(self, vault: str, entry: Entry, version: Version, *, embed: bool = True, pending: bool = False) -> Json:
        bundle = _bundle(version)
        full: Json = {
            "id": self._id(vault, "certificates", entry, version.id),
            "kid": self._id(vault, "keys", entry, version.id),
            "sid": self._id(vault, "secrets", entry, version.id),
            "x5t": _x5t(bundle),
            "cer": base64.b64encode(bundle.der).decode(),
            "attributes": {**_attributes(version), "recoveryLevel": RECOVERY},
        }
        if embed:
            full["policy"] = self._policy(vault, entry, version)
        if pending:
            full["pending"] = {"id": f"{self._id(vault, 'certificates', entry, '')}/pending"}
        return full

    def _policy(self, vault: str, entry: Entry, version: Version) -> Json:
        bundle = _bundle(version)
        return {
            "id": f"{self._id(vault, 'certificates', entry, '')}/policy",
            "key_props": {"exportable": version.exportable, **_key_properties(bundle), "reuse_key": False},
            "secret_props": {"contentType": version.content_type},
            "x509_props": {
                "subject": bundle.subject,
                "ekus": ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
                "key_usage": ["digitalSignature", "keyEncipherment"],
                "validity_months": 12,
                "basic_constraints": {"ca": False},
            },
            "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}],
            "issuer": {"name": "Unknown"},
            "attributes": {
                "enabled": True,
                "created": _seconds(version.created),
                "updated": _seconds(version.updated),
            },
        }


def _body(call: Call) -> Mapping[str, Any]:
    try:
        found = call.json()
    except ValueError as broken:
        raise refuse(400, "BadParameter", "The request body is not valid JSON.") from broken
    return found if isinstance(found, Mapping) else {}


def _bundle(version: Version) -> Bundle:
    assert version.bundle is not None
    return version.bundle


def _attributes(version: Version) -> Json:
    dated = {}
    if version.bundle is not None:
        certificate = version.bundle.certificate
        dated = {
            "nbf": _seconds(certificate.not_valid_before_utc),
            "exp": _seconds(certificate.not_valid_after_utc),
        }
    return {
        "enabled": version.enabled,
        **dated,
        "created": _seconds(version.created),
        "updated": _seconds(version.updated),
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _x5t(bundle: Bundle) -> str:
    return base64.urlsafe_b64encode(bundle.certificate.fingerprint(hashes.SHA1())).decode().rstrip("=")


def _key_properties(bundle: Bundle) -> Json:
    public = bundle.certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return {"kty": "RSA", "key_size": public.key_size}
    return {"kty": "EC", "key_size": 256, "crv": "P-256"}


def _shut(vault: Resource) -> bool:
    rules = vault.properties.get("networkAcls") or {}
    return rules.get("defaultAction") == "Deny"


def _lets_trusted_in(vault: Resource) -> bool:
    rules = vault.properties.get("networkAcls") or {}
    return "AzureServices" in str(rules.get("bypass", ""))
