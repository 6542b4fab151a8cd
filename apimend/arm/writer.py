"""
The writes: conditional wherever Azure allows it, with the smallest body that is safe.

Only `engine.apply` holds a Writer. A write says what a Change says; what it can't do safely it refuses.
"""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from azure.mgmt.apimanagement.aio import ApiManagementClient

from apimend.arm.errors import translated
from apimend.model.desired import Uploaded
from apimend.model.errors import Busy, Changed, Gone, Rejected
from apimend.model.ids import InstanceId
from apimend.model.plan import Change, Kind
from apimend.ports import Written

_RESENDABLE = ("builtin", "keyvault")
_ONCE = {"retry_total": 0}
"""
A write without a condition is sent once: after an answer that was lost, nobody but the next visit knows whether it took
effect, and a second one might undo what somebody did meanwhile.
"""


def _entity(response: Any, _model: Any, _headers: Any) -> tuple[Mapping[str, Any], str, int]:
    answer = response.http_response
    body = answer.json() if answer.status_code in (200, 201, 202) and answer.text() else {}
    return body, answer.headers.get("ETag", ""), answer.status_code


def _announced(response: Any, model: Any, headers: Any) -> tuple[tuple[Mapping[str, Any], str, int], str]:
    """As `_entity`, and where Azure tells of the operation: without the host, so that a token goes only to ARM."""
    said = response.http_response.headers
    url = urlsplit(said.get("Azure-AsyncOperation") or said.get("Location") or "")
    return _entity(response, model, headers), f"{url.path}?{url.query}" if url.path else ""


