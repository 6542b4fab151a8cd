"""
What the proof of a large instance costs: 500 APIs × 20 operations, read through Resource Manager, judged and placed.

Half of the APIs and all products have a policy. A hinted survey reads the documents that `allPolicies` lists, as an
ordinary visit does; a walking one asks every scope, as the sweep's thorough visit does. `at once` is the most calls
that were under way at a time. The local Azure runs in the same process, so that a call costs more than it does alone.

The last lines walk once more, at the rate that Azure grants and on virtual time: each visit goes on where the one
before had to stop, and none takes longer than the engine gives it.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from azure.core.credentials import AccessToken

from apimend.arm.azure import ArmAzure
from apimend.engine.reconcile import WALKING, Engine
from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.model.desired import Desired
from apimend.model.errors import Unfinished
from apimend.model.ids import InstanceId
from apimend.policy import Standards, Wish, judge, place
from apimend.ports import Buckets, Clock
from apimend.settings import Cloud
from apimend.storage.database import Database
from apimend.storage.limits import StoredBuckets
from apimend.storage.sqlite import SqliteRecords
from apimend.storage.walks import StoredWalks
from apimend.survey import Survey, survey
from devhost.clock import VirtualClock
from emulator import LocalAzure, Options
from emulator.options import Throttle

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
APIS, OPERATIONS, PRODUCTS = 500, 20, 50
INSTANCE = InstanceId.of(
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-apim"
    "/providers/Microsoft.ApiManagement/service/large"
)
PIN = "AB" * 20
CHECK = ClientCertificateCheck(
    validate_revocation=False, validate_trust=False, identities=(ClientIdentity(thumbprint=PIN),)
)
DOCUMENT = (
    "<policies><inbound>{}<set-variable name='a' value='b' /></inbound><backend><base /></backend>"
    "<outbound><base /></outbound><on-error><base /></on-error></policies>"
)


class Still:
    """A clock that stands: nothing here has to wait."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise RuntimeError("the local Azure throttled us")


class Token:
    """A credential for the local Azure."""

    def __init__(self, azure: LocalAzure) -> None:
        self._token = azure.identity.token("https://management.azure.com")

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self._token, int(NOW.timestamp()) + 3600)

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> "Token":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


def tenant() -> dict[str, Any]:
    """The large instance. Every tenth policy of an API drops the outer scopes."""
    return {"services": [{"name": "large", "sku": "Developer", **_content(), "hostnames": [_HOST]}]}


_HOST = {"host": "large.azure-api.net", "negotiate": True}


def _content() -> dict[str, Any]:
    operations = [{"id": f"o{each}", "method": "GET", "url": f"/o{each}"} for each in range(OPERATIONS)]
    apis: list[dict[str, Any]] = [{"id": f"api-{each}", "operations": operations} for each in range(APIS)]
    for number in range(0, APIS, 2):
        apis[number]["policy"] = DOCUMENT.format("<base />" * (number % 10 > 0))
    products = [
        {"id": f"p{each}", "apis": [f"api-{number}" for number in range(each, APIS, PRODUCTS)], "policy": _BASED}
        for each in range(PRODUCTS)
    ]
    return {"apis": apis, "products": products}


_BASED = DOCUMENT.format("<base />")


class Crowd:
    """How many calls are under way at a time, and the most that were."""

    def __init__(self) -> None:
        self.now = self.most = 0

    @property
    def watched(self) -> aiohttp.TraceConfig:
        """What a session needs to be counted."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._start)
        trace.on_request_end.append(self._end)
        trace.on_request_exception.append(self._end)
        return trace

    async def _start(self, *_: object) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    async def _end(self, *_: object) -> None:
        self.now -= 1


@asynccontextmanager
async def opened(
    crowd: Crowd, *, clock: Clock | None = None, reads: Throttle | None = None, limits: Buckets | None = None
) -> AsyncIterator[ArmAzure]:
    """The instance and what reads it."""
    clock = clock or Still()
    async with LocalAzure(tenant(), now=clock.now, options=Options(reads=reads)) as azure:
        cloud = Cloud(
            name="local",
            arm_url=azure.endpoints.arm,
            arm_audience="https://management.azure.com",
            login_url=azure.endpoints.login,
            vault_suffix=azure.endpoints.vault_suffix.lstrip("."),
            vault_audience="https://vault.azure.net",
            gateway_suffix="azure-api.net",
            storage_suffix="core.windows.net",
            ca_file=Path(azure.ca_file),
        )
        trusted = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=azure.ca_file), limit=64)
        session = aiohttp.ClientSession(connector=trusted, trace_configs=[crowd.watched], auto_decompress=False)
        arm = ArmAzure(cloud=cloud, credential=Token(azure), clock=clock, session=session, limits=limits)
        try:
            yield arm
        finally:
            await arm.close()


async def read(arm: ArmAzure, crowd: Crowd, *, walk: bool) -> Survey:
    """One survey, with a line about it."""
    reader = arm.reader(INSTANCE)
    began = time.perf_counter()
    found = await survey(reader, Desired(instance=INSTANCE), handshakes={}, walk=walk)
    seconds = time.perf_counter() - began
    calls = sum(reader.calls.values())
    name = "walking survey" if walk else "hinted survey"
    print(f"{name:24}{seconds:8.1f} s{calls:8,} calls{crowd.most:6} at once{1000 * seconds / calls:8.2f} ms a call")
    return found


async def read_in_visits() -> None:
    """The walk at Azure's rate, visit by visit, with a line about each."""
    clock, records = VirtualClock(NOW), SqliteRecords(Database(":memory:"))
    walks = StoredWalks(records, clock)
    rate = Throttle(size=250, per_second=25)
    async with opened(Crowd(), clock=clock, reads=rate, limits=StoredBuckets(records, clock)) as arm:
        for visit in range(1, 20):
            began = clock.now()
            memory = await walks.recall(INSTANCE, until=began + timedelta(seconds=Engine.longest * WALKING))
            reader = arm.reader(INSTANCE, walk=memory)
            try:
                await survey(reader, Desired(instance=INSTANCE), handshakes={}, walk=True)
                left = "done"
            except Unfinished as error:
                left = str(error)
            minutes = (clock.now() - began).total_seconds() / 60
            print(f"visit {visit:<18}{minutes:8.1f} min{sum(reader.calls.values()):6,} calls  {left}")
            if left == "done":
                return


def timed(name: str, work: Callable[[], T]) -> T:
    """Something that computes, with a line about it."""
    began = time.perf_counter()
    found = work()
    print(f"{name:24}{time.perf_counter() - began:8.2f} s")
    return found


async def main() -> None:
    """Print a line for each step."""
    crowd = Crowd()
    async with opened(crowd) as arm:
        hinted, walked = await read(arm, crowd, walk=False), await read(arm, crowd, walk=True)
    standards = Standards(thumbprints=frozenset({PIN}))
    coverage = timed("judge", lambda: judge(walked.topology, standards))
    placement = timed("place", lambda: place(walked.topology, standards, Wish(check=CHECK)))
    print(f"{coverage.figures.total:,} operations, {len(walked.texts)} documents; the hint showed {len(hinted.texts)}")
    print(
        f"{len(placement.edits)} edits: {coverage.figures.percent} % covered, {placement.after.figures.percent} % after"
    )
    await read_in_visits()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main())
