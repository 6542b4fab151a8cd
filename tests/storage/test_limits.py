"""Shared token buckets stay below Azure's limits, let urgent work pass, and rarely cost a call to storage."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from apimend.model.errors import Throttled, Unavailable
from apimend.ports import Record
from apimend.storage.database import Database
from apimend.storage.limits import AZURE, GRAPH, READS, WRITES, StoredBuckets
from apimend.storage.names import LIMITS
from apimend.storage.sqlite import SqliteRecords
from apimend.storage.stores import Storage
from devhost.clock import VirtualClock
from tests.storage.samples import START, SUBSCRIPTION


class Counted(SqliteRecords):
    """Counts calls by name."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.calls: Counter[str] = Counter()

    async def get(self, container: str, key: str) -> Record | None:
        self.calls["get"] += 1
        return await super().get(container, key)

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        self.calls["put"] += 1
        return await super().put(container, key, body, etag=etag)


@pytest.fixture
def records() -> Iterator[Counted]:
    database = Database(":memory:")
    yield Counted(database)
    database.close()


async def taken(buckets: StoredBuckets, kind: str = READS, *, urgent: bool = True) -> int:
    """How many tokens there are to be had at once."""
    count = 0
    while True:
        try:
            await buckets.take(SUBSCRIPTION, kind, urgent=urgent)
        except Throttled:
            return count
        count += 1


async def test_a_full_bucket_gives_what_it_holds(storage: Storage) -> None:
    """
    At first there is a bucket full of tokens, and then none.
    """
    for _ in range(30):
        await storage.limits.take(SUBSCRIPTION, READS)


async def test_all_processes_together_stay_below_azures_limit(records: Counted, clock: VirtualClock) -> None:
    """
    However many processes call at once, for ten minutes, they get no more than our share of Azure's limit.
    """
    processes = [StoredBuckets(records, clock) for _ in range(5)]
    count = 0
    for _ in range(60):
        count += sum([await taken(each, WRITES) for each in processes])
        clock.jump(clock.now() + timedelta(seconds=10))

    assert count <= AZURE[WRITES].size + 600 * AZURE[WRITES].per_second
    assert count >= 0.95 * (AZURE[WRITES].size + 590 * AZURE[WRITES].per_second)


async def test_urgent_work_passes_a_sweep(records: Counted, clock: VirtualClock) -> None:
    """
    A sweep that takes all it can get leaves tokens for urgent work.
    """
    buckets = StoredBuckets(records, clock)
    swept = await taken(buckets, urgent=False)
    urgent = await taken(buckets)

    assert (120, 80) == (swept, urgent)


async def test_a_token_rarely_costs_a_call(records: Counted, clock: VirtualClock) -> None:
    """
    A hundred tokens cost ten reads and ten writes of storage.
    """
    buckets = StoredBuckets(records, clock)
    for _ in range(100):
        await buckets.take(SUBSCRIPTION, READS)

    assert Counter(get=10, put=10) == records.calls


async def test_the_wait_is_told(records: Counted, clock: VirtualClock) -> None:
    """
    Throttled says after which time there is a token, and then there is one.
    """
    buckets = StoredBuckets(records, clock)
    await taken(buckets, WRITES)
    with pytest.raises(Throttled) as raised:
        await buckets.take(SUBSCRIPTION, WRITES)
    assert raised.value.after is not None
    clock.jump(clock.now() + timedelta(seconds=raised.value.after))

    await buckets.take(SUBSCRIPTION, WRITES)


async def test_kinds_and_subscriptions_have_their_own(records: Counted, clock: VirtualClock) -> None:
    """
    An empty bucket of writes leaves reads and other subscriptions alone; a subscription's case doesn't matter.
    """
    buckets = StoredBuckets(records, clock)
    await taken(buckets, WRITES)
    await buckets.take(SUBSCRIPTION, READS)
    await buckets.take("other", WRITES)

    with pytest.raises(Throttled):
        await buckets.take(SUBSCRIPTION.upper(), WRITES)


async def test_a_429_is_heard_by_all(records: Counted, clock: VirtualClock) -> None:
    """
    After Azure said to wait, no process gets a token before the time is over, not even from a chunk.
    """
    one, other = StoredBuckets(records, clock), StoredBuckets(records, clock)
    await one.take(SUBSCRIPTION, READS)
    await one.drain(SUBSCRIPTION, READS, after=300)
    with pytest.raises(Throttled) as raised:
        await other.take(SUBSCRIPTION, READS)
    with pytest.raises(Throttled):
        await one.take(SUBSCRIPTION, READS)
    clock.jump(START + timedelta(seconds=300))

    assert 300 == raised.value.after
    await one.take(SUBSCRIPTION, READS)


async def test_a_429_is_obeyed_where_storage_gives_no_answer(
    records: Counted, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The process that heard it stays away all the same, and the answer of Azure is not lost over it.
    """
    buckets = StoredBuckets(records, clock)
    await buckets.take(SUBSCRIPTION, READS)

    async def silent(container: str, key: str) -> None:
        raise Unavailable("The storage did not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(records, "get", silent)
        await buckets.drain(SUBSCRIPTION, READS, after=300)
    with pytest.raises(Throttled) as raised:
        await buckets.take(SUBSCRIPTION, READS)

    assert 300 == raised.value.after


async def test_old_tokens_are_given_up(records: Counted, clock: VirtualClock) -> None:
    """
    Tokens that lay about are not used on top of a bucket that has filled since.
    """
    buckets = StoredBuckets(records, clock)
    await buckets.take(SUBSCRIPTION, READS)
    clock.jump(START + timedelta(hours=1))

    assert AZURE[READS].size == await taken(buckets)


async def test_a_bucket_that_cannot_be_read_is_empty(records: Counted, clock: VirtualClock) -> None:
    """
    A count of an unknown form means that we wait, never that we call without limit; then it works again.
    """
    buckets = StoredBuckets(records, clock)
    await buckets.take(SUBSCRIPTION, READS)
    (key,) = [record.key async for record in records.list(LIMITS)]
    await records.put(LIMITS, key, b'{"v":3}')
    fresh = StoredBuckets(records, clock)

    assert 0 == await taken(fresh)
    clock.jump(START + timedelta(seconds=1))
    assert 20 == await taken(fresh)


async def test_no_window_of_resource_graph_is_overrun_by_two_processes(storage: Storage, clock: VirtualClock) -> None:
    """
    Azure allows 15 queries in any 5 seconds, to all processes of an identity together; they take as many as they get.
    """
    processes = [StoredBuckets(storage.records, clock) for _ in range(2)]
    asked: list[float] = []
    for tick in range(120):
        clock.jump(START + timedelta(seconds=tick / 4))
        for buckets in processes:
            with contextlib.suppress(Throttled):
                while True:
                    await buckets.take("tenant", GRAPH)
                    asked.append(tick / 4)
    most = max(sum(1 for other in asked if moment <= other < moment + 5) for moment in asked)

    assert len(asked) > 40
    assert most <= 15
