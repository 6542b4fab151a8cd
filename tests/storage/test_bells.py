"""A bell wakes an instance once for many rings, and loses none. On both backends."""

import asyncio
import json

import pytest

from apimend.model.errors import Unreadable
from apimend.model.runs import Cause
from apimend.ports import Visit
from apimend.storage.names import BELLS, VISITS_QUEUE
from apimend.storage.stores import Storage
from tests.storage.conftest import Backend
from tests.storage.samples import instance, later, trigger


async def visit(backend: Backend) -> Visit:
    """The visit that the one visible message asks for."""
    (message,) = backend.receive(VISITS_QUEUE)
    found = await backend.storage.bells.answer(message)
    assert found is not None
    return found


async def test_a_ring_is_one_message(backend: Backend) -> None:
    """
    A message carries version, instance as received, and ticket, and nothing else.
    """
    await backend.storage.bells.ring(trigger())
    (message,) = backend.receive(VISITS_QUEUE)
    found = json.loads(message)

    assert {"v": 1, "instance": instance().text, "ticket": found["ticket"]} == found


async def test_a_burst_costs_one_message(backend: Backend) -> None:
    """
    Rings at once, however many, send one message; the visit that answers them is asked for no other.
    """
    await asyncio.gather(*(backend.storage.bells.ring(trigger()) for _ in range(60)))
    await backend.storage.bells.finish(await visit(backend))

    assert [] == list(backend.receive(VISITS_QUEUE))


async def test_a_ring_during_a_visit_is_answered_by_another(backend: Backend) -> None:
    """
    What happens after a visit has looked is looked at by the next one: one for all that rang meanwhile.
    """
    await backend.storage.bells.ring(trigger())
    first = await visit(backend)
    for _ in range(5):
        await backend.storage.bells.ring(trigger())
    assert [] == list(backend.receive(VISITS_QUEUE))
    await backend.storage.bells.finish(first)
    await backend.storage.bells.finish(await visit(backend))

    assert [] == list(backend.receive(VISITS_QUEUE))


async def test_a_used_ticket_is_not_honoured(backend: Backend) -> None:
    """
    A message that comes twice brings one visit.
    """
    await backend.storage.bells.ring(trigger())
    (message,) = backend.receive(VISITS_QUEUE)
    first = await backend.storage.bells.answer(message)
    assert first is not None
    await backend.storage.bells.finish(first)

    assert await backend.storage.bells.answer(message) is None


async def test_a_visit_that_died_is_made_again(backend: Backend) -> None:
    """
    A message is honoured until its visit has ended: the queue brings it again after a crash.
    """
    await backend.storage.bells.ring(trigger())
    (message,) = backend.receive(VISITS_QUEUE)

    assert await backend.storage.bells.answer(message) == await backend.storage.bells.answer(message)


async def test_a_ring_that_is_due_sooner_goes_ahead(backend: Backend) -> None:
    """
    A ring for now isn't kept waiting by one for later, whose message is then worth nothing.
    """
    await backend.storage.bells.ring(trigger(), after=900)
    await backend.storage.bells.ring(trigger(cause=Cause.ORDER))
    await visit(backend)

    assert later(0) == await backend.storage.bells.due(instance())


async def test_a_ring_for_later_adds_nothing_to_one_for_now(backend: Backend) -> None:
    """
    What is due anyway is not due again.
    """
    await backend.storage.bells.ring(trigger())
    await backend.storage.bells.ring(trigger(), after=900)
    await backend.storage.bells.finish(await visit(backend))

    assert await backend.storage.bells.due(instance()) is None


async def test_a_visit_may_ask_for_another(backend: Backend) -> None:
    """
    What a visit waits for (busy, updating) brings it back after the time it names.
    """
    await backend.storage.bells.ring(trigger())
    await backend.storage.bells.finish(await visit(backend), again_after=60)

    assert later(60) == await backend.storage.bells.due(instance())
    assert [] == list(backend.receive(VISITS_QUEUE))


async def test_a_hold_keeps_events_out_but_not_people(backend: Backend) -> None:
    """
    Where Azure asked us to wait, events wait with us; what a person orders goes ahead.
    """
    bells = backend.storage.bells
    await bells.ring(trigger())
    await bells.finish(await visit(backend), again_after=600, hold=True)
    await bells.ring(trigger())
    assert later(600) == await bells.due(instance())
    await bells.ring(trigger(cause=Cause.ORDER))

    assert later(0) == await bells.due(instance())


