"""
The main path: a bell is answered, the instance is looked at, and what differs is reported or put right.

Event, sweep, replay and command line all end here. Everything it needs is handed in; it waits for nothing that
takes longer than a few seconds.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from apimend import telemetry
from apimend.engine import posture, settle, takeback
from apimend.engine.apply import LOOK_AGAIN, Applier
from apimend.engine.fights import UPDATE_FAILED, fights, rejected, rounds
from apimend.engine.guard import BUSY_AGAIN, Circumstances, decide, decide_order
from apimend.engine.holds import standing, without_approved
from apimend.engine.look import Look, approves, is_done, lowest, result_of, unread, walks_since
from apimend.engine.lost import CODE as LOST
from apimend.engine.lost import lost
from apimend.engine.stop import stopped
from apimend.model.desired import Mode
from apimend.model.errors import BadInput, Final, Gone, LeaseTaken, TryLater, Unavailable, Unfinished, Unreadable
from apimend.model.ids import InstanceId
from apimend.model.plan import Change, Plan, Severity
from apimend.model.runs import Cause, Handshake, OrderKind, Outcome, Result, Run, Status, Trigger
from apimend.ours import inherited
from apimend.ports import (
    Azure,
    Bells,
    Clock,
    DesiredSource,
    InstanceWriter,
    Lease,
    Leases,
    Ledger,
    Notices,
    Prober,
    Proposal,
    Remediator,
    VisitContext,
    Walks,
)
from apimend.survey import gateway_hosts

_log = structlog.get_logger(__name__)
WALKING = 0.7
"""How much of a visit's time a walk may take: what was found has to be planned and written in the rest."""

_LEASE_AGAIN = 30.0
_DAY = timedelta(days=1)


