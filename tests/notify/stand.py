"""
What these tests stand on: the emulator's Teams inbox and topic over TLS, a ledger and a queue in a file.
"""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport

from apimend.model.runs import Run
from apimend.notify.message import QUEUE
from apimend.notify.notices import Flood, Notices
from apimend.notify.outlets import Outlets
from apimend.notify.teams import Teams
from apimend.notify.topic import Topic
from apimend.report.links import Links
from apimend.storage.sqlite import SqliteQueue
from apimend.storage.stores import open_sqlite
from devhost.clock import VirtualClock
from emulator.certificates import ALWAYS, FOREVER, Workshop
from emulator.events.topic import PATH as TOPIC_PATH
from emulator.events.topic import CustomTopic
from emulator.http import Answer, Call
from emulator.teams import PATH as TEAMS_PATH
from emulator.teams import QUERY, SIGNATURE, TeamsInbox
from script.card_samples import AT

LINKS = Links(base_url="https://apimend.contoso.example")
TOKEN = "local-entra-token"


class Credential:
    """Hands out one token."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(TOKEN, 4_000_000_000)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Stand:
    """Everything open. `answers` come before the emulator's own: each is a response that the server gives once."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(AT)
        self.storage = open_sqlite(folder / "apimend.db", self.clock)
        self.queue = SqliteQueue(folder / "apimend.db", self.clock)
        self.answers: list[web.Response] = []
        self.calls = 0
        self._folder = folder
        local: Any = SimpleNamespace(now=self.clock.now, endpoints=SimpleNamespace(arm="", teams=""))
        self.inbox = TeamsInbox(local)
        self.topic = CustomTopic(now=self.clock.now, forward=lambda event: None, admits=TOKEN.__eq__)

    async def open(self) -> None:
        workshop = Workshop(self.clock.now)
        authority = workshop.authority("CN=Local", starts=ALWAYS, ends=FOREVER)
        leaf = workshop.leaf("CN=localhost", issued_by=authority, dns_names=["localhost"], starts=ALWAYS, ends=FOREVER)
        pem = self._folder / "server.pem"
        pem.write_text(leaf.key_pem + leaf.chain_pem)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(pem)
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=server).start()
        self.url = f"https://localhost:{self._runner.addresses[0][1]}"
        client = ssl.create_default_context(cadata=authority.pem)
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client))
        self.webhooks = {"teams": self.url + TEAMS_PATH + QUERY}
        self.transport: Any = AioHttpTransport(session=self.session, session_owner=False)

    async def close(self) -> None:
        await self.session.close()
        await self._runner.cleanup()
        await self.storage.close()
        self.queue.close()

    def teams(self, **options: Any) -> Teams:
        return Teams(self.session, options.pop("webhooks", self.webhooks), self.clock, **options)

    def outgoing(self) -> Topic:
        return Topic(self.url + TOPIC_PATH, Credential(), transport=self.transport)

    def notices(
        self,
        *,
        routes: tuple[str, ...] = ("teams",),
        token: Callable[[Run], Awaitable[str]] | None = None,
        flood: Flood | None = None,
        publishes: bool = False,
    ) -> Notices:
        webhooks = dict.fromkeys(routes, self.webhooks["teams"])
        return Notices(
            ledger=self.storage.ledger,
            messages=self.storage.messages,
            notifier=Outlets(self.teams(webhooks=webhooks), self.outgoing() if publishes else None),
            clock=self.clock,
            links=LINKS,
            routes=routes,
            publishes=publishes,
            token=token,
            flood=flood,
        )

    async def keep(self, run: Run) -> Run:
        """Put a run where the engine leaves it: in the ledger, and in what is remembered of its instance."""
        await self.storage.ledger.save_run(run)
        progress = await self.storage.ledger.progress(run.instance)
        coverage = run.plan.coverage
        await self.storage.ledger.save_progress(
            replace(
                progress,
                last_result=run.result.value,
                coverage=(coverage.covered, coverage.total) if coverage else None,
            )
        )
        return run

    async def pass_time(self, notices: Notices, **span: float) -> int:
        """Deliver what falls due within a span; how many messages that were."""
        end, delivered = self.clock.now() + timedelta(**span), 0
        while (due := self.queue.next_visible(QUEUE)) is not None and due <= end:
            self.clock.jump(max(due, self.clock.now()))
            for message in self.queue.receive(QUEUE, now=self.clock.now(), count=32):
                await notices.deliver(message.body.decode())
                self.queue.delete(QUEUE, message)
                delivered += 1
        self.clock.jump(end)
        return delivered

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.calls += 1
        body = await request.read()
        if self.answers:
            return self.answers.pop(0)
        call = Call(
            method=request.method,
            url=str(request.url),
            host=request.host,
            path=request.path,
            query=dict(parse_qsl(request.query_string)),
            headers=request.headers,
            body=body,
            at=self.clock.now(),
        )
        answer = await (self.inbox.receive if request.path == TEAMS_PATH else self.topic.receive)(call)
        return _response(answer)


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.encoded(), headers={**answer.headers, "Content-Type": answer.content_type}
    )


__all__ = ["LINKS", "SIGNATURE", "TOKEN", "Credential", "Stand"]
