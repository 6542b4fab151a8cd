"""
Certificates of a service or workspace: uploaded, or fetched from a vault and fetched again when they rotate.

Recorded: a vault certificate is fetched while the PUT waits; `refreshSecret` answers a flat object with a short id and
moves the etag; a PUT of the same file moves it too. Failures are those reported from the field.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from emulator.arm import references, tiers
from emulator.arm.entities import SERVICE_PATH, Entities, with_etag
from emulator.arm.errors import management_error, not_found, validation
from emulator.arm.keyvault import FetchFailed, fetch_certificate
from emulator.arm.kind import Kind, Write
from emulator.arm.provider import Provider
from emulator.certificates import Bundle, NotACertificate, read
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource


def accept(write: Write) -> tuple[Json, Mapping[str, Any]]:
    """
    What becomes of a PUT.
    """
    _check_limit(write)
    vault = write.sent.get("keyVault")
    if isinstance(vault, Mapping):
        return _from_vault(write, vault)
    data = write.sent.get("data")
    if not data:
        raise validation("data", "Certificate data or KeyVault secret identifier must be provided.")
    try:
        bundle = read(base64.b64decode(str(data), validate=True), str(write.sent.get("password") or ""))
    except (NotACertificate, binascii.Error) as unreadable:
        raise validation("data", "Invalid certificate data or password.") from unreadable
    return properties_of(bundle), {"bundle": bundle, "version": None}


def properties_of(bundle: Bundle) -> Json:
    expires = bundle.not_after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "subject": bundle.subject,
        "thumbprint": bundle.thumbprint,
        "expirationDate": expires,
        "hasPrivateKey": bundle.key is not None,
    }


def vault_member(secret: str, identity: str | None, now: datetime, failure: FetchFailed | None, code: str) -> Json:
    """
    The `keyVault` member of a certificate or named value after a fetch.
    """
    when = now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "1Z"
    status: Json = {"code": "Success", "timeStampUtc": when}
    if failure is not None:
        status = {"code": code, "message": failure.message, "timeStampUtc": when}
    return {"secretIdentifier": secret, "identityClientId": identity, "lastStatus": status}


def _from_vault(write: Write, vault: Mapping[str, Any]) -> tuple[Json, Mapping[str, Any]]:
    options = write.provider.options
    if "/workspaces/" in write.id.casefold() and not options.workspace_key_vault:
        # Documented as not supported; the text is ours.
        raise validation("keyVault", "KeyVault certificates are not supported in workspaces.")
    secret, identity = str(vault.get("secretIdentifier", "")), vault.get("identityClientId") or None
    before = write.current
    ec = before is not None and "keyVault" in before.properties and before.hidden["bundle"].kind == "ec"
    if ec and options.ec_certificate_breaks:
        raise management_error(500, "InternalServerError", "An unexpected error occurred.")
    name = write.id.rpartition("/")[2]
    try:
        version, bundle = fetch_certificate(write.provider, write.service, secret, identity, name)
    except FetchFailed as failed:
        raise management_error(400, failed.code, failed.message) from failed
    member = vault_member(secret, identity, write.provider.now(), None, "")
    return {**properties_of(bundle), "keyVault": member}, {"bundle": bundle, "version": version.id}


def _check_limit(write: Write) -> None:
    sku = str((write.service.body.get("sku") or {}).get("name", ""))
    limit = tiers.certificate_limit(sku)
    count = len(write.provider.store.children(write.service.id, "certificates"))
    if limit is not None and write.current is None and count >= limit:
        raise validation("certificates", f"The maximum number of certificates for the SKU type {sku} is {limit}.")


def in_use(provider: Provider, certificate: Resource) -> str:
    service = _service_id(certificate)
    return ", ".join(references.users_of(provider, certificate, service, "certificates"))


def _service_id(resource: Resource) -> str:
    return "/".join(resource.id.split("/")[:9])


CERTIFICATE = Kind(
    segment="certificates",
    label="Certificate",
    param="certificate",
    accept=accept,
    methods=("LIST", "HEAD", "GET", "PUT", "DELETE"),
    in_workspaces=True,
    in_use=in_use,
    source=Source.RECORDED,
)


class Certificates:
    """
    The certificate routes and the timer that fetches again.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._entities = Entities(provider, CERTIFICATE)
        provider.add_timer(self._next_rotation, self._rotate)

    def routes(self) -> list[Route]:
        places = (SERVICE_PATH, f"{SERVICE_PATH}/workspaces/{{workspace}}")
        refresh = [
            Route(
                method="POST",
                path=f"{place}/certificates/{{certificate}}/refreshSecret",
                handler=self.refresh,
                source=Source.RECORDED,
            )
            for place in places
        ]
        return [*self._entities.routes(), *refresh]

    async def refresh(self, call: Call) -> Answer:
        parent = self._entities.parent_id(call)
        found = self._provider.store.get(f"{parent}/certificates/{call.params['certificate']}")
        if found is None:
            raise not_found("Certificate")
        if "keyVault" not in found.properties:
            raise validation("keyVault", "Certificate is not created from KeyVault.")
        fresh = self._fetch_again(found)
        flat = {"id": f"/certificates/{fresh.name}", **fresh.properties}
        return with_etag(call, Answer(body=flat), fresh.etag)

    def _fetch_again(self, certificate: Resource) -> Resource:
        """
        Fetch a vault certificate; a failure keeps the old one and is told in `lastStatus`.
        """
        vault = certificate.properties["keyVault"]
        service = self._provider.store.get(_service_id(certificate))
        assert service is not None
        failure, bundle, version = None, certificate.hidden["bundle"], certificate.hidden["version"]
        try:
            found, bundle = fetch_certificate(
                self._provider, service, vault["secretIdentifier"], vault["identityClientId"], certificate.name
            )
            version = found.id
        except FetchFailed as failed:
            failure = failed
        options, now = self._provider.options, self._provider.now()
        member = vault_member(
            vault["secretIdentifier"], vault["identityClientId"], now, failure, options.failed_status_code
        )
        fresh = replace(
            certificate,
            body={"properties": {**properties_of(bundle), "keyVault": member}},
            hidden={**certificate.hidden, "bundle": bundle, "version": version, "fetched": now},
            etag=self._provider.store.next_etag(),
        )
        return self._provider.store.put(fresh, at=now)

    def _next_rotation(self) -> datetime | None:
        return min((moment for moment, _ in self._pending()), default=None)

    def _rotate(self) -> None:
        now = self._provider.now()
        for moment, certificate in list(self._pending()):
            if moment <= now:
                self._fetch_again(certificate)

    def _pending(self) -> list[tuple[datetime, Resource]]:
        """
        Vault certificates whose secret changed since it was fetched, and when the service will notice.
        """
        found = []
        for kind in ("certificates", "workspaces/certificates"):
            for one in self._provider.store.of_type(f"Microsoft.ApiManagement/service/{kind}"):
                moment = self._notices(one)
                if moment is not None:
                    found.append((moment, one))
        return found

    def _notices(self, certificate: Resource) -> datetime | None:
        vault = certificate.properties.get("keyVault")
        if not vault or self._provider.store.get(_service_id(certificate)) is None:
            return None
        name, parts = self._provider.azure.vaults.locate(vault["secretIdentifier"])
        if len(parts) != 2:
            return None
        entry = self._provider.azure.vaults.holdings.find(name, parts[1])
        delay, fetched = self._provider.options.rotation_delay, certificate.hidden.get("fetched")
        if entry is None:
            return None
        latest = entry.latest
        stale = latest.id != certificate.hidden.get("version")
        if stale and (fetched is None or fetched < latest.updated + delay):
            return latest.updated + delay
        return None
