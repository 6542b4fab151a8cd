"""Records keep documents by container and key, and write only what is still as it was read."""

import pytest

from apimend.model.errors import Changed
from apimend.storage.names import BELLS, PREIMAGES, RUNS
from apimend.storage.stores import Storage

# A table, a blob, and the container apart: what is small, what may be large, and what holds secrets.
everywhere = pytest.mark.parametrize("place", [BELLS, RUNS, PREIMAGES])


async def keys(storage: Storage, place: str, prefix: str = "", limit: int | None = None) -> list[str]:
    return [record.key async for record in storage.records.list(place, prefix, limit=limit)]


@everywhere
async def test_what_was_put_is_got(storage: Storage, place: str) -> None:
    """
    A document comes back byte for byte, with the etag that the write returned.
    """
    etag = await storage.records.put(place, "a.b", b"\x00\xff text")
    record = await storage.records.get(place, "a.b")

    assert record is not None
    assert (b"\x00\xff text", "a.b", etag) == (record.body, record.key, record.etag)


@everywhere
async def test_nothing_is_none(storage: Storage, place: str) -> None:
    """
    A document that isn't there is None, before anything was ever written and after.
    """
    before = await storage.records.get(place, "nothing")
    await storage.records.put(place, "something", b"")

    assert (None, None) == (before, await storage.records.get(place, "nothing"))


@everywhere
async def test_a_write_without_a_condition_overwrites(storage: Storage, place: str) -> None:
    """
    Without an etag the last one wins.
    """
    first = await storage.records.put(place, "k", b"1")
    second = await storage.records.put(place, "k", b"2")
    record = await storage.records.get(place, "k")

    assert record is not None
    assert (b"2", second) == (record.body, record.etag)
    assert first != second


@everywhere
async def test_an_empty_etag_creates_once(storage: Storage, place: str) -> None:
    """
    An empty etag writes only where nothing is there yet.
    """
    await storage.records.put(place, "k", b"1", etag="")

    with pytest.raises(Changed):
        await storage.records.put(place, "k", b"2", etag="")


@everywhere
async def test_a_current_etag_replaces_and_a_stale_one_does_not(storage: Storage, place: str) -> None:
    """
    An etag writes only while it is the current one.
    """
    stale = await storage.records.put(place, "k", b"1")
    await storage.records.put(place, "k", b"2", etag=stale)

    with pytest.raises(Changed):
        await storage.records.put(place, "k", b"3", etag=stale)
    record = await storage.records.get(place, "k")
    assert record is not None
    assert b"2" == record.body


@everywhere
async def test_an_etag_does_not_outlive_its_document(storage: Storage, place: str) -> None:
    """
    A document that went, or went and came back, is another one.
    """
    etag = await storage.records.put(place, "k", b"1")
    await storage.records.delete(place, "k")

    with pytest.raises(Changed):
        await storage.records.put(place, "k", b"2", etag=etag)
    await storage.records.put(place, "k", b"1")
    with pytest.raises(Changed):
        await storage.records.put(place, "k", b"2", etag=etag)


@everywhere
async def test_deleting_nothing_is_fine(storage: Storage, place: str) -> None:
    """
    Deleting is about the state afterwards: twice is as good as once, and never is fine too.
    """
    await storage.records.delete(place, "k")
    await storage.records.put(place, "k", b"1")
    await storage.records.delete(place, "k")
    await storage.records.delete(place, "k")

    assert await storage.records.get(place, "k") is None


@everywhere
async def test_lists_are_in_the_order_of_keys(storage: Storage, place: str) -> None:
    """
    A list has exactly the keys with the prefix, sorted as text.
    """
    for key in ("b.2", "a.10", "B", "b.1", "a.9", "b-1", "b_1", "b", "c"):
        await storage.records.put(place, key, key.encode())

    assert ["b.1", "b.2"] == await keys(storage, place, "b.")
    assert ["B", "a.10", "a.9", "b", "b-1", "b.1", "b.2", "b_1", "c"] == await keys(storage, place)
    assert ["B", "a.10"] == await keys(storage, place, limit=2)


@everywhere
async def test_listed_documents_are_whole(storage: Storage, place: str) -> None:
    """
    A listed document has its body, and the etag under which it can be replaced.
    """
    await storage.records.put(place, "k", b"1")
    (record,) = [record async for record in storage.records.list(place, "k")]
    await storage.records.put(place, "k", b"2", etag=record.etag)

    assert b"1" == record.body


@everywhere
async def test_a_list_of_nothing_is_empty(storage: Storage, place: str) -> None:
    """
    A container that was never written to is an empty one.
    """
    assert [] == await keys(storage, place)


async def test_containers_do_not_mix(storage: Storage) -> None:
    """
    The same key in two containers is two documents.
    """
    await storage.records.put(BELLS, "k", b"bell")
    await storage.records.put("notes", "k", b"note")
    await storage.records.delete("notes", "k")
    record = await storage.records.get(BELLS, "k")

    assert record is not None
    assert b"bell" == record.body


@pytest.mark.parametrize(("place", "size"), [(BELLS, 200_000), (PREIMAGES, 1_500_000)])
async def test_large_documents_come_back(storage: Storage, place: str, size: int) -> None:
    """
    A document far larger than a table's property comes back whole.
    """
    body = bytes(range(250)) * (size // 250)
    await storage.records.put(place, "k", body)
    record = await storage.records.get(place, "k")

    assert record is not None
    assert body == record.body


async def test_a_document_that_shrank_has_no_rest(storage: Storage) -> None:
    """
    Nothing of a long document is left when a short one replaces it.
    """
    await storage.records.put(BELLS, "k", b"x" * 150_000)
    await storage.records.put(BELLS, "k", b"short")
    record = await storage.records.get(BELLS, "k")

    assert record is not None
    assert b"short" == record.body


@pytest.mark.parametrize("key", ["", "a/b", "a b", "ä", "a\nb", "x" * 401], ids=repr)
async def test_a_key_that_not_all_could_take_is_refused(storage: Storage, key: str) -> None:
    """
    A key that one backend would refuse is refused by all.
    """
    with pytest.raises(ValueError, match="is no key"):
        await storage.records.put(BELLS, key, b"")


async def test_a_record_does_not_show_its_body(storage: Storage) -> None:
    """
    What a document holds never stands in its repr.
    """
    await storage.records.put(PREIMAGES, "k", b"hunter2")

    assert "hunter2" not in repr(await storage.records.get(PREIMAGES, "k"))
