"""
A dry run: the app's own engine without a writer, and with a memory that forgets.

It reads what the ledger knows and leaves no trace: no lease is taken, nothing is recorded, no card is sent, and what
others ordered stays for the visit that may carry it out.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from apimend.commands.app import App
from apimend.commands.patience import LEAST, LONGEST, TRIES
from apimend.engine.reconcile import Engine
from apimend.model.azure import Service
from apimend.model.desired import Desired, Mode
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.runs import Cause, Intent, Order, Progress, Result, Run, Trigger
from apimend.ports import DesiredSource, Lease, Ledger, Prober


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A dry run, and how far a visit of the app may go with what it plans. Its run has that mode."""

    run: Run
    desired: Desired | None
    mode: Mode


async def dry_run(
    app: App, instance: InstanceId, *, prober: Prober | None = None, desired: DesiredSource | None = None
) -> Planned:
    """Visit without a trace; with another prober or another desired state where these are given."""
    declared = Remembered(desired or app.desired)
    engine = replace(
        app.engine,
        writer=None,
        leases=NoLeases(),
        ledger=ForgetfulLedger(app.ledger),
        notices=NoNotices(),
        prober=prober or app.engine.prober,
        desired=declared,
    )
    run = await _visited(app, engine, instance)
    found = declared.by_instance.get(run.instance)
    mode = min(app.settings.ceiling, _most(found, run))
    return Planned(run=replace(run, mode=mode), desired=found, mode=mode)


async def _visited(app: App, engine: Engine, instance: InstanceId) -> Run:
    """The visit; made again where it, or one of its rules, could not read the instance yet."""
    run = await engine.visit(command(app, instance))
    for _ in range(TRIES - 1):
        again = run.next_visit
        if again is None or again > LONGEST or not _is_half_read(run):
            break
        await app.clock.sleep(max(again, LEAST))
        run = await engine.visit(command(app, instance))
    return run


def _is_half_read(run: Run) -> bool:
    return run.result is Result.FAILED or any(finding.code == "rule_failed" for finding in run.plan.findings)


def command(app: App, instance: InstanceId) -> Trigger:
    """What rings when a person types a command."""
    return Trigger(cause=Cause.COMMAND, instance=instance, at=app.clock.now(), by=app.by)


def _most(desired: Desired | None, run: Run) -> Mode:
    """The highest mode that is declared for one of the changes; where there are none, that of the instance."""
    if desired is None:
        return Mode.REPORT
    return max((desired.mode_of(change.remediator) for change in run.plan.changes), default=desired.mode)


@dataclass(frozen=True)
class Remembered:
    """A desired state that remembers what it was asked for."""

    behind: DesiredSource
    by_instance: dict[InstanceId, Desired] = field(default_factory=dict)

    async def resolve(self, service: Service) -> Desired | None:
        found = await self.behind.resolve(service)
        if found is not None:
            self.by_instance[service.id] = found
        return found

    async def allows(self, instance: InstanceId) -> bool:
        return await self.behind.allows(instance)


class NoLeases:
    """Whoever only reads is in nobody's way."""

    def hold(self, instance: InstanceId) -> AbstractAsyncContextManager[Lease]:
        """A lease that keeps nobody out."""
        return self._held()

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[Lease]:
        yield self

    async def confirm(self) -> None:
        """There is nothing to lose."""


class NoNotices:
    """Nobody is told."""

    async def tell(self, run: Run, desired: Desired | None) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class ForgetfulLedger:
    """Reads like the ledger behind it, and forgets what it is told."""

    behind: Ledger

    async def progress(self, instance: InstanceId) -> Progress:
        return await self.behind.progress(instance)

    async def save_progress(self, progress: Progress) -> None:
        """Forgotten."""

    async def intend(self, intent: Intent) -> None:
        raise AssertionError("A dry run has no writer, so it intends nothing.")

    async def close(self, intent: Intent) -> None:
        """Forgotten: the next visit finds what a crash left open."""

    async def open_intents(self, instance: InstanceId) -> tuple[Intent, ...]:
        return await self.behind.open_intents(instance)

    async def intents(self, run: str) -> tuple[Intent, ...]:
        return await self.behind.intents(run)

    async def wrote(
        self, instance: InstanceId, target: ResourceId, *, since: datetime | None = None, texts: bool = False
    ) -> tuple[Intent, ...]:
        return await self.behind.wrote(instance, target, since=since, texts=texts)

    async def is_ours(self, request_id: str) -> bool:
        return await self.behind.is_ours(request_id)

    async def save_run(self, run: Run) -> None:
        """Forgotten."""

    async def run(self, id: str) -> Run | None:
        return await self.behind.run(id)

    async def runs(self, instance: InstanceId | None = None, *, limit: int = 50) -> tuple[Run, ...]:
        return await self.behind.runs(instance, limit=limit)

    async def add_order(self, order: Order) -> None:
        """Forgotten."""

    async def orders(self, instance: InstanceId) -> tuple[Order, ...]:
        """None: they are for a visit that can carry them out."""
        return ()

    async def order(self, id: str) -> tuple[Order, str] | None:
        return await self.behind.order(id)

    async def consume(self, order: Order, run: str) -> None:
        """Forgotten."""

    async def instances(self) -> tuple[Progress, ...]:
        return await self.behind.instances()

    async def note(self, key: str, value: str) -> None:
        """Forgotten."""

    async def noted(self, key: str) -> str:
        return await self.behind.noted(key)
