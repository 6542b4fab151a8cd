"""
Bells under crashes, lost answers, duplicates and reordering, by generated schedules: a ring that was accepted is
always answered in the end, and a ticket is worth one finished visit.
"""

import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from apimend.model.errors import TryLater, Unavailable
from apimend.model.runs import Cause
from apimend.ports import Record, Visit
from apimend.storage.bells import StoredBells
from apimend.storage.database import Database
from apimend.storage.sqlite import SqliteRecords
from devhost.clock import VirtualClock
from tests.storage.samples import START, instance, trigger

T = TypeVar("T")


class Crash(BaseException):
    """The process dies here."""


class Fault(Enum):
    """What goes wrong in one call: where, how, and whether the call took effect all the same."""

    NONE = ("", False, False)
    PUT_UNANSWERED = ("put", False, True)
    PUT_FAILED = ("put", False, False)
    DIED_AFTER_PUT = ("put", True, True)
    SEND_UNANSWERED = ("send", False, True)
    SEND_FAILED = ("send", False, False)
    DIED_BEFORE_SEND = ("send", True, False)
    DIED_AFTER_SEND = ("send", True, True)


faults = st.sampled_from([Fault.NONE] * 6 + list(Fault))


@types.coroutine
def pause() -> Generator[None, None, None]:
    """Lets others go on: every call to storage takes time."""
    yield


@dataclass
class Weather:
    """The fault that the next call meets."""

    fault: Fault = Fault.NONE

    def strikes(self, where: str) -> Fault:
        if self.fault.value[0] != where:
            return Fault.NONE
        fault, self.fault = self.fault, Fault.NONE
        return fault


class FaultyRecords(SqliteRecords):
    """Records whose calls take time, and whose writes may go wrong."""

    def __init__(self, database: Database, weather: Weather) -> None:
        super().__init__(database)
        self.weather = weather

    async def get(self, container: str, key: str) -> Record | None:
        await pause()
        return await super().get(container, key)

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        await pause()
        where, dies, happens = self.weather.strikes("put").value
        written = await super().put(container, key, body, etag=etag) if not where or happens else ""
        if where:
            raise Crash if dies else Unavailable("no answer")
        return written


@dataclass
class FaultyMessages:
    """A queue whose sends take time and may go wrong. Messages lie in it until they are acknowledged."""

    clock: VirtualClock
    weather: Weather
    lying: list[tuple[datetime, str]] = field(default_factory=list)

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        await pause()
        where, dies, happens = self.weather.strikes("send").value
        if not where or happens:
            self.lying.append((self.clock.now() + timedelta(seconds=after), body))
        if where:
            raise Crash if dies else Unavailable("no answer")


@dataclass(eq=False)
class Work:
    """A call that is under way, and what is to be noted when it has gone through."""

    call: Coroutine[Any, Any, None]
    done: Callable[[], None]


