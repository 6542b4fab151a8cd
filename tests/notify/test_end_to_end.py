"""What people and systems hear of the main job, from the first event to the converged instance."""

import logging
import re

import pytest

from demo.world import World
from emulator.teams import SIGNATURE
from tests.job.conftest import INSTANCE, desired, opened, touch


def heads(world: World) -> list[str]:
    """The kind and the title on every card in the channel, oldest first, without the digest of the day."""
    heads = [card["body"][0]["items"] for card in world.teams.cards]
    told = [f"{head[0]['text']}: {head[1]['inlines'][0]['text']}" for head in heads]
    return [each for each in told if not each.startswith("Daily digest")]


async def test_a_dry_run_is_told_once() -> None:
    """
    In report mode the plan is posted, and further events with the same plan are not.
    """
    async with opened(desired("report")) as world:
        await touch(world)
        await touch(world)

        assert ["Dry run: 3 changes planned"] == heads(world)


async def test_the_whole_job_has_two_cards() -> None:
    """
    In enforce mode the channel hears when it begins and when it is done, and nothing of the waiting in between.
    """
    async with opened() as world:
        await touch(world)
        await touch(world)

        assert ["Under way: 3 changes under way", "Applied: 1 change applied"] == heads(world)


async def test_an_instance_that_nothing_declares_any_more_is_told_once() -> None:
    """
    R5: an instance that no entry selects any more is left as it is, and that is told once; one that never was
    declared is no news.
    """
    async with opened(desired("report")) as world:
        await touch(world)
        world.desired_file.write_text(desired("report").replace("name: contoso-dev", "name: another"))
        await touch(world)
        await touch(world)

        assert ["No longer managed: Nothing declares this instance any more"] == heads(world)[1:]

    async with opened(desired("report").replace("name: contoso-dev", "name: another")) as world:
        await touch(world)

        assert [] == heads(world)


async def test_systems_hear_of_the_whole_job() -> None:
    """
    The topic hears that it was begun and that it was done, from the instance as the source.
    """
    async with opened() as world:
        await touch(world)
        published = world.events.topic.published

        assert {"Apimend.Run.Applied"} == {one.type for one in published}
        assert ["pending", "applied"] == [one.body["data"]["result"] for one in published]


async def test_the_webhook_stays_secret(caplog: pytest.LogCaptureFixture) -> None:
    """
    I11: with Teams out of order, the webhook's signature is in no log, and the card arrives in the end.
    """
    caplog.set_level(logging.DEBUG)
    async with opened(desired("report")) as world:
        world.teams.throttle(2)
        await touch(world)

        assert 1 == len(world.teams.cards)
    assert SIGNATURE not in caplog.text


async def test_a_link_that_lapsed_is_replaced_and_a_replay_asks_again() -> None:
    """
    A link opens for a day. While the plan waits there is a new one each day, and another where a person replays.
    """

    def links(world: World) -> int:
        return len(set(re.findall(r"runs/[\w-]+/approve#[\w-]+", str(world.teams.messages))))

    async with opened(desired("ask"), settings={"APIMEND_APPROVAL": "link"}) as world:
        await touch(world)
        first = links(world)
        await world.settle(3 * 24 * 3600)
        later = links(world)
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle(600)

        assert (1, True, later + 1) == (first, 3 <= later <= 4, links(world))
