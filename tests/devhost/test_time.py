from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest

from devhost.clock import VirtualClock
from devhost.host import Host
from devhost.schedule import Schedule, ScheduleError
from devhost.settle import NeverSettled
from tests.devhost.conftest import KEYS, SETTINGS, START, Bench, Run
from tests.devhost.memory import MemoryQueues

QUARTER = timedelta(minutes=15)


@dataclass
class Azure:
    """Another part: one thing due after a while, which sends a message."""

    bench: Bench
    due: datetime | None = START + timedelta(minutes=45)
    done_at: list[datetime] = field(default_factory=list)

    def next_due(self) -> datetime | None:
        return self.due

    async def advance(self) -> None:
        self.due = None
        self.done_at.append(self.bench.clock.now())
        self.bench.queues.put("sample", b"done")


def test_timers_alone_keep_nothing_going(run: Run) -> None:
    """
    With nothing pending but a timer, time has settled where it is.
    """

    async def scenario(bench: Bench) -> object:
        return await bench.host.settle(), bench.clock.now(), bench.host.next_due()

    assert (0, START, START + QUARTER) == run(scenario)


def test_timers_run_until_a_moment(run: Run) -> None:
    """
    Settling until a moment runs every timer on the way, on time, and ends at that moment.
    """

    async def scenario(bench: Bench) -> object:
        await bench.host.settle(until=START + timedelta(minutes=40))
        return bench.seen, bench.clock.now()

    assert ([("tick", False)] * 2, START + timedelta(minutes=40)) == run(scenario)


def test_others_take_part_in_time(run: Run) -> None:
    """
    Time goes on to what others have due, runs the timers before it, and what comes of it.
    """

    async def scenario(bench: Bench) -> object:
        azure = Azure(bench)
        await bench.host.settle([azure])
        return azure.done_at, sorted(bench.seen, key=str)

    seen = [("done", 1), ("tick", False), ("tick", False), ("tick", False)]

    assert ([START + timedelta(minutes=45)], seen) == run(scenario)


def test_a_missed_timer_runs_once(run: Run) -> None:
    """
    A timer that was missed several times runs once, past due, and then on its schedule.
    """

    async def scenario(bench: Bench) -> object:
        bench.clock.jump(START + 4 * QUARTER + timedelta(minutes=1))
        done = await bench.host.advance()
        return done, bench.seen, bench.host.next_due()

    assert (1, [("tick", True)], START + 5 * QUARTER) == run(scenario)


def test_what_is_due_and_not_done_is_noticed(run: Run) -> None:
    """
    A part that says it is due and does nothing ends `settle` with an error, not with a loop.
    """

    class Lazy(Azure):
        async def advance(self) -> None:
            return

    async def scenario(bench: Bench) -> object:
        with pytest.raises(NeverSettled, match="Lazy"):
            await bench.host.settle([Lazy(bench)], limit=20)
        return bench.clock.now()

    assert START + timedelta(minutes=45) == run(scenario)


class Slow:
    """A part that holds up whoever calls it, until half an hour has passed."""

    def __init__(self) -> None:
        self.waiting = self
        self.called = False
        self.over = asyncio.Event()
        self.released: list[datetime] = []

    def next_due(self) -> datetime | None:
        return START + timedelta(minutes=30) if self.called and not self.over.is_set() else None

    def release(self, now: datetime) -> None:
        self.released.append(now)
        self.over.set()

    async def advance(self) -> None:
        raise AssertionError("nothing else is due")

    async def call(self) -> None:
        self.called = True
        await self.over.wait()


def test_a_call_that_is_held_up_ends() -> None:
    """
    A function that waits for a slow service does not stop time: the moment it waits for comes.
    """
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="calls", connection="AzureWebJobsStorage")
    async def calls(message: bytes) -> None:
        await slow.call()

    clock = VirtualClock(START)
    queues = MemoryQueues(clock.now)
    queues.put("calls", b"")
    host = Host(app, queues=queues, clock=clock, keys=KEYS, host_json=SETTINGS)
    slow = Slow()
    asyncio.run(host.settle([slow]))

    assert ([START + timedelta(minutes=30)], []) == (slow.released, queues.bodies("calls"))


def test_virtual_time_does_not_run_backwards() -> None:
    """
    A jump into the past is refused.
    """
    with pytest.raises(ValueError, match="backwards"):
        VirtualClock(START).jump(START - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        pytest.param("0 */15 * * * *", "2026-03-01 12:00:00", "2026-03-01 12:15:00", id="step"),
        pytest.param("30 5 4 * * *", "2026-03-01 04:05:30", "2026-03-02 04:05:30", id="strictly-later"),
        pytest.param("0 0 9 * * MON-FRI", "2026-02-27 09:00:00", "2026-03-02 09:00:00", id="weekday"),
        pytest.param("0 0 0 * * 0", "2026-03-02 00:00:00", "2026-03-08 00:00:00", id="sunday"),
        pytest.param("0 0 0 13 * FRI", "2026-03-14 00:00:00", "2026-11-13 00:00:00", id="both-days"),
        pytest.param("0 0 0 29 FEB *", "2026-03-01 00:00:00", "2028-02-29 00:00:00", id="leap-day"),
        pytest.param("*/5 * * * *", "2026-03-01 12:00:00", "2026-03-01 12:05:00", id="five-fields"),
        pytest.param("0 0 1,13-14 1 1/6 *", "2026-01-01 14:00:00", "2026-07-01 01:00:00", id="lists"),
    ],
)
def test_a_schedule_comes_next(text: str, after: str, expected: str) -> None:
    """
    The next occurrence is strictly later, and day and weekday both have to match.
    """
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)

    assert datetime.fromisoformat(expected).replace(tzinfo=UTC) == Schedule.parse(text).after(moment)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("00:05:00", id="time-span"),
        pytest.param("0 60 * * * *", id="too-large"),
        pytest.param("0 0 0 * * FRI-MON", id="wrapping"),
        pytest.param("0 0 0 0 * *", id="day-zero"),
        pytest.param("0 */0 * * * *", id="step-zero"),
        pytest.param("x * * * * *", id="no-number"),
        pytest.param("0 0 0 31 2 *", id="never"),
    ],
)
def test_a_schedule_that_cannot_be(text: str) -> None:
    """
    A schedule that can't be read, or never comes, is refused.
    """
    with pytest.raises(ScheduleError):
        Schedule.parse(text).after(START)
