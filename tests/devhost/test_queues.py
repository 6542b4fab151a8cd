from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import azure.functions as func
import pytest

from devhost.clock import VirtualClock
from devhost.host import Host
from devhost.settle import NeverSettled
from tests.devhost.conftest import KEYS, SETTINGS, START, Bench, Run
from tests.devhost.memory import MemoryQueues


def test_a_message_is_handled_once(run: Run) -> None:
    """
    A message that succeeds is gone, and its function saw it with a count of one.
    """

    async def scenario(bench: Bench) -> object:
        bench.queues.put("sample", b"hello")
        done = await bench.host.advance()
        return done, bench.seen, bench.queues.bodies("sample")

    assert (1, [("hello", 1)], []) == run(scenario)


def test_a_failure_is_retried_later_and_then_parked(run: Run) -> None:
    """
    A message that keeps failing is tried maxDequeueCount times, visibilityTimeout apart, and parked with its body.
    """

    async def scenario(bench: Bench) -> object:
        bench.queues.put("sample", b"fail")
        await bench.host.settle()
        return bench.seen, bench.clock.now() - START

    tries = [("fail", 1), ("fail", 2), ("fail", 3), ("parked", "fail")]

    assert (tries, timedelta(minutes=2)) == run(scenario)


def test_a_failure_waits_for_its_visibility_timeout(run: Run) -> None:
    """
    A message that failed is hidden until visibilityTimeout is over.
    """

    async def scenario(bench: Bench) -> object:
        bench.queues.put("sample", b"fail")
        return await bench.host.advance(), await bench.host.advance(), bench.host.work.next_due()

    assert (1, 0, START + timedelta(minutes=1)) == run(scenario)


def test_a_message_its_receivers_died_on_is_parked_unseen(run: Run) -> None:
    """
    A message that was received more often than maxDequeueCount, because hosts died, is parked without a call.
    """

    async def scenario(bench: Bench) -> object:
        bench.queues.put("sample", b"deadly")
        for times in range(3):
            bench.queues.receive("sample", now=START + times * timedelta(minutes=10), count=1)
        bench.clock.jump(START + timedelta(minutes=30))
        await bench.host.settle()
        bench.seen.remove(("tick", True))
        return bench.seen

    assert [("parked", "deadly")] == run(scenario)


def test_a_poison_queue_has_none_of_its_own(run: Run) -> None:
    """
    What fails in a poison queue stays there, hidden for ten minutes.
    """

    async def scenario(bench: Bench) -> object:
        bench.queues.put("sample-poison", b"fail twice")
        await bench.host.advance()
        return bench.queues.bodies("sample-poison"), bench.host.work.next_due()

    assert ([b"fail twice"], START + timedelta(minutes=10)) == run(scenario)


def test_a_value_without_a_binding_is_a_failure(run: Run) -> None:
    """
    A function that returns a value and has no `$return` binding has failed, as in Azure.
    """

    async def scenario(bench: Bench) -> object:
        bench.queues.put("sample", b"return")
        await bench.host.advance()
        return bench.queues.bodies("sample")

    assert [b"return"] == run(scenario)


def test_a_failure_is_logged_with_its_stack(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """
    The log of a failure names the function and holds the stack.
    """

    async def scenario(bench: Bench) -> object:
        bench.queues.put("sample", b"fail")
        return await bench.host.advance()

    with caplog.at_level(logging.ERROR, "devhost"):
        run(scenario)

    assert "function.failed function=on_message" in caplog.text
    assert "SampleError: bad message" in caplog.text


def test_concurrency_is_bounded() -> None:
    """
    No more than batchSize + newBatchThreshold messages run at once, and batches overlap.
    """
    running = most = 0
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="many", connection="AzureWebJobsStorage")
    async def busy(message: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(int(message)):
            await clock.sleep(0)
        running -= 1

    clock = VirtualClock(START)
    queues = MemoryQueues(clock.now)
    for steps in range(1, 41):
        queues.put("many", str(steps % 7 + 1).encode())

    host = Host(app, queues=queues, clock=clock, keys=KEYS, host_json=SETTINGS)

    assert 40 == asyncio.run(host.advance())
    assert most == 6


def test_work_without_end_is_noticed() -> None:
    """
    A function that rings itself at once, for ever, ends `settle` with an error.
    """
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="loop", connection="AzureWebJobsStorage")
    async def again(message: bytes) -> None:
        queues.put("loop", message)

    clock = VirtualClock(START)
    queues = MemoryQueues(clock.now)
    queues.put("loop", b"")
    host = Host(app, queues=queues, clock=clock, keys=KEYS, host_json=SETTINGS)

    with pytest.raises(NeverSettled, match="More than 5"):
        asyncio.run(host.settle(limit=5))


def test_a_killed_host_gives_nothing_back() -> None:
    """
    A host that dies in a function leaves the message hidden, neither deleted nor released.
    """

    class Killed(BaseException):
        pass

    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="deadly", connection="AzureWebJobsStorage")
    async def dies(message: bytes) -> None:
        raise Killed

    clock = VirtualClock(START)
    queues = MemoryQueues(clock.now)
    queues.put("deadly", b"")
    host = Host(app, queues=queues, clock=clock, keys=KEYS, host_json=SETTINGS)

    with pytest.raises(BaseExceptionGroup):
        asyncio.run(host.advance())

    assert START + timedelta(minutes=10) == queues.next_visible("deadly")
