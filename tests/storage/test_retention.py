"""What is old is forgotten, on both storages, but never what undo, an open order or an open write still needs."""

from datetime import timedelta

import pytest

from apimend.model.ids import ResourceId
from apimend.model.runs import Intent, Order
from apimend.ports import Records
from apimend.storage import names
from apimend.storage.parked import Parking
from apimend.storage.retention import Forgotten, Retention
from apimend.storage.stores import Storage
from devhost.clock import VirtualClock
from tests.storage.samples import START, instance, intent, order, policy_of, run

DAYS = 400
OTHER = instance().child("apis", "Other", "policies", "policy")


def retention(storage: Storage, clock: VirtualClock) -> Retention:
    return Retention(records=storage.records, ledger=storage.ledger, clock=clock, days=DAYS)


async def wrote(storage: Storage, name: str, *, days: float, target: ResourceId | None = None, closed: str) -> Intent:
    """A run with one write, so many days after the start."""
    at = START + timedelta(days=days)
    done = intent(f"i-{name}", run=name, at=at, target=target or policy_of())
    await storage.ledger.intend(done)
    if closed:
        done = intent(f"i-{name}", run=name, at=at, target=target or policy_of(), closed=closed)
        await storage.ledger.close(done)
    await storage.ledger.save_run(run(name, started=at))
    return done


async def keys(records: Records) -> dict[str, int]:
    """How many documents each container holds, where it holds any."""
    counted = {
        container: len([record async for record in records.list(container)])
        for container in (
            names.RUNS, names.RUNS_NEWEST, names.RUNS_OF_INSTANCE, names.INTENTS, names.WRITES, names.REQUESTS,
            names.PREIMAGES, names.ORDERS, names.PARKED, names.APPROVALS,
        )
    }  # fmt: skip
    return {container: count for container, count in counted.items() if count}


async def test_an_old_run_goes_with_all_that_belongs_to_it(storage: Storage, clock: VirtualClock) -> None:
    """
    Run, write, pre-image, order and every index row: nothing of it is left.
    """
    await wrote(storage, "old", days=0, closed="applied")
    before = await keys(storage.records)
    clock.jump(START + timedelta(days=DAYS + 2))
    await wrote(storage, "new", days=DAYS + 1, closed="applied")
    forgotten = await retention(storage, clock).tidy()

    assert Forgotten(writes=1, runs=1) == forgotten
    assert before == await keys(storage.records)
    assert (None, False) == (await storage.ledger.run("old"), await storage.ledger.is_ours("request-of-i-old"))


@pytest.mark.parametrize("newer", ["failed", "refused", "deferred", ""], ids=lambda closed: closed or "open")
async def test_what_stands_in_force_can_always_be_taken_back(newer: str, storage: Storage, clock: VirtualClock) -> None:
    """
    The last write that took effect stays with its pre-image and run, whatever came to nothing after it.
    """
    await wrote(storage, "older", days=0, closed="applied")
    await wrote(storage, "standing", days=1, closed="applied")
    await wrote(storage, "newer", days=2, closed=newer)
    clock.jump(START + timedelta(days=DAYS * 3))
    await retention(storage, clock).tidy()
    (kept,) = await storage.ledger.intents("standing")

    assert kept.before is not None
    assert await storage.ledger.run("standing") is not None
    assert await storage.ledger.run("older") is None


async def test_each_resource_keeps_its_own_last_write(storage: Storage, clock: VirtualClock) -> None:
    """
    A newer write to another policy makes none of this one's dispensable.
    """
    await wrote(storage, "here", days=0, closed="applied")
    await wrote(storage, "there", days=DAYS, target=OTHER, closed="applied")
    clock.jump(START + timedelta(days=DAYS + 10))

    assert Forgotten() == await retention(storage, clock).tidy()
    assert await storage.ledger.intents("here")


def about(name: str) -> Order:
    return order(run=name)


async def test_the_run_of_an_open_order_stays(storage: Storage, clock: VirtualClock) -> None:
    """
    An approval or an undo that nobody has carried out yet finds its run; once it is used up, the run goes.
    """
    await wrote(storage, "old", days=0, closed="applied")
    await storage.ledger.add_order(about("old"))
    clock.jump(START + timedelta(days=DAYS + 2))
    await wrote(storage, "new", days=DAYS + 1, closed="applied")
    first = await retention(storage, clock).tidy()
    await storage.ledger.consume(about("old"), "new")
    clock.jump(clock.now() + timedelta(days=1))
    second = await retention(storage, clock).tidy()

    assert (Forgotten(), Forgotten(writes=1, runs=1)) == (first, second)


async def test_a_used_order_goes_with_the_run_that_used_it(storage: Storage, clock: VirtualClock) -> None:
    """
    Who asked for what is kept as long as the run that did it.
    """
    await storage.ledger.add_order(order())
    await storage.ledger.save_run(run("old", orders=("o1",)))
    await storage.ledger.consume(order(), "old")
    clock.jump(START + timedelta(days=DAYS + 1))
    forgotten = await retention(storage, clock).tidy()

    assert (Forgotten(runs=1, orders=1), {}) == (forgotten, await keys(storage.records))


async def test_old_messages_and_lapsed_links_go(storage: Storage, clock: VirtualClock) -> None:
    """
    What was parked long ago, and links that nobody can use any more.
    """
    await Parking(records=storage.records, clock=clock).park("apimend-visits", "{}", "It failed too often.")
    expires = (START + timedelta(days=1)).isoformat()
    await storage.records.put(names.APPROVALS, "link", b'{"v": 1, "expires": "%b"}' % expires.encode())
    clock.jump(START + timedelta(days=DAYS + 1))

    assert Forgotten(parked=1, links=1) == await retention(storage, clock).tidy()


async def test_what_cannot_be_read_is_left_alone(storage: Storage, clock: VirtualClock) -> None:
    """
    Of a document from another version nobody knows whether it is still needed.
    """
    await wrote(storage, "old", days=0, closed="applied")
    for container in (names.RUNS, names.INTENTS):
        async for record in storage.records.list(container):
            await storage.records.put(container, record.key, b'{"v": 99}')
    clock.jump(START + timedelta(days=DAYS + 1))

    assert Forgotten() == await retention(storage, clock).tidy()


async def test_much_is_forgotten_bit_by_bit(storage: Storage, clock: VirtualClock) -> None:
    """
    A bounded number at each sweep until all is gone; then not before the next day.
    """
    for number in range(5):
        await storage.ledger.save_run(run(f"r{number}"))
    clock.jump(START + timedelta(days=DAYS + 1))
    tidying = retention(storage, clock)
    found = [(await tidying.tidy(at_once=2)).runs for _ in range(4)]
    await storage.ledger.save_run(run("late"))

    assert [2, 2, 1, 0] == found
    assert 0 == (await tidying.tidy(at_once=2)).runs


async def test_a_list_can_begin_in_the_middle(storage: Storage) -> None:
    """
    From a key on, that one included, whether it is there or not.
    """
    for key in ("a1", "a3", "b1"):
        await storage.records.put("probe", key, b"{}")

    assert ["a3", "b1"] == [record.key async for record in storage.records.list("probe", start="a2")]
    assert ["a3"] == [record.key async for record in storage.records.list("probe", "a", start="a3")]
