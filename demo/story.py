"""
The demo: the main job from the first event to the converged instance, told in the terminal.

Everything it says is looked up, nothing is assumed: each claim is checked as it is told, and one that does not
come true makes the exit code 1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table

from apimend.model.ids import InstanceId
from apimend.model.runs import Run
from apimend.report import html
from apimend.report.view import RunView
from demo.world import ROOT, World, open_world
from script import card_page

DEVELOPMENT = (
    "/subscriptions/11111111-1111-1111-1111-222222222222/resourceGroups/rg-apim-dev"
    "/providers/Microsoft.ApiManagement/service/contoso-dev"
)
PRODUCTION = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim-prod"
    "/providers/Microsoft.ApiManagement/service/contoso-prod"
)
PARTNERS = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-partners"
    "/providers/Microsoft.ApiManagement/service/contoso-partners"
)
HOST = "contoso-dev.azure-api.net"
KEYS = {
    "/echo/1": "2a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "/orders/1": "2a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "/billing/1": "2a1b2c3d4e5f60718293a4b5c6d7e8f9",
}
CALLERS = {"no certificate": "", "a stranger's": "stranger", "an allowed one": "allowed-client"}
OUTPUT = ROOT / "build" / "demo"


@dataclass
class Story:
    """What has been told so far, and what of it did not come true."""

    world: World
    console: Console
    untrue: list[str] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        """A new part."""
        self.console.print()
        self.console.print(Rule(title, align="left", style="cyan"))

    def say(self, text: str) -> None:
        """A sentence."""
        self.console.print(text, highlight=False)

    def claim(self, text: str, came_true: bool) -> None:
        """A sentence that has to be true."""
        self.console.print(
            f"  [{'green' if came_true else 'red'}]{'✓' if came_true else '✗'}[/] {text}", highlight=False
        )
        if not came_true:
            self.untrue.append(text)

    async def calls(self) -> Mapping[tuple[str, str], int]:
        """Call three APIs as three callers, over TLS, and show who got in."""
        table = Table(box=None, pad_edge=False)
        for heading in ("caller's certificate", *KEYS):
            table.add_column(heading)
        found = {}
        for caller, certificate in CALLERS.items():
            for path, key in KEYS.items():
                answer = await self.world.call(
                    HOST, path, certificate=certificate, headers={"Ocp-Apim-Subscription-Key": key}
                )
                found[caller, path] = answer.status
            row = (f"[{'green' if found[caller, path] < 400 else 'red'}]{found[caller, path]}[/]" for path in KEYS)
            table.add_row(f"  {caller}", *row)
        self.console.print(table)
        return found

    async def run_of(self, instance: str, *, newest: int = 0) -> Mapping[str, Any]:
        """A run of an instance, newest first, whole."""
        _, listed = await self.world.http("GET", f"/api/runs?instance={instance}")
        _, run = await self.world.http("GET", listed["runs"][newest]["detail"])
        found: Mapping[str, Any] = run
        return found

    async def run_with(self, instance: str, result: str) -> Run:
        """The newest run of an instance with this result, as the ledger has it."""
        ledger = (await self.world.app.door.wired()).storage.ledger
        runs = await ledger.runs(InstanceId.of(instance), limit=200)
        return next(run for run in runs if run.result.value == result)


async def _before(story: Story) -> None:
    story.chapter("Before: contoso-dev lets everybody in")
    story.say("A Developer instance with ten APIs. Nobody asks callers for a certificate. Three callers, over TLS:")
    found = await story.calls()
    story.claim("Every caller gets through, with or without a certificate.", set(found.values()) == {200})


async def _drift(story: Story) -> None:
    world = story.world
    story.chapter("An event arrives: the plan, in dry run")
    story.say("Ada changes the instance's tags. Event Grid tells the app, which looks at the whole instance.")
    mark = world.mark()
    await world.arm("PATCH", DEVELOPMENT, {"tags": {"env": "dev", "owner": "api-platform", "touched": "today"}})
    await world.settle()
    run = await story.run_of(DEVELOPMENT)
    story.say(await _text(world, run["run"]))
    stages = ["prepare", "negotiate", "validate", "validate"]
    story.claim(
        "Four changes in three stages; one is for billing, whose policy has no <base />.", _stages(run) == stages
    )
    covered = run["coverage"]["before"]["percent"], run["coverage"]["after"]["percent"]
    story.claim(
        f"Coverage, operation by operation: {covered[0]} % now, {covered[1]} % afterwards.", covered == (0, 100)
    )
    story.claim(f"Nothing was written: {len(world.ours(mark))} reads, 0 writes.", not world.writes(mark))
    story.claim(
        "A card with the plan is in the Teams channel.", any("contoso-dev" in json.dumps(c) for c in world.teams.cards)
    )


async def _mended(story: Story) -> None:
    world = story.world
    story.chapter("The operator says enforce, and replays")
    text = world.desired_file.read_text(encoding="utf-8")
    world.desired_file.write_text(text.replace("mode: report # dev", "mode: enforce"), encoding="utf-8")
    mark, began = world.mark(), world.clock.now()
    before = {run["run"] for run in await world.runs()}
    status, body = await world.http("POST", "/api/replay", {"instance": DEVELOPMENT})
    story.say(f"POST /api/replay answers {status}: {body['orders'][0]['status']}")
    await world.settle()
    minutes = round((world.clock.now() - began).total_seconds() / 60)
    story.say(f"The visits, over {minutes} minutes of the local Azure's time:")
    visits = [run for run in await world.runs() if run["instance"] == DEVELOPMENT and run["run"] not in before]
    for run in reversed(visits):
        detail = (await world.http("GET", run["detail"]))[1]
        done = [f"{c['kind']}: {c['outcome']['status']}" for c in detail["changes"] if c.get("outcome")]
        story.say(f"  {run['started'][11:19]}  {run['result']:<10} {'; '.join(done) or 'nothing left to do'}")
    written = [(e.method, e.path.split("/service/")[1]) for e in world.writes(mark) if "contoso-dev" in e.path]
    for method, path in written:
        story.say(f"  wrote: {method} {path}")
    expected = [
        ("PUT", "contoso-dev/certificates/partner-a"),
        ("PATCH", "contoso-dev"),
        ("PUT", "contoso-dev/apis/billing/policies/policy"),
        ("PUT", "contoso-dev/policies/policy"),
    ]
    story.claim("Four writes, in the order of the stages: attach, negotiate, and last the checks.", written == expected)
    mark = world.mark()
    await world.http("POST", "/api/replay", {"instance": DEVELOPMENT})
    await world.settle()
    run = await story.run_of(DEVELOPMENT)
    story.claim(
        f"One more visit finds nothing to do: {len(world.ours(mark))} reads, 0 writes.",
        run["result"] == "converged" and not world.writes(mark),
    )


async def _others(story: Story) -> None:
    world = story.world
    story.chapter("What it leaves alone, and says so")
    mark = world.mark()
    for instance in (PRODUCTION, PARTNERS):
        await world.http("POST", "/api/replay", {"instance": instance})
    await world.settle()
    production, partners = await story.run_of(PRODUCTION), await story.run_of(PARTNERS)
    refusals = [f for f in production["findings"] if f["code"] == "uploaded_certificate"]
    for finding in refusals:
        story.say(f"  contoso-prod: {finding['message']}")
        story.say(f"    {finding['whyLeft']}")
    story.claim(
        "contoso-prod is declared enforce, but its uploaded certificate can't be resent safely: refused.",
        bool(refusals),
    )
    story.claim("contoso-partners is declared report: planned, not written.", partners["result"] == "planned")
    on_hosts = [e for e in world.writes(mark) if e.method == "PATCH" or "/policies/" in e.path]
    story.claim("Neither gateway nor policy of the two was touched.", not on_hosts)


async def _after(story: Story) -> None:
    story.chapter("After: who gets in now")
    found = await story.calls()
    refused = all(found[caller, path] == 401 for caller in list(CALLERS)[:2] for path in KEYS)
    allowed = all(found["an allowed one", path] == 200 for path in KEYS)
    story.claim("Without a certificate, and with a stranger's, callers are refused; on billing too.", refused)
    story.claim("The allowed client gets in everywhere.", allowed)
    run = await story.run_of(DEVELOPMENT)
    figures = run["coverage"]["before"]
    proof = f"{figures['covered']} of {figures['total']} operations are covered"
    story.claim(f"The proof agrees with the gateway: {proof}.", figures["percent"] == 100)


async def _where_to_look(story: Story, run: Mapping[str, Any]) -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    content, detail, page = OUTPUT / "card.json", OUTPUT / "run.json", OUTPUT / "run.html"
    content.write_text(json.dumps(story.world.teams.cards[0], indent=2), encoding="utf-8")
    detail.write_text(json.dumps(run, indent=2), encoding="utf-8")
    planned = await story.run_with(DEVELOPMENT, "planned")
    page.write_text(html.run_page(RunView.of(planned), root="."), encoding="utf-8")
    (OUTPUT / html.STYLESHEET).write_text(html.stylesheet(), encoding="utf-8")
    story.chapter("Where to look")
    for what, path in (
        ("the card, as Teams shows it", _card_page(story.world.teams.cards[0])),
        ("the card, as it was sent", content),
        ("the page of the dry run", page),
        ("the last run, as JSON", detail),
    ):
        story.say(f"  {what}: {path.relative_to(ROOT)}")


def _card_page(card: Mapping[str, Any]) -> Path:
    """The card, drawn by the official renderer where it is installed; otherwise the picture of one like it."""
    page = OUTPUT / "card.html"
    try:
        page.write_text(card_page.page(card), encoding="utf-8")
    except FileNotFoundError:
        return ROOT / "docs" / "cards" / "plan.png"
    return page


async def _text(world: World, run: str) -> str:
    async with world.session.get(
        f"{world.host.url}/api/runs/{run}?format=text", headers={"x-functions-key": world.host.keys.host}
    ) as answer:
        return await answer.text()


def _stages(run: Mapping[str, Any]) -> list[str]:
    return [change["stage"] for change in run["changes"]]


async def tell(console: Console, *, storage: str = "sqlite") -> int:
    """Tell the story; the exit code."""
    desired = (ROOT / "demo" / "desired.yaml").read_text(encoding="utf-8")
    async with open_world("sample", desired=desired, ceiling="enforce", storage=storage) as world:
        story = Story(world, console)
        await _before(story)
        await _drift(story)
        await _mended(story)
        await _others(story)
        await _after(story)
        await _where_to_look(story, await story.run_of(DEVELOPMENT))
        story.claim("No policy did something that the gateway could not play.", not world.gateway.not_emulated)
    if story.untrue:
        console.print(f"\n[red]{len(story.untrue)} of the claims did not come true.[/]")
        return 1
    console.print("\nAll of it came true.")
    return 0
