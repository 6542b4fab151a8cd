"""
What stands behind the gateways: a backend that echoes every request, and a partner that demands mutual TLS.

The gateway forwards to them whatever the URL says: nothing ever leaves loopback. Only the partner's own host name is
really dialled, over TLS through the same listener. The list of deliveries is what tests look at to see whether a call
got through; nothing is checked here but the partner's guests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from multidict import CIMultiDict

from emulator.certificates import Bundle, thumbprint
from emulator.gateway.caller import NoConnection, connected
from emulator.gateway.http1 import Message
from emulator.gateway.outcome import PolicyFailed, Response, broken
from emulator.gateway.trust import TrustStore, valid_at

PARTNER_HOST = "partner.backend.test"
HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding"})


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """
    A request as the gateway sends it on. The two checks are those of the backend entity's `tls`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    certificate: Bundle | None = None
    check_chain: bool = True
    check_name: bool = True


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """
    A request that reached a backend; `thumbprint` is that of the certificate the gateway showed, if any.
    """

    method: str
    url: str
    thumbprint: str
    body_length: int


class Backends:
    """
    All backends of all instances. `guests` holds the thumbprints that the partner lets in.
    """

    def __init__(self, *, partner_authority: Bundle) -> None:
        self.partner_authority = partner_authority
        self.partner_url = f"https://{PARTNER_HOST}"
        self.guests: set[str] = set()
        self.deliveries: list[Delivery] = []
        self.address = ("127.0.0.1", 0)

    async def send(self, outgoing: Outgoing, trust: TrustStore, now: datetime) -> Response:
        """
        Deliver a request. PolicyFailed when the partner's certificate does not pass the checks asked for.
        """
        if urlsplit(outgoing.url).hostname != PARTNER_HOST:
            return self.echo(outgoing, None)
        own = outgoing.certificate
        shown = (own.chain_pem, own.key_pem) if own else None
        try:
            async with connected(self.address, PARTNER_HOST, None, client_certificate=shown) as line:
                _check_server(line.server_chain, outgoing, trust, now)
                path = urlsplit(outgoing.url)._replace(scheme="", netloc="").geturl() or "/"
                headers = {**outgoing.headers, "Connection": "close"}
                got = await line.call(path, method=outgoing.method, headers=headers, body=outgoing.body)
        except NoConnection as lost:
            raise _unreachable(str(lost)) from lost
        return Response(status=got.status, headers=CIMultiDict(_end_to_end(got.headers)), body=got.body)

    def echo(self, outgoing: Outgoing, shown: x509.Certificate | None) -> Response:
        """
        Note a delivery and tell the caller what arrived.
        """
        delivery = Delivery(
            method=outgoing.method,
            url=outgoing.url,
            thumbprint=thumbprint(shown) if shown else "",
            body_length=len(outgoing.body),
        )
        self.deliveries.append(delivery)
        told = {"method": delivery.method, "url": delivery.url, "certificate": delivery.thumbprint}
        return _json(200, {**told, "bytes": delivery.body_length})

    def as_partner(self, message: Message, shown: x509.Certificate | None) -> Response:
        """
        The partner's answer: 403 to anyone without a certificate that it knows.
        """
        if shown is None or thumbprint(shown) not in self.guests:
            return _json(403, {"error": "a client certificate known to the partner is required"})
        method, path, _ = message.first
        return self.echo(Outgoing(method=method, url=self.partner_url + path, body=message.body), shown)


def _check_server(chain: list[x509.Certificate], outgoing: Outgoing, trust: TrustStore, now: datetime) -> None:
    own = chain[0]
    if outgoing.check_chain and not (valid_at(own, now) and trust.trusts(own, now, chain[1:])):
        raise _unreachable("The remote certificate is invalid according to the validation procedure.")
    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if outgoing.check_name and PARTNER_HOST not in names.get_values_for_type(x509.DNSName):
        raise _unreachable("The remote certificate is for another name.")


def _unreachable(message: str) -> PolicyFailed:
    return PolicyFailed(broken("forward-request", "BackendConnectionFailure", message))


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.casefold() not in HOP_BY_HOP}


def _json(status: int, body: object) -> Response:
    headers = CIMultiDict({"Content-Type": "application/json"})
    return Response(status=status, headers=headers, body=json.dumps(body).encode())
