"""
The HTTP side of the host: routes, keys, the Event Grid webhook, and running a timer by hand.

Called by the host, which serves it. Requests under way are counted, so that virtual time waits for them. A wrong or
missing key is a bare 401, a failed function a bare 500, as in Azure.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import azure.functions as func
from aiohttp import web
from multidict import MultiMapping

from devhost.functions import EventGridTrigger, Function, HttpTrigger
from devhost.invocation import FunctionFailed, invoke
from devhost.keys import Keys
from devhost.routes import Match, Router
from devhost.webhook import answer

LARGEST_BODY = 100 * 1024 * 1024


class Web:
    """The requests of one host."""

    def __init__(
        self,
        functions: tuple[Function, ...],
        *,
        keys: Keys,
        prefix: str,
        run_timer: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._router = Router(functions, prefix)
        self._hooks = {each.name: each for each in functions if isinstance(each.trigger, EventGridTrigger)}
        self._keys = keys
        self._run_timer = run_timer
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._counted)
        return application

    async def idle(self) -> None:
        """Waits until no request is under way."""
        await self._idle.wait()

    async def _counted(self, request: web.Request) -> web.Response:
        self._under_way += 1
        self._idle.clear()
        try:
            return await self._answer(request)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path.lower()
        if path == "/runtime/webhooks/eventgrid":
            if not self._keys.open_webhook(_key(request)):
                return web.Response(status=401)
            return await answer(request, self._hooks)
        if path.startswith("/admin/functions/"):
            return await self._admin(request)
        match = self._router.match(request.method, request.rel_url.raw_path)
        if match is None:
            return web.Response(status=404)
        return await self._call(request, match)

    async def _admin(self, request: web.Request) -> web.Response:
        if not self._keys.open_admin(_key(request)):
            return web.Response(status=401)
        if request.method != "POST" or not await self._run_timer(request.path.rpartition("/")[2]):
            return web.Response(status=404)
        return web.Response(status=202)

    async def _call(self, request: web.Request, match: Match) -> web.Response:
        trigger = match.function.trigger
        assert isinstance(trigger, HttpTrigger)  # the router holds no others
        if not self._keys.open_function(match.function.name, trigger.access, _key(request)):
            return web.Response(status=401)
        asked = func.HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=_joined(request.headers),
            params=_joined(request.query),
            route_params=match.parameters,
            body=await request.read(),
        )
        try:
            return _response(await invoke(match.function, asked))
        except FunctionFailed:
            return web.Response(status=500)


def _response(result: object) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if isinstance(result, str):
        return web.Response(text=result)
    if not isinstance(result, func.HttpResponse):
        raise TypeError(f"An HTTP function returned {type(result).__name__}")
    response = web.Response(status=result.status_code, body=result.get_body())
    text = result.mimetype.startswith("text/")
    response.headers["Content-Type"] = f"{result.mimetype}; charset={result.charset}" if text else result.mimetype
    for name, value in result.headers.items():
        if name.lower() == "content-type":
            response.headers["Content-Type"] = value
        else:
            response.headers.add(name, value)
    return response


def _key(request: web.Request) -> str | None:
    return request.headers.get("x-functions-key", request.query.get("code"))


def _joined(values: MultiMapping[str]) -> Mapping[str, str]:
    """Several values of one name arrive in a function as one, with commas."""
    return {name: ",".join(values.getall(name)) for name in values}
