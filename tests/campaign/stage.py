"""
The place of the campaign: one local Azure for many schedules, put back after each, and processes on one storage.

Opening a local Azure takes half a second, and connections to it some more, so both are kept; what a schedule changes is
put back from a copy. Calls are HTTP over TLS as everywhere.
"""

import asyncio
import contextlib
import copy
import itertools
import json
import tempfile
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
from apimend.storage.stores import Storage
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
from emulator.tenant import Tenant
from function_app import App, create
from tests.campaign.faulty import IN_VISIT, Mishaps, Mortal
from tests.campaign.stores import Kept, Opening, azurite_at, sqlite_in
from tests.campaign.worlds import DOOR, World, declared

UPDATE = timedelta(minutes=3)
_MEMORY = Path("/dev/shm")


class Rewinding(VirtualClock):
    """A clock whose hands are put back for each schedule."""

    def rewind(self) -> None:
        self._now = START


@dataclass
class Hands:
    """The clock that the local Azure reads."""

    clock: Any = field(default_factory=lambda: Rewinding(START))

    def now(self) -> datetime:
        found: datetime = self.clock.now()
        return found


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
class Inside:
    """What a process finds when it starts: its storage, what goes wrong in it, and a mistake, where one is planted."""

    storage: Storage
    mishaps: Mishaps
    planted: Planted | None


class Switched:
    """The messages of the schedule that is being played."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue, name)


@dataclass
class Worker:
    """
    One process: an app in its host. A dead one does nothing more.

    To make one costs as much as several visits, so one that has not died starts anew in the next schedule.
    """

    app: App
    host: Host
    queues: Switched
    inside: Inside

    @property
    def mishaps(self) -> Mishaps:
        return self.inside.mishaps

    def start(self, queue: Any, inside: Inside) -> None:
        """As a process starts: it knows nothing."""
        self.queues.queue, self.inside = queue, inside
        self.app.door._wired = None

    async def stop(self) -> None:
        await self.host.__aexit__(None, None, None)


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

    world: World
    azure: LocalAzure
    hands: Hands
    folder: Path
    session: aiohttp.ClientSession
    credential: ManagedIdentityCredential
    web: aiohttp.ClientSession
    opening: Opening
    _copy: tuple[Any, ...] = ()
    _idle: list[Worker] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """The settings of the app."""
        probe = "true" if self.world.probes else "false"
        told = {"APIMEND_TOPIC_ENDPOINT": "", "APIMEND_PROBE": probe, "APIMEND_LOG_LEVEL": "error"}
        return {**environment(self.azure, self.folder, "enforce"), **told}

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
        self.hands.clock.rewind()

    async def worker(self, kept: Kept, mishaps: Mishaps, planted: Planted | None = None) -> Worker:
        """A process that starts on this storage."""
        inside = Inside(kept.storage(mishaps), mishaps, planted)
        found = self._idle.pop() if self._idle else await self._made(kept, inside)
        found.start(kept.queue, inside)
        return found

    async def give_back(self, worker: Worker) -> None:
        """A process that is not needed any more."""
        if worker.mishaps.dead:
            await worker.stop()
        else:
            self._idle.append(worker)

    async def close(self) -> None:
        for worker in self._idle:
            await worker.stop()

    async def _made(self, kept: Kept, inside: Inside) -> Worker:
        async def wiring(settings: Settings, *, clock: Clock, remediators: Sequence[Remediator[Any]]) -> Wired:
            return await self._wired(worker.inside, settings, clock, remediators)

        app, queues = create(clock=self.hands.clock, environ=self.environ, wiring=wiring), Switched(kept.queue)
        host = Host(
            app,
            queues=queues,
            clock=self.hands.clock,
            keys=Keys.generate(),
            host_json=HostJson.read(ROOT / "host.json"),
        )
        await host.__aenter__()
        worker = Worker(app, host, queues, inside)
        return worker

    async def _wired(
        self, inside: Inside, settings: Settings, clock: Clock, remediators: Sequence[Remediator[Any]]
    ) -> Wired:
        azure = ArmAzure(
            cloud=settings.cloud,
            credential=self.credential,
            clock=clock,
            session=self.session,
            limits=inside.storage.limits,
        )
        wired = await wire(
            settings,
            clock=clock,
            remediators=[rule for rule in remediators if rule.name in self.world.rules],
            credential=self.credential,
            storage=inside.storage,
            azure=azure,
        )
        given = {each.name: getattr(wired.engine, each.name) for each in fields(wired.engine)}
        engine = Visiting(**{**given, "writer": lambda id: Mortal(azure.writer(id), inside.mishaps)})
        wired = replace(wired, engine=engine)
        return inside.planted(wired) if inside.planted else wired

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
async def opened(world: World = DOOR, *, azurite: str = "") -> AsyncIterator[Stage]:
    """The stage, while the block lasts; on SQLite, or in the Azurite of this connection string."""
    hands = Hands()
    options = replace(Options(), update_duration=UPDATE)
    memory = str(_MEMORY) if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="apimend-campaign-", dir=memory) as name:
        folder = Path(name)
        tenant = Tenant.of(world.tenant)
        async with LocalAzure(tenant, now=hands.now, options=options, parts=world.parts) as azure:
            (folder / "desired.yaml").write_text(declared(world, azure), encoding="utf-8")
            if not world.probes:
                azure.endpoints.gateway = ("127.0.0.1", 9)  # there is none: the watcher judges by the state
            with identity_of(azure):
                credential = ManagedIdentityCredential()
                cloud = Settings.load({**environment(azure, folder, "enforce"), "APIMEND_TOPIC_ENDPOINT": ""}).cloud
                async with open_session(cloud) as session, aiohttp.ClientSession() as web, credential:
                    stage = Stage(
                        world=world,
                        azure=azure,
                        hands=hands,
                        folder=folder,
                        session=session,
                        credential=credential,
                        web=web,
                        opening=azurite_at(azurite) if azurite else sqlite_in(folder),
                    )
                    stage.keep()
                    try:
                        yield stage
                    finally:
                        await stage.close()
