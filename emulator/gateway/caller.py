"""
A caller of gateways, for tests and the demo: one call over real TLS, with or without a client certificate.

It reports what a client can see of the handshake (was a certificate asked for, which TLS version) beside the answer.
It checks the server's certificate against the given CA and the host name, and follows no redirects.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from multidict import CIMultiDict
from OpenSSL import SSL

from emulator.certificates import PrivateKey
from emulator.gateway.http1 import Ended, Messages, request
from emulator.gateway.tunnel import Tunnel

Version = Literal["1.2", "1.3"]
VERSIONS: Mapping[str, int] = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}


class NoConnection(ConnectionError):
    """
    The handshake failed, or the connection ended before an answer came.
    """


@dataclass(frozen=True, kw_only=True)
class Answer:
    """
    An answer, and what the handshake showed.
    """

    status: int
    headers: CIMultiDict[str]
    body: bytes
    asked_for_certificate: bool
    tls_version: str

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Line:
    """
    An open connection to one host, good for any number of calls.
    """

    def __init__(self, tunnel: Tunnel, host: str, *, asked: bool) -> None:
        self._tunnel = tunnel
        self._messages = Messages(tunnel.read)
        self._host = host
        self._asked = asked

    @property
    def server_certificate(self) -> x509.Certificate | None:
        return self._tunnel.tls.get_peer_certificate(as_cryptography=True)

    @property
    def server_chain(self) -> list[x509.Certificate]:
        return list(self._tunnel.tls.get_peer_cert_chain(as_cryptography=True) or [])

    async def call(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        try:
            await self._tunnel.write(request(method, path, self._host, headers or {}, body).encoded())
            message = await self._messages.next()
        except (SSL.Error, Ended) as broken:
            raise NoConnection(f"{self._host}: {broken}") from broken
        if message is None:
            raise NoConnection(f"{self._host} closed the connection without an answer")
        return Answer(
            status=int(message.first[1]),
            headers=message.headers,
            body=message.body,
            asked_for_certificate=self._asked,
            tls_version=self._tunnel.tls.get_protocol_version_name(),
        )


@asynccontextmanager
async def connected(
    address: tuple[str, int],
    host: str,
    ca_file: str | None,
    *,
    client_certificate: tuple[str, str] | None = None,
    tls: Version | None = None,
) -> AsyncIterator[Line]:
    """
    Shake hands and keep the line open. `client_certificate` is certificate (with its chain, if any) and key in PEM;
    without `ca_file` the server's certificate is not checked.
    """
    asked: list[bool] = []
    context = _context(ca_file, client_certificate, tls)
    context.set_info_callback(lambda line, where, result: _watch(line, asked))
    connection = SSL.Connection(context, None)
    connection.set_tlsext_host_name(host.encode("ascii"))
    connection.set_connect_state()
    reader, writer = await asyncio.open_connection(*address)
    tunnel = Tunnel(connection, reader, writer)
    try:
        try:
            await tunnel.shake_hands()
        except (SSL.Error, ConnectionError) as failed:
            raise NoConnection(f"{host}: {failed!r}") from failed
        line = Line(tunnel, host, asked=bool(asked))
        if ca_file is not None:
            _check_name(line.server_certificate, host)
        yield line
    finally:
        await tunnel.close()


async def call(
    address: tuple[str, int],
    host: str,
    path: str,
    ca_file: str | None,
    *,
    client_certificate: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes = b"",
    tls: Version | None = None,
) -> Answer:
    """
    One call on a connection of its own.
    """
    async with connected(address, host, ca_file, client_certificate=client_certificate, tls=tls) as line:
        return await line.call(path, method=method, headers={"Connection": "close", **(headers or {})}, body=body)


def _context(ca_file: str | None, client_certificate: tuple[str, str] | None, tls: Version | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if tls is not None:
        context.set_min_proto_version(VERSIONS[tls])
        context.set_max_proto_version(VERSIONS[tls])
    if ca_file is not None:
        context.load_verify_locations(ca_file)
        context.set_verify(SSL.VERIFY_PEER)
    if client_certificate is not None:
        own, *issuers = x509.load_pem_x509_certificates(client_certificate[0].encode())
        key = load_pem_private_key(client_certificate[1].encode(), None)
        if not isinstance(key, PrivateKey):
            raise ValueError("the key of a client certificate is RSA or EC")
        context.use_certificate(own)
        context.use_privatekey(key)
        for issuer in issuers:
            context.add_extra_chain_cert(issuer)
    return context


def _watch(line: SSL.Connection, asked: list[bool]) -> None:
    if b"certificate request" in line.get_state_string():
        asked.append(True)


def _check_name(certificate: x509.Certificate | None, host: str) -> None:
    if certificate is None:
        raise NoConnection(f"{host} showed no certificate")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if host.casefold() not in names.get_values_for_type(x509.DNSName):
        raise NoConnection(f"the certificate of {host} is for another name")
