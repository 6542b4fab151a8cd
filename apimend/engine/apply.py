"""
The only holder of a writer: sends the changes that may be sent, each after its pre-image is in the ledger.

Called by `reconcile` with what the guards allow. A change that fails never stops the next of its stage.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import structlog

from apimend.engine.dependence import relies_on
from apimend.engine.settle import update_started
from apimend.engine.stop import STOP_NOTE, stopped
from apimend.model.desired import Desired
from apimend.model.errors import Changed, Final, Gone, LeaseTaken, TryLater
from apimend.model.ids import InstanceId
from apimend.model.plan import Change, Kind, Stage
from apimend.model.runs import Intent, Outcome, Progress, Status
from apimend.ours import expecting, having_written
from apimend.ports import Clock, InstanceWriter, Lease, Ledger, Written

__all__ = ["STOP_NOTE", "Applier"]

_log = structlog.get_logger(__name__)
LOOK_AGAIN = 5.0
"""After a conflict: how soon to look again, in seconds."""
_TRY_AGAIN = 30.0
_DONE = (Status.APPLIED, Status.PENDING)


@dataclass(kw_only=True)
class Applier:
    """
    Applies changes on one instance for one run; with `reverse` the later stages first.

    `hosts` are the service's hostnames as they are, `missing` those that an update's answer left out. `troubles` are
    the errors for which something was put off.
    """

    instance: InstanceId
    run: str
    desired: Desired
    writer: InstanceWriter
    lease: Lease
    ledger: Ledger
    clock: Clock
    new_id: Callable[[], str]
    progress: Progress
    reverse: bool = False
    hosts: tuple[str, ...] = ()
    missing: list[str] = field(default_factory=list)
    troubles: list[TryLater] = field(default_factory=list)

    async def apply(self, changes: Sequence[Change]) -> list[Outcome]:
        """
        Write these, stage by stage; those of the service itself go together, in one PATCH.

        A stage in which something was not done holds back the later ones; the next visit looks again.
        """
        outcomes: list[Outcome] = []
        for batch in _batches(changes, reverse=self.reverse):
            if any(outcome.status not in _DONE for outcome in outcomes):
                outcomes += [_held_back(change) for change in batch]
            elif batch[0].kind.on_service:
                outcomes += await self._service(batch)
            else:
                outcomes += await self._together(batch)
        return outcomes

    async def _together(self, changes: Sequence[Change]) -> list[Outcome]:
        """One after the other; what names a certificate that could not be attached waits for it."""
        undone: list[Change] = []
        outcomes: list[Outcome] = []
        for change in changes:
            waits = any(relies_on(change, other) for other in undone)
            outcomes.append(_held_back(change) if waits else await self._one(change))
            if outcomes[-1].status not in _DONE:
                undone.append(change)
        return outcomes

    async def _service(self, changes: Sequence[Change]) -> list[Outcome]:
        before = self.progress
        self.progress = update_started(self.progress, self.clock.now(), self.hosts)
        await self.ledger.save_progress(self.progress)
        request_id = self.new_id()
        intents = [self._intent(change, request_id) for change in changes]
        outcome = await self._written(
            intents, lambda: self.writer.patch_service(changes, uploaded=self.desired.uploaded, request_id=request_id)
        )
        if outcome.status in (Status.REFUSED, Status.FAILED):
            self.progress = replace(before, writes=self.progress.writes)
        await self.ledger.save_progress(self.progress)
        return [replace(outcome, change=change.id) for change in changes]

    async def _one(self, change: Change) -> Outcome:
        request_id = self.new_id()
        return await self._written(
            [self._intent(change, request_id)], lambda: self.writer.write(change, request_id=request_id)
        )

    async def _written(self, intents: Sequence[Intent], send: Callable[[], Awaitable[Written]]) -> Outcome:
        """Pre-image, lease, stop: then the write, and what came of it."""
        change = intents[0].change
        why = await stopped(self.ledger)
        if why:
            return Outcome(change=change, status=Status.REFUSED, why=f"The global stop is on: {why}")
        before = self.progress
        if intents[0].kind == Kind.POLICY.value:
            # What is ours has to be known whatever happens to us, and longer than any text is kept.
            self.progress = expecting(before, intents[0])
            await self.ledger.save_progress(self.progress)
        for intent in intents:
            await self.ledger.intend(intent)
        outcome, written = await self._sent(change, send)
        if intents[0].kind == Kind.POLICY.value:
            self.progress = having_written(self.progress, before, intents[0], outcome.status)
        for intent in intents:
            await self.ledger.close(replace(intent, closed=outcome.status.value, etag_after=written.etag))
        if outcome.status in (Status.APPLIED, Status.PENDING):
            day = f"{self.clock.now():%Y-%m-%d}"
            writes = {day: self.progress.writes.get(day, 0) + len(intents)}
            self.progress = replace(
                self.progress, writes=writes, operation=written.operation or self.progress.operation
            )
        _log.info("change.sent", change=change, target=str(intents[0].target), status=outcome.status.value)
        return outcome

    async def _sent(self, change: str, send: Callable[[], Awaitable[Written]]) -> tuple[Outcome, Written]:
        try:
            await self.lease.confirm()
            written = await send()
        except LeaseTaken:
            raise
        except (Changed, Gone) as error:
            return _failure(change, Status.DEFERRED, error, after=LOOK_AGAIN), Written()
        except TryLater as error:
            self.troubles.append(error)
            return _failure(change, Status.DEFERRED, error, after=error.after or _TRY_AGAIN), Written()
        except Final as error:
            return _failure(change, Status.FAILED, error), Written()
        self.missing += written.missing
        status = Status.PENDING if written.pending else Status.APPLIED
        return Outcome(change=change, status=status), written

    def _intent(self, change: Change, request_id: str) -> Intent:
        return Intent(
            id=f"{self.run}-{change.id}",
            run=self.run,
            instance=self.instance,
            change=change.id,
            kind=change.kind.value,
            target=change.target,
            stage=int(change.stage),
            remediator=change.remediator,
            at=self.clock.now(),
            before=change.before,
            after=change.after,
            request_id=request_id,
        )


def _batches(changes: Sequence[Change], *, reverse: bool) -> Iterator[list[Change]]:
    """
    By stage, or by stages in reverse; the changes of the service itself go in one PATCH, at the latest of their stages.

    Checks go one by one: a later one may rely on an earlier, as a guard relies on the check that takes its place.
    """
    together = [change for change in changes if change.kind.on_service]
    latest = max((change.stage for change in together), default=None)
    for stage in reversed(Stage) if reverse else Stage:
        if stage is latest:
            yield together
        alone = [change for change in changes if change.stage is stage and not change.kind.on_service]
        if stage is Stage.VALIDATE:
            yield from ([change] for change in alone)
        elif alone:
            yield alone


def _held_back(change: Change) -> Outcome:
    return Outcome(change=change.id, status=Status.DEFERRED, why="What comes before it was not done.", after=_TRY_AGAIN)


def _failure(change: str, status: Status, error: TryLater | Final, *, after: float | None = None) -> Outcome:
    return Outcome(
        change=change, status=status, why=str(error), after=after, code=error.code, request_id=error.request_id
    )
