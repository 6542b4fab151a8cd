"""
The place of the campaign: one lean local Azure for many schedules, put back after each, and processes on one storage.

Opening a local Azure takes half a second, and connections to it some more, so both are kept; what a schedule changes is
put back from a copy. Calls are HTTP over TLS as everywhere.
"""

import asyncio
import contextlib
import copy
import itertools
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from azure.identity.aio import ManagedIdentityCredential

from apimend.arm.azure import ArmAzure
from apimend.arm.transport import open_session
from apimend.engine.reconcile import Engine
from apimend.model.runs import Run
from apimend.ports import Clock, Remediator
from apimend.settings import Settings
from apimend.storage.database import Database
from apimend.storage.sqlite import SqliteQueue
from apimend.wiring import Wired, wire
from demo.world import ROOT, START, environment, identity_of
from devhost.clock import VirtualClock
from devhost.host import Host
from devhost.hostjson import HostJson
from devhost.keys import Keys
from devhost.settle import Pump
from emulator import LocalAzure, Options
from emulator.events.event import Schema
from emulator.events.resource_manager import resource_event
from emulator.store import Write
from emulator.teams import TeamsInbox
from emulator.tenant import Tenant
from function_app import App, create
from tests.campaign.faulty import IN_VISIT, Mishaps, Mortal, faulty_storage

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
INSTANCE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-apim-dev/providers/Microsoft.ApiManagement/service/contoso-dev"
)
US = "66666666-6666-6666-6666-666666666666"
RULES = ("negotiation_disabled", "client_certificate_unchecked")
TENANT = {
    "tenant": "22222222-2222-2222-2222-222222222222",
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Contoso development"}],
    "principals": [
        {"name": "apimend", "object_id": US, "client_id": "77777777-7777-7777-7777-777777777777"},
        {"name": "ada", "object_id": "33333333-3333-3333-3333-333333333333", "kind": "User"},
    ],
    "authorities": {"clients-ca": {"subject": "CN=Clients CA, O=Contoso"}},
    "certificates": {"partner-a": {"subject": "CN=partner-a, O=Contoso", "issued_by": "clients-ca"}},
    "services": [
        {
            "name": "contoso-dev",
            "resource_group": "rg-apim-dev",
            "location": "West Europe",
            "sku": "Developer",
            "apis": [
                {
                    "id": "echo",
                    "name": "Echo",
                    "path": "echo",
                    "service_url": "https://echo.contoso.example",
                    "operations": [{"id": "get-echo", "method": "GET", "url": "/", "name": "Get an echo"}],
                }
            ],
        }
    ],
}
DESIRED = """\
version: 1
clients:
  partner-a: {pem: PEM}
instances:
  - name: development
    match: {name: contoso-dev}
    mode: enforce
    arrives: direct
    clients: [partner-a]
    onNegotiationLost: observe
    limits: {rounds: 5}
    check: {action: enforce, validateTrust: false}
"""
UPDATE = timedelta(minutes=3)
_MEMORY = Path("/dev/shm")


@dataclass
class Hands:
    """A clock whose hands are put back for each schedule: what the local Azure reads."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))

    def now(self) -> datetime:
        return self.clock.now()


@dataclass
class Mail:
    """Events on their way: the schedule decides when each arrives, how often, and whether at all."""

    clock: Clock
    deliver: Callable[[str], Any]
    route: Callable[[], Sequence[float]]
    under_way: list[tuple[datetime, int, str]] = field(default_factory=list)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def heard(self, write: Write) -> None:
        """A write that Azure announces."""
        event = resource_event(write, f"event-{next(self._count)}")
        if event is not None:
            body = json.dumps([event.rendered(Schema.EVENT_GRID)])
            for delay in self.route():
                self.post(body, delay)

    def post(self, body: str, delay: float) -> None:
        self.under_way.append((self.clock.now() + timedelta(seconds=delay), next(self._count), body))

    def next_due(self) -> datetime | None:
        return min((each[0] for each in self.under_way), default=None)

    async def advance(self) -> None:
        """Deliver what is due; what is refused comes again, as Event Grid does it."""
        due = sorted(each for each in self.under_way if each[0] <= self.clock.now())
        self.under_way = [each for each in self.under_way if each not in due]
        for _, _, body in due:
            if await self.deliver(body) >= 400:
                self.post(body, 30.0)


class Visiting(Engine):
    """The engine, marking its visits, in which a process may die."""

    async def answer(self, message: str) -> Run | None:
        token = IN_VISIT.set(True)
        try:
            return await super().answer(message)
        finally:
            IN_VISIT.reset(token)


Planted = Callable[[Wired], Wired]


@dataclass
class Worker:
    """One process: an app in its host. A dead one does nothing more."""

    app: App
    host: Host
    mishaps: Mishaps


class Both:
    """The messages of several processes as one part of time: they are handled side by side."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = list(workers)

    def next_due(self) -> datetime | None:
        moments = [worker.host.work.next_due() for worker in self.workers]
        return min((moment for moment in moments if moment is not None), default=None)

    async def advance(self) -> None:
        found = await asyncio.gather(*(w.host.work.advance() for w in self.workers), return_exceptions=True)
        for error in found:
            if isinstance(error, BaseException):
                raise error


