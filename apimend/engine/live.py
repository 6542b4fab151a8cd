"""
What stands at a target now, in the words of the change that wrote it.

Undo compares it with what a run left, and sends it along as the state that the next write is planned on. It reads
and decides nothing else.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apimend.model.azure import Backend, Certificate, Gateway
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.ids import ResourceId
from apimend.model.plan import Kind, canonical
from apimend.model.runs import Intent
from apimend.policy import Document, same_policy
from apimend.ports import InstanceReader


@dataclass(frozen=True, kw_only=True)
class Live:
    """What stands there: `text` None where there is nothing. `left` and `restored` compare it with an intent."""

    text: str | None = field(repr=False)
    etag: str | None = None
    left: bool = False
    restored: bool = False


async def live(reader: InstanceReader, intent: Intent) -> Live | None:
    """What stands at the target of a write of ours; None for a kind that can't be compared."""
    read = _READ.get(intent.kind)
    return await read(reader, intent) if read else None


async def _policy(reader: InstanceReader, intent: Intent) -> Live:
    found = await reader.policy(scope_of(intent.target))
    text = found.text if found else None
    return Live(
        text=text,
        etag=found.etag if found else None,
        left=_same_text(text, intent.after),
        restored=_same_text(text, intent.before),
    )


def scope_of(policy: ResourceId) -> ResourceId:
    """The scope of a policy document: its id less `/policies/policy`."""
    return ResourceId.of("/" + "/".join(policy.segments[:-2]))


def _same_text(one: str | None, other: str | None) -> bool:
    if one is None or other is None or one == other:
        return one == other
    try:
        return same_policy(Document.parse(one), Document.parse(other))
    except PolicyNotUnderstood:
        return False


async def _negotiation(reader: InstanceReader, intent: Intent) -> Live:
    service = await reader.service()
    wanted = json.loads(intent.after or "{}")
    if "enableClientCertificate" in wanted:
        now: dict[str, Any] = {"enableClientCertificate": bool(service.enable_client_certificate)}
    else:
        hosts = {entry.host.casefold(): entry.negotiates for entry in service.proxies}
        now = {"negotiateClientCertificate": {h: hosts.get(h) for h in wanted.get("negotiateClientCertificate", {})}}
    return _compared(now, intent, etag=service.etag)


async def _authorities(reader: InstanceReader, intent: Intent) -> Live:
    service = await reader.service()
    now = sorted(entry.certificate.thumbprint for entry in service.ca_certificates if entry.certificate)
    held = json.loads(intent.before or "{}").get("thumbprints") or []
    sent = [_thumbprint(one.get("encodedCertificate")) for one in json.loads(intent.after or "{}")["certificates"]]
    return Live(
        text=canonical({"thumbprints": now}),
        etag=service.etag,
        left=set(now) == {*held, *sent} and set(now) != set(held),
        restored=set(now) == set(held),
    )


async def _certificate(reader: InstanceReader, intent: Intent) -> Live:
    found = next((one for one in await reader.certificates() if one.id == intent.target), None)
    if found is None:
        return Live(text=None, left=intent.after is None, restored=intent.before is None)
    now = {"keyVault": _vault_of(found)}
    wanted = json.loads(intent.after) if intent.after else {}
    uploaded = "data" in wanted
    same_upload = uploaded and found.thumbprint == _thumbprint(wanted["data"]) and now["keyVault"] is None
    compared = _compared(now, intent, etag=found.etag)
    return Live(
        text=compared.text,
        etag=found.etag,
        left=same_upload if uploaded else compared.left,
        restored=compared.restored and not uploaded,
    )


def _vault_of(entity: Certificate) -> dict[str, str] | None:
    if not entity.secret_identifier:
        return None
    found = {"secretIdentifier": entity.secret_identifier, "identityClientId": entity.identity_client_id}
    return {name: value for name, value in found.items() if value}


async def _backend(reader: InstanceReader, intent: Intent) -> Live:
    found: Backend | None = next((one for one in await reader.backends() if one.id == intent.target), None)
    if found is None:
        return Live(text=None)
    properties = json.loads(found.raw).get("properties") or {}
    wanted = json.loads(intent.after or "{}")
    now = {key: {name: (properties.get(key) or {}).get(name) for name in value} for key, value in wanted.items()}
    return _compared(now, intent, etag=found.etag)


async def _gateway_host(reader: InstanceReader, intent: Intent) -> Live:
    found = next((one for one in await reader.gateway_hosts(_gateway(intent)) if one.id == intent.target), None)
    if found is None:
        return Live(text=None, restored=intent.before is None)
    return _compared({"negotiateClientCertificate": found.negotiates}, intent, etag=found.etag)


async def _gateway_authority(reader: InstanceReader, intent: Intent) -> Live:
    found = next((one for one in await reader.gateway_authorities(_gateway(intent)) if one.id == intent.target), None)
    if found is None:
        return Live(text=None, restored=intent.before is None)
    return _compared({"isTrusted": found.trusted}, intent, etag=found.etag)


def _gateway(intent: Intent) -> Gateway:
    id = ResourceId.of("/" + "/".join(intent.target.segments[:10]))
    return Gateway(id=id, name=id.name)


def _compared(now: Mapping[str, Any], intent: Intent, *, etag: str) -> Live:
    return Live(
        text=canonical(now),
        etag=etag or None,
        left=intent.after is not None and _holds(now, json.loads(intent.after)),
        restored=intent.before is not None and _holds(now, json.loads(intent.before)),
    )


def _holds(now: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether everything that was said of the target holds now; nulls and absence are the same."""
    return all(_less_nulls(now.get(key)) == _less_nulls(value) for key, value in said.items())


def _less_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _less_nulls(each) for key, each in value.items() if each is not None}
    return value


def _thumbprint(encoded: Any) -> str:
    """Azure names certificates by SHA-1."""
    try:
        der = base64.b64decode(str(encoded or ""), validate=True)
    except binascii.Error:
        return ""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


_READ: Mapping[str, Callable[[InstanceReader, Intent], Awaitable[Live]]] = {
    Kind.POLICY.value: _policy,
    Kind.SERVICE_NEGOTIATION.value: _negotiation,
    Kind.SERVICE_CA.value: _authorities,
    Kind.CERTIFICATE.value: _certificate,
    Kind.BACKEND.value: _backend,
    Kind.GATEWAY_HOSTNAME.value: _gateway_host,
    Kind.GATEWAY_AUTHORITY.value: _gateway_authority,
}
