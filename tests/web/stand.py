"""
A world whose app has people: sign-in as App Service authentication tells it, and calls as they, as keys, as nobody.
"""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from demo.world import World
from tests.job.conftest import INSTANCE, desired, opened, touch

GROUP = "55555555-0000-4000-8000-000000000001"
OTHER = "55555555-0000-4000-8000-000000000002"
TENANT = "tid"
T = TypeVar("T")
APPROVERS = f"    approvers: [{GROUP}]\n"
__all__ = ["APPROVERS", "GROUP", "INSTANCE", "OTHER", "Answered", "ask", "desired", "opened", "principal", "touch"]


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def principal(world: World, *groups: str, name: str = "ada@contoso.com", **more: str) -> dict[str, str]:
    """The header that App Service authentication adds for a person."""
    claims = {"preferred_username": name, "tid": world.azure.tenant.id, "oid": "0d1d-ada", **more}
    told = [{"typ": key, "val": value} for key, value in claims.items()]
    told += [{"typ": "groups", "val": group} for group in groups]
    body = json.dumps({"auth_typ": "aad", "claims": told, "name_typ": "name", "role_typ": "roles"})
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(body.encode()).decode()}


async def ask(
    world: World,
    method: str,
    path: str,
    body: object = None,
    *,
    form: Mapping[str, str] | None = None,
    text: str | None = None,
    key: bool = True,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """A call of the app, with its function key unless said otherwise."""
    sent = {**({"x-functions-key": world.host.keys.host} if key else {}), **(headers or {})}
    data: Any = form if form is not None else text
    async with world.session.request(
        method, f"{world.host.url}{path}", json=body, data=data, headers=sent, allow_redirects=False
    ) as answer:
        return Answered(answer.status, await answer.text(), dict(answer.headers))


def asking(**settings: str) -> AbstractAsyncContextManager[World]:
    """A world in ask mode with a declared group of approvers."""
    return opened(desired("ask", more=APPROVERS), settings=settings)


class Running:
    """A world in a thread of its own, for callers that block: schemathesis, browsers, Hypothesis."""

    def __init__(
        self, text: str | None = None, *, prepare: Callable[[World], Awaitable[None]] | None = None, **settings: str
    ) -> None:
        self.url = self.key = ""
        self.run: dict[str, Any] = {}
        self.person: dict[str, str] = {}
        self.link = ""
        self._text, self._settings, self._prepare = text, settings, prepare
        self._ready, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        async with opened(self._text, settings=self._settings) as world:
            self._world, self._loop = world, asyncio.get_running_loop()
            await touch(world)
            if self._prepare:
                await self._prepare(world)
            self.url, self.key = world.host.url, world.host.keys.host
            self.person = principal(world, GROUP)
            listed = await ask(world, "GET", "/api/runs", headers=self.person)
            self.run = next(run for run in listed.json["runs"] if run["instance"] == INSTANCE)
            found = re.findall(r"http[^\'\"]+/approve#?[\w-]*", str(world.teams.cards))
            self.link = found[-1] if found else ""
            self._ready.set()
            while not self._over.is_set():
                await world.settle(1)
                await asyncio.to_thread(self._over.wait, 0.2)

    def call(self, work: Callable[[World], Coroutine[Any, Any, T]]) -> T:
        """Do something in the world's own thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work(self._world), self._loop).result(20)

    def __enter__(self) -> "Running":
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(20)
