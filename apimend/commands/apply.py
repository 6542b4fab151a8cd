"""
`apimend apply`: a visit that writes, after a person has seen the plan, and nothing but that plan.

It never goes above the ceiling and what is declared, and it holds the lease that the app holds: windows, limits,
approvals and the global stop count here as everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from apimend.commands import exits
from apimend.commands.app import App
from apimend.commands.choose import choose
from apimend.commands.dry import Planned, dry_run
from apimend.commands.exits import Exit
from apimend.commands.follow import follow, require_shared, visit
from apimend.commands.plan import show
from apimend.commands.screen import Screen
from apimend.engine.reconcile import Engine
from apimend.model.desired import Mode, Uploaded
from apimend.model.errors import Changed, Denied
from apimend.model.ids import InstanceId
from apimend.model.plan import Change
from apimend.model.runs import Run
from apimend.ports import InstanceWriter, Written
from apimend.report.plain import count, listing


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A writer that sends nothing but what a person has seen. `unseen` are the changes that it held back."""

    behind: InstanceWriter
    changes: frozenset[str]
    unseen: set[str] = field(default_factory=set)

    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        self._check(changes)
        return await self.behind.patch_service(changes, uploaded=uploaded, request_id=request_id)

    async def write(self, change: Change, *, request_id: str) -> Written:
        self._check([change])
        return await self.behind.write(change, request_id=request_id)

    def _check(self, changes: Sequence[Change]) -> None:
        self.unseen.update(change.id for change in changes if change.id not in self.changes)
        if self.unseen:
            raise Changed("It is not what was shown before: the state has moved. Look at the plan again.")


async def apply(
    app: App, screen: Screen, words: Sequence[str], *, mode: Mode | None = None, yes: bool = False, wait: bool = False
) -> Exit:
    """Show the plans, ask, and visit. Ends as the worst of the visits; REFUSED where nobody agreed."""
    require_shared(app)
    await app.desired.state()
    with screen.progress("Looking for instances"):
        instances = await choose(app, words)
    if mode is not None:
        await app.orders.check(instances, mode)
    plans = await screen.each("Planning", instances, lambda instance: dry_run(app, instance))
    allowed = [plan for plan in plans if plan.run.plan.changes and _may(screen, plan, mode)]
    if not allowed:
        show(screen, [plan.run for plan in plans], details=True)
        return exits.worst(_unwritten(plan) for plan in plans)
    if not yes:
        screen.require_answers()
        show(screen, [plan.run for plan in plans], details=True)
        if not screen.ask(_question(allowed)):
            screen.say("Nothing was written.")
            return Exit.REFUSED
    runs = [await _written(app, screen, plan, mode=mode, wait=wait) for plan in allowed]
    show(screen, runs, links=app.links, kept=True)
    left = [_unwritten(plan) for plan in plans if plan not in allowed]
    return exits.worst([*map(exits.of_run, runs), *left])


def _may(screen: Screen, plan: Planned, requested: Mode | None) -> bool:
    mode = plan.mode if requested is None else min(plan.mode, requested)
    if mode is not Mode.REPORT:
        return True
    name = plan.run.instance.name
    declared = plan.desired.mode if plan.desired else Mode.REPORT
    if declared is Mode.REPORT or requested is Mode.REPORT:
        screen.say(f"{name} is in report mode ({plan.run.declared}): nothing is written.", style="yellow")
    else:
        screen.say(f"{name}: APIMEND_MODE_CEILING is report, so nothing is written.", style="yellow")
    return False


def _unwritten(plan: Planned) -> Exit:
    """How an instance ends that was not visited: what should be written and may not be is refused."""
    return Exit.REFUSED if plan.run.plan.changes else exits.of_plan(plan.run)


def _question(plans: Sequence[Planned]) -> str:
    changes = sum(len(plan.run.plan.changes) for plan in plans)
    names = listing(plan.run.instance.name for plan in plans)
    asks = [plan.run.instance.name for plan in plans if plan.mode is Mode.ASK]
    more = f" ({listing(asks)}: approval is asked for, nothing is written before)" if asks else ""
    return f"Apply {count(changes, 'change')} to {names}{more}?"


async def _written(app: App, screen: Screen, plan: Planned, *, mode: Mode | None, wait: bool) -> Run:
    instance, unseen = plan.run.instance, set[str]()
    engine = _confirmed(app.engine, frozenset(change.id for change in plan.run.plan.changes), unseen)

    async def again() -> Run:
        run = await visit(app, engine, instance, mode=mode)
        # What nobody has seen is not waited for: another plan has to be shown.
        return replace(run, next_visit=None) if unseen else run

    with screen.progress(f"Visiting {instance.name}"):
        run = await again()
    return await follow(app, screen, run, again) if wait else run


def _confirmed(engine: Engine, changes: frozenset[str], unseen: set[str]) -> Engine:
    behind: Callable[[InstanceId], InstanceWriter] | None = engine.writer
    if behind is None:
        raise Denied("APIMEND_MODE_CEILING is report: there is nothing that could write.")
    writer = behind
    return replace(engine, writer=lambda instance: Confirmed(behind=writer(instance), changes=changes, unseen=unseen))
