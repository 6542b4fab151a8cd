"""
Dead letters through the real door: a blob that Event Grid left in a container is heard again and thrown away.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from demo.world import World
from tests.report.hostile import NASTY
from tests.web.stand import INSTANCE, Answered, ask, desired, opened

pytestmark = pytest.mark.azurite
NAME = "APIMEND-INSTANCES/2026/11/22/9/4f8b0e4e.json"
LETTER = (Path(__file__).parents[1] / "events" / "dead-letter.json").read_text(encoding="utf-8")


def about(resource: str) -> str:
    """The batch, about another resource."""
    events = json.loads(LETTER)
    for event in events:
        event["data"]["resourceUri"] = event["subject"] = resource
    return json.dumps(events)


HERE = about(INSTANCE)
A_VAULT = INSTANCE.partition("/providers/")[0] + "/providers/Microsoft.KeyVault/vaults/nobodys"


@asynccontextmanager
async def holding(**blobs: bytes) -> AsyncIterator[tuple[World, ContainerClient]]:
    """A world on Azurite, with these blobs among the dead letters."""
    async with opened(desired("report"), storage="azurite") as world:
        connection = world.environ["AzureWebJobsStorage"]
        with ContainerClient.from_connection_string(connection, "deadletters") as container:
            container.create_container()
            for name, body in blobs.items():
                container.upload_blob(name, body)
            yield world, container


async def replayed(world: World, name: object) -> Answered:
    return await ask(world, "POST", "/api/dead-letters/replay", {"name": name})


async def test_a_batch_is_heard_again_and_thrown_away() -> None:
    """
    The list names the blob; replaying it rings its instance, the visit is made, and the blob is gone.
    """
    async with holding(**{NAME: HERE.encode()}) as (world, container):
        listed = await ask(world, "GET", "/api/dead-letters")
        answer = await replayed(world, NAME)
        await world.settle()

        assert ([NAME], 202) == (listed.json["deadLetters"], answer.status)
        assert [INSTANCE] == answer.json["heard"][0]["rung"]
        assert ([INSTANCE], []) == ([run["instance"] for run in await world.runs()], list(container.list_blob_names()))


@pytest.mark.parametrize(
    ("body", "status", "stays", "why"),
    [
        (b"no JSON", 400, True, "no JSON"),
        (b'{"some": "blob of somebody"}', 400, True, "event"),
        (b"\xff\xfe\x00", 400, True, ""),
        (b"", 400, True, ""),
        (about(A_VAULT).encode(), 202, False, "why"),
        (b" " * (16 * 1024 * 1024 + 1), 422, True, "larger than any batch"),
    ],
    ids=["no JSON", "not an event", "no text", "empty", "of others", "huge"],
)
async def test_a_foreign_blob_is_left_for_a_person(body: bytes, status: int, stays: bool, why: str) -> None:
    """
    What holds no events is refused with its fault and stays; events of other instances are heard and told as such.
    """
    async with holding(**{NAME: body}) as (world, container):
        answer = await replayed(world, NAME)
        await world.settle()

        assert (status, stays) == (answer.status, [NAME] == list(container.list_blob_names()))
        assert why in answer.text
        assert [] == list(await world.runs())


BAD = ["", ".", "../secrets", "a/../b", "/etc/passwd", "a//b", "a?comp=list", "a%2e%2e", "a\\b", "x" * 1025, 7, None]


async def test_a_bad_name_is_no_blob() -> None:
    """
    A name in no form of Event Grid, or of no blob, is a fault or is not there; nothing is read or deleted.
    """
    async with holding(**{NAME: HERE.encode()}) as (world, container):
        found = {str(name)[:40]: (await replayed(world, name)).status for name in (*BAD, *NASTY, "no/such.json")}

        assert set(found.values()) <= {400, 404}
        assert 404 == found["no/such.json"]
        assert [NAME] == list(container.list_blob_names())


async def test_the_last_of_many_is_found() -> None:
    """
    Where there are more than a list tells, the last one is replayed by its name all the same.
    """
    many = {f"S/2026/{number}.json": b"[]" for number in range(3)}
    async with holding(**many, **{NAME: HERE.encode()}) as (world, _):
        assert 202 == (await replayed(world, NAME)).status
