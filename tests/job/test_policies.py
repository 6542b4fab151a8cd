"""
Policies that are odd, too large, hidden or somebody else's at the same moment: nothing is lost, and it is said.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from demo.world import World
from emulator import LocalAzure, Options
from emulator.log import Exchange
from emulator.options import Lag
from emulator.store import Resource
from tests.job.conftest import INSTANCE, opened, touch
from tests.job.test_tiers import EDGE, replayed
from tests.job.test_tiers import opened as opened_sample

GLOBAL = f"{INSTANCE}/policies/policy"
ORDERS = f"{INSTANCE}/apis/orders"
POLICY = (
    "<policies><inbound>{}</inbound><backend><base /></backend><outbound><base /></outbound>"
    "<on-error><base /></on-error></policies>"
)
CHECK = "<validate-client-certificate"


async def put(world: World, owner: str, text: str) -> None:
    """What somebody else writes as a policy."""
    await world.arm("PUT", f"{owner}/policies/policy", {"properties": {"format": "rawxml", "value": text}})


def text_of(world: World, policy: str) -> str:
    """A policy as Azure has it."""
    found = world.azure.store.get(policy)
    return "" if found is None else str(found.properties["value"])


async def newest(world: World) -> Any:
    """The newest run in full."""
    return (await world.http("GET", (await world.runs())[0]["detail"]))[1]


@contextmanager
def once_read(world: World, policy: str, then: Callable[[], object]) -> Iterator[list[str]]:
    """Something that happens right after the app has read a policy, once; and what it heard on writing it."""
    statuses: list[str] = []
    pending = [then]

    def watch(exchange: Exchange) -> None:
        ours = exchange.call.path.casefold() == policy.casefold()
        if ours and exchange.call.method == "GET" and pending:
            pending.pop()()
        elif ours and exchange.call.method == "PUT":
            statuses.append(str(exchange.answer.status))

    LocalAzure.watchers.append(watch)
    try:
        yield statuses
    finally:
        LocalAzure.watchers.remove(watch)


def edited(world: World, policy: str, old: str, new: str) -> Callable[[], Resource]:
    """An edit by somebody else, with a new etag."""

    def edit() -> Resource:
        found = world.azure.store.get(policy)
        assert found is not None
        changed = found.with_properties(value=str(found.properties["value"]).replace(old, new))
        return world.azure.store.put(replace(changed, etag=world.azure.store.next_etag()))

    return edit


async def test_another_editor_between_read_and_write_loses_nothing() -> None:
    """
    I8: what somebody wrote after we read is never overwritten: Azure refuses our write, we look again, both stand.
    """
    async with opened() as world:
        await touch(world)
        await put(world, ORDERS, POLICY.format('<set-variable name="mine" value="1" />'))
        mine, theirs = 'name="mine" value="1"', 'name="mine" value="2"'
        with once_read(
            world, f"{ORDERS}/policies/policy", edited(world, f"{ORDERS}/policies/policy", mine, theirs)
        ) as heard:
            await world.settle()
        text = text_of(world, f"{ORDERS}/policies/policy")

        assert ["412", "200"] == heard
        assert (1, 1) == (text.count(theirs), text.count(CHECK))
        assert "converged" == (await world.runs())[0]["result"]


async def test_an_api_that_is_deleted_between_read_and_write() -> None:
    """
    What has gone needs no check: the next visit sees it, and no run fails.
    """
    async with opened() as world:
        await touch(world)
        await put(world, ORDERS, POLICY.format(""))
        gone = once_read(world, f"{ORDERS}/policies/policy", lambda: world.azure.store.remove(ORDERS))
        with gone as heard:
            await world.settle()
        await touch(world)
        results = {run["result"] for run in await world.runs()}

        assert ["404"] == heard
        assert "converged" == (await world.runs())[0]["result"]
        assert "failed" not in results


async def test_the_walk_finds_what_the_hint_hides() -> None:
    """
    A list of policies that leaves some out is never proof, nor is an event that never came: the walk reads every
    scope, and the hidden door is shut.
    """
    async with opened(options=Options(all_policies=Lag.OMIT)) as world:
        of_api, of_operation = (f"{at}/policies/policy" for at in (ORDERS, f"{ORDERS}/operations/list-orders"))
        like = world.azure.store.get(of_api)
        assert like is not None
        quietly = replace(like, id=of_operation, type="Microsoft.ApiManagement/service/apis/operations/policies")
        await touch(world)
        world.azure.store.put(quietly.with_properties(value=POLICY.format("")))
        await touch(world)
        hidden = text_of(world, of_operation)
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle()
        found = text_of(world, of_operation)

        assert (0, 1) == (hidden.count(CHECK), found.count(CHECK))
        assert 100 == (await newest(world))["coverage"]["before"]["percent"]


async def test_ids_in_other_cases_are_the_same_things() -> None:
    """
    Parts of Azure write the names in an id in other cases: the whole job is the same.
    """
    async with opened(options=Options(mixed_case=True)) as world:
        await touch(world)
        run = await newest(world)

        assert ("converged", 100) == (run["result"], run["coverage"]["before"]["percent"])
        assert 1 == text_of(world, GLOBAL).count(CHECK)


async def test_a_fragment_that_does_not_exist_is_named() -> None:
    """
    Nobody knows what a missing fragment would do: its operations count as uncovered, and the finding names it.
    """
    async with opened(options=Options(check_references=False)) as world:
        include = '<include-fragment fragment-id="nowhere" /><base />'
        await put(world, ORDERS, POLICY.format(include))
        await touch(world)
        run = await newest(world)
        said = [finding["message"] for finding in run["findings"]]

        assert any("nowhere" in each for each in said)
        assert 100 > run["coverage"]["before"]["percent"]
        assert CHECK in text_of(world, GLOBAL)


async def test_a_policy_that_would_be_too_large_is_left_alone() -> None:
    """
    Consumption takes 16 KiB: where the check has no room, the document stays as it is, and the finding says so.
    """
    async with opened_sample("contoso-edge", "    consumption: require\n") as world:
        filling = "<!--" + "x" * (16 * 1024 - 250) + "-->"
        text = f"<policies><inbound>{filling}</inbound><backend><forward-request /></backend><outbound /></policies>"
        await put(world, EDGE, text)
        mark = world.mark()
        run = await replayed(world, EDGE)
        said = [finding["message"] for finding in run["findings"]]

        assert any("larger than 16 KiB" in each for each in said)
        assert [] == [entry.path for entry in world.writes(mark) if entry.path == f"{EDGE}/policies/policy"]