async def test_a_hold_outlasts_rings_during_the_visit(backend: Backend) -> None:
    """
    A ring during a visit that was told to wait is answered when the wait is over.
    """
    bells = backend.storage.bells
    await bells.ring(trigger())
    first = await visit(backend)
    await bells.ring(trigger())
    await bells.finish(first, again_after=600, hold=True)

    assert later(600) == await bells.due(instance())


async def test_instances_do_not_share_a_bell(backend: Backend) -> None:
    """
    Each instance is woken by itself, whatever the case of its id.
    """
    for name in ("apim-a", "apim-b", "APIM-A"):
        await backend.storage.bells.ring(trigger(instance(name)))
    names = [json.loads(message)["instance"].rsplit("/", 1)[-1] for message in backend.receive(VISITS_QUEUE)]

    assert ["apim-a", "apim-b"] == sorted(names)


async def test_the_newest_trigger_is_told(storage: Storage) -> None:
    """
    The log can say who rang last, and None before anyone did.
    """
    before = await storage.bells.trigger(instance())
    await storage.bells.ring(trigger(event_id="e1"))
    await storage.bells.ring(trigger(event_id="e2"))
    newest = await storage.bells.trigger(instance("APIM-ORDERS"))

    assert (None, trigger(event_id="e2")) == (before, newest)


async def test_a_lost_message_is_overdue_and_can_be_rung(backend: Backend) -> None:
    """
    A bell whose message was lost is found after a while; ringing it then sends a new message.
    """
    await backend.storage.bells.ring(trigger())
    backend.receive(VISITS_QUEUE)
    assert () == await backend.storage.bells.overdue()
    backend.clock.jump(later(3600))
    assert (instance(),) == await backend.storage.bells.overdue()
    await backend.storage.bells.ring(trigger(cause=Cause.SWEEP))

    assert (await visit(backend)).instance == instance()


async def test_a_bell_that_cannot_be_read_hides_no_other(backend: Backend) -> None:
    """
    One row of a newer version doesn't keep the sweep from the others; its own instance says what is wrong.
    """
    await backend.storage.bells.ring(trigger(instance("apim-a")))
    await backend.storage.bells.ring(trigger(instance("apim-b")))
    (key,) = [record.key async for record in backend.storage.records.list(BELLS, "apim-a")]
    await backend.storage.records.put(BELLS, key, b'{"v":2,"form":"bell","content":{}}')
    backend.clock.jump(later(3600))

    assert (instance("apim-b"),) == await backend.storage.bells.overdue()
    with pytest.raises(Unreadable, match="version 2 was written by a newer Apimend"):
        await backend.storage.bells.ring(trigger(instance("apim-a")))


GOOD = {"v": 1, "instance": instance().text, "ticket": "t"}


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("", "cut off"),
        ("hello", "cut off"),
        (json.dumps(GOOD)[:-5], "cut off"),
        ("[" * 100_000, "cut off"),
        ("[]", "no JSON object"),
        ('{"v":NaN}', "no JSON"),
        (json.dumps({**GOOD, "v": 2}), "newer Apimend"),
        (json.dumps({**GOOD, "v": 0}), "version 0 is not known"),
        (json.dumps({**GOOD, "v": "1"}), "no version"),
        (json.dumps({**GOOD, "v": True}), "no version"),
        (json.dumps({"instance": instance().text}), "no version"),
        (json.dumps({**GOOD, "mode": "enforce"}), "nothing else"),
        (json.dumps({**GOOD, "ticket": 7}), "v, instance and ticket"),
        (json.dumps({**GOOD, "instance": "/subscriptions/x"}), "no API Management instance"),
    ],
    ids=range(14),
)
async def test_a_foreign_message_is_unreadable(storage: Storage, message: str, why: str) -> None:
    """
    A message of another version or form says what is wrong with it, and wakes nobody.
    """
    with pytest.raises(Unreadable, match=why):
        await storage.bells.answer(message)


@pytest.mark.parametrize("ticket", ["t", ""], ids=repr)
async def test_a_message_for_a_bell_that_never_rang_is_nothing(storage: Storage, ticket: str) -> None:
    """
    A message in the right form that no ring sent is not honoured, nor is one without a ticket.
    """
    await storage.bells.ring(trigger(instance("apim-b")))

    assert await storage.bells.answer(json.dumps({**GOOD, "ticket": ticket})) is None
