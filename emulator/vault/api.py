"""
The API of the vaults: certificates, versions, policies, secrets, import.

Every handler first asks `plane` whether the caller may come in. How things are written is in `shapes`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator.certificates import NotACertificate, read
from emulator.http import Answer, Call
from emulator.routes import Place, Route, RouteTable, Source
from emulator.store import Json
from emulator.vault import shapes
from emulator.vault.deleted import deleted_certificate, retention
from emulator.vault.holdings import PEM, PKCS12, Entry
from emulator.vault.plane import GET_SECRET, LIST_SECRETS, READ_CERTIFICATE
from emulator.vault.refusals import disabled, missing, refuse, taken

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

PAGE = 25


class VaultApi:
    """
    The handlers of all vault routes.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self._plane = azure.vaults

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
        self._plane.enter(call, READ_CERTIFICATE)
        found = [one for one in self._plane.holdings.entries(call.vault) if one.is_certificate]
        return self._page(
            call, [shapes.item(self._base(call), entry, entry.latest, versioned=False) for entry in found]
        )

    async def _list_versions(self, call: Call) -> Answer:
        self._plane.enter(call, READ_CERTIFICATE)
        entry = self._certificate(call)
        return self._page(call, [shapes.item(self._base(call), entry, one, versioned=True) for one in entry.versions])

    async def _get_certificate(self, call: Call) -> Answer:
        self._plane.enter(call, READ_CERTIFICATE)
        entry = self._certificate(call)
        asked = call.params.get("version", "")
        version = entry.version(asked)
        if version is None:
            raise missing("Certificate", entry.name)
        return Answer(body=shapes.certificate(self._base(call), entry, version, embed=not asked, pending=not asked))

    async def _get_policy(self, call: Call) -> Answer:
        self._plane.enter(call, READ_CERTIFICATE)
        entry = self._certificate(call)
        return Answer(body=shapes.policy(self._base(call), entry, entry.latest))

    async def _get_pending(self, call: Call) -> Answer:
        self._plane.enter(call, READ_CERTIFICATE)
        name = call.params["name"]
        raise refuse(404, "PendingCertificateNotFound", f"Pending certificate not found: {name}")

    async def _delete_certificate(self, call: Call) -> Answer:
        self._plane.enter(call, "certificates/delete")
        gone = self._plane.holdings.delete(call.vault, self._certificate(call).name, self._azure.now())
        assert gone is not None
        kept = retention(self._plane.resource(call.vault))
        return Answer(body=deleted_certificate(self._base(call), gone, kept))

    async def _update_certificate(self, call: Call) -> Answer:
        self._plane.enter(call, "certificates/update")
        entry = self._certificate(call)
        version = entry.version(call.params.get("version", ""))
        if version is None:
            raise missing("Certificate", entry.name)
        enabled = (_body(call).get("attributes") or {}).get("enabled", version.enabled)
        changed = replace(version, enabled=bool(enabled), updated=self._azure.now())
        self._plane.holdings.replace(call.vault, entry.name, changed)
        return Answer(body=shapes.certificate(self._base(call), entry, changed, pending=True))

    async def _import(self, call: Call) -> Answer:
        self._plane.enter(call, "certificates/import")
        name = call.params["name"]
        if any(one.entry.name.casefold() == name.casefold() for one in self._plane.holdings.deleted(call.vault)):
            raise taken(name)
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
        self._plane.put(
            call.vault,
            name,
            bundle,
            enabled=bool((body.get("attributes") or {}).get("enabled", True)),
            exportable=bool((policy.get("key_props") or {}).get("exportable", True)),
            content_type=content_type,
        )
        entry = self._certificate(call)
        return Answer(body=shapes.certificate(self._base(call), entry, entry.latest))

    async def _list_secrets(self, call: Call) -> Answer:
        self._plane.enter(call, LIST_SECRETS)
        found = self._plane.holdings.entries(call.vault)
        return self._page(call, [shapes.secret_item(self._base(call), entry) for entry in found])

    async def _get_secret(self, call: Call) -> Answer:
        self._plane.enter(call, GET_SECRET)
        entry = self._plane.holdings.find(call.vault, call.params["name"])
        version = entry.version(call.params.get("version", "")) if entry else None
        if entry is None or version is None:
            raise missing("Secret", call.params["name"])
        if not version.enabled:
            raise disabled()
        return Answer(body=shapes.secret(self._base(call), entry, version))

    async def _set_secret(self, call: Call) -> Answer:
        self._plane.enter(call, "secrets/set")
        body = _body(call)
        self._plane.put_secret(
            call.vault,
            call.params["name"],
            str(body.get("value", "")),
            content_type=str(body.get("contentType") or ""),
        )
        entry = self._plane.holdings.find(call.vault, call.params["name"])
        assert entry is not None
        version = entry.latest
        return Answer(
            body={
                "value": version.value,
                "id": shapes.identifier(self._base(call), "secrets", entry, version.id),
                "attributes": shapes.attributes(version),
            }
        )

    def _certificate(self, call: Call) -> Entry:
        entry = self._plane.holdings.find(call.vault, call.params["name"])
        if entry is None or not entry.is_certificate:
            raise missing("Certificate", call.params["name"])
        return entry

    def _base(self, call: Call) -> str:
        resource = self._plane.resource(call.vault)
        return self._azure.vault_url(resource.name if resource is not None else call.vault)

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


def _body(call: Call) -> Mapping[str, Any]:
    try:
        found = call.json()
    except ValueError as broken:
        raise refuse(400, "BadParameter", "The request body is not valid JSON.") from broken
    return found if isinstance(found, Mapping) else {}
