"""
The doors of the command line that touch storage, on both storages: lease, ledger and orders of SQLite and of Azure.
"""

from contextlib import AbstractAsyncContextManager

import pytest

from demo.world import World
from tests.cli.terminal import Said, typed
from tests.job.conftest import INSTANCE as WHOLE
from tests.job.conftest import desired, opened

INSTANCE = "contoso-dev"
pytestmark = pytest.mark.parametrize("storage", ["sqlite", pytest.param("azurite", marks=pytest.mark.azurite)])


def world_on(storage: str, mode: str = "enforce") -> AbstractAsyncContextManager[World]:
    return opened(desired(mode), storage=storage)


async def done(world: World, *arguments: str) -> Said:
    """A command that says yes and waits for the outcome."""
    said = await typed(world, *arguments, "--yes", "--wait")
    assert said.code == 0, said.err
    return said


async def listed(world: World) -> list[tuple[str, str, str]]:
    """(result, cause, by) of the runs that the command line lists, oldest first."""
    runs = (await typed(world, "runs", "--output", "json")).body["runs"]
    return [(run["result"], run["trigger"]["cause"], run["trigger"]["by"]) for run in reversed(runs)]


async def test_a_plan_leaves_nothing(storage: str) -> None:
    """
    A plan is told, and neither the ledger nor Azure has anything of it.
    """
    async with world_on(storage) as world:
        mark = world.mark()
        said = await typed(world, "plan", INSTANCE)

        assert (2, [], []) == (said.code, world.writes(mark), await listed(world))


async def test_what_is_applied_is_listed_and_undone(storage: str) -> None:
    """
    Apply writes with the app's lease, its runs are in the ledger, and undo takes back what a run wrote.
    """
    async with world_on(storage) as world:
        await done(world, "apply", INSTANCE)
        policy = await policy_of(world)
        runs = (await typed(world, "runs", "--output", "json")).body["runs"]
        wrote = next(run for run in runs if run["result"] == "applied")
        await done(world, "undo", wrote["run"][:8], "--reason", "OPS-7")

        assert ("converged", "command", "ada") in await listed(world)
        assert ("<validate-client-certificate" in policy, False) == (True, "<validate-client" in await policy_of(world))


async def policy_of(world: World) -> str:
    """The policy of all APIs, as it is now."""
    return str((await world.arm("GET", f"{WHOLE}/policies/policy"))["properties"]["value"])


@pytest.mark.parametrize(("command", "left"), [("relax", 'ignore-error="true"'), ("release", "")])
async def test_a_check_is_taken_back(storage: str, command: str, left: str) -> None:
    """
    Relaxing leaves the check that lets everybody in, releasing leaves none; the ledger names who asked.
    """
    async with world_on(storage) as world:
        await done(world, "apply", INSTANCE)
        await done(world, command, INSTANCE)
        policy = await policy_of(world)

        assert left in policy
        assert (command == "relax") == ("<validate-client-certificate" in policy)
        assert {"ada"} == {by for _, cause, by in await listed(world) if cause == "order"}
