"""
Ten planted mistakes, each one alternative object handed to the wiring: the campaign has to catch every one.

A watcher that catches nothing proves nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apimend.model.desired import Desired, Uploaded
from apimend.model.errors import TryLater
from apimend.model.ids import ResourceId
from apimend.model.plan import Change, Kind, Stage
from apimend.model.runs import Intent, Progress
from apimend.ports import InstanceReader, Proposal, VisitContext, Written
from apimend.wiring import Wired

Planted = Callable[[Wired], Wired]


@dataclass
class Passing:
    """Everything as it is, but for what a subclass does wrong."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class WithoutPreimage(Passing):
    async def intend(self, intent: Intent) -> None:
        await self.inner.intend(replace(intent, before=None))


class NotClosing(Passing):
    async def open_intents(self, instance: Any) -> tuple[Intent, ...]:
        return ()


class NeverSettling(Passing):
    async def progress(self, instance: Any) -> Progress:
        found: Progress = await self.inner.progress(instance)
        return replace(found, settling=False)


class DeafToTheStop(Passing):
    async def noted(self, key: str) -> str:
        return "" if key == "stop" else str(await self.inner.noted(key))


class LosingBells(Passing):
    async def finish(self, visit: Any, *, again_after: float | None = None, hold: bool = False) -> None:
        await self.inner.finish(visit)


class Impatient(Passing):
    async def finish(self, visit: Any, *, again_after: float | None = None, hold: bool = False) -> None:
        await self.inner.finish(visit, again_after=None if again_after is None else min(again_after, 20.0))


class Unconditional(Passing):
    async def write(self, change: Change, *, request_id: str) -> Written:
        bare = replace(change, etag="*")  # the writer refuses to go without any
        written: Written = await self.inner.write(bare, request_id=request_id)
        return written


class Tidying(Passing):
    async def write(self, change: Change, *, request_id: str) -> Written:
        tidy = (change.after or "").partition("<policies")
        changed = replace(change, after=tidy[1] + tidy[2]) if tidy[1] else change
        written: Written = await self.inner.write(changed, request_id=request_id)
        return written


class WithoutAHost(Passing):
    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        services = self.inner.inner._client.api_management_service
        send = services.begin_update

        async def less(group: str, name: str, body: bytes, **more: Any) -> Any:
            return await send(group, name, b'{"properties":{"hostnameConfigurations":[]}}', **more)

        services.begin_update = less
        try:
            written: Written = await self.inner.patch_service(changes, uploaded=uploaded, request_id=request_id)
            return written
        finally:
            services.begin_update = send


class Swallowing(Passing):
    async def write(self, change: Change, *, request_id: str) -> Written:
        try:
            written: Written = await self.inner.write(change, request_id=request_id)
            return written
        except TryLater:
            return Written()

    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        try:
            return await self.inner.patch_service(  # type: ignore[no-any-return]  # wraps any writer
                changes, uploaded=uploaded, request_id=request_id
            )
        except TryLater:
            return Written(pending=True)


class Restless:
    """A rule that writes the policy that is there."""

    name = "restless"
    watches = reads = writes = frozenset[str]()
    safety: Any = None

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Any:
        return await reader.policy(reader.instance)

    def plan(self, observed: Any, desired: Desired, context: VisitContext) -> Proposal:
        target: ResourceId = observed.id
        change = Change(
            kind=Kind.POLICY,
            target=target,
            stage=Stage.PREPARE,
            remediator=self.name,
            before=observed.text,
            after=observed.text,
            etag=observed.etag,
            reason="It can't leave it alone.",
        )
        return Proposal(changes=(change,))


def _ledger(kind: type[Passing]) -> Planted:
    def planted(wired: Wired) -> Wired:
        return _engine(wired, ledger=kind(wired.engine.ledger))

    return planted


def _bells(kind: type[Passing]) -> Planted:
    return lambda wired: _engine(wired, bells=kind(wired.engine.bells))


def _impatient(wired: Wired) -> Wired:
    """Either of the two, the bell's due time and the shared bucket, would keep us away."""
    wired.azure.transport._limits = None
    return _bells(Impatient)(wired)


def _writer(kind: type[Passing]) -> Planted:
    def planted(wired: Wired) -> Wired:
        make = wired.engine.writer
        assert make is not None
        return _engine(wired, writer=lambda id: kind(make(id)))

    return planted


def _engine(wired: Wired, **changed: Any) -> Wired:
    return replace(wired, engine=replace(wired.engine, **changed))


BUGS: dict[str, tuple[Planted, str]] = {
    "no pre-image": (_ledger(WithoutPreimage), "I7"),
    "no If-Match": (_writer(Unconditional), "I8"),
    "a lost bell": (_bells(LosingBells), "I6"),
    "an early check": (_ledger(NeverSettling), "R1"),
    "a PATCH without a host": (_writer(WithoutAHost), "I3"),
    "a swallowed failure": (_writer(Swallowing), "I9"),
    "foreign text tidied up": (_writer(Tidying), "I2"),
    "a crash that is never looked at": (_ledger(NotClosing), "I6"),
    "a Retry-After that is ignored": (_impatient, "R29"),
    "a stop that is not heard": (_ledger(DeafToTheStop), "R22"),
    "a rule that writes what is there": (
        lambda wired: _engine(wired, remediators=(*wired.engine.remediators, Restless())),
        "I5",
    ),
}
"""By name: what plants it, and the promise that it breaks."""

ONLY_EVENTS_SHOW = frozenset({"a lost bell", "an early check"})
"""What a sweep heals or comes too late for, and a world whose hosts only a sweep looks at can't show."""

SHOWS_AT = {"a crash that is never looked at": 61, "a Retry-After that is ignored": 10}
"""The seed from which on to look, for what needs a rare schedule: all others show within three."""