def _after(seen: datetime | None, now: datetime) -> datetime:
    """Now, and later than the visit before: runs of an instance are in order even where a clock is coarse."""
    return now if seen is None else max(now, seen + timedelta(microseconds=1))


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, kw_only=True)
class Engine:
    """
    Everything a visit needs. `writer` is None in report mode: then nothing can be written.

    `settle_seconds` is the distance of the readings that make negotiation count as live. `longest` is how many
    seconds a visit may take, short of what the platform grants a function: then it ends, and the bell rings again. A
    walk that takes longer goes on with the next visit, where `walks` remembers.
    Outside of `subscriptions` nothing is managed; empty: they all are.
    """

    azure: Azure
    desired: DesiredSource
    bells: Bells
    leases: Leases
    ledger: Ledger
    notices: Notices
    clock: Clock
    remediators: Sequence[Remediator[Any]]
    ceiling: Mode = Mode.REPORT
    writer: Callable[[InstanceId], InstanceWriter] | None = None
    settle_seconds: float = 60.0
    longest: float = 480.0
    subscriptions: frozenset[str] = frozenset()
    prober: Prober | None = None
    walks: Walks | None = None
    new_id: Callable[[], str] = _new_id

    async def answer(self, message: str) -> Run | None:
        """
        Answer a bell's message: one visit, or None where the message is no longer the current one.

        Raises Unreadable for a message, or a record that it needs, of an unknown form: to be parked, not retried.
        """
        visit = await self.bells.answer(message)
        if visit is None:
            return None
        trigger = await self.bells.trigger(visit.instance) or self._follow_up(visit.instance)
        telemetry.waited(await self.bells.due(visit.instance), self.clock.now())
        try:
            look, run = await self._visit(trigger, longest=self.longest)
        except LeaseTaken:
            await self.bells.finish(visit, again_after=_LEASE_AGAIN)
            return None
        except Unreadable:  # no visit can be made, so none is under way: the next ring asks for one again
            await self.bells.finish(visit)
            raise
        await self.bells.finish(visit, again_after=run.next_visit, hold=look.held is not None)
        return run

    async def visit(self, trigger: Trigger, *, requested: Mode | None = None) -> Run:
        """One visit, under the instance's lease. Raises LeaseTaken."""
        return (await self._visit(trigger, requested=requested))[1]

    async def _visit(
        self, trigger: Trigger, *, requested: Mode | None = None, longest: float | None = None
    ) -> tuple[Look, Run]:
        async with self.leases.hold(trigger.instance) as lease:
            bound = {"instance": str(trigger.instance), "cause": trigger.cause.value, "event_id": trigger.event_id}
            with structlog.contextvars.bound_contextvars(**bound, run=""), telemetry.visiting(trigger):
                try:
                    async with asyncio.timeout(longest):
                        look, run = await self.reconcile(trigger, lease, requested=requested)
                except TimeoutError:
                    _log.error("visit.too_long", seconds=longest)
                    look, run = await self._cut_short(trigger, lease)
                _log.info("visit.ended", run=run.id, result=run.result.value, changes=len(run.plan.changes))
                return look, run

    async def reconcile(self, trigger: Trigger, lease: Lease, *, requested: Mode | None = None) -> tuple[Look, Run]:
        """Observe, diff, plan, guard, apply or report, record."""
        look = await self._look(trigger, requested)
        if look.desired is None or look.service is None or look.waits_for_update:
            return look, await self._record(look, lease)
        if look.taking_back is not None:
            await self._plan_order(look)
        else:
            await self._observe(look)
        try:
            await self._apply(look, lease)
            return look, await self._record(look, lease)
        except (LeaseTaken, asyncio.CancelledError) as error:
            await self._leave_word(look, str(error) or "The visit was ended while it was writing.")
            raise

    async def _leave_word(self, look: Look, error: str) -> None:
        """What this visit wrote before it was stopped is in the ledger, and without a run nobody could undo it."""
        if await self.ledger.intents(look.id):
            look.result, look.error, look.next_visit = Result.FAILED, error, None
            await self.ledger.save_run(look.run(ended=max(look.started, self.clock.now()), mode=self._mode(look)))

    async def _cut_short(self, trigger: Trigger, lease: Lease) -> tuple[Look, Run]:
        """A visit that took too long is a failed one: people see it, and the pauses grow."""
        progress = await self.ledger.progress(trigger.instance)
        now = _after(progress.seen, self.clock.now())
        reader = self.azure.reader(trigger.instance, urgent=False)
        look = Look(trigger=trigger, id=self.new_id(), started=now, reader=reader, progress=progress, orders=())
        look.later(Unavailable(f"The visit took longer than {self.longest:.0f} seconds and was ended."))
        look.tell([look.too_long(self.longest)])
        return look, await self._record(look, lease)

    async def _look(self, trigger: Trigger, requested: Mode | None) -> Look:
        """The service as it is, what is declared for it, what is remembered and ordered."""
        progress = await self.ledger.progress(trigger.instance)
        now = _after(progress.seen, self.clock.now())
        orders = await self.ledger.orders(trigger.instance)
        until = now + timedelta(seconds=self.longest * WALKING)
        since = walks_since(progress, orders, trigger, now)
        walk = await self.walks.recall(trigger.instance, until=until, since=since) if self.walks is not None else None
        reader = self.azure.reader(trigger.instance, urgent=trigger.urgent, walk=walk)
        look = Look(trigger=trigger, id=self.new_id(), started=now, reader=reader, progress=progress, orders=orders)
        look.walks_since = since
        structlog.contextvars.bind_contextvars(run=look.id)
        telemetry.correlate(look.id)
        look.requested = lowest([requested, *(o.mode for o in orders if o.kind is OrderKind.REPLAY)])
        await self._inherit(look)
        await self._recover(look)
        try:
            look.service = await reader.service()
            look.desired = (
                await self.desired.resolve(look.service) if trigger.instance.lies_in(self.subscriptions) else None
            )
            if look.desired is None and progress.managed:
                look.abandoned()
            await self._follow_update(look)
        except Gone:
            look.result = Result.GONE
        except BadInput as error:
            look.unreadable(error)
        except TryLater as error:
            look.later(error)
        except Final as error:
            look.failed(error)
        if look.service is not None:
            look.progress = settle.read(look.progress, look.service, now, distance=self.settle_seconds)
            if not look.service.busy and (gone := settle.missing(look.progress, look.service)):
                look.findings.append(look.hosts_missing(gone))
        look.progress = standing(look.progress, now)
        order = takeback.first(orders)
        if order is not None and look.desired is not None:
            look.taking_back = takeback.TakeBack(
                order=order,
                run=look.id,
                now=now,
                reader=reader,
                ledger=self.ledger,
                desired=look.desired,
                progress=look.progress,
            )
        elif order is not None:
            look.not_carried_out(order)
        return look

    async def _follow_update(self, look: Look) -> None:
        """An update of ours that is over: whether it went through. Nothing but its address was remembered."""
        assert look.service is not None
        if any(order.kind is OrderKind.REPLAY for order in look.orders):
            look.progress = settle.forgiven(look.progress)
        failed = settle.has_failed(look.service)
        if look.progress.operation and (failed or not look.service.busy):
            try:
                why = await look.reader.operation(look.progress.operation)
            except TryLater as error:
                look.put_off(error)
                return
            if why is None:
                return
            if why:
                await self._close_failed(look)
                look.progress = settle.update_failed(look.progress, why, look.started)
            look.progress = replace(look.progress, operation="")
        if settle.stuck(look.progress, look.service, look.started):
            look.stuck()
        if look.desired is not None and (failed or look.progress.update_failures):
            look.update_failed(look.desired.limits.rounds)

    async def _close_failed(self, look: Look) -> None:
        """Note of the writes behind an update that it failed: they were no round of a fight."""
        instance = look.trigger.instance
        since = look.progress.update_since or look.started - _DAY
        for intent in await self.ledger.wrote(instance, instance, since=since):
            if intent.closed == Status.PENDING.value:
                await self.ledger.close(replace(intent, closed=UPDATE_FAILED))

    async def _inherit(self, look: Look) -> None:
        """Once for an instance from before it was noted what is ours: the texts that are left still tell."""
        instance = look.trigger.instance
        wrote = {target: await self.ledger.wrote(instance, target, texts=True) for target in look.progress.checks}
        look.progress = inherited(look.progress, wrote)

    async def _recover(self, look: Look) -> None:
        """A write that a crash left open: remember that it may have taken effect, and look."""
        open_intents = await self.ledger.open_intents(look.trigger.instance)
        if not open_intents:
            return
        look.progress = settle.recovered(look.progress, open_intents)
        await self.ledger.save_progress(look.progress)
        for intent in open_intents:
            await self.ledger.close(replace(intent, closed="interrupted"))
        look.notes.append("An earlier visit was interrupted while writing; the live state was read again.")

    async def _observe(self, look: Look) -> None:
        """Every rule observes and plans; one that fails never stops the next."""
        assert look.desired is not None
        with look.as_finding("handshakes_not_seen", "The gateways' hosts could not be read:", Severity.MEDIUM):
            look.handshakes = await self._handshakes(look)
        context = VisitContext(
            now=look.started,
            progress=look.progress,
            thorough=look.thorough,
            walk=look.walks,
            handshakes={shown.host.casefold(): shown for shown in look.handshakes},
            touched=look.touched,
            show=self.prober.show if self.prober is not None else None,
        )
        proposals = await asyncio.gather(*(self._propose(rule, look, context) for rule in self.remediators))
        coverage = next((p.coverage for p in proposals if p.coverage), None)
        coverage_after = next((p.coverage_after for p in proposals if p.coverage_after), None)
        look.plan = Plan.of(
            (change for proposal in proposals for change in proposal.changes),
            (*look.findings, *(finding for proposal in proposals for finding in proposal.findings)),
            coverage=coverage,
            coverage_after=coverage_after,
        )
        look.notes += [note for proposal in proposals for note in proposal.notes]
        look.assessed = tuple(each for proposal in proposals for each in proposal.posture)
        look.remember({key: value for proposal in proposals for key, value in proposal.remember.items()})
        look.progress = settle.doubted(look.progress, look.plan)
        with look.as_finding(LOST, "A host no longer asks, and our checks could not be read:", Severity.CRITICAL):
            await self._rescue(look)

    async def _rescue(self, look: Look) -> None:
        """What locks callers out now is told first, and where it is declared so, let go."""
        assert look.desired is not None
        assert look.service is not None
        gone = await lost(look.reader, service=look.service, desired=look.desired, progress=look.progress)
        if not gone.findings:
            return
        targets = {change.target for change in gone.changes}
        kept = (change for change in look.plan.changes if change.target not in targets)
        look.urgent = frozenset(change.id for change in gone.changes)
        look.plan = Plan.of(
            (*kept, *gone.changes),
            (*look.plan.findings, *gone.findings),
            coverage=look.plan.coverage,
            coverage_after=look.plan.coverage_after,
        )

    async def _plan_order(self, look: Look) -> None:
        """The plan of what a person takes back, instead of the rules'."""
        assert look.taking_back is not None
        try:
            look.plan = await look.taking_back.plan()
        except TryLater as error:
            look.later(error)
        except Final as error:
            look.failed(error)

    async def _handshakes(self, look: Look) -> tuple[Handshake, ...]:
        """What the gateway hosts that Resource Manager lists show from outside, where we are told to look."""
        if self.prober is None or look.service is None or look.desired is None:
            return ()
        if not look.is_unhurried and not look.walks_on:
            return ()
        named = await gateway_hosts(look.reader, look.service)
        path = look.desired.canary_path
        return tuple(await asyncio.gather(*(self.prober.shake_hands(host, canary_path=path) for host in named)))

    async def _propose(self, rule: Remediator[Any], look: Look, context: VisitContext) -> Proposal:
        assert look.desired is not None
        with structlog.contextvars.bound_contextvars(rule=rule.name):
            try:
                observed = await rule.observe(look.reader, look.desired, context)
                return rule.plan(observed, look.desired, context)
            except TryLater as error:
                look.put_off(error)
                severity = Severity.INFO if isinstance(error, Unfinished) else Severity.LOW
                return Proposal(findings=(unread(rule, look, error, severity),))
            except Final as error:
                return Proposal(findings=(unread(rule, look, error, Severity.HIGH),))
            except Exception as error:  # a fault of one rule never stops the next; its stack is in the log
                _log.exception("rule.failed")
                return Proposal(findings=(unread(rule, look, error, Severity.HIGH),))

    async def _apply(self, look: Look, lease: Lease) -> None:
        """What the guards allow is written; the rest is said."""
        assert look.desired is not None
        assert look.service is not None
        given = await self._circumstances(look)
        order = look.taking_back
        decided = decide(look.plan, given) if order is None else decide_order(look.plan, given, at_once=order.at_once)
        allowed = [change for change in look.plan.changes if decided[change.id] is None]
        told = [outcome for outcome in decided.values() if outcome is not None]
        told += await self._write(look, lease, [change for change in allowed if change.id in look.urgent])
        told += await self._write(look, lease, [change for change in allowed if change.id not in look.urgent])
        position = {change.id: place for place, change in enumerate(look.plan.changes)}
        look.outcomes = tuple(sorted(told, key=lambda outcome: position[outcome.change]))
        look.mode = max((given.mode_for(c) for c in look.plan.changes), default=self._mode(look))
        if order is None:
            look.progress = without_approved(look.progress, look.plan.changes, look.outcomes)
            look.result = Result.PENDING if look.unfinished and not look.outcomes else result_of(look)
        elif look.result is None:
            look.progress = await order.done(look.plan, look.outcomes, look.progress)
            look.result = order.result(look.plan, look.outcomes)
            look.notes += order.notes
            look.again(1.0)
        self._come_again(look)

    async def _write(self, look: Look, lease: Lease, changes: Sequence[Change]) -> list[Outcome]:
        """Hand over to the only holder of a writer."""
        assert look.desired is not None
        assert look.service is not None
        if not changes or self.writer is None:
            return []
        applier = Applier(
            instance=look.trigger.instance,
            run=look.id,
            desired=look.desired,
            writer=self.writer(look.trigger.instance),
            lease=lease,
            ledger=self.ledger,
            clock=self.clock,
            new_id=self.new_id,
            progress=look.progress,
            reverse=look.taking_back is not None,
            hosts=settle.hosts_of(look.service),
        )
        if self.walks is not None:
            for target in {change.target for change in changes}:
                await self.walks.touched(look.trigger.instance, target, "/service/write")
        told = await applier.apply(changes)
        look.progress = applier.progress
        if applier.missing:
            look.tell([look.hosts_missing(applier.missing)])
        for trouble in applier.troubles:
            look.put_off(trouble)
        return told

    def _come_again(self, look: Look) -> None:
        """When the next visit should be, after what became of the changes."""
        for outcome in look.outcomes:
            if outcome.status is Status.DEFERRED and outcome.after is not None:
                look.again(outcome.after)
            if outcome.status in (Status.PENDING, Status.APPLIED):
                look.again(BUSY_AGAIN if outcome.status is Status.PENDING else 1.0)
        look.conflicted(any(o.status is Status.DEFERRED and o.after == LOOK_AGAIN for o in look.outcomes))

    async def _circumstances(self, look: Look) -> Circumstances:
        assert look.desired is not None
        assert look.service is not None
        day = f"{look.started:%Y-%m-%d}"
        may_write = self.writer is not None and not look.plan.is_empty
        others = await self.ledger.instances() if may_write else ()
        return Circumstances(
            now=look.started,
            ceiling=self.ceiling if self.writer is not None else Mode.REPORT,
            desired=look.desired,
            progress=look.progress,
            requested=look.requested,
            approved=frozenset(c for o in look.orders if approves(o, look) for c in o.changes),
            service_busy=look.service.busy,
            service_failed=settle.has_failed(look.service),
            stopped=await stopped(self.ledger) if may_write else "",
            writes_today=look.progress.writes.get(day, 0),
            instances_today=sum(1 for p in others if p.instance != look.trigger.instance and p.writes.get(day)),
            rounds=await self._rounds(look) if may_write and look.taking_back is None else {},
            rejected=await self._rejected(look) if may_write and not look.sends_again else frozenset(),
            settle_seconds=self.settle_seconds,
            urgent=look.urgent,
        )

    async def _rejected(self, look: Look) -> frozenset[str]:
        """The changes that Azure refused lately: only a person has them sent again."""
        instance, changes = look.trigger.instance, look.plan.changes
        return frozenset([c.id for c in changes if await rejected(self.ledger, instance, c, look.started)])

    async def _rounds(self, look: Look) -> Mapping[str, int]:
        """How often each change was written already; where that is a fight, it becomes a finding."""
        assert look.desired is not None
        instance, limit = look.trigger.instance, look.desired.limits.rounds
        counted = {c.id: await rounds(self.ledger, instance, c, look.started) for c in look.plan.changes}
        found = await fights(self.ledger, instance, look.plan, counted, limit)
        look.tell(found)
        return counted

    async def _record(self, look: Look, lease: Lease) -> Run:
        """Into the ledger, and to those who should hear of it. Raises LeaseTaken: then another visit knows better."""
        look.slow_down()
        await lease.confirm()
        look.posture = await posture.keep(self.ledger, look.trigger.instance, look.assessed, look.started)
        mode = look.mode if look.mode is not None else self._mode(look)
        run = look.run(ended=max(look.started, self.clock.now()), mode=mode)
        await self.ledger.save_progress(look.remembered(run))
        if look.waits_for_update:
            return run
        await self.ledger.save_run(run)
        telemetry.visited(run)
        ended = look.taking_back is None or look.taking_back.is_finished(run.outcomes)
        done = [order for order in look.carried if ended and is_done(order, run)]
        for order in (*done, *look.overruled):
            await self.ledger.consume(order, run.id)
        await self.notices.tell(run, look.desired)
        return run

    def _mode(self, look: Look) -> Mode:
        declared = look.desired.mode if look.desired else Mode.REPORT
        ceiling = self.ceiling if self.writer is not None else Mode.REPORT
        return min(ceiling, declared, declared if look.requested is None else look.requested)

    def _follow_up(self, instance: InstanceId) -> Trigger:
        return Trigger(cause=Cause.FOLLOW_UP, instance=instance, at=self.clock.now())
