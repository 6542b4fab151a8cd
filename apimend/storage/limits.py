"""
Token buckets that stay below Azure Resource Manager's limits, shared by everything that runs as one identity.

Called by the ARM adapter before each call. Every trigger scales on its own instances, so the buckets lie in storage
(rules.md R29); a process takes a chunk of tokens at a time, so that a call to ARM rarely costs one to storage. Work
that is not urgent leaves a reserve, by which urgent work passes a sweep. Nothing here waits.

Azure's buckets: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
Resource Graph counts by itself, for an identity in the whole tenant: 15 queries in a window of 5 seconds.
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
"""

import asyncio
import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from apimend.model.errors import Changed, Throttled, TryLater, Unreadable
from apimend.ports import Clock, Record, Records
from apimend.storage import codec, names

_log = structlog.get_logger(__name__)
ATTEMPTS = 20
TRIES = 3
"""How often storage that gives no answer is asked again, before this process alone obeys."""
CHUNK = 10
CHUNK_SECONDS = 5.0
"""Tokens that lie about longer are given up: kept, they would let a burst through on top of a full bucket."""

RESERVE = 0.4
SHARE = 0.8
"""We stay this far below Azure's figures: chunks under way and clocks that differ need room."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A bucket's size, how many tokens flow in each second, and how many a process takes at a time."""

    size: float
    per_second: float
    chunk: int = CHUNK


READS, WRITES, DELETES, GRAPH = "reads", "writes", "deletes", "graph"
AZURE = {
    READS: Rate(size=250 * SHARE, per_second=25 * SHARE),
    WRITES: Rate(size=200 * SHARE, per_second=10 * SHARE),
    DELETES: Rate(size=200 * SHARE, per_second=10 * SHARE),
    # A window, not a bucket: what is there at its beginning and what flows in during it come to 13 of 15.
    GRAPH: Rate(size=5, per_second=1.6, chunk=1),
}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """What is stored of one bucket. A level below nothing means that Azure asked us to wait."""

    level: float
    at: datetime

    def flowed(self, rate: Rate, now: datetime) -> float:
        """The level now."""
        passed = max(0.0, (now - self.at).total_seconds())
        return min(rate.size, self.level + passed * rate.per_second)


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    tokens: int
    until: datetime


class StoredBuckets:
    """The buckets of all subscriptions, above any Records."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._chunks: dict[tuple[str, bool], _Chunk] = {}
        self._shut: dict[str, datetime] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, subscription: str, kind: str, *, urgent: bool = True) -> None:
        """
        Leave to make one call of this kind (`reads`, `writes`, `deletes`, `graph`).

        Raises Throttled with the time after which there will be a token.
        """
        key = names.join(names.part(subscription.casefold()), kind)
        wait = (self._shut.get(key, self._clock.now()) - self._clock.now()).total_seconds()
        if wait > 0:
            raise Throttled("Azure asked us to stay away.", after=wait)
        async with self._locks[key]:
            chunk = self._chunks.get((key, urgent))
            if chunk is None or not chunk.tokens or chunk.until <= self._clock.now():
                chunk = await self._draw(key, AZURE[kind], urgent=urgent)
            self._chunks[key, urgent] = _Chunk(tokens=chunk.tokens - 1, until=chunk.until)

    async def drain(self, subscription: str, kind: str, *, after: float) -> None:
        """
        Azure answered 429: nobody gets a token of this kind before `after` seconds have passed.

        This process obeys even where storage gives no answer; the others learn it from storage, which is asked again.
        """
        key, rate = names.join(names.part(subscription.casefold()), kind), AZURE[kind]
        for urgent in (True, False):
            self._chunks.pop((key, urgent), None)
        self._shut[key] = max(self._shut.get(key, self._clock.now()), self._clock.now() + timedelta(seconds=after))
        failed = 0
        for _ in range(ATTEMPTS):
            try:
                if await self._empty(key, rate, after):
                    return
            except TryLater as error:
                failed += 1
                _log.warning("limits.not_shared", bucket=key, error=str(error))
                if failed == TRIES:
                    return

    async def _empty(self, key: str, rate: Rate, after: float) -> bool:
        bucket, record = await self._read(key, rate)
        now = self._clock.now()
        level = min(bucket.flowed(rate, now), 1.0 - after * rate.per_second)
        return await self._put(key, Bucket(level=level, at=now), record)

    async def _draw(self, key: str, rate: Rate, *, urgent: bool) -> _Chunk:
        floor = 0.0 if urgent else rate.size * RESERVE
        for _ in range(ATTEMPTS):
            bucket, record = await self._read(key, rate)
            now = self._clock.now()
            level = bucket.flowed(rate, now)
            tokens = min(rate.chunk, math.floor(level - floor))
            if tokens < 1:
                wait = (1.0 + floor - level) / rate.per_second
                raise Throttled("Our own share of Azure's limit is used up for now.", after=math.ceil(wait * 10) / 10)
            if await self._put(key, Bucket(level=level - tokens, at=now), record):
                return _Chunk(tokens=tokens, until=now + timedelta(seconds=CHUNK_SECONDS))
        raise Throttled("Too many processes want to call Azure at once.", after=1.0)

    async def _read(self, key: str, rate: Rate) -> tuple[Bucket, Record | None]:
        record = await self._records.get(names.LIMITS, key)
        if record is None:
            return Bucket(level=rate.size, at=self._clock.now()), None
        try:
            return codec.read(Bucket, record.body, name=f"Bucket {key}"), record
        except Unreadable:
            # A count that can't be read is an empty bucket: it fills again, and meanwhile nothing is over the limit.
            empty = Bucket(level=0.0, at=self._clock.now())
            await self._put(key, empty, record)
            return empty, await self._records.get(names.LIMITS, key)

    async def _put(self, key: str, bucket: Bucket, record: Record | None) -> bool:
        try:
            await self._records.put(names.LIMITS, key, codec.pack(bucket).body, etag=record.etag if record else "")
        except Changed:
            return False
        return True
