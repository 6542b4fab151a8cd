"""Both backends behind one set of fixtures. Azurite is started once, and each test has containers of its own."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from apimend.settings import AzureStorage
from apimend.storage.azure import open_azure
from apimend.storage.sqlite import SqliteQueue
from apimend.storage.stores import Storage, open_sqlite
from devhost.azurite import azurite as run_azurite
from devhost.clock import VirtualClock
from tests.storage.azurite import Azurite
from tests.storage.samples import START


@dataclass(frozen=True)
class Backend:
    """An open store, the clock it was given, and what is visible in a queue now: the bodies, taken out of it."""

    storage: Storage
    clock: VirtualClock
    receive: Callable[[str], Sequence[str]]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def queue(tmp_path: Path, clock: VirtualClock) -> Iterator[SqliteQueue]:
    queue = SqliteQueue(tmp_path / "apimend.db", clock)
    yield queue
    queue.close()


@pytest.fixture
async def sqlite(tmp_path: Path, clock: VirtualClock, queue: SqliteQueue) -> AsyncIterator[Backend]:
    storage = open_sqlite(tmp_path / "apimend.db", clock)

    def receive(name: str) -> Sequence[str]:
        messages = queue.receive(name, now=clock.now(), count=32)
        for message in messages:
            queue.delete(name, message)
        return [message.body.decode() for message in messages]

    yield Backend(storage, clock, receive)
    await storage.close()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with run_azurite() as connection_string:
        yield Azurite(connection_string)


@pytest.fixture
async def azure(azurite: Azurite, clock: VirtualClock) -> AsyncIterator[Backend]:
    azurite.clear_queues()
    account = AzureStorage(connection_string=azurite.connection_string)
    storage = open_azure(account, clock=clock, name=f"t{uuid4().hex[:20]}")
    yield Backend(storage, clock, azurite.receive)
    await storage.close()


@pytest.fixture(params=["sqlite", pytest.param("azure", marks=pytest.mark.azurite)])
def backend(request: pytest.FixtureRequest) -> Backend:
    backend: Backend = request.getfixturevalue(request.param)
    return backend


@pytest.fixture
def storage(backend: Backend) -> Storage:
    return backend.storage
