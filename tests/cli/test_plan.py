"""
`apimend plan` and `apimend runs`: the same engine and the same plan as the function app.
"""

from tests.cli.terminal import typed
from tests.job.conftest import desired, opened, touch


async def test_the_plan_is_that_of_the_app() -> None:
    """
    The command line and the function app come to plans with the same digest.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "plan", "contoso-dev", "--output", "json")
        await touch(world)
        (run,) = await world.runs()

        assert [run["digest"]] == [each["digest"] for each in said.body["runs"]]
        assert 2 == said.code