@dataclass(frozen=True)
class Looked:
    """A visit that goes on: which rings came before it looked."""

    visit: Visit
    body: str
    saw: frozenset[int]


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a call with nothing in between."""
    while True:
        try:
            work.send(None)
        except StopIteration as end:
            result: T = end.value
            return result


class Bells(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock(START)
        self.weather = Weather()
        self.database = Database(":memory:")
        self.messages = FaultyMessages(self.clock, self.weather)
        self.bells = StoredBells(FaultyRecords(self.database, self.weather), self.messages, self.clock)
        self.under_way: list[Work] = []
        self.rings = 0
        self.accepted: set[int] = set()
        self.answered: set[int] = set()
        self.spent: set[str] = set()
        self.looked: Looked | None = None

    @precondition(lambda self: len(self.under_way) < 4)
    @rule(
        after=st.sampled_from([0.0, 0.0, 0.0, 30.0, 3600.0]),
        cause=st.sampled_from([Cause.EVENT, Cause.ORDER]),
        whole=st.booleans(),
        fault=faults,
    )
    def ring(self, after: float, cause: Cause, whole: bool, fault: Fault) -> None:
        number = self.rings = self.rings + 1
        call = self.bells.ring(trigger(cause=cause), after=after)
        self.begin(Work(call, lambda: self.accepted.add(number)), whole=whole, fault=fault)

    def begin(self, work: Work, *, whole: bool = False, fault: Fault = Fault.NONE) -> None:
        self.under_way.append(work)
        work.call.send(None)
        self.weather.fault = fault
        while whole and work in self.under_way:
            self.step(self.under_way.index(work))
        self.weather.fault = Fault.NONE

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), fault=faults)
    def go_on(self, data: st.DataObject, fault: Fault) -> None:
        self.weather.fault = fault
        self.step(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.weather.fault = Fault.NONE

    def step(self, which: int) -> None:
        work = self.under_way[which]
        try:
            work.call.send(None)
        except StopIteration:
            self.under_way.remove(work)
            work.done()
        except (TryLater, Crash):
            self.under_way.remove(work)

    @precondition(lambda self: self.looked is None and self.visible())
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        self.answer(data.draw(st.sampled_from(self.visible())))

    def visible(self) -> list[str]:
        return [body for due, body in self.messages.lying if due <= self.clock.now()]

    def answer(self, body: str) -> None:
        visit = at_once(self.bells.answer(body))
        if visit is None:
            self.acknowledge(body)
            return
        assert visit.ticket not in self.spent
        self.looked = Looked(visit, body, frozenset(range(1, self.rings + 1)))

    def acknowledge(self, body: str) -> None:
        lying = next((lying for lying in self.messages.lying if lying[1] == body), None)
        if lying is not None:
            self.messages.lying.remove(lying)

    @precondition(lambda self: self.looked is not None)
    @rule(again=st.sampled_from([None, None, None, 0.0, 60.0]), hold=st.booleans(), whole=st.booleans(), fault=faults)
    def finish(self, again: float | None, hold: bool, whole: bool, fault: Fault) -> None:
        assert self.looked is not None
        looked, self.looked = self.looked, None
        self.answered |= looked.saw

        def done() -> None:
            self.spent.add(looked.visit.ticket)
            self.acknowledge(looked.body)

        self.begin(Work(self.bells.finish(looked.visit, again_after=again, hold=hold), done), whole=whole, fault=fault)

    @precondition(lambda self: self.looked is not None)
    @rule()
    def visit_dies(self) -> None:
        self.looked = None

    @precondition(lambda self: self.messages.lying)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        self.messages.lying.append(data.draw(st.sampled_from(self.messages.lying)))

    @rule(seconds=st.sampled_from([1.0, 45.0, 1200.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.jump(self.clock.now() + timedelta(seconds=seconds))

    @precondition(lambda self: len(self.under_way) < 4)
    @rule()
    def sweep(self) -> None:
        for late in at_once(self.bells.overdue()):
            self.begin(Work(self.bells.ring(trigger(late, cause=Cause.SWEEP)), lambda: None))

    def complete(self) -> None:
        while self.under_way:
            self.step(0)

    @rule()
    def settle(self) -> None:
        """From any state, without further faults: every accepted ring is answered, and then all is quiet."""
        if self.looked is not None:
            self.finish(None, False, True, Fault.NONE)
        self.complete()
        for _ in range(12):
            self.settle_a_step()
            if not self.messages.lying and at_once(self.bells.due(instance())) is None:
                break
        assert set() == self.accepted - self.answered
        assert [] == self.messages.lying
        assert at_once(self.bells.due(instance())) is None

    def settle_a_step(self) -> None:
        for body in self.visible():
            self.answer(body)
            if self.looked is not None:
                self.finish(None, False, True, Fault.NONE)
        self.sweep()
        self.complete()
        self.clock.jump(self.clock.now() + timedelta(minutes=20))

    def teardown(self) -> None:
        """Also at the end of each schedule."""
        try:
            self.settle()
        finally:
            self.database.close()


TestBells = Bells.TestCase
TestBells.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
