"""
The sockets: HTTPS for ARM, vaults and everything that wears a name, one further port for each vault, and plain HTTP.

Turns aiohttp requests into `Call`s and answers back. It decides nothing but which door a request came to.
"""

from __future__ import annotations

import ssl
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from emulator.certificates import ALWAYS, FOREVER
from emulator.http import Answer, Call
from emulator.routes import Place

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

NAMES = ("localhost", "*.localhost", "*.vault.localhost")
BIGGEST_BODY = 64 * 1024 * 1024


class Reset(Exception):
    """
    The front wants the connection broken off.
    """


class Listeners:
    """
    All sockets of one local Azure, on 127.0.0.1.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self._runner: web.AppRunner | None = None
        self.vault_ports: dict[str, int] = {}
        self._vaults: dict[int, str] = {}
        self._plain_port = 0

    async def start(self) -> None:
        options, endpoints = self._azure.options, self._azure.endpoints
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_response_prepare.append(_own_server_header)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        context = self._tls()
        port = await self._open(options.port, context)
        self._plain_port = await self._open(options.plain_port, None)
        for vault in self._azure.tenant.items("vaults"):
            await self._open_vault(str(vault["name"]), context)
        endpoints.arm = endpoints.login = f"https://localhost:{port}"
        endpoints.identity = f"http://127.0.0.1:{self._plain_port}/msi/token"
        endpoints.control = f"http://127.0.0.1:{self._plain_port}/_emulator"
        endpoints.vault_suffix = f".vault.localhost:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _open(self, port: int, context: ssl.SSLContext | None) -> int:
        assert self._runner is not None
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=context)
        await site.start()
        return int(self._runner.addresses[-1][1])

    async def _open_vault(self, name: str, context: ssl.SSLContext) -> None:
        port = await self._open(0, context)
        self.vault_ports[name.casefold()] = port
        self._vaults[port] = name

    def _tls(self) -> ssl.SSLContext:
        leaf = self._azure.workshop.leaf(
            "CN=localhost",
            issued_by=self._azure.authority,
            dns_names=NAMES,
            addresses=["127.0.0.1"],
            starts=ALWAYS,
            ends=FOREVER,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "server.pem"
            path.write_text(leaf.key_pem + leaf.chain_pem)
            context.load_cert_chain(path)
        return context

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        place, vault = self._door(request)
        call = Call(
            method=request.method,
            url=f"{'http' if place is Place.PLAIN else 'https'}://{request.host}{request.raw_path}",
            host=request.host,
            path=request.raw_path.partition("?")[0],
            query=dict(request.query),
            headers=request.headers,
            body=await request.content.read(),
            at=self._azure.now(),
            vault=vault,
        )
        try:
            answer = await self._azure.front.answer(place, call)
        except Reset:
            if request.transport is not None:
                request.transport.abort()
            answer = Answer(status=500)
        return _response(answer, request.method)

    def _door(self, request: web.BaseRequest) -> tuple[Place, str]:
        port = _local_port(request)
        if port == self._plain_port:
            return Place.PLAIN, ""
        if port in self._vaults:
            return Place.VAULT, self._vaults[port]
        first, _, rest = request.host.partition(".")
        if rest.partition(":")[0] == "vault.localhost" or rest.partition(":")[0] == "vault.azure.net":
            return Place.VAULT, first
        return Place.ARM, ""


async def _own_server_header(request: web.Request, response: web.StreamResponse) -> None:
    """
    Azure names its server on most answers and not on ARM's own; the library would always name itself.
    """
    if str(response.headers.get("Server", "")).startswith("Python/"):
        del response.headers["Server"]


def _local_port(request: web.BaseRequest) -> int:
    transport = request.transport
    name = transport.get_extra_info("sockname") if transport is not None else None
    return int(name[1]) if name else 0


def _response(answer: Answer, method: str) -> web.Response:
    payload = answer.encoded()
    headers = answer.headers.copy()
    if payload and answer.content_type:
        headers.setdefault("Content-Type", answer.content_type)
    if method == "HEAD" and answer.status == HTTPStatus.OK:
        headers["Content-Length"] = str(len(payload))
    response = web.Response(status=answer.status, reason=_reason(answer.status), body=payload or None, headers=headers)
    if not payload and method != "HEAD":
        response.headers.pop("Content-Type", None)
    return response


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
