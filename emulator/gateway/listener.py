"""
The one TLS door of all gateways: who is called is told by the host name in the handshake (SNI).

The gateway hands in a lookup (which host asks for a client certificate, now) and a handler for requests. A host that
nobody serves gets a TLS alert, not an answer. Any client certificate is accepted, as on Azure; judging it is the
policies' work, never done here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from cryptography import x509
from OpenSSL import SSL

from emulator.certificates import ALWAYS, FOREVER, Bundle, Workshop
from emulator.gateway.http1 import Ended, Malformed, Message, Messages, answer
from emulator.gateway.tunnel import Tunnel


class Door(Protocol):
    """
    One host as the listener needs to know it.
    """

    @property
    def host(self) -> str: ...

    @property
    def negotiates(self) -> bool: ...


D = TypeVar("D", bound=Door)


@dataclass(frozen=True, kw_only=True)
class Arrival(Generic[D]):
    """
    A request with what the handshake told of its caller.
    """

    door: D
    message: Message
    certificate: x509.Certificate | None
    sent_issuers: tuple[x509.Certificate, ...]
    address: str


Handler = Callable[[Arrival[D]], Awaitable[Message]]


class Listener(Generic[D]):
    """
    One listening socket; as many hosts as the lookup knows.
    """

    def __init__(
        self,
        *,
        lookup: Callable[[str], D | None],
        handler: Handler[D],
        authority: Callable[[D], Bundle],
        workshop: Workshop,
    ) -> None:
        self._lookup = lookup
        self._handler = handler
        self._authority = authority
        self._workshop = workshop
        self._contexts: dict[str, SSL.Context] = {}
        self._nobody = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._nobody.set_tlsext_servername_callback(self._named)
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> tuple[str, int]:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = SSL.Connection(self._nobody, None)
        tls.set_accept_state()
        tunnel = Tunnel(tls, reader, writer)
        # A caller that goes away, or that dislikes our certificate, is no event for anyone here.
        with suppress(SSL.Error, ConnectionError, Ended):
            try:
                await tunnel.shake_hands()
                await self._answer_all(tunnel, str(writer.get_extra_info("peername")[0]))
            finally:
                await tunnel.close()

    async def _answer_all(self, tunnel: Tunnel, address: str) -> None:
        door: D = tunnel.tls.get_app_data()
        certificate = tunnel.tls.get_peer_certificate(as_cryptography=True)
        sent = tunnel.tls.get_peer_cert_chain(as_cryptography=True) or []
        issuers = tuple(one for one in sent if one != certificate)
        messages = Messages(tunnel.read)
        while True:
            try:
                message = await messages.next()
            except Malformed as odd:
                await tunnel.write(answer(400, "Bad Request", {"Connection": "close"}, str(odd).encode()).encoded())
                return
            if message is None:
                return
            arrival = Arrival(
                door=door, message=message, certificate=certificate, sent_issuers=issuers, address=address
            )
            reply = await self._handler(arrival)
            # An answer to HEAD has no body; that its length is then told as 0 does no harm here.
            await tunnel.write((replace(reply, body=b"") if message.first[0] == "HEAD" else reply).encoded())
            if not message.keeps_alive:
                return

    def _named(self, tls: SSL.Connection) -> None:
        name = (tls.get_servername() or b"").decode("ascii", "replace").casefold()
        door = self._lookup(name)
        if door is None:
            return  # without a certificate to show, OpenSSL ends the handshake with an alert
        tls.set_app_data(door)
        tls.set_context(self._context(name, door))
        tls.set_verify(SSL.VERIFY_PEER if door.negotiates else SSL.VERIFY_NONE, _accept_any)

    def _context(self, host: str, door: D) -> SSL.Context:
        if host not in self._contexts:
            shown = self._workshop.leaf(
                "CN=gateway", issued_by=self._authority(door), dns_names=[host], starts=ALWAYS, ends=FOREVER
            )
            context = SSL.Context(SSL.TLS_SERVER_METHOD)
            context.set_min_proto_version(SSL.TLS1_2_VERSION)
            context.use_certificate(shown.certificate)
            context.use_privatekey(shown.private_key)
            self._contexts[host] = context
        return self._contexts[host]


def _accept_any(tls: SSL.Connection, certificate: object, error: int, depth: int, good: int) -> bool:
    return True