class Writer:
    """Fulfils `ports.InstanceWriter`."""

    def __init__(self, instance: InstanceId, *, client: ApiManagementClient) -> None:
        self._client: Any = client  # its overloads don't know `cls`, by which we get raw JSON
        self._at = (instance.resource_group, instance.name)

    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        services = self._client.api_management_service
        with translated("service"):
            live, etag, _ = await services.get(*self._at, cls=_entity)
        if live["properties"].get("targetProvisioningState") or live["properties"].get("provisioningState") not in (
            "Succeeded",
            "Ready",
        ):
            raise Busy("The service is being updated.", code="ServiceLocked")
        planned = {change.etag for change in changes}
        if planned != {live.get("etag")} and planned != {etag}:
            raise Changed("The service was modified since the plan was made.")
        body = service_patch(live, changes, uploaded=uploaded)
        with translated("service update"):
            poller = await services.begin_update(
                *self._at, _bytes(body), polling=False, cls=_announced, headers=_marked(request_id), **_ONCE
            )
            (answer, new_etag, status), operation = await poller.result()
        pending = status == 202 or bool((answer.get("properties") or {}).get("targetProvisioningState"))
        return Written(etag=new_etag, pending=pending, operation=operation, missing=_missing(live, answer))

    async def write(self, change: Change, *, request_id: str) -> Written:
        if change.kind is Kind.POLICY:
            return await self._policy(change, request_id)
        if change.kind in (Kind.CERTIFICATE, Kind.CERTIFICATE_REFRESH):
            return await self._certificate(change, request_id)
        if change.kind is Kind.BACKEND:
            return await self._backend(change, request_id)
        if change.kind in (Kind.GATEWAY_HOSTNAME, Kind.GATEWAY_AUTHORITY):
            return await self._gateway(change, request_id)
        raise Rejected(f"A change of the kind {change.kind.value!r} goes with the service, not by itself.")

    async def _policy(self, change: Change, request_id: str) -> Written:
        below = change.target.segments[8:]
        if below[0].casefold() == "policyfragments":
            raise Rejected("Fragments are not written.")
        kinds = tuple(kind.casefold() for kind in below[:-2:2])
        names = below[1:-2:2]
        group: Any = {
            (): self._client.policy,
            ("products",): self._client.product_policy,
            ("apis",): self._client.api_policy,
            ("apis", "operations"): self._client.api_operation_policy,
            ("workspaces",): self._client.workspace_policy,
            ("workspaces", "products"): self._client.workspace_product_policy,
            ("workspaces", "apis"): self._client.workspace_api_policy,
            ("workspaces", "apis", "operations"): self._client.workspace_api_operation_policy,
        }[kinds]
        at = (*self._at, *names, "policy")
        if change.after is None:
            return await self._send(
                change, lambda: group.delete(*at, _etag(change, change.etag), headers=_marked(request_id), cls=_entity)
            )
        body = {"properties": {"format": "rawxml", "value": change.after}}
        if change.before is None:
            await _must_be_missing(change, lambda: group.get_entity_tag(*at))
        condition = _only_as_read(change, change.etag)
        return await self._send(
            change,
            lambda: group.create_or_update(*at, _bytes(body), headers=_marked(request_id), cls=_entity, **condition),
        )

    async def _certificate(self, change: Change, request_id: str) -> Written:
        group: Any = self._client.certificate
        at = (*self._at, change.target.name)
        if change.kind is Kind.CERTIFICATE_REFRESH:
            return await self._send(
                change, lambda: group.refresh_secret(*at, headers=_marked(request_id), cls=_entity, **_ONCE)
            )
        if change.before is None:
            await _must_be_missing(change, lambda: group.get_entity_tag(*at))
            etag = None
        else:
            with translated(f"certificate {change.target.name}"):
                live, etag, _ = await group.get(*at, cls=_entity)
            _must_be_as_planned(change, {"keyVault": _owned_vault(live)})
        if change.after is None:
            return await self._send(
                change, lambda: group.delete(*at, _etag(change, etag), headers=_marked(request_id), cls=_entity)
            )
        body = {"properties": json.loads(change.after)}
        condition = _only_as_read(change, etag)
        return await self._send(
            change,
            lambda: group.create_or_update(*at, _bytes(body), headers=_marked(request_id), cls=_entity, **condition),
        )

    async def _backend(self, change: Change, request_id: str) -> Written:
        group: Any = self._client.backend
        at = (*self._at, change.target.name)
        with translated(f"backend {change.target.name}"):
            live, etag, _ = await group.get(*at, cls=_entity)
        wanted = json.loads(change.after or "{}")
        if any(
            _owned(live["properties"], key, value) != value for key, value in json.loads(change.before or "{}").items()
        ):
            raise Changed(f"{change.target} was modified since the plan was made.")
        # Azure replaces `credentials` and `tls` whole: what is in them and not ours goes back as it is.
        merged = {key: {**(live["properties"].get(key) or {}), **value} for key, value in wanted.items()}
        body = {"properties": {key: _less_nulls(value) for key, value in merged.items()}}
        return await self._send(
            change,
            lambda: group.update(*at, etag, _bytes(body), headers=_marked(request_id), cls=_entity),
        )

    async def _gateway(self, change: Change, request_id: str) -> Written:
        group: Any = (
            self._client.gateway_hostname_configuration
            if change.kind is Kind.GATEWAY_HOSTNAME
            else self._client.gateway_certificate_authority
        )
        at = (*self._at, change.target.segments[9], change.target.name)
        if change.before is None:
            await _must_be_missing(change, lambda: group.get_entity_tag(*at))
            etag, body = None, {"properties": json.loads(change.after or "{}")}
        else:
            with translated(f"{change.kind.value} {change.target.name}"):
                live, etag, _ = await group.get(*at, cls=_entity)
            wanted = json.loads(change.after or "{}")
            _must_be_as_planned(change, live["properties"])
            kept = {key: value for key, value in live["properties"].items() if value is not None}
            body = {"properties": {**kept, **wanted}}
        if change.after is None:
            return await self._send(
                change, lambda: group.delete(*at, _etag(change, etag), headers=_marked(request_id), cls=_entity)
            )
        condition = _only_as_read(change, etag)
        return await self._send(
            change,
            lambda: group.create_or_update(*at, _bytes(body), headers=_marked(request_id), cls=_entity, **condition),
        )

    async def _send(self, change: Change, call: Callable[[], Awaitable[Any]]) -> Written:
        with translated(f"{change.kind.value} {change.target}"):
            answer = await call()
        etag = answer[1] if isinstance(answer, tuple) else ""
        return Written(etag=etag)


def _owned(live: Mapping[str, Any], key: str, like: Mapping[str, Any]) -> dict[str, Any]:
    """Of a nested member of a resource only what `like` has, None where it is not there."""
    held = live.get(key) or {}
    return {name: held.get(name) for name in like}


def service_patch(live: Mapping[str, Any], changes: Sequence[Change], *, uploaded: Uploaded) -> dict[str, Any]:
    """
    The PATCH body that makes these changes on the service as it is.

    Hostname entries are raw JSON copied whole less nulls, one flag changed. No certificate field on the default
    host. Raises Rejected where an entry may not be resent: its private part never comes back, and whether Azure
    keeps it is not known to be safe.
    """
    properties: dict[str, Any] = {}
    for change in changes:
        wanted = json.loads(change.after or "{}")
        if "enableClientCertificate" in wanted:
            properties["enableClientCertificate"] = wanted["enableClientCertificate"]
        if "negotiateClientCertificate" in wanted:
            properties["hostnameConfigurations"] = [
                _entry(entry, wanted["negotiateClientCertificate"], uploaded)
                for entry in live["properties"]["hostnameConfigurations"]
            ]
        if "certificates" in wanted:
            kept = live["properties"].get("certificates") or ()
            properties["certificates"] = _authorities(kept, wanted["certificates"], uploaded)
        if "thumbprints" in wanted:
            held = live["properties"].get("certificates") or ()
            left = [e for e in held if _thumbprint(e) in wanted["thumbprints"]]
            if len(left) != len(wanted["thumbprints"]):
                raise Changed("A CA certificate that is to stay is no longer there.")
            properties["certificates"] = _authorities(left, (), uploaded)
    return {"properties": properties}


