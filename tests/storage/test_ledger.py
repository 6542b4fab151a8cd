"""The ledger keeps runs, intents with pre-images, orders and progress, and finds them again."""

from dataclasses import replace

import pytest

from apimend.model.errors import Unreadable
from apimend.model.plan import Plan
from apimend.model.runs import Progress
from apimend.storage.names import INTENTS, ORDERS, PREIMAGES, PROGRESS, RUNS
from apimend.storage.stores import Storage
from tests.storage.samples import START, instance, intent, later, order, policy_of, run


async def everything(storage: Storage, container: str) -> bytes:
    return b"".join([record.body async for record in storage.records.list(container)])


async def only_key(storage: Storage, container: str) -> str:
    (key,) = [record.key async for record in storage.records.list(container)]
    return key


async def test_a_run_comes_back_whole(storage: Storage) -> None:
    """
    A run comes back as it was saved, with its plan's digest.
    """
    saved = run()
    await storage.ledger.save_run(saved)
    found = await storage.ledger.run("r1")

    assert saved == found
    assert found is not None
    assert saved.plan.digest == found.plan.digest


async def test_an_unknown_run_is_none(storage: Storage) -> None:
    """
    An id that was never given, even one that could be no key, is no run.
    """
    assert (None, None) == (await storage.ledger.run("r9"), await storage.ledger.run("../../r1 ?"))


async def test_runs_are_newest_first(storage: Storage) -> None:
    """
    Runs are listed newest first, of all instances or of one, up to a limit.
    """
    for number, name in enumerate(["apim-a", "apim-b", "apim-a", "apim-a"]):
        await storage.ledger.save_run(run(f"r{number}", started=later(number), on=instance(name)))

    assert ["r3", "r2", "r1", "r0"] == [each.id for each in await storage.ledger.runs()]
    assert ["r3", "r2"] == [each.id for each in await storage.ledger.runs(instance("APIM-A"), limit=2)]
    assert ["r1"] == [each.id for each in await storage.ledger.runs(instance("apim-b"))]


async def test_a_run_saved_again_is_listed_once(storage: Storage) -> None:
    """
    Saving a run again replaces it.
    """
    await storage.ledger.save_run(run())
    await storage.ledger.save_run(run(error="it broke"))

    assert ["it broke"] == [each.error for each in await storage.ledger.runs()]


async def test_one_bad_run_hides_no_other(storage: Storage) -> None:
    """
    A run that can't be read is left out of the list; asked for by its id it says why.
    """
    await storage.ledger.save_run(run("good"))
    await storage.ledger.save_run(run("bad", started=later(1)))
    await storage.records.put(RUNS, "bad", b'{"v":99}')

    assert ["good"] == [each.id for each in await storage.ledger.runs()]
    with pytest.raises(Unreadable, match="version 99 was written by a newer Apimend"):
        await storage.ledger.run("bad")


async def test_policies_lie_apart_from_runs(storage: Storage) -> None:
    """
    A run's document holds no policy text: those lie in the container for pre-images (R27).
    """
    await storage.ledger.save_run(run())

    assert b"hunter2" not in await everything(storage, RUNS)
    assert b"hunter2" in await everything(storage, PREIMAGES)


async def test_a_run_without_changes_has_no_pre_images(storage: Storage) -> None:
    """
    A converged visit writes nothing into the container for pre-images.
    """
    await storage.ledger.save_run(run(plan=Plan()))

    assert b"" == await everything(storage, PREIMAGES)


async def test_a_pre_image_is_verbatim(storage: Storage) -> None:
    """
    A pre-image of 256 KiB with line ends, a BOM and a lone surrogate comes back character for character.
    """
    text = "\ufeff<policies>\r\n\t\u00e4\U0001f510\ud800" + "x" * 262_144 + "\n\r"
    await storage.ledger.intend(intent(before=text, after=text + "<!-- -->"))
    (found,) = await storage.ledger.open_intents(instance())

    assert (text, text + "<!-- -->") == (found.before, found.after)


@pytest.mark.parametrize(("before", "after"), [(None, "x"), ("x", None), ("", ""), (None, None)], ids=repr)
async def test_nothing_and_empty_are_different(storage: Storage, before: str | None, after: str | None) -> None:
    """
    A pre-image that is an empty text isn't one that was not there.
    """
    await storage.ledger.intend(intent(before=before, after=after))
    (found,) = await storage.ledger.intents("r1")

    assert (before, after) == (found.before, found.after)


