"""
`apimend coverage`: the proof of every plan, operation by operation.
"""

from demo.world import ROOT, open_world
from tests.cli.terminal import typed
from tests.job.conftest import desired, opened, touch


async def test_the_figures_are_those_of_the_plan() -> None:
    """
    For every instance of the sample tenant the command and the plan count alike.
    """
    text = (ROOT / "demo" / "desired.yaml").read_text(encoding="utf-8")
    async with open_world("sample", desired=text) as world:
        plans = (await typed(world, "plan", "contoso-dev", "contoso-prod", "-o", "json")).body["runs"]
        found = [(await typed(world, "coverage", name, "-o", "json")).body for name in ("contoso-dev", "contoso-prod")]

        assert [run["coverage"]["before"] for run in plans] == [
            {key: body[key] for key in ("covered", "total", "percent", "verdicts")} for body in found
        ]


async def test_every_verdict_has_its_place_and_reason() -> None:
    """
    What is not covered is told with the host, the document and why; alike operations stand in one line.
    """
    text = (ROOT / "demo" / "desired.yaml").read_text(encoding="utf-8")
    async with open_world("sample", desired=text) as world:
        said = await typed(world, "coverage", "contoso-dev")
        lines = [" ".join(line.split()) for line in said.out.splitlines()]

        assert 0 == said.code
        assert any(
            line.startswith("locked out partners: all 5 contoso-dev.azure-api.net apis/partners") for line in lines
        )
        assert any(line.startswith("bypassed billing: all 5") for line in lines)


async def test_a_threshold_for_pipelines() -> None:
    """
    `--at-least` ends with 3 below, and with 0 from there on.
    """
    async with opened(desired("enforce")) as world:
        before = await typed(world, "coverage", "contoso-dev", "--at-least", "100")
        await touch(world)
        after = await typed(world, "coverage", "contoso-dev", "--at-least", "100")

        assert ((3, True), (0, True)) == ((before.code, "0 %" in before.out), (after.code, "100 %" in after.out))


async def test_a_look_from_outside() -> None:
    """
    `--probe` adds what the gateway hosts show, before and after.
    """
    async with opened(desired("enforce")) as world:
        before = await typed(world, "coverage", "contoso-dev", "--probe", "-o", "json")
        await touch(world)
        after = await typed(world, "coverage", "contoso-dev", "--probe", "-o", "json")

        assert [False, True] == [said.body["hosts"][0]["asks"] for said in (before, after)]
