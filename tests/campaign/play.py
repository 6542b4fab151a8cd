"""
One schedule: a seed decides what goes wrong, when, and for whom; then everything is quiet, and the end is judged.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apimend.engine.stop import lift, stop
from apimend.model.plan import Severity
from apimend.model.runs import Status
from emulator import LocalAzure
from emulator.faults import Fault, When
from tests.campaign.faulty import Killed, Mishaps
from tests.campaign.stage import Both, Mail, Planted, Stage, Worker
from tests.campaign.watch import Watch
from tests.campaign.worlds import INSTANCE, SUBSCRIPTION

AZURE: dict[str, dict[str, Any]] = {
    "429 with a short Retry-After": {"status": 429, "headers": {"Retry-After": "2"}},
    "429 with a long Retry-After": {"status": 429, "headers": {"Retry-After": "240"}, "times": 1},
    "429 without Retry-After": {"status": 429, "times": 5},
    "500": {"status": 500, "times": 5},
    "503 with Retry-After": {"status": 503, "headers": {"Retry-After": "90"}},
    "504 before the effect": {"status": 504, "times": 5},
    "504 after": {"status": 504, "when": When.AFTER},
    "reset before the effect": {"reset": True, "times": 5},
    "reset after": {"reset": True, "when": When.AFTER},
    "stale read": {"stale": True, "method": "GET", "times": 2},
    "412": {
        "status": 412, "method": "PUT", "body": {"error": {"code": "PreconditionFailed", "message": "Modified."}}
    },
    "ServiceLocked": {
        "status": 409,
        "method": "P*",
        "body": {"error": {"code": "ServiceLocked", "message": "The API Service is transitioning at this time."}},
    },
    "PessimisticConcurrencyConflict": {
        "status": 409,
        "method": "PUT",
        "body": {"error": {"code": "PessimisticConcurrencyConflict", "message": "Operation on the API is in progress"}},
    },
    "422 after": {
        "status": 422,
        "method": "PUT",
        "when": When.AFTER,
        "body": {"error": {"code": "ManagementApiRequestFailed", "message": "Management API timed out"}},
    },
}  # fmt: skip
OTHERS = (
    "storage errors",
    "storage errors",
    "crash",
    "crash",
    "crash",
    "lease lost",
    "failed update",
    "duplicate events",
    "lost event",
    "late events",
    "double message",
    "Teams down",
    "foreign edit",
    "foreign switch",
    "global stop",
)
SEAMS = (
    "before intents", "after intents", "after preimages", "after requests", "after writes", "after open-intents",
    "before the PATCH", "after the PATCH", "before the write", "after the write", "before deleting from open-intents",
    "before progress", "after progress", "before runs", "after runs", "before bells", "after bells",
    "before sending to apimend-visits", "after sending to apimend-visits", "after limits",
)  # fmt: skip
_MOST_SLICES = 60


@dataclass
class Outcome:
    """What came of a schedule. `broken` is empty where every promise held."""

    seed: int
    broken: list[str]
    fired: Counter[str]
    recovered: Counter[str]
    chosen: list[str] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """A schedule in which no fault fired proves nothing."""
        return bool(self.fired)


@dataclass
class Play:
    """A schedule being played."""

    stage: Stage
    seed: int
    planted: Planted | None = None
    fired: Counter[str] = field(default_factory=Counter)
    workers: list[Worker] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)

    async def run(self) -> Outcome:
        """Play it to its end."""
        self.random = random.Random(self.seed)
        self.stage.put_back()
        self.kept = self.stage.opening(self.stage.hands.clock)
        azure = self.stage.azure
        self.watch = Watch(azure=azure, world=self.stage.world, storage=self.kept)
        self.watch.began()
        LocalAzure.watchers.append(self.watch.passed)
        self.mail = Mail(clock=self.stage.hands.clock, deliver=self._deliver, route=self._route)
        azure.store.subscribe(self.mail.heard)
        try:
            await self._choose()
            await self._disturbed()
            await self._quiet()
            return Outcome(self.seed, self.watch.broken, self.fired, await self._recovered(), self.chosen)
        finally:
            LocalAzure.watchers.remove(self.watch.passed)
            for worker in self.workers:
                await self.stage.give_back(worker)
            await self.kept.close()

    async def _choose(self) -> None:
        names = self.random.sample([*AZURE, *OTHERS], k=self.random.randint(1, 3))
        self.chosen = names
        self.events: set[str] = set()
        mishaps = [Mishaps(self.fired), Mishaps(self.fired)]
        for name in names:
            if name in AZURE:
                self._azure_fault(name)
            elif name == "storage errors":
                for _ in range(self.random.randint(1, 3)):
                    when = self.random.choice(["before", "after"])
                    self.random.choice(mishaps).errors[self.random.randint(1, 150)] = when
            elif name == "crash":
                seam, nth = self.random.choice(SEAMS), self.random.choice([1, 1, 1, 2, 2, 3])
                for one in mishaps:
                    one.crash_at = (seam, nth)
            elif name == "lease lost":
                self.random.choice(mishaps).lose_lease_at = self.random.randint(1, 12)
            elif name == "failed update":
                self.stage.azure.provider.operations.fail_next(INSTANCE)
                self.events.add(name)
            elif name == "Teams down":
                self.stage.azure.faults.add(name=name, place="teams", status=503, times=3)
            else:
                self.events.add(name)
        for one in mishaps:
            self.workers.append(await self.stage.worker(self.kept, one, self.planted))

    def _azure_fault(self, name: str) -> None:
        given = AZURE[name]
        method = given.get("method") or self.random.choice(["*", "*", "GET", "P*"])
        times = given.get("times") or self.random.randint(1, 3)
        nth = self.random.randint(1, 3 if method.startswith("P") else 25)
        fault = Fault(**{**given, "name": name, "place": "arm", "method": method, "times": times, "nth": nth})
        self.stage.azure.faults.add(fault)

    async def _disturbed(self) -> None:
        """The event, and all that goes wrong after it."""
        self._touch()
        at = sorted(self.random.uniform(0, 1500) for _ in range(3))
        began = self.stage.hands.clock.now()
        actions = [
            name for name in ("foreign edit", "foreign switch", "global stop", "double message") if name in self.events
        ]
        for moment, name in zip(at, actions, strict=False):
            await self._run_until(began + timedelta(seconds=moment))
            await self._act(name)
        await self._run_until(began + timedelta(seconds=2400))

    async def _act(self, name: str) -> None:
        azure, watch = self.stage.azure, self.watch
        self.fired[name] += 1
        policy = azure.store.get(f"{INSTANCE}/policies/policy")
        assert policy is not None
        watch.changed_by_others()
        if name == "foreign edit":
            note = f"<!-- {self.random.randint(0, 999)} -->"
            text = str(policy.properties["value"]).replace("<backend>", f"<backend>{note}", 1)
            text = str(policy.properties["value"]).rstrip() + note
            watch.foreign = watch.foreign.rstrip() + note
            etag = azure.store.next_etag()
            changed = policy.with_properties(value=text)
            azure.store.put(type(policy)(**{**changed.__dict__, "etag": etag}), at=azure.now())
        elif name == "foreign switch" and not watch._busy():
            service = azure.store.get(INSTANCE)
            assert service is not None
            hosts = [
                {**host, "negotiateClientCertificate": False} for host in service.properties["hostnameConfigurations"]
            ]
            etag = azure.store.next_etag()
            changed = service.with_properties(hostnameConfigurations=hosts)
            azure.store.put(type(service)(**{**changed.__dict__, "etag": etag}), at=azure.now())
            watch.by_others = True
            self._touch()
        elif name == "global stop":
            await self._stop("an incident")
            watch.stopped = True
        elif name == "double message":
            self.kept.double()

    async def _stop(self, reason: str) -> None:
        for worker in self.workers:
            if not worker.mishaps.dead:
                worker.mishaps.errors.clear()
                ledger = (await worker.app.door.wired()).storage.ledger
                await (stop(ledger, reason, by="ada") if reason else lift(ledger))
                return

    async def _quiet(self) -> None:
        """Nothing goes wrong any more. What remains has to come right by itself, at the latest with the next sweep."""
        self._count_azure()
        self.stage.azure.faults.clear()
        if self.watch.stopped:
            self.watch.stopped = False
            await self._revive()
            await self._stop("")
        for worker in self.workers:
            worker.mishaps.errors.clear()
            worker.mishaps.crash_at = worker.mishaps.lose_lease_at = None
        now = self.stage.hands.clock.now()
        await self._run_until(now + timedelta(seconds=3600))
        early = self._is_converged()
        for _ in range(3):
            await self._revive()
            await (await self.workers[0].app.door.wired()).sweeper.sweep()
            await self._run_until(self.stage.hands.clock.now() + timedelta(seconds=3600))
            if self._is_converged():
                break
        if not self._is_converged() and not await self._is_parked():
            self.watch.broken.append("I6: neither converged nor parked")
        # What is looked at over TLS, and not by Resource Manager's word, only a sweep looks at.
        lossy = {"lost event", "crash", "storage errors", "global stop"} & set(self.chosen)
        if not early and not lossy and not self.stage.world.probes and not await self._is_parked():
            self.watch.broken.append("I6: an event was lost, only a sweep brought it back")
        self.watch.ended()

    def _is_converged(self) -> bool:
        azure = self.stage.azure
        return self.watch.negotiates() and self.watch.refuses() and self.stage.world.done(azure)

    async def _is_parked(self) -> bool:
        """Whether a person is told why: a finding of weight in the newest runs, or a message that was put aside."""
        wired = await self.workers[0].app.door.wired()
        runs = await wired.storage.ledger.runs(limit=3)
        found = [finding for run in runs for finding in run.plan.findings]
        told = any(finding.blocks or finding.severity >= Severity.HIGH for finding in found)
        held = any(outcome.status is Status.REFUSED for run in runs for outcome in run.outcomes)
        return told or held or bool(await wired.parking.all())

    async def _run_until(self, moment: Any) -> None:
        """Let time pass; a process that dies is replaced by a new one."""
        clock = self.stage.hands.clock
        for _ in range(_MOST_SLICES):
            both = Both(self.random.sample(self.workers, len(self.workers)))
            try:
                await self.stage.pump(both, self.mail).run(until=moment, limit=2_000)
            except BaseExceptionGroup as errors:
                if errors.split(Killed)[1] is not None:
                    raise
            except Killed:
                pass
            self.watch.moment()
            await self._revive()
            if clock.now() >= moment:
                return
        self.watch.broken.append("I6: it dies again and again")

    async def _revive(self) -> None:
        for position, worker in enumerate(self.workers):
            if worker.mishaps.dead:
                await self.stage.give_back(worker)
                self.workers[position] = await self.stage.worker(self.kept, Mishaps(self.fired), self.planted)

    def _touch(self) -> None:
        """An event as Azure sends it for a change of the service."""
        event = {
            "id": f"touch-{self.random.randint(0, 10**9)}",
            "topic": f"/subscriptions/{SUBSCRIPTION}",
            "subject": INSTANCE,
            "eventType": "Microsoft.Resources.ResourceWriteSuccess",
            "eventTime": self.stage.hands.now().isoformat(),
            "data": {
                "resourceUri": INSTANCE,
                "operationName": "Microsoft.ApiManagement/service/write",
                "status": "Succeeded",
                "tenantId": self.stage.world.tenant["tenant"],
            },
            "dataVersion": "2",
            "metadataVersion": "1",
        }
        self.mail.post(json.dumps([event]), 0.0)

    def _route(self) -> list[float]:
        if "lost event" in self.events and self.random.random() < 0.5:
            self.fired["lost event"] += 1
            return []
        if "duplicate events" in self.events:
            self.fired["duplicate events"] += 1
            return [self.random.uniform(0, 5) for _ in range(3)]
        if "late events" in self.events:
            self.fired["late events"] += 1
            return [self.random.uniform(60, 900)]
        return [0.0]

    async def _deliver(self, body: str) -> int:
        alive = [worker for worker in self.workers if not worker.mishaps.dead]
        return await self.stage.deliver(self.random.choice(alive), body) if alive else 503

    def _count_azure(self) -> None:
        for struck in self.stage.azure.faults.fired:
            self.fired[struck.fault] += 1
        if "failed update" in self.events and not self.stage.azure.provider.operations.scripted.get(
            INSTANCE.casefold()
        ):
            self.fired["failed update"] += 1

    async def _recovered(self) -> Counter[str]:
        """Which ways back were gone."""
        ledger = (await self.workers[0].app.door.wired()).storage.ledger
        runs = await ledger.runs(limit=100)
        found: Counter[str] = Counter()
        for run in runs:
            found["interrupted write looked at again"] += any("interrupted" in note for note in run.notes)
            found["visit that could not read came again"] += run.result.value == "failed" and run.next_visit is not None
            for outcome in run.outcomes:
                found[f"{outcome.status.value}{f' ({outcome.code})' if outcome.code else ''}"] += 1
            found.update(finding.code for finding in run.plan.findings)
        return found
