"""
A world: the local Azure and the function app, joined as they are in a tenant, on one virtual clock.

The app gets its settings and its identity as it would in Azure; nothing in it knows that this Azure is local.
"""

import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from demo.storage import storage_of
from devhost.clock import RealClock, VirtualClock
from devhost.host import Host
from devhost.hostjson import HostJson
from devhost.keys import Keys
from emulator import LocalAzure, Options, Tenant, load_tenant
from emulator.events.event import Schema
from emulator.events.part import EventGrid
from emulator.gateway import Gateway
from emulator.gateway.caller import Answer, call
from emulator.log import Entry
from emulator.teams import TeamsInbox
from function_app import App, create

ROOT = Path(__file__).resolve().parent.parent
TENANTS = ROOT / "emulator" / "tenants"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
API_VERSION = "2024-05-01"
US = "apimend"
"""The principal that the app runs as; the tenants declare it."""


@dataclass(kw_only=True)
class World:
    """The local Azure, the app in its host, and what is needed to act on both."""

    azure: LocalAzure
    host: Host
    app: App
    clock: VirtualClock | RealClock
    events: EventGrid
    gateway: Gateway
    teams: TeamsInbox
    folder: Path
    environ: Mapping[str, str]
    session: aiohttp.ClientSession = field(repr=False)

    @property
    def desired_file(self) -> Path:
        """Where the desired state lies; writing to it is what an operator does."""
        return self.folder / "desired.yaml"

    async def settle(self, seconds: float | None = None) -> int:
        """Let virtual time run until nothing but timers is left, or for so many seconds."""
        until = None if seconds is None else self.clock.now() + timedelta(seconds=seconds)
        return await self.host.settle([self.azure], until=until)

    def mark(self) -> int:
        """A position in the log of calls."""
        return self.azure.log.mark()

    def ours(self, since: int = 0) -> list[Entry]:
        """The calls that the app made to ARM and the vaults."""
        me = self.azure.identity.find(US)
        assert me is not None
        return [
            entry
            for entry in self.azure.log.since(since)
            if entry.place in ("arm", "vault") and entry.object_id in (me.object_id, "")
        ]

    def writes(self, since: int = 0) -> list[Entry]:
        """The calls of the app that ask for a change."""
        return [entry for entry in self.ours(since) if entry.is_write]

    async def arm(self, method: str, path: str, body: object = None, *, by: str = "ada", **headers: str) -> Any:
        """What somebody else does in Azure Resource Manager; the answer's body. Raises on a refusal."""
        token = self.azure.identity.token(self.azure.endpoints.arm, by)
        url = f"{self.azure.endpoints.arm}{path}"
        sent = {"Authorization": f"Bearer {token}", **headers}
        query = {"api-version": API_VERSION}
        if method == "GET" and "/policies/" in path:
            query["format"] = "rawxml"
        async with self.session.request(method, url, json=body, headers=sent, params=query) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {text}")
            return await answer.json() if text else None

    async def http(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """A call of the app's HTTP API with its function key: status and JSON."""
        headers = {"x-functions-key": self.host.keys.host}
        async with self.session.request(method, f"{self.host.url}{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def call(
        self, host: str, path: str, *, certificate: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """What a caller of an API gets, with a certificate of the tenant or with none."""
        bundle = self.azure.certificate(certificate) if certificate else None
        client = (bundle.chain_pem, bundle.key_pem) if bundle else None
        return await call(
            self.azure.endpoints.gateway, host, path, self.azure.ca_file, client_certificate=client, headers=headers
        )

    async def runs(self) -> Sequence[Mapping[str, Any]]:
        """The app's runs, newest first, in short."""
        _, body = await self.http("GET", "/api/runs")
        found: Sequence[Mapping[str, Any]] = body["runs"]
        return found


@asynccontextmanager
async def open_world(
    tenant: str | Tenant = "small",
    *,
    desired: str,
    ceiling: str = "enforce",
    options: Options | None = None,
    clock: VirtualClock | RealClock | None = None,
    settings: Mapping[str, str] | None = None,
    schema: Schema = Schema.EVENT_GRID,
    storage: str = "sqlite",
) -> AsyncIterator[World]:
    """
    Open a world with a desired state, and subscribe the app to its events.

    `tenant` is one, or the name of one in `emulator/tenants`.
    """
    clock = clock or VirtualClock(START)
    made: dict[str, Any] = {}

    def part(name: str, kind: Any) -> Any:
        return lambda azure: made.setdefault(name, kind(azure))

    parts = [part("events", EventGrid), part("gateway", Gateway), part("teams", TeamsInbox)]
    with tempfile.TemporaryDirectory(prefix="apimend-") as name:
        folder = Path(name)
        (folder / "desired.yaml").write_text(desired, encoding="utf-8")
        local = load_tenant(TENANTS / f"{tenant}.yaml") if isinstance(tenant, str) else tenant
        async with LocalAzure(local, now=clock.now, options=options, parts=parts) as azure:
            with identity_of(azure), storage_of(storage, folder, clock) as kept:
                environ = {**environment(azure, folder, ceiling), **kept.environ, **(settings or {})}
                app = create(clock=clock, environ=environ, wiring=kept.wiring)
                host = Host(
                    app,
                    queues=kept.source,
                    clock=clock,
                    keys=Keys.generate(),
                    host_json=HostJson.read(ROOT / "host.json"),
                )
                async with host, _session(azure) as session:
                    environ.setdefault("APIMEND_PAGES_URL", host.url)
                    world = World(
                        azure=azure, host=host, app=app, clock=clock, folder=folder, environ=environ,
                        session=session, **made,
                    )  # fmt: skip
                    try:
                        await world.events.subscribe(host.webhook("on_resource_change"), schema=schema)
                        yield world
                    finally:
                        await app.door.close()


def environment(azure: LocalAzure, folder: Path, ceiling: str) -> dict[str, str]:
    """The settings of an app that lives in this local Azure."""
    host, port = azure.endpoints.gateway
    return {
        "APIMEND_MODE_CEILING": ceiling,
        "APIMEND_DESIRED_STATE": str(folder / "desired.yaml"),
        "APIMEND_STORAGE": f"sqlite:{folder / 'apimend.db'}",
        "APIMEND_TENANT_ID": azure.tenant.id,
        "APIMEND_CLOUD": "custom",
        "APIMEND_ARM_URL": azure.endpoints.arm,
        "APIMEND_ARM_AUDIENCE": azure.endpoints.arm,
        "APIMEND_LOGIN_URL": azure.endpoints.login,
        "APIMEND_VAULT_SUFFIX": azure.endpoints.vault_suffix.lstrip("."),
        "APIMEND_VAULT_AUDIENCE": "https://vault.azure.net",
        "APIMEND_VERIFY_VAULT_DOMAIN": "false",
        "APIMEND_GATEWAY_SUFFIX": "azure-api.net",
        "APIMEND_GATEWAY_ADDRESS": f"{host}:{port}",
        "APIMEND_CA_FILE": azure.ca_file,
        "APIMEND_TEAMS_WEBHOOK": azure.endpoints.teams,
        "APIMEND_TOPIC_ENDPOINT": azure.endpoints.topic,
    }


@contextmanager
def identity_of(azure: LocalAzure) -> Iterator[None]:
    """The managed identity endpoint, where azure-identity looks for it."""
    names = {"IDENTITY_ENDPOINT": azure.endpoints.identity, "IDENTITY_HEADER": azure.endpoints.identity_header}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _session(azure: LocalAzure) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=azure.ca_file)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
