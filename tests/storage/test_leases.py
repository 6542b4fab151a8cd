"""One writer per instance: leases that exclude, run out, and say when they were lost. On both backends."""

import asyncio

import pytest

from apimend.model.errors import LeaseTaken, Unavailable
from apimend.storage.database import Database
from apimend.storage.leases import StoredLeases
from apimend.storage.sqlite import SqliteLeaseStore
from apimend.storage.stores import Storage
from devhost.clock import VirtualClock
from tests.storage.conftest import Backend
from tests.storage.samples import START, instance, later


async def test_a_held_instance_is_not_given_to_another(storage: Storage) -> None:
    """
    While one visit holds an instance, no other gets it, whatever the case of the id.
    """
    async with storage.leases.hold(instance()) as lease:
        with pytest.raises(LeaseTaken, match="Another visit holds"):
            async with storage.leases.hold(instance("APIM-ORDERS")):
                pass
        await lease.confirm()


async def test_two_instances_do_not_wait_for_each_other(storage: Storage) -> None:
    """
    Holding one instance leaves all others free.
    """
    async with storage.leases.hold(instance("apim-a")), storage.leases.hold(instance("apim-b")) as lease:
        await lease.confirm()


async def test_a_lease_is_given_back(storage: Storage) -> None:
    """
    After the block, even one that failed, the next visit gets the instance at once.
    """
    with pytest.raises(ZeroDivisionError):
        async with storage.leases.hold(instance()):
            raise ZeroDivisionError
    async with storage.leases.hold(instance()) as lease:
        await lease.confirm()


async def test_of_many_one_gets_it(storage: Storage) -> None:
    """
    Of visits that ask at the same moment exactly one gets the instance.
    """

    answers = 0
    all_answered = asyncio.Event()

    async def attempt() -> bool:
        nonlocal answers
        try:
            async with storage.leases.hold(instance()):
                answers += 1
                await asyncio.wait_for(all_answered.wait(), 30)
                return True
        except LeaseTaken:
            answers += 1
            if answers == 5:
                all_answered.set()
            return False

    assert 1 == sum(await asyncio.gather(*(attempt() for _ in range(5))))


async def test_a_lease_of_the_dead_runs_out(sqlite: Backend) -> None:
    """
    A lease that nobody renews is free after a minute, and the one who held it is told when asking.
    """
    async with sqlite.storage.leases.hold(instance()) as first:
        sqlite.clock.jump(later(61))
        async with sqlite.storage.leases.hold(instance()):
            with pytest.raises(LeaseTaken, match="was lost"):
                await first.confirm()
        with pytest.raises(LeaseTaken, match="was lost"):  # lost is lost, although it is free again
            await first.confirm()


async def test_confirming_renews(sqlite: Backend) -> None:
    """
    A lease that was confirmed holds for another minute.
    """
    async with sqlite.storage.leases.hold(instance()) as lease:
        sqlite.clock.jump(later(50))
        await lease.confirm()
        sqlite.clock.jump(later(100))
        with pytest.raises(LeaseTaken):
            async with sqlite.storage.leases.hold(instance()):
                pass


class Counting(SqliteLeaseStore):
    """Tells when it was renewed for the third time; the second time there is no answer."""

    def __init__(self, database: Database, clock: VirtualClock) -> None:
        super().__init__(database, clock)
        self.renewals = 0
        self.thrice = asyncio.Event()

    async def renew(self, name: str, token: str) -> bool:
        self.renewals += 1
        if self.renewals == 2:
            raise Unavailable("no answer")
        if self.renewals == 3:
            self.thrice.set()
        return await super().renew(name, token)


async def test_a_long_visit_keeps_its_lease(clock: VirtualClock) -> None:
    """
    A lease is renewed by itself while the block lasts, also after storage did not answer once.
    """
    database = Database(":memory:")
    store = Counting(database, clock)
    async with StoredLeases(store, renew_every=0.001).hold(instance()) as lease:
        await asyncio.wait_for(store.thrice.wait(), 5)
        await lease.confirm()
    database.close()

    assert START == clock.now()
