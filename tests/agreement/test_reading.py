"""
Reading a large instance: bounded, concurrent, below Azure's limits, and without belief in what a list leaves out.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from apimend.model.errors import Throttled
from apimend.policy import Coverage, Verdict, judge
from apimend.storage.database import Database
from apimend.storage.limits import StoredBuckets
from apimend.storage.sqlite import SqliteRecords
from benchmarks.coverage import Crowd
from devhost.clock import VirtualClock
from emulator import Options
from emulator.options import Lag, Throttle
from tests.agreement.recipes import pinned, policy
from tests.agreement.stand import NOW, Stand, standing
from tests.agreement.tenants import AUTHORITIES, CERTIFICATES

AZURE = Throttle(size=250, per_second=25)
"""What Azure Resource Manager holds against one principal in one subscription."""


def tenant(apis: int, operations: int) -> dict[str, Any]:
    """One host, and so many APIs of so many operations."""
    shown = [{"id": f"o{each}", "name": f"o{each}", "method": "GET", "url": f"/o{each}"} for each in range(operations)]
    service = {
        "name": "strict",
        "sku": "Developer",
        "apis": [{"id": f"api-{each}", "operations": shown} for each in range(apis)],
        "hostnames": [{"host": "strict.azure-api.net", "negotiate": True}],
    }
    return {"authorities": AUTHORITIES, "certificates": CERTIFICATES, "services": [service]}


@pytest.fixture
def database() -> Iterator[Database]:
    """Where the product's own buckets are kept."""
    database = Database(":memory:")
    yield database
    database.close()


async def test_reads_are_concurrent_and_bounded() -> None:
    """
    A walk never has more than 16 calls under way, and always more than one.
    """
    async with standing(tenant(20, 5)) as stand:
        crowd = Crowd()
        watched = crowd.watched
        watched.freeze()
        stand.arm.session.trace_configs.append(watched)
        found, standards = await stand.read("strict")

    assert (100, 16) == (judge(found.topology, standards).figures.total, crowd.most)


async def test_an_instance_larger_than_azures_bucket_is_read_in_one_visit(database: Database) -> None:
    """
    Reads wait for their turn, so that a visit of many reads ends, and Azure never has to refuse one.

    They did not: a visit failed when our share of the bucket was used up, and began anew with the next.
    """
    clock = VirtualClock(NOW)
    throttled = Options(reads=AZURE, check_references=False)
    buckets = StoredBuckets(SqliteRecords(database), clock)
    async with standing(tenant(30, 12), options=throttled, clock=clock, limits=buckets) as stand:
        found, standards = await stand.read("strict")
        refused = [entry for entry in stand.azure.log.entries if entry.status == 429]

    assert 360 == judge(found.topology, standards).figures.total
    assert [] == refused
    assert clock.now() > NOW


async def test_where_the_wait_would_be_long_the_visit_ends(database: Database) -> None:
    """
    Azure's own word to come back later is not waited for here: the bell's due time honours it.
    """
    clock = VirtualClock(NOW)
    buckets = StoredBuckets(SqliteRecords(database), clock)
    async with standing(tenant(1, 1), clock=clock, limits=buckets) as stand:
        await buckets.drain(stand.instance("strict").subscription, "reads", after=17.0)
        with pytest.raises(Throttled):
            await stand.read("strict")

    assert NOW == clock.now()


@pytest.mark.parametrize(
    "options",
    [
        Options(all_policies=Lag.OMIT),
        Options(all_policies=Lag.LATE, list_lag=timedelta(hours=1)),
    ],
    ids=["leaves some out", "lags behind"],
)
async def test_the_walk_finds_what_the_hint_hides(options: Options) -> None:
    """
    By the hint an operation is covered; its own document, which the hint does not show, drops the check.
    """
    clock = VirtualClock(NOW)
    async with standing(tenant(1, 1), options=options, clock=clock) as stand:
        clock.jump(NOW + timedelta(hours=2))
        await stand.write("strict", "", policy(pinned(stand.who.ally), is_global=True))
        await stand.write("strict", "apis/api-0/operations/o0", policy(""))
        hinted, walked = await coverage(stand, walk=False), await coverage(stand, walk=True)

    assert [Verdict.COVERED] == [each.verdict for each in hinted.judgements]
    assert [Verdict.BYPASSED] == [each.verdict for each in walked.judgements]


async def coverage(stand: Stand, *, walk: bool) -> Coverage:
    """What one reading makes of the instance."""
    found, standards = await stand.read("strict", walk=walk)
    return judge(found.topology, standards)
