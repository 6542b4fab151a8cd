"""
What the tests of Event Grid stand on: a webhook on loopback, a clock that is set by hand, and writes to tell of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from emulator.events import Hub, Webhooks
from emulator.store import Write, WriteStatus

START = datetime(2026, 11, 21, 10, 0, 0, 123456, UTC)
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
SERVICE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ApiManagement/service/contoso-apim"
CLAIMS = {
    "aud": "https://management.azure.com",
    "appid": "77777777-7777-7777-7777-777777777777",
    "oid": "66666666-6666-6666-6666-666666666666",
    "tid": "22222222-2222-2222-2222-222222222222",
    "iat": 1795250000,
}


def write(child: str = "", operation: str = "write", **changes: Any) -> Write:
    """
    A write to the service, or to a child of it (`child` like `apis/orders`).
    """
    kinds = "/".join(child.split("/")[::2])
    members: dict[str, Any] = {
        "operation_name": "/".join(filter(None, ("Microsoft.ApiManagement/service", kinds, operation))),
        "resource_id": f"{SERVICE}/{child}" if child else SERVICE,
        "method": {"write": "PUT", "delete": "DELETE"}.get(operation, "POST"),
        "url": f"https://management.azure.com{SERVICE}?api-version=2024-05-01",
        "claims": CLAIMS,
        "client_request_id": "aaaaaaaa-0000-4000-8000-000000000001",
        "correlation_id": "99999999-0000-4000-8000-000000000001",
        "status": WriteStatus.SUCCEEDED,
        "at": START,
    }
    return Write(**members | changes)


@dataclass
class Received:
    method: str
    headers: dict[str, str]
    body: Any


@dataclass
class Webhook:
    """
    A subscriber's endpoint: shakes hands in both schemas and answers deliveries with `statuses`, then 200.
    """

    statuses: list[int] = field(default_factory=list)
    greets: bool = True
    greeting_status: int = 200
    url: str = ""
    received: list[Received] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        headers = {name.lower(): value for name, value in request.headers.items()}
        if request.method == "OPTIONS":
            origin = {"WebHook-Allowed-Origin": headers["webhook-request-origin"]} if self.greets else {}
            return web.Response(headers=origin, status=self.greeting_status)
        if headers["aeg-event-type"] == "SubscriptionValidation":
            code = body[0]["data"]["validationCode"] if self.greets and body else ""
            return web.json_response({"validationResponse": code}, status=self.greeting_status)
        self.received.append(Received(request.method, headers, body))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    @property
    def ids(self) -> list[str]:
        return [one["id"] for call in self.received for one in _listed(call.body)]


@dataclass
class Clock:
    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def tick(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class Bench:
    """
    A hub, its clock and one webhook.
    """

    clock: Clock
    hub: Hub
    webhook: Webhook

    async def to_the_end(self) -> list[datetime]:
        """
        Jump from one due moment to the next until nothing is on its way; the moments are given back.
        """
        moments = []
        while (due := self.hub.dispatcher.next_due()) is not None:
            self.clock.moment = max(due, self.clock.moment)
            moments.append(self.clock.moment)
            await self.hub.dispatcher.advance()
        return moments


def on_bench(test: Callable[[Bench], Awaitable[None]], **webhook: Any) -> None:
    """
    Run a test with everything open, and close it.
    """

    async def run() -> None:
        hook, clock, webhooks = Webhook(**webhook), Clock(), Webhooks(patience=5)
        app = web.Application()
        app.router.add_route("*", "/hook", hook.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?code=key"
        webhooks.open()
        try:
            hub = Hub(now=clock.now, webhooks=webhooks, base_url=lambda: "http://127.0.0.1:1")
            await test(Bench(clock, hub, hook))
        finally:
            await webhooks.close()
            await runner.cleanup()

    asyncio.run(run())


def _listed(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [body]
