"""
App Service authentication as the app sees it: what stands in front of the app, lets a person in, and says who it is.

`make serve` puts it before the local host, so that the pages can be looked at and approvals given. Everybody who
comes this way is Ada, because there is no Entra here to ask; what callers claim about themselves is taken away first,
as in Azure.
"""

import base64
import json
from collections.abc import Mapping
from types import TracebackType

from aiohttp import web

from demo.world import World

APPROVERS = "55555555-0000-4000-8000-000000000001"
"""The group that the demo declares; Ada is in it."""

_OURS = "x-ms-"
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "content-encoding", "keep-alive"})


class Front:
    """Listens before the world is there, because the world's links lead here."""

    def __init__(self) -> None:
        self.url = ""
        self._world: World | None = None
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "Front":
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def let_in(self, world: World) -> None:
        """From now on requests go to this world's app."""
        self._world = world

    async def _forward(self, request: web.Request) -> web.Response:
        world = self._world
        if world is None:
            return web.Response(status=503)
        if request.path == "/":
            raise web.HTTPFound("/runs")
        headers = {**_passed(request.headers), "Host": request.host, "X-MS-CLIENT-PRINCIPAL": _ada(world)}
        async with world.session.request(
            request.method,
            f"{world.host.url}{request.raw_path}",
            data=await request.read(),
            headers=headers,
            allow_redirects=False,
        ) as answer:
            return web.Response(status=answer.status, body=await answer.read(), headers=_passed(answer.headers))


def _ada(world: World) -> str:
    claims = {"preferred_username": "ada@contoso.example", "tid": world.azure.tenant.id, "groups": APPROVERS}
    told = [{"typ": name, "val": value} for name, value in claims.items()]
    return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": told}).encode()).decode()


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in _HOP_BY_HOP and not name.lower().startswith(_OURS) and name.lower() != "host"
    }
