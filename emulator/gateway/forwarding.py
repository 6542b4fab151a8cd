"""
`forward-request`: where a call goes behind the gateway, and which certificate the gateway shows there.

The API's own address is used unless a policy chose another; a backend entity brings its credentials and its checks
of the server. Which of the two documented ways to name a client certificate works is an option.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from emulator.certificates import Bundle
from emulator.gateway.attached import bundle_of, named_bundle
from emulator.gateway.backends import Outgoing
from emulator.gateway.exchange import Exchange
from emulator.gateway.outcome import Response
from emulator.store import Json, Resource


async def forward(call: Exchange) -> Response:
    backend = _member(call, call.backend or _of_api(call))
    checks = (backend.properties.get("tls") or {}) if backend else {}
    outgoing = Outgoing(
        method=call.asked.method,
        url=_url(call, backend),
        headers=dict(call.headers),
        body=call.asked.message.body,
        certificate=_certificate(call, backend),
        check_chain=checks.get("validateCertificateChain") is not False,
        check_name=checks.get("validateCertificateName") is not False,
    )
    return await call.backends.send(outgoing, call.presented.backends, call.presented.now)


def _url(call: Exchange, backend: Resource | None) -> str:
    own = call.target.api.resource.properties.get("serviceUrl") if call.target else None
    base = str(backend.properties.get("url") or "") if backend else call.base_url or str(own or "")
    rest = call.path or (call.target.rest if call.target else "")
    query = urlsplit(call.asked.message.first[1]).query
    return f"{base.rstrip('/')}/{rest.lstrip('/')}" + (f"?{query}" if query else "")


def _certificate(call: Exchange, backend: Resource | None) -> Bundle | None:
    if call.own_certificate and call.options.authentication_certificate_works:
        return named_bundle(call.estate.store, call.owner, call.own_certificate)
    if backend is None or not call.options.backend_certificates_suffice:
        return None
    credentials: Json = backend.properties.get("credentials") or {}
    for certificate_id in credentials.get("certificateIds") or ():
        found = call.estate.store.get(str(certificate_id))
        return bundle_of(found) if found else None
    for shown in credentials.get("certificate") or ():
        return named_bundle(call.estate.store, call.owner, str(shown))
    return None


def _of_api(call: Exchange) -> Resource | None:
    """
    The backend that the API itself names, unless a policy has set another address.
    """
    named = call.target.api.resource.properties.get("backendId") if call.target else None
    if not named or call.base_url:
        return None
    return call.estate.store.get(f"{call.owner.id}/backends/{str(named).rpartition('/')[2]}")


def _member(call: Exchange, backend: Resource | None) -> Resource | None:
    """
    The backend itself, or the first one of a pool: the members carry the credentials.
    """
    pool = (backend.properties.get("pool") or {}) if backend else {}
    for member in pool.get("services") or ():
        return call.estate.store.get(str(member.get("id")))
    return backend