async def test_pre_images_lie_apart_from_intents(storage: Storage) -> None:
    """
    The intent's document holds no policy text (R27), and neither does its repr.
    """
    await storage.ledger.intend(intent())
    (found,) = await storage.ledger.open_intents(instance())

    assert b"hunter2" not in await everything(storage, INTENTS)
    assert "hunter2" not in repr(found)


async def test_an_intent_is_open_until_it_is_closed(storage: Storage) -> None:
    """
    What a crash left open is found by the next visit; what was closed is not.
    """
    await storage.ledger.intend(intent("i1"))
    await storage.ledger.intend(intent("i2", at=later(1)))
    await storage.ledger.close(intent("i1", closed="applied", etag_after='"2"'))

    assert ["i2"] == [each.id for each in await storage.ledger.open_intents(instance())]
    assert [] == list(await storage.ledger.open_intents(instance("another")))


async def test_a_closed_intent_keeps_its_pre_image(storage: Storage) -> None:
    """
    Closing adds what came of it and loses nothing.
    """
    await storage.ledger.intend(intent())
    closed = intent(closed="applied", etag_after='"2"', undone=True)
    await storage.ledger.close(closed)

    assert (closed,) == await storage.ledger.intents("r1")


async def test_intents_of_a_run_are_oldest_first(storage: Storage) -> None:
    """
    A run's writes come back in the order in which they were made, and no other run's.
    """
    for number in (2, 0, 1):
        await storage.ledger.intend(intent(f"i{number}", at=later(number)))
    await storage.ledger.intend(intent("other", run="r10"))

    assert ["i0", "i1", "i2"] == [each.id for each in await storage.ledger.intents("r1")]


async def test_writes_to_a_resource_are_newest_first(storage: Storage) -> None:
    """
    Our writes to one resource are found whatever the case of its id, newest first, over all runs.
    """
    await storage.ledger.intend(intent("i1", run="a"))
    await storage.ledger.intend(intent("i2", run="b", at=later(1)))
    await storage.ledger.intend(intent("i3", run="b", at=later(2), target=instance().child("certificates", "c")))
    found = await storage.ledger.wrote(instance("APIM-ORDERS"), policy_of(instance("Apim-Orders")))

    assert ["i2", "i1"] == [each.id for each in found]


@pytest.mark.parametrize(
    ("asked", "ours"),
    [("request-of-i1", True), ("REQUEST-OF-I1", True), ("somebody/else's", False), ("", False)],
    ids=["ours", "other case", "another's", "none"],
)
async def test_our_own_writes_are_known(storage: Storage, asked: str, ours: bool) -> None:
    """
    A client request id is ours exactly if an intent recorded it.
    """
    await storage.ledger.intend(intent())
    await storage.ledger.intend(intent("i2", request_id=""))

    assert ours is await storage.ledger.is_ours(asked)


async def test_an_intent_outlives_its_texts(storage: Storage) -> None:
    """
    An intent whose pre-image has expired comes without texts, and says so: it is never undone with something else.
    """
    await storage.ledger.intend(intent())
    await storage.records.delete(PREIMAGES, await only_key(storage, PREIMAGES))
    (found,) = await storage.ledger.intents("r1")
    (wrote,) = await storage.ledger.wrote(instance(), policy_of(), texts=True)

    assert replace(intent(), before=None, after=None, textless=True) == found == wrote


async def test_what_came_of_an_intent_is_kept_without_its_texts(storage: Storage) -> None:
    """
    Closing an intent that was read without its texts loses none that are still there.
    """
    await storage.ledger.intend(intent())
    (found,) = await storage.ledger.wrote(instance(), policy_of())
    await storage.ledger.close(replace(found, closed="applied", undone=True))

    assert (intent(closed="applied", undone=True),) == await storage.ledger.intents("r1")
    assert () == await storage.ledger.open_intents(instance())


async def test_writes_are_read_back_to_a_moment_and_no_further(storage: Storage) -> None:
    """
    What is older than asked for is not read, be it unreadable.
    """
    for number in range(3):
        await storage.ledger.intend(intent(f"i{number}", at=later(number)))
    (oldest, *_) = [record.key async for record in storage.records.list(INTENTS)]
    await storage.records.put(INTENTS, oldest, b"?")
    found = await storage.ledger.wrote(instance(), policy_of(), since=later(1), texts=True)

    assert ["i2", "i1"] == [each.id for each in found]


