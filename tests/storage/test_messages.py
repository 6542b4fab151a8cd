"""Messages: at least once, with delays. On both backends, and the embedded queue as the local host polls it."""

from datetime import timedelta

import pytest

from apimend.storage.sqlite import SqliteMessage, SqliteQueue
from devhost.clock import VirtualClock
from devhost.queues import QueueSource
from tests.storage.conftest import Backend
from tests.storage.samples import START, later


async def test_what_was_sent_is_received(backend: Backend) -> None:
    """
    A message's text arrives as it was sent, whatever it holds.
    """
    text = '{"a":"<é&\\u0000>"}\r\n\U0001f514'
    await backend.storage.messages.send("apimend-notices", text)

    assert [text] == list(backend.receive("apimend-notices"))


async def test_a_delayed_message_is_not_visible_yet(backend: Backend) -> None:
    """
    A message stays hidden for as long as was asked, and a delay of weeks is cut to what queues can do.
    """
    await backend.storage.messages.send("apimend-notices", "soon", after=900)
    await backend.storage.messages.send("apimend-notices", "later", after=30 * 86_400)

    assert [] == list(backend.receive("apimend-notices"))


async def test_a_message_is_no_longer_than_a_queue_takes(backend: Backend) -> None:
    """
    The longest message that Azure takes goes through; a longer one is refused by every backend.
    """
    longest = "x" * 49_152
    await backend.storage.messages.send("apimend-notices", longest)

    assert [longest] == list(backend.receive("apimend-notices"))
    with pytest.raises(ValueError, match="more than 49152 bytes"):
        await backend.storage.messages.send("apimend-notices", longest + "x")


async def test_queues_do_not_mix(backend: Backend) -> None:
    """
    A message lies in the queue that it was sent to, and in no other.
    """
    await backend.storage.messages.send("apimend-notices", "notice")
    await backend.storage.messages.send("apimend-visits", "visit")

    assert ["notice"] == list(backend.receive("apimend-notices"))


def test_the_embedded_queue_is_a_source_for_the_local_host(queue: SqliteQueue) -> None:
    """
    The local host takes its messages from the embedded queue as it is.
    """
    source: QueueSource[SqliteMessage] = queue

    assert source.next_visible("q") is None


def test_a_received_message_is_hidden_and_counted(queue: SqliteQueue) -> None:
    """
    A message that was received is hidden for ten minutes and then comes again, with its count raised.
    """
    queue.put("q", b"\x00\xff", now=START)
    (first,) = queue.receive("q", now=START, count=32)
    hidden = queue.receive("q", now=later(599), count=32)
    (again,) = queue.receive("q", now=later(600), count=32)

    assert [] == list(hidden)
    assert (b"\x00\xff", 1, 2, first.id) == (first.body, first.dequeue_count, again.dequeue_count, again.id)
    assert (START, later(600)) == (first.inserted, first.next_visible)


def test_messages_come_in_the_order_in_which_they_become_visible(queue: SqliteQueue) -> None:
    """
    What was due first comes first, no more than asked for.
    """
    queue.put("q", "b", now=START, after=20)
    queue.put("q", "a", now=START, after=10)
    queue.put("q", "c", now=START, after=30)

    assert later(10) == queue.next_visible("q")
    assert [b"a", b"b"] == [each.body for each in queue.receive("q", now=later(40), count=2)]
    assert [b"c"] == [each.body for each in queue.peek("q")][:1]


def test_a_stale_receipt_does_nothing(queue: SqliteQueue) -> None:
    """
    Who took too long can neither delete nor put back what another has received since.
    """
    queue.put("q", "a", now=START)
    (stale,) = queue.receive("q", now=START, count=1)
    (current,) = queue.receive("q", now=later(601), count=1)
    queue.delete("q", stale)
    queue.release("q", stale, visible_at=later(0))

    assert later(1201) == queue.next_visible("q")
    queue.delete("q", current)
    assert queue.next_visible("q") is None


def test_a_released_message_comes_again_when_told(queue: SqliteQueue) -> None:
    """
    A failed message is put back with a delay and keeps its count.
    """
    queue.put("q", "a", now=START)
    (message,) = queue.receive("q", now=START, count=1)
    queue.release("q", message, visible_at=START + timedelta(minutes=1))

    assert [] == list(queue.receive("q", now=later(59), count=1))
    assert [2] == [each.dequeue_count for each in queue.receive("q", now=later(60), count=1)]


async def test_the_product_sends_to_the_queue_that_the_host_polls(sqlite: Backend, queue: SqliteQueue) -> None:
    """
    Both sides share one file: what the product sends, the local host receives.
    """
    await sqlite.storage.messages.send("q", "hello", after=5)

    assert later(5) == queue.next_visible("q")
    assert [b"hello"] == [each.body for each in queue.receive("q", now=later(5), count=1)]


@pytest.mark.parametrize("body", [b"secret", "secret"], ids=["bytes", "text"])
def test_a_message_does_not_show_its_body(queue: SqliteQueue, clock: VirtualClock, body: bytes | str) -> None:
    """
    What a message holds never stands in its repr.
    """
    queue.put("q", body)

    assert "secret" not in repr(queue.receive("q", now=clock.now(), count=1))
