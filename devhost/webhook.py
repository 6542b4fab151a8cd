"""
Event Grid's webhook, as the Event Grid extension of the Functions host answers it.

Called by the HTTP side once the key fits. All events of a request run at the same time; 202 only when all succeeded,
otherwise 500, and Event Grid sends the whole request again. A function gets the JSON of one event.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from devhost.functions import Function
from devhost.invocation import FunctionFailed, as_annotated, invoke

PUBLIC_ORIGIN = "eventgrid.azure.net"
ORIGINS = frozenset({PUBLIC_ORIGIN, "eventgrid.azure.us", "eventgrid.azure.cn"})

log = logging.getLogger("devhost")


async def answer(request: web.Request, functions: Mapping[str, Function]) -> web.Response:
    """What Event Grid is told."""
    name = request.query.get("functionName", "")
    if name not in functions:
        return web.Response(status=404, text=f"cannot find function: '{name}'")
    if request.method == "OPTIONS":
        return _consent(request.headers.get("WebHook-Request-Origin", PUBLIC_ORIGIN))
    kind = request.headers.get("aeg-event-type", "").lower()
    if kind == "unsubscribe":
        return web.Response(status=202)
    if kind not in ("subscriptionvalidation", "notification"):
        return web.Response(status=400)
    try:
        events = _events(await request.text())
        if kind == "subscriptionvalidation":
            return _handshake(events[0])
    except (ValueError, LookupError, TypeError):
        log.exception("webhook.unreadable function=%s", name)
        return web.Response(status=500)
    return await _deliver(functions[name], events)


def _consent(origin: str) -> web.Response:
    """The handshake of CloudEvents. An unknown origin is answered with the public cloud's, which refuses it."""
    allowed = origin if origin in ORIGINS else PUBLIC_ORIGIN
    return web.Response(headers={"WebHook-Allowed-Origin": allowed})


def _handshake(event: Mapping[str, Any]) -> web.Response:
    """The handshake of the Event Grid schema; as a CloudEvent its data is JSON in a string."""
    data = event["data"]
    code = (json.loads(data) if isinstance(data, str) else data)["validationCode"]
    return web.Response(text=json.dumps({"validationResponse": code}))


async def _deliver(function: Function, events: list[Any]) -> web.Response:
    bodies = [json.dumps(event, indent=2, ensure_ascii=False).encode() for event in events]
    results = await asyncio.gather(
        *(invoke(function, as_annotated(function, body)) for body in bodies),
        return_exceptions=True,
    )
    for result in results:
        if isinstance(result, FunctionFailed):
            return web.Response(status=500, text=str(result))
        if isinstance(result, BaseException):
            raise result
    return web.Response(status=202)


def _events(text: str) -> list[Any]:
    document = json.loads(text)
    if isinstance(document, dict):
        return [document]
    if isinstance(document, list):
        return document
    raise ValueError("The request is neither a JSON object nor an array")
