"""
The HTTP API: every route with its method, in one table that the function app registers.

A handler gets the wired app and a Request, and returns an Answer. Errors of ours become problems one floor up.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apimend.web.answers import Answer, ok
from apimend.web.runs import order_detail, run_detail, run_list


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a handler needs of an HTTP request; header names are in lower case."""

    body: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Any, Request], Awaitable[Answer]]
"""Takes what `wiring` has joined, which this floor does not know by type."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """One route: its function's name, its path below `/api`, and who handles it."""

    name: str
    method: str
    path: str
    handler: Handler


async def _replay(app: Any, request: Request) -> Answer:
    answer: Answer = await app.replay.answer(request.body, by="function key")
    return answer


async def _runs(app: Any, request: Request) -> Answer:
    query = request.query
    return await run_list(app.storage.ledger, instance=query.get("instance", ""), limit=query.get("limit", ""))


async def _run(app: Any, request: Request) -> Answer:
    return await run_detail(app.storage.ledger, request.path["id"], app.links, form=request.query.get("format", ""))


async def _order(app: Any, request: Request) -> Answer:
    return await order_detail(app.storage.ledger, request.path["id"])


async def _health(app: Any, request: Request) -> Answer:
    parked = await app.parking.all()
    swept = await app.storage.ledger.noted("swept")
    return ok({"status": "ok", "modeCeiling": app.settings.ceiling.word, "swept": swept, "parked": len(parked)})


ROUTES = (
    Route(name="replay", method="POST", path="replay", handler=_replay),
    Route(name="runs", method="GET", path="runs", handler=_runs),
    Route(name="run", method="GET", path="runs/{id}", handler=_run),
    Route(name="order", method="GET", path="orders/{id}", handler=_order),
    Route(name="health", method="GET", path="health", handler=_health),
)
