"""
What lies in storage from another version, cut off or of foreign make: parked once, with a sentence, and never a loop.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apimend.engine.orders import Orders
from apimend.model.runs import OrderKind
from apimend.ports import Record, Records
from apimend.storage.sqlite import SqliteQueue
from demo.world import World
from tests.engine.conftest import ID, INSTANCE, opened, touch

Damage = Callable[[bytes], bytes]


def with_version(version: object) -> Damage:
    def damaged(body: bytes) -> bytes:
        return json.dumps({**json.loads(body), "v": version}).encode()

    return damaged


DAMAGES: dict[str, tuple[Damage, str]] = {
    "older": (with_version(0), "version 0 is not known"),
    "newer": (with_version(99), "written by a newer Apimend"),
    "truncated": (lambda body: body[: len(body) // 2], "it is cut off"),
    "foreign": (lambda body: b'{"hello": "world"}', "Apimend did not write this"),
}
MESSAGES = {
    "older": ('{"v": 0, "instance": "X", "ticket": "t"}', "version 0 is not known"),
    "newer": ('{"v": 2, "instance": "X", "ticket": "t"}', "written by a newer Apimend"),
    "truncated": ('{"v": 1, "instance": "/subscr', "it is cut off"),
    "foreign": ('{"hello": "world"}', "Apimend did not write this"),
    "nothing": ("", "it is cut off"),
}


async def records_of(world: World) -> Records:
    return (await world.app.door.wired()).storage.records


async def damage(world: World, container: str, how: Damage) -> list[Record]:
    """Every record of a container, damaged."""
    records = await records_of(world)
    found = [record async for record in records.list(container)]
    for record in found:
        await records.put(container, record.key, how(record.body))
    return found


async def parked(world: World) -> list[dict[str, Any]]:
    """What the API shows as parked."""
    status, body = await world.http("GET", "/api/parked")
    assert 200 == status
    found: list[dict[str, Any]] = body["parked"]
    return found


async def sweep(world: World) -> None:
    """The timer's function, and all that follows."""
    await world.app.door.sweep()
    await world.settle(900)


@pytest.mark.parametrize("container", ["progress", "bells"])
@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_memory_that_cannot_be_read_is_parked_once_and_nothing_is_written(container: str, kind: str) -> None:
    """
    However often sweeps and events meet it: one entry with a sentence, no write, and the sweep ends as always.
    """
    how, said = DAMAGES[kind]
    async with opened() as world:
        await touch(world)
        assert await damage(world, container, how)
        mark = world.mark()
        await world.arm("PATCH", INSTANCE, {"tags": {"touched": "again"}})
        for _ in range(3):
            await sweep(world)
        (shown,) = [one for one in await parked(world) if one["queue"] == "apimend-visits"]

        assert said in shown["why"]
        assert [] == world.writes(mark)
        assert 200 == (await world.http("GET", "/api/health"))[0]


@pytest.mark.parametrize("kind", DAMAGES)
async def test_an_order_that_cannot_be_read_is_parked_and_not_carried_out(kind: str) -> None:
    """
    What a person asked for is never guessed at.
    """
    how, said = DAMAGES[kind]
    async with opened() as world:
        await touch(world)
        desk: Orders = (await world.app.door.wired()).orders
        await desk.place(OrderKind.RELEASE, ID, by="ada", lasts=timedelta(hours=1))
        await damage(world, "orders", how)
        mark = world.mark()
        await world.settle(60)
        await sweep(world)

        assert [said] == [said for one in await parked(world) if said in one["why"]]
        assert [] == world.writes(mark)


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_run_that_cannot_be_read_hides_no_other(kind: str) -> None:
    """
    The list of runs shows the others; the run itself is told to be unreadable.
    """
    how, said = DAMAGES[kind]
    async with opened() as world:
        await touch(world)
        (first, *others) = await world.runs()
        records = await records_of(world)
        record = await records.get("runs", first["detail"].rpartition("/")[2])
        assert record is not None
        await records.put("runs", record.key, how(record.body))
        status, problem = await world.http("GET", first["detail"])

        assert others == await world.runs()
        assert (422, True) == (status, said in problem["detail"])


@pytest.mark.parametrize("queue", ["apimend-visits", "apimend-notices"])
@pytest.mark.parametrize("kind", MESSAGES)
async def test_a_message_that_cannot_be_read_is_parked_and_acknowledged(queue: str, kind: str) -> None:
    """
    One entry however often it comes, nothing left on the queue, and nothing in the poison queue.
    """
    text, _ = MESSAGES[kind]
    async with opened() as world:
        source = SqliteQueue(world.folder / "apimend.db", world.clock)
        for _ in range(3):
            source.put(queue, text)
        await world.settle(60)
        left = [source.peek(name) for name in (queue, f"{queue}-poison")]
        source.close()

        assert ([[], []], [queue]) == (left, [one["queue"] for one in await parked(world)])


@pytest.mark.parametrize("kind", DAMAGES)
async def test_a_parked_entry_that_cannot_be_read_is_shown_as_it_lies_there(kind: str) -> None:
    """
    It hides no other, and can be thrown away like any other.
    """
    how, said = DAMAGES[kind]
    async with opened() as world:
        parking = (await world.app.door.wired()).parking
        await parking.park("apimend-visits", "{}", "first")
        await damage(world, "parked", how)
        await parking.park("apimend-visits", "{}", "second")
        told = {one["why"]: one["id"] for one in await parked(world)}
        (damaged,) = [why for why in told if why != "second"]
        status, _ = await world.http("DELETE", f"/api/parked/{told[damaged]}")

        assert said in damaged
        assert (204, ["second"]) == (status, [one["why"] for one in await parked(world)])


@pytest.mark.parametrize("container", ["progress", "bells"])
async def test_once_it_can_be_read_again_the_parked_visit_is_made(container: str) -> None:
    """
    Until then trying again says why it can't be, and loses nothing.
    """
    async with opened() as world:
        await touch(world)
        originals = await damage(world, container, with_version(99))
        await sweep(world)
        (shown,) = await parked(world)
        early, _ = await world.http("POST", f"/api/parked/{shown['id']}/replay")
        await world.settle(60)
        (again,) = await parked(world)
        records = await records_of(world)
        for record in originals:
            await records.put(container, record.key, record.body)
        late, _ = await world.http("POST", f"/api/parked/{again['id']}/replay")
        before = len(await world.runs())
        await world.settle(60)

        assert (422 if container == "bells" else 202, 202) == (early, late)
        assert ([], True) == (await parked(world), len(await world.runs()) > before)
