"""
A look from outside: does a gateway host really ask for a client certificate, which TLS versions does it speak,
and does a call without a certificate get refused?

The engine calls it for hosts and backends that Resource Manager lists, and for no others. It judges nothing: a host
that can't be reached from here is said to be so. Certificates are not checked: that is up to those who ask.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from apimend.model.runs import Handshake, ServerShown

_VERSIONS = {"TLS 1.2": SSL.TLS1_2_VERSION, "TLS 1.3": SSL.TLS1_3_VERSION}
_PORT = 443
_CHUNK = 16_384
_LONGEST = 10.0


@dataclass(frozen=True, kw_only=True)
class TlsProber:
    """
    Fulfils `ports.Prober`. `address` is a `host:port` to connect to instead of resolving each host.

    A handshake takes `seconds` at the most, and no more than `at_once` are under way.
    """

    address: str | None = None
    seconds: float = _LONGEST
    at_once: int = 8

    async def shake_hands(self, host: str, *, canary_path: str = "") -> Handshake:
        """One handshake for each TLS version, and a call of the canary path without a certificate."""
        asks: bool | None = None
        versions, why = [], ""
        for name, version in _VERSIONS.items():
            try:
                async with asyncio.timeout(self.seconds):
                    asked = await self._asked(host, version)
            except (OSError, SSL.Error, TimeoutError) as error:
                why = why or f"{name}: {_said(error)}"
                continue
            versions.append(name)
            asks = asked if asks is None else asks and asked
        canary = await self._canary(host, canary_path) if canary_path and versions else None
        return Handshake(host=host, asks=asks, versions=tuple(versions), canary=canary, why="" if versions else why)

    async def all(self, hosts: Iterable[str], *, canary_path: str = "") -> tuple[Handshake, ...]:
        """Several hosts, a few at a time."""
        gate = asyncio.Semaphore(self.at_once)

        async def one(host: str) -> Handshake:
            async with gate:
                return await self.shake_hands(host, canary_path=canary_path)

        return tuple(await asyncio.gather(*(one(host) for host in hosts)))

    async def show(self, url: str) -> ServerShown:
        """The certificates that a server sends, and whether they pass with what every system trusts."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORT
        try:
            async with asyncio.timeout(self.seconds):
                chain = await self._chain(host, port)
                return ServerShown(chain=chain, public=await self._is_public(host, port))
        except (OSError, SSL.Error, TimeoutError) as error:
            return ServerShown(why=_said(error))

    async def _chain(self, host: str, port: int) -> tuple[bytes, ...]:
        line = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        line.set_tlsext_host_name(host.encode("idna"))
        line.set_connect_state()
        async with self._connected(host, port) as (reader, writer):
            await _shake(line, reader, writer)
        sent = line.get_peer_cert_chain(as_cryptography=True) or []
        return tuple(one.public_bytes(Encoding.DER) for one in sent)

    async def _is_public(self, host: str, port: int) -> bool:
        context = ssl.create_default_context()
        try:
            async with self._connected(host, port, ssl=context, server_hostname=host):
                return True
        except ssl.SSLError:
            return False

    async def _asked(self, host: str, version: int) -> bool:
        """Whether the server sent a certificate request in a handshake of this version."""
        asked: list[bool] = []
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        context.set_info_callback(lambda line, where, result: _watch(line, asked))
        line = SSL.Connection(context, None)
        line.set_tlsext_host_name(host.encode("idna"))
        line.set_connect_state()
        async with self._connected(host) as (reader, writer):
            await _shake(line, reader, writer)
        return bool(asked)

    async def _canary(self, host: str, path: str) -> int | None:
        """The status of one GET without a certificate."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: apimend-probe\r\n\r\n"
        try:
            async with (
                asyncio.timeout(self.seconds),
                self._connected(host, ssl=context, server_hostname=host) as (reader, writer),
            ):
                writer.write(request.encode("ascii", "replace"))
                first = await reader.readline()
        except (OSError, TimeoutError):
            return None
        parts = first.split()
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None

    @asynccontextmanager
    async def _connected(
        self, host: str, port: int = _PORT, **tls: Any
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection that ends at once with the block: a probe doesn't wait for the other side's farewell."""
        reader, writer = await asyncio.open_connection(*self._at(host, port), **tls)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def _at(self, host: str, port: int = _PORT) -> tuple[str, int]:
        if self.address is None:
            return host, port
        name, _, number = self.address.rpartition(":")
        return name, int(number)


async def _shake(line: SSL.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Drive a handshake over memory buffers. Raises SSL.Error or OSError."""
    while True:
        try:
            line.do_handshake()
        except SSL.WantReadError:
            await _flush(line, writer)
            data = await reader.read(_CHUNK)
            if not data:
                raise ConnectionResetError("the host closed the connection") from None
            line.bio_write(data)
        else:
            await _flush(line, writer)
            return


async def _flush(line: SSL.Connection, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(line.bio_read(_CHUNK))
    except SSL.WantReadError:
        await writer.drain()


def _watch(line: SSL.Connection, asked: list[bool]) -> None:
    if b"certificate request" in line.get_state_string():
        asked.append(True)


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
