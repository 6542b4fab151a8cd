"""
What a sweep of a large tenant costs: calls, wall time, memory, and its share of the rate that Azure allows.

`python -m benchmarks.sweep [instances] [subscriptions]`, 1,000 in 40 by default. The tenant is generated; each
instance has one API. The sweep rings, and then virtual time runs until the last of its visits has ended: the wall
time is what Apimend, the local Azure and the loopback take together, the virtual time what it would take in Azure.
"""

import asyncio
import logging
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from demo.world import US, open_world
from emulator import Options, Tenant
from emulator.log import Entry

DESIRED = """\
version: 1
defaults: {mode: report, arrives: direct}
instances:
  - name: everything
    match: {name: "*"}
"""
READS_PER_SECOND = 25.0
"""What Azure Resource Manager refills in each subscription."""

QUERIES_PER_SECOND = 3.0
"""What Resource Graph takes of one identity in the tenant."""


def subscription(number: int) -> str:
    """The id of a generated subscription."""
    return f"10000000-0000-4000-8000-{number:012d}"


def fleet(instances: int, subscriptions: int) -> Tenant:
    """A tenant of many small instances, spread evenly."""
    homes = [subscription(number) for number in range(subscriptions)]
    services: list[Mapping[str, Any]] = [
        {
            "name": f"contoso-{number:04d}",
            "subscription": homes[number % subscriptions],
            "resource_group": f"rg-apim-{number:04d}",
            "location": "West Europe",
            "sku": "Developer",
            "apis": [{"id": "echo", "name": "Echo", "path": "echo", "operations": [{"id": "get", "url": "/"}]}],
        }
        for number in range(instances)
    ]
    return Tenant.of(
        {
            "tenant": "22222222-2222-2222-2222-222222222222",
            "subscriptions": [{"id": id, "name": id} for id in homes],
            "principals": [{"name": US}, {"name": "ada"}],
            "services": services,
        }
    )


def busiest(entries: Iterable[Entry], seconds: float) -> tuple[float, float]:
    """The highest rates over any so many seconds: reads in one subscription, and queries of Resource Graph."""
    reads: defaultdict[str, list[datetime]] = defaultdict(list)
    queries: list[datetime] = []
    for entry in entries:
        parts = entry.path.split("/")
        if "ResourceGraph" in entry.path:
            queries.append(entry.at)
        elif len(parts) > 2 and parts[1] == "subscriptions":
            reads[parts[2].casefold()].append(entry.at)
    return max((_rate(times, seconds) for times in reads.values()), default=0.0), _rate(queries, seconds)


def _rate(times: list[datetime], seconds: float) -> float:
    most, first = 0, 0
    for last, moment in enumerate(times):
        while (moment - times[first]).total_seconds() > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most / seconds


async def measure(instances: int, subscriptions: int) -> None:
    """Sweep once and print."""
    options = Options(graph_page_size=100)
    async with open_world(fleet(instances, subscriptions), desired=DESIRED, ceiling="report", options=options) as world:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        mark, began, started = world.mark(), time.perf_counter(), world.clock.now()
        await world.app.door.sweep()
        swept = time.perf_counter() - began
        asked = Counter(entry.place for entry in world.ours(mark))
        wired = await world.app.door.wired()
        ledger = wired.storage.ledger
        while len([p for p in await ledger.instances() if p.seen]) < instances:
            await world.settle(60)
        seconds = time.perf_counter() - began
        entries = world.ours(mark)
        reads, queries = busiest(entries, 60.0)
        virtual = (world.clock.now() - started).total_seconds()
        print(f"{'instances, subscriptions':36}{instances:10,} {subscriptions:10,}")
        print(f"{'sweep: calls of Azure, wall seconds':36}{asked['arm']:10,} {swept:10.1f}")
        print(f"{'visits: calls of Azure, each':36}{len(entries):10,} {len(entries) / instances:10.1f}")
        print(f"{'wall seconds, virtual minutes':36}{seconds:10.1f} {virtual / 60:10.0f}")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{'memory in MB, with the local Azure':36}{memory:10,} {f'({before} before)':>10}")
        print(
            f"{'reads/s, busiest minute and place':36}{reads:10.1f} {reads / READS_PER_SECOND:10.0%} of what is allowed"
        )
        print(f"{'graph queries/s, busiest minute':36}{queries:10.1f} {queries / QUERIES_PER_SECOND:10.0%} of it")


def main() -> None:
    """Measure."""
    logging.disable(logging.CRITICAL)
    counts = [int(argument) for argument in sys.argv[1:3]]
    asyncio.run(measure(*(counts + [1000, 40][len(counts) :])))


if __name__ == "__main__":
    main()