def _entry(entry: Mapping[str, Any], flags: Mapping[str, bool], uploaded: Uploaded) -> dict[str, Any]:
    source = str(entry.get("certificateSource") or "").casefold()
    default = source == "builtin" or (not source and not entry.get("certificate") and not entry.get("keyVaultId"))
    if not default and source not in _RESENDABLE and uploaded is Uploaded.REFUSE:
        raise Rejected(f"The host {entry.get('hostName')} has a certificate that can't be resent safely.")
    copied = _less_nulls(entry)
    if default:
        for key in ("certificate", "encodedCertificate", "certificatePassword", "keyVaultId", "identityClientId"):
            copied.pop(key, None)
    host = str(entry.get("hostName") or "").casefold()
    if str(entry.get("type")).casefold() == "proxy" and host in flags:
        copied["negotiateClientCertificate"] = flags[host]
    return copied


def _thumbprint(entry: Mapping[str, Any]) -> str:
    """Upper case, as `parse` gives it, whatever Azure writes."""
    return str((entry.get("certificate") or {}).get("thumbprint") or "").upper()


def _authorities(
    live: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]], uploaded: Uploaded
) -> list[dict[str, Any]]:
    """The CA certificates after a change: whole where we hold them, otherwise by the description that Azure gave."""
    whole = {_thumbprint_of(entry): dict(entry) for entry in wanted}
    sent = []
    for entry in live:
        facts = entry.get("certificate") or {}
        thumbprint = _thumbprint(entry)
        if thumbprint not in whole and uploaded is Uploaded.REFUSE:
            raise Rejected(f"The CA certificate {facts.get('subject')} can't be resent safely.")
        sent.append(whole.pop(thumbprint) if thumbprint in whole else _less_nulls(entry))
    return [*sent, *whole.values()]


def _thumbprint_of(entry: Mapping[str, Any]) -> str:
    """Azure names certificates by SHA-1."""
    der = base64.b64decode(entry["encodedCertificate"])
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def _less_nulls(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}


def _missing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What the answer to a PATCH lacks of entries or thumbprints: it was accepted, so somebody has to look at once."""
    gone = _hosts(before) - _hosts(after) if after else set()
    return tuple(sorted({f"{kind} {host}" for kind, host, _ in gone}))


def _hosts(service: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    entries = (service.get("properties") or {}).get("hostnameConfigurations") or ()
    return {
        (
            str(e.get("type")),
            str(e.get("hostName")).casefold(),
            str((e.get("certificate") or {}).get("thumbprint") or ""),
        )
        for e in entries
    }


def _owned_vault(live: Mapping[str, Any]) -> dict[str, Any] | None:
    vault = live["properties"].get("keyVault")
    if not vault:
        return None
    kept = {"secretIdentifier": vault.get("secretIdentifier"), "identityClientId": vault.get("identityClientId")}
    return _less_nulls(kept)


def _must_be_as_planned(change: Change, live: Mapping[str, Any]) -> None:
    planned = json.loads(change.before or "{}")
    if any(live.get(key) != value for key, value in planned.items()):
        raise Changed(f"{change.target} was modified since the plan was made.")


async def _must_be_missing(change: Change, head: Callable[[], Awaitable[Any]]) -> None:
    try:
        with translated(str(change.target)):
            found = await head()
    except Gone:
        return
    if found:
        raise Changed(f"{change.target} was created since the plan was made.")


def _etag(change: Change, etag: str | None) -> str:
    """What is written over or deleted goes by the etag that was read, or not at all (I8). Raises Rejected."""
    if not etag:
        raise Rejected(f"Azure gave no etag for {change.target}: whether somebody changes it meanwhile can't be seen.")
    return etag


def _only_as_read(change: Change, etag: str | None) -> dict[str, Any]:
    """The condition of a write; what is new has none, and is sent once. Raises Rejected."""
    return _ONCE if change.before is None else {"if_match": _etag(change, etag)}


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _marked(request_id: str) -> dict[str, str]:
    """Our mark, which ARM's events bring back as `httpRequest.clientRequestId`."""
    return {"x-ms-client-request-id": request_id}
