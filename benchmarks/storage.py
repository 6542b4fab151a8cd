"""
What storage costs: bells, leases, ledger and limits on SQLite and on Azurite, in milliseconds and in calls.

Azurite stands for Azure Storage only as far as the number of calls goes: there a call takes some 5 to 15 ms.
Without Azurite (script/setup node) the first half is printed.
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apimend.model.desired import Mode
from apimend.model.ids import InstanceId
from apimend.model.plan import Plan
from apimend.model.runs import Cause, Intent, Result, Run, Trigger
from apimend.ports import Messages, Record, Records
from apimend.settings import AzureStorage
from apimend.storage.azure import open_azure
from apimend.storage.bells import StoredBells
from apimend.storage.ledger import StoredLedger
from apimend.storage.limits import READS, StoredBuckets
from apimend.storage.stores import Storage, open_sqlite
from devhost.azurite import AzuriteMissing, azurite
from devhost.clock import RealClock

START = datetime(2026, 3, 1, tzinfo=UTC)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
POLICY = "<policies>" + "x" * 262_144 + "</policies>"
BURST = 500


@dataclass
class Counted:
    """Records and messages that count what they are asked."""

    records: Records
    messages: Messages
    last: str = ""
    calls: Counter[str] = field(default_factory=Counter)

    async def get(self, container: str, key: str) -> Record | None:
        self.calls["read"] += 1
        return await self.records.get(container, key)

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        self.calls["write"] += 1
        return await self.records.put(container, key, body, etag=etag)

    async def delete(self, container: str, key: str) -> None:
        self.calls["write"] += 1
        await self.records.delete(container, key)

    def list(
        self, container: str, prefix: str = "", *, limit: int | None = None, start: str = ""
    ) -> AsyncIterator[Record]:
        self.calls["list"] += 1
        return self.records.list(container, prefix, limit=limit, start=start)

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        self.calls["message"] += 1
        self.last = body
        await self.messages.send(queue, body, after=after)


def instance(name: str) -> InstanceId:
    """An instance of this name."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    return InstanceId.of(f"{group}/providers/Microsoft.ApiManagement/service/{name}")


def trigger(name: str) -> Trigger:
    """An event on the instance of this name."""
    return Trigger(cause=Cause.EVENT, instance=instance(name), at=START)


def intent(number: int) -> Intent:
    """A write of a large policy."""
    return Intent(
        id=f"i{number}",
        run="r1",
        instance=instance("apim"),
        change="0123456789abcdef",
        kind="policy",
        target=instance("apim").child("policies", "policy"),
        stage=2,
        remediator="client_certificate_unchecked",
        at=START + timedelta(seconds=number),
        before=POLICY,
        after=POLICY,
        request_id=f"q{number}",
    )


def run(number: int) -> Run:
    """A converged visit."""
    at = START + timedelta(seconds=number)
    return Run(
        id=f"r{number}",
        instance=instance("apim"),
        trigger=trigger("apim"),
        mode=Mode.REPORT,
        started=at,
        ended=at,
        result=Result.CONVERGED,
        plan=Plan(),
    )


class Bench:
    """One backend under measurement."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.counted = Counted(storage.records, storage.messages)
        self.bells = StoredBells(self.counted, self.counted, RealClock())
        self.ledger = StoredLedger(self.counted)
        self.buckets = StoredBuckets(self.counted, RealClock())

    async def measure(self, name: str, times: int, work: Callable[[int], Awaitable[object]]) -> None:
        """One line: the mean time of one, and the calls of one."""
        self.counted.calls.clear()
        began = time.perf_counter()
        for number in range(times):
            await work(number)
        each = (time.perf_counter() - began) / times * 1000
        calls = ", ".join(f"{count / times:g} {kind}" for kind, count in sorted(self.counted.calls.items()))
        print(f"  {name:44}{each:9.2f} ms   {calls}")

    async def all(self) -> None:
        """Every line."""
        await self.ledger.note("warm", "up")
        await self.measure("ring a quiet bell", 20, lambda n: self.bells.ring(trigger(f"quiet{n}")))
        await self.measure("ring a bell that is due anyway", 20, lambda n: self.bells.ring(trigger("quiet0")))
        await self.measure("ring, visit, finish", 20, self.visit)
        await self.measure(f"{BURST} rings at once, one instance", 1, self.burst)
        await self.measure("find overdue bells among 20 instances", 5, lambda n: self.bells.overdue())
        await self.measure("hold and confirm a lease (not counted)", 10, self.hold)
        await self.measure("intent with two policies of 256 KiB", 10, lambda n: self.ledger.intend(intent(n)))
        await self.measure("its end", 10, lambda n: self.ledger.close(replace(intent(n), closed="applied")))
        await self.measure("look for open intents", 10, lambda n: self.ledger.open_intents(instance("apim")))
        await self.measure("save a converged run", 50, lambda n: self.ledger.save_run(run(n)))
        await self.measure("the newest 50 runs", 3, lambda n: self.ledger.runs(limit=50))
        await self.measure("leave for one call to Azure", 100, lambda n: self.buckets.take(SUBSCRIPTION, READS))

    async def visit(self, number: int) -> None:
        """A visit as the queue brings it."""
        await self.bells.ring(trigger(f"visited{number}"))
        visit = await self.bells.answer(self.counted.last)
        assert visit is not None
        await self.bells.finish(visit)

    async def burst(self, number: int) -> None:
        """A deployment that touches one instance many times."""
        async with asyncio.TaskGroup() as group:
            for _ in range(BURST):
                group.create_task(self.bells.ring(trigger("burst")))

    async def hold(self, number: int) -> None:
        """A lease as a visit with one write takes it."""
        async with self.storage.leases.hold(instance(f"held{number}")) as lease:
            await lease.confirm()


async def on_sqlite() -> None:
    """The embedded store."""
    with tempfile.TemporaryDirectory() as folder:
        storage = open_sqlite(Path(folder) / "apimend.db", RealClock())
        print("SQLite")
        await Bench(storage).all()
        await storage.close()


async def on_azurite() -> None:
    """Azure's store, emulated."""
    with azurite() as connection_string:
        storage = open_azure(AzureStorage(connection_string=connection_string), clock=RealClock())
        print("Azurite")
        await Bench(storage).all()
        await storage.close()


async def main() -> None:
    """Both, where both are here."""
    await on_sqlite()
    try:
        await on_azurite()
    except AzuriteMissing as missing:
        print(f"Azurite was left out: {missing}")


if __name__ == "__main__":
    asyncio.run(main())
