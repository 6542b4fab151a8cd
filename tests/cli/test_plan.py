"""
`apimend plan`, `explain` and `runs`: the same engine and the same plan as the function app, without a trace.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from apimend.model.runs import OrderKind
from demo.world import ROOT, World, open_world
from tests.cli.terminal import typed
from tests.job.conftest import INSTANCE, desired, opened, touch


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


async def test_the_plans_of_a_tenant_are_those_of_the_app() -> None:
    """
    For every instance of the sample tenant, findings included.
    """
    text = (ROOT / "demo" / "desired.yaml").read_text(encoding="utf-8")
    async with open_world("sample", desired=text, ceiling="report") as world:
        said = await typed(world, "plan", "*", "--output", "json")
        await typed(world, "sweep")
        await world.settle(300)
        runs = [(await world.http("GET", f"/api/runs/{run['run']}"))[1] for run in reversed(await world.runs())]

        assert told(runs) == told(said.body["runs"])


def told(runs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, list[str]]]:
    """The digest and the findings of each instance's last run."""
    return {run["instance"]: (run["digest"], sorted(each["code"] for each in run["findings"])) for run in runs}


async def test_a_plan_leaves_no_trace() -> None:
    """
    Whatever is declared, a plan writes nothing to Azure, to the ledger, or to Teams.
    """
    async with opened(desired("enforce")) as world:
        mark = world.mark()
        await typed(world, "plan", "contoso-dev")
        await world.settle(60)

        assert ([], [], []) == (world.writes(mark), list(await world.runs()), world.teams.cards)


async def test_what_others_ordered_stays() -> None:
    """
    A plan doesn't take up an order: it is still there for the visit that can carry it out.
    """
    async with opened(desired("report")) as world:
        wired = await world.app.door.wired()
        (instance,) = await wired.azure.instances(frozenset())
        order = await wired.orders.place(OrderKind.REPLAY, instance, by="ada")
        await typed(world, "plan", "contoso-dev")

        assert [order.id] == [each.id for each in await wired.storage.ledger.orders(instance)]


async def test_a_plan_needs_no_storage() -> None:
    """
    R29: without the deployed storage a plan is made all the same.
    """
    async with opened(desired("enforce")) as world:
        said = await typed(world, "plan", "contoso-dev", environ={"APIMEND_STORAGE": ""})

        assert 2 == said.code
        assert "3 changes planned" in said.out


async def test_an_empty_plan_ends_with_nothing_to_do() -> None:
    """
    A converged instance: exit code 0, and a sentence that says so.
    """
    async with opened(desired("enforce")) as world:
        await touch(world)
        said = await typed(world, "plan", INSTANCE)

        assert 0 == said.code
        assert "contoso-dev  No changes" in said.out


async def test_details_are_diffs_and_snippets() -> None:
    """
    `--detailed` adds the policy's diff and the snippet for the owner's code.
    """
    async with opened(desired("report")) as world:
        brief, whole = [await typed(world, "plan", "contoso-dev", *more) for more in ([], ["--detailed"])]
        shown = ["+     <validate-client-certificate" in said.out for said in (brief, whole)]
        offered = ["negotiateClientCertificate: true" in said.out for said in (brief, whole)]

        assert ([False, True], [False, True]) == (shown, offered)


@pytest.mark.parametrize(
    ("mode", "shown", "hint"), [("report", "report", True), ("enforce", "enforce", False)], ids=["report", "enforce"]
)
async def test_a_plan_says_how_far_the_app_would_go(mode: str, shown: str, hint: bool) -> None:
    """
    The mode that is shown is that of a visit by the app; how to raise it is told only where it is report.
    """
    async with opened(desired(mode)) as world:
        said = await typed(world, "plan", "contoso-dev")

        assert f"Mode      {shown} (desired.yaml:7)" in said.out
        assert hint == ("To have it applied" in said.out)


@pytest.mark.parametrize(
    ("word", "code", "told"),
    [
        ("contoso-dve", 1, "Did you mean contoso-dev?"),
        ("CONTOSO-*", 2, "3 changes planned"),
        ("/subscriptions/nonsense", 1, "is no API Management instance"),
        (f"{INSTANCE}-gone", 1, "The instance is gone"),
    ],
    ids=["misspelt", "pattern", "no id", "gone"],
)
async def test_how_an_instance_is_named(word: str, code: int, told: str) -> None:
    """
    A name, a pattern or an id; what means no instance is one clear error.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "plan", word)

        assert code == said.code
        assert told in said.out + said.err


async def test_another_desired_state_can_be_tried() -> None:
    """
    `--desired` plans with a file that isn't deployed yet: what a pull request would bring.
    """
    async with opened(desired("report")) as world:
        draft = world.folder / "draft.yaml"
        draft.write_text("version: 1\n", encoding="utf-8")
        said = await typed(world, "plan", "contoso-dev", "--desired", str(draft))

        assert (0, True) == (said.code, "Nothing declares this instance" in said.out)


async def test_explain_tells_value_place_and_reason() -> None:
    """
    Each value that holds for an instance, where it is written, and why that place counts.
    """
    async with opened(desired("ask")) as world:
        said = await typed(world, "explain", "contoso-dev", "-o", "json")
        mode = next(each for each in said.body["values"] if each["field"] == "mode")

        assert 0 == said.code
        assert {
            "field": "mode",
            "value": "ask",
            "place": "desired.yaml:9",
            "why": "development: name contoso-dev",
        } == mode


async def test_an_instance_that_nobody_declares_is_explained() -> None:
    """
    No entry selects it: the command says that it is left as it is.
    """
    async with opened("version: 1\n") as world:
        said = await typed(world, "explain", "contoso-dev")

        assert "No entry of the desired state selects it" in said.out


async def visited(world: World) -> str:
    """The id of a run that the app made."""
    await touch(world)
    id: str = (await world.runs())[0]["run"]
    return id


async def test_runs_are_listed_newest_first() -> None:
    """
    The list has the app's runs, in its order.
    """
    async with opened(desired("enforce")) as world:
        await touch(world)
        said = await typed(world, "runs", "--limit", "3", "-o", "json")
        known = [run["run"] for run in await world.runs()][:3]

        assert known == [run["run"] for run in said.body["runs"]]


async def test_one_run_is_shown_whole() -> None:
    """
    A run by the beginning of its id, as text and as the JSON that the app's API gives.
    """
    async with opened(desired("report")) as world:
        id = await visited(world)
        text, body = await typed(world, "runs", id[:8]), await typed(world, "runs", id, "-o", "json")
        _, known = await world.http("GET", f"/api/runs/{id}")

        assert id in text.out
        assert known == body.body


async def test_a_run_that_is_not_there() -> None:
    """
    An unknown id is one clear error.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "runs", "00000000")

        assert (1, "Error: There is no run '00000000'. `apimend runs` lists them.\n") == (said.code, said.err)


async def test_a_desired_state_with_faults_is_told_with_its_lines() -> None:
    """
    I10: nothing is planned with a desired state that can't be read.
    """
    async with opened(desired("report").replace("arrives: direct", "arives: direct")) as world:
        said = await typed(world, "plan", "contoso-dev", "-o", "json")
        (fault,) = said.body["error"]["faults"]

        assert (1, ("desired.yaml", 10)) == (said.code, (fault["file"], fault["line"]))