async def test_a_pre_image_that_is_cut_off_is_said(storage: Storage) -> None:
    """
    An intent whose pre-image was cut off or altered is Unreadable, and the message cites none of it.
    """
    await storage.ledger.intend(intent())
    await storage.records.put(
        PREIMAGES, await only_key(storage, PREIMAGES), b'{"v":1,"form":"texts","content":["hunter2"]}'
    )

    with pytest.raises(Unreadable, match="cut off or altered") as raised:
        await storage.ledger.open_intents(instance())
    assert "hunter2" not in str(raised.value)


async def test_an_index_row_that_leads_nowhere_is_passed_over(storage: Storage) -> None:
    """
    A row whose document is gone hides nothing and breaks nothing.
    """
    await storage.ledger.intend(intent())
    await storage.records.delete(INTENTS, await only_key(storage, INTENTS))

    assert () == await storage.ledger.open_intents(instance())


async def test_orders_wait_until_they_are_consumed(storage: Storage) -> None:
    """
    Orders come back whole and oldest first, expired ones too, until a run took them up.
    """
    first, second = order("o1", at=later(5)), order("o2", at=START)
    await storage.ledger.add_order(first)
    await storage.ledger.add_order(second)

    assert (second, first) == await storage.ledger.orders(instance())
    await storage.ledger.consume(second, "r1")
    assert (first,) == await storage.ledger.orders(instance())


async def test_a_consumed_order_is_kept(storage: Storage) -> None:
    """
    Who ordered what, and which run took it up, stays on record.
    """
    await storage.ledger.add_order(order())
    await storage.ledger.consume(order(), "run-7")
    body = await everything(storage, ORDERS)

    assert b'"consumed_by":"run-7"' in body
    assert b"ada@contoso.example" in body


async def test_progress_is_empty_at_first_and_then_as_saved(storage: Storage) -> None:
    """
    An instance that was never looked at has an empty memory; afterwards it is the one that was saved last.
    """
    assert Progress(instance=instance()) == await storage.ledger.progress(instance())
    saved = Progress(instance=instance(), update_since=START, coverage=(1, 2), evidence={"x": "y"})
    await storage.ledger.save_progress(Progress(instance=instance(), managed=True))
    await storage.ledger.save_progress(saved)

    assert saved == await storage.ledger.progress(instance("APIM-Orders"))


async def test_all_instances_are_listed_but_for_unreadable_ones(storage: Storage) -> None:
    """
    One progress that can't be read hides no other from the overview, but stops a visit to its own instance.
    """
    for name in ("apim-a", "apim-b"):
        await storage.ledger.save_progress(Progress(instance=instance(name)))
    await storage.ledger.save_progress(Progress(instance=instance("apim-c")))
    (broken,) = [record.key async for record in storage.records.list(PROGRESS, "apim-c")]
    await storage.records.put(PROGRESS, broken, b'{"v":1,"form":"pro')

    assert ["apim-a", "apim-b"] == [each.instance.name for each in await storage.ledger.instances()]
    with pytest.raises(Unreadable, match="cut off"):
        await storage.ledger.progress(instance("apim-c"))


async def test_notes_are_kept(storage: Storage) -> None:
    """
    A note is an empty text until something is noted, then the last thing.
    """
    before = await storage.ledger.noted("global stop")
    await storage.ledger.note("global stop", "since Monday")
    await storage.ledger.note("global stop", "")
    await storage.ledger.note("last/sweep", "é")

    assert ("", "", "é") == (
        before,
        await storage.ledger.noted("global stop"),
        await storage.ledger.noted("last/sweep"),
    )


async def test_an_intent_that_says_nothing_stays_open(storage: Storage) -> None:
    """
    Closing with an empty word (a mark on the way) leaves the intent open.
    """
    await storage.ledger.intend(intent())
    await storage.ledger.close(replace(intent(), etag_after='"2"'))

    assert ['"2"'] == [each.etag_after for each in await storage.ledger.open_intents(instance())]


async def test_a_pre_image_is_written_once(storage: Storage) -> None:
    """
    Closing an intent leaves its pre-image untouched, so that a storage policy may forbid changes.
    """
    await storage.ledger.intend(intent())
    (before,) = [record async for record in storage.records.list(PREIMAGES)]
    await storage.ledger.close(intent(closed="applied"))

    assert [before] == [record async for record in storage.records.list(PREIMAGES)]