class NoTimers:
    """The schedule sweeps when it wants to."""

    def next_due(self) -> datetime | None:
        return None

    async def advance(self) -> int:
        return 0


@dataclass
class Stage:
    """What is kept from schedule to schedule."""

    azure: LocalAzure
    hands: Hands
    folder: Path
    session: aiohttp.ClientSession
    credential: ManagedIdentityCredential
    web: aiohttp.ClientSession
    rules: Sequence[Remediator[Any]]
    _copy: tuple[Any, ...] = ()
    _runs: "itertools.count[int]" = field(default_factory=itertools.count)

    def keep(self) -> None:
        """Remember the state that each schedule starts with."""
        store = self.azure.store
        parts = (store._resources, store._children, store._types, store._past)
        self._copy = tuple(copy.copy(each) for each in parts[:1]) + tuple(
            {key: copy.copy(value) for key, value in each.items()} for each in parts[1:3]
        )

    def put_back(self) -> None:
        """As it was, at the time it was."""
        store = self.azure.store
        store._resources = dict(self._copy[0])
        store._children = {key: dict(value) for key, value in self._copy[1].items()}
        store._types = {key: dict(value) for key, value in self._copy[2].items()}
        store._past = {}
        store._listeners.clear()
        self.azure.provider.operations.by_id.clear()
        self.azure.provider.operations.scripted.clear()
        self.azure.faults.clear()
        self.azure.faults.fired.clear()
        self.azure.log.clear()
        self.hands.clock = VirtualClock(START)

    def storage(self) -> Path:
        """A new file for a schedule's storage."""
        return self.folder / f"{next(self._runs)}.db"

    async def worker(self, database: Path, mishaps: Mishaps, planted: Planted | None = None) -> Worker:
        """A new process on this storage."""
        clock = self.hands.clock
        kept = Database(database)

        async def wiring(settings: Settings, *, clock: Clock, remediators: Sequence[Remediator[Any]]) -> Wired:
            storage = faulty_storage(kept, clock, mishaps)
            azure = ArmAzure(
                cloud=settings.cloud,
                credential=self.credential,
                clock=clock,
                session=self.session,
                limits=storage.limits,
            )
            rules = [rule for rule in remediators if rule.name in RULES]
            wired = await wire(
                settings, clock=clock, remediators=rules, credential=self.credential, storage=storage, azure=azure
            )
            given = {each.name: getattr(wired.engine, each.name) for each in fields(wired.engine)}
            engine = Visiting(**{**given, "writer": lambda id: Mortal(azure.writer(id), mishaps)})
            wired = replace(wired, engine=engine)
            return planted(wired) if planted else wired

        environ = {**environment(self.azure, self.folder, "enforce"), "APIMEND_TOPIC_ENDPOINT": ""}
        app = create(clock=clock, environ=environ, wiring=wiring)
        host = Host(
            app,
            queues=SqliteQueue(database, clock),
            clock=clock,
            keys=Keys.generate(),
            host_json=HostJson.read(ROOT / "host.json"),
        )
        await host.__aenter__()
        return Worker(app=app, host=host, mishaps=mishaps)

    async def deliver(self, worker: Worker, body: str) -> int:
        """One POST of Event Grid to the app's own webhook."""
        url, headers = worker.host.webhook("on_resource_change"), {"aeg-event-type": "Notification"}
        async with self.web.post(url, data=body, headers=headers) as answer:
            return answer.status

    def pump(self, workers: Both, mail: Mail) -> Pump:
        """Time for all of them."""

        async def idle() -> None:
            return None

        return Pump(self.hands.clock, work=[workers, self.azure, mail], timers=NoTimers(), idle=idle)


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Stage]:
    """The stage, while the block lasts."""
    hands = Hands()
    options = replace(Options(), update_duration=UPDATE)
    memory = str(_MEMORY) if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="apimend-campaign-", dir=memory) as name:
        folder = Path(name)
        async with LocalAzure(Tenant.of(TENANT), now=hands.now, options=options, parts=[TeamsInbox]) as azure:
            pem = json.dumps(azure.certificate("partner-a").pem)
            (folder / "desired.yaml").write_text(DESIRED.replace("PEM", pem), encoding="utf-8")
            azure.endpoints.gateway = ("127.0.0.1", 9)  # there is none: the watcher judges by the state
            cloud = Settings.load({**environment(azure, folder, "enforce"), "APIMEND_TOPIC_ENDPOINT": ""}).cloud
            with identity_of(azure):
                credential = ManagedIdentityCredential()
                async with open_session(cloud) as session, aiohttp.ClientSession() as web, credential:
                    stage = Stage(
                        azure=azure,
                        hands=hands,
                        folder=folder,
                        session=session,
                        credential=credential,
                        web=web,
                        rules=(),
                    )
                    stage.keep()
                    yield stage


FIRED: Counter[str] = Counter()
"""How often each fault fired in this process."""
