"""
`apimend apply`: nothing that nobody agreed to, nothing above what is declared, and only with the app's own lease.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from apimend.commands.apply import Confirmed
from apimend.commands.screen import Screen
from apimend.model.desired import Uploaded
from apimend.model.errors import Changed
from apimend.model.ids import ResourceId
from apimend.model.plan import Change, Kind, Stage
from apimend.ports import Written
from tests.cli.terminal import typed
from tests.job.conftest import INSTANCE, desired, opened


@pytest.mark.parametrize(
    ("mode", "ceiling", "more", "told"),
    [
        ("report", "enforce", {}, "contoso-dev is in report mode (desired.yaml:7)"),
        ("enforce", "report", {}, "APIMEND_MODE_CEILING is report"),
        ("enforce", "enforce", {"APIMEND_STORAGE": ""}, "needs the lease and the ledger of the deployed app"),
    ],
    ids=["declared", "ceiling", "no storage"],
)
async def test_what_it_refuses(mode: str, ceiling: str, more: dict[str, str], told: str) -> None:
    """
    R22, R29: refused with one clear message, and nothing is written.
    """
    async with opened(desired(mode), ceiling=ceiling) as world:
        mark = world.mark()
        said = await typed(world, "apply", "contoso-dev", "--yes", environ=more)

        assert (3, []) == (said.code, world.writes(mark))
        assert told in " ".join(said.err.split())


@pytest.mark.parametrize("answers", ["", "n\n", "yes please\n"], ids=["nobody there", "no", "not quite yes"])
async def test_nothing_is_written_without_a_yes(answers: str) -> None:
    """
    The plan is shown, and only a clear yes applies it.
    """
    async with opened(desired("enforce")) as world:
        mark = world.mark()
        said = await typed(world, "apply", "contoso-dev", answers=answers)

        assert (3, []) == (said.code, world.writes(mark))
        assert "Apply 3 changes to contoso-dev?" in said.err
        assert "VALIDATE" in said.out


async def test_the_app_goes_on_where_the_command_ends() -> None:
    """
    One visit is made here; what takes longer stays rung, so that the app ends it.
    """
    async with opened(desired("enforce")) as world:
        said = await typed(world, "apply", "contoso-dev", answers="y\n")
        await world.settle()

        assert 2 == said.code
        assert "converged" == (await world.runs())[0]["result"]


async def test_it_waits_for_the_end() -> None:
    """
    With `--wait` it comes back when the instance is as declared, and says which stages were done when.
    """
    async with opened(desired("enforce")) as world:
        said = await typed(world, "apply", "contoso-dev", "--yes", "--wait")

        assert (0, True) == (said.code, "contoso-dev  No changes" in said.out)
        assert ["certificate", "service negotiation", "policy"] == [
            line.split(": ")[1].split(",")[0] for line in said.err.splitlines() if line.startswith("- ")
        ]


async def test_the_ledger_names_who_asked() -> None:
    """
    The run is recorded like any other, with its cause and the person.
    """
    async with opened(desired("enforce")) as world:
        await typed(world, "apply", "contoso-dev", "--yes")
        trigger = (await world.runs())[-1]["trigger"]

        assert ("command", "ada") == (trigger["cause"], trigger["by"])


async def test_ask_stays_ask() -> None:
    """
    R22: in ask mode a person at a terminal gets a card that asks, and nothing is written.
    """
    async with opened(desired("ask")) as world:
        mark = world.mark()
        said = await typed(world, "apply", "contoso-dev", "--yes")

        assert (3, []) == (said.code, world.writes(mark))
        assert "asked" == (await world.runs())[0]["result"]


async def test_the_mode_can_be_lowered_and_not_raised() -> None:
    """
    R22: `--mode` above what is declared is refused.
    """
    async with opened(desired("ask")) as world:
        raised = await typed(world, "apply", "contoso-dev", "--yes", "--mode", "enforce")
        lowered = await typed(world, "apply", "contoso-dev", "--yes", "--mode", "report")

        assert (1, 3) == (raised.code, lowered.code)
        assert "enforce is above what is allowed" in raised.err


async def test_json_asks_nobody() -> None:
    """
    With `--output json` there is one document and no question: without `--yes` it is an error.
    """
    async with opened(desired("enforce")) as world:
        said = await typed(world, "apply", "contoso-dev", "-o", "json")
        done = await typed(world, "apply", "contoso-dev", "-o", "json", "--yes")

        assert (1, "Add --yes.") == (said.code, said.body["error"]["faults"][0]["mend"])
        assert ["pending"] == [run["result"] for run in done.body["runs"]]


async def test_a_plan_that_has_moved_is_not_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Somebody edits the policy while the question stands there: what was not shown is not written, and not waited for.
    """
    policy = "<policies><inbound><!-- mine --></inbound><backend><forward-request /></backend><outbound /></policies>"
    async with opened(desired("enforce")) as world:
        loop = asyncio.get_running_loop()

        def ask(screen: Screen, question: str) -> bool:
            body = {"properties": {"value": policy, "format": "rawxml"}}
            edit = world.arm("PUT", f"{INSTANCE}/policies/policy", body)
            asyncio.run_coroutine_threadsafe(edit, loop).result()
            return True

        monkeypatch.setattr(Screen, "ask", ask)
        said = await typed(world, "apply", "contoso-dev", "--wait")
        found = (await world.arm("GET", f"{INSTANCE}/policies/policy"))["properties"]["value"]

        assert (2, False) == (said.code, "validate-client-certificate" in found)
        assert "It is not what was shown before" in said.out


class Recorder:
    """A writer that keeps what it was given."""

    def __init__(self) -> None:
        self.written: list[Change] = []

    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        self.written += changes
        return Written()

    async def write(self, change: Change, *, request_id: str) -> Written:
        self.written.append(change)
        return Written()


SEEN = Change(
    kind=Kind.POLICY,
    target=ResourceId.of(f"{INSTANCE}/policies/policy"),
    stage=Stage.VALIDATE,
    remediator="client_certificate_unchecked",
    before="<policies />",
    after="<policies></policies>",
    reason="",
)


async def test_only_what_was_seen_is_written() -> None:
    """
    A change that differs from what a person agreed to is held back, alone and beside others in one PATCH.
    """
    behind = Recorder()
    writer = Confirmed(behind=behind, changes=frozenset({SEEN.id}))
    other = replace(SEEN, before="<policies><!-- moved --></policies>")
    await writer.write(SEEN, request_id="1")
    with pytest.raises(Changed):
        await writer.write(other, request_id="2")
    with pytest.raises(Changed):
        await writer.patch_service([SEEN, other], uploaded=Uploaded.REFUSE, request_id="3")

    assert [SEEN] == behind.written
