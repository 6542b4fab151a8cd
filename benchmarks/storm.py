"""
A storm: 10,000 events over 200 instances, and how many visits, calls, seconds and bytes they cost.

`python -m benchmarks.storm` plays it on SQLite and, a tenth of it, on Azurite. Measured are the doorbell and the bells
as they are in the product; a visit is a stand-in that lasts 20 s of virtual time and is counted. Virtual time says
when something happens, real time what it costs.
"""

import asyncio
import heapq
import itertools
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apimend.engine.intake import Intake
from apimend.settings import AzureStorage
from apimend.storage.azure import open_azure
from apimend.storage.bells import StoredBells
from apimend.storage.stores import Storage, open_sqlite
from devhost.azurite import AzuriteMissing, azurite
from devhost.clock import VirtualClock

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
STORM = 300.0
VISIT = timedelta(seconds=20)
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"


@dataclass
class Counting:
    """Storage calls, counted; what is sent is also kept, to be delivered when it is due."""

    inner: Any
    counts: Counter[str]
    sent: list[tuple[float, str]] = field(default_factory=list)

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        self.counts["message sent"] += 1
        self.sent.append((after, body))
        await self.inner.send(queue, body, after=after)

    async def get(self, *where: str) -> Any:
        self.counts["row read"] += 1
        return await self.inner.get(*where)

    async def put(self, *where: Any, **how: Any) -> Any:
        self.counts["row written"] += 1
        return await self.inner.put(*where, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def event(number: int, instance: int) -> str:
    """One event of Event Grid."""
    id = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{instance % 20}"
        f"/providers/Microsoft.ApiManagement/service/apim-{instance}"
    )
    return json.dumps(
        {
            "id": f"event-{number}",
            "topic": f"/subscriptions/{SUBSCRIPTION}",
            "subject": id,
            "eventType": "Microsoft.Resources.ResourceWriteSuccess",
            "eventTime": START.isoformat(),
            "data": {"resourceUri": id, "operationName": "Microsoft.ApiManagement/service/write"},
            "dataVersion": "2",
            "metadataVersion": "1",
        }
    )


async def storm(storage: Storage, clock: VirtualClock, *, events: int, instances: int) -> Counter[str]:
    """Let them all arrive within five minutes, and answer every bell."""
    chance, order, counts = random.Random(0), itertools.count(), Counter[str]()
    records, messages = Counting(storage.records, counts), Counting(storage.messages, counts)
    bells = StoredBells(records, messages, clock)
    intake = Intake(bells=bells, ledger=storage.ledger, clock=clock)
    due: list[tuple[datetime, int, str, Any]] = []
    for number in range(events):
        moment = START + timedelta(seconds=chance.uniform(0, STORM))
        heapq.heappush(due, (moment, next(order), "event", event(number, chance.randrange(instances))))
    while due:
        moment, _, kind, what = heapq.heappop(due)
        clock.jump(max(moment, clock.now()))
        if kind == "event":
            await intake.hear(what)
        elif kind == "message":
            visit = await bells.answer(what)
            counts["visit" if visit else "message dropped"] += 1
            if visit:
                heapq.heappush(due, (clock.now() + VISIT, next(order), "end", visit))
        else:
            await bells.finish(what)
        for after, body in messages.sent:
            heapq.heappush(due, (clock.now() + timedelta(seconds=after), next(order), "message", body))
        messages.sent.clear()
    counts["seconds of virtual time"] = round((clock.now() - START).total_seconds())
    return counts


async def measure(name: str, storage: Storage, clock: VirtualClock, *, events: int, instances: int) -> None:
    """Play one storm and print what it cost."""
    began = time.perf_counter()
    counts = await storm(storage, clock, events=events, instances=instances)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await storage.close()
    print(f"{name}: {events} events over {instances} instances")
    print(f"  {seconds:.1f} s of real time, {seconds / events * 1000:.2f} ms an event")
    print(f"  {peak / 1024:.0f} MiB resident at the peak")
    for what, count in sorted(counts.items()):
        print(f"  {count:7} {what}")


async def main(events: int, instances: int) -> None:
    """On SQLite whole, on Azurite a tenth."""
    with tempfile.TemporaryDirectory() as folder:
        clock = VirtualClock(START)
        storage = open_sqlite(Path(folder) / "apimend.db", clock)
        await measure("SQLite", storage, clock, events=events, instances=instances)
    try:
        with azurite() as connection:
            clock = VirtualClock(START)
            storage = open_azure(AzureStorage(connection_string=connection), clock=clock)
            await measure("Azurite", storage, clock, events=events // 10, instances=instances // 10)
    except AzuriteMissing as missing:
        print(missing)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    asyncio.run(main(*(given or [10_000, 200])))
