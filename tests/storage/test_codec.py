"""What is stored comes back as it was; what is not ours, or not whole, is said to be so."""

import dataclasses
import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apimend.model.errors import Unreadable
from apimend.model.plan import Plan
from apimend.model.runs import Intent, Order, Progress, Run, Trigger
from apimend.storage import codec
from tests.storage.generate import values
from tests.storage.samples import START, instance, intent, order, policy_of, run

VALUES = st.one_of(*(values(cls) for cls in (Run, Intent, Order, Progress, Trigger)))


def stored(value: object) -> tuple[bytes, bytes | None]:
    packed = codec.pack(value)
    return packed.body, packed.aside


def restored(cls: Any, body: bytes, aside: bytes | None) -> object:
    return codec.unpack(cls, codec.open_envelope(codec.form_of(cls), body, name="it"), aside, name="it")


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_every_value_comes_back_as_it_was(value: object) -> None:
    """
    Any run, intent, order, progress or trigger is equal to what comes back, and is stored alike again.
    """
    found = restored(type(value), *stored(value))

    assert value == found
    assert stored(value) == stored(found)


def test_ids_come_back_as_received() -> None:
    """
    An id keeps the case in which Azure wrote it.
    """
    found = restored(Intent, *stored(intent()))

    assert isinstance(found, Intent)
    assert (instance().text, policy_of().text) == (found.instance.text, found.target.text)


def test_times_are_stored_in_utc() -> None:
    """
    A time in another zone is stored in UTC; one without a zone is a bug.
    """
    body, _ = stored(order(at=START.astimezone(timezone(timedelta(hours=2)))))

    assert b'"at":"2026-03-01T12:00:00+00:00"' in body
    with pytest.raises(ValueError, match="without a zone"):
        codec.pack(order(at=START.replace(tzinfo=None)))


def test_guarded_texts_stay_out_of_the_document() -> None:
    """
    What the model keeps out of its repr is kept out of the document, wherever it stands.
    """
    body, aside = stored(run())

    assert aside is not None
    assert (False, True) == (b"hunter2" in body, b"hunter2" in aside)
    assert (False, True) == (b"snippet" in body, b"snippet" in aside)


def test_nothing_packed_shows_what_it_holds() -> None:
    """
    Neither a packed value nor an opened one has texts in its repr.
    """
    packed = codec.pack(intent())
    opened = codec.open_envelope("intent", packed.body, name="it")

    assert "hunter2" not in repr(packed)
    assert "remediator" not in repr(opened)


def test_an_older_document_takes_defaults() -> None:
    """
    A document from before a field was added can be read: the field has its default.
    """
    body, _ = stored(Progress(instance=instance(), managed=True))
    found = json.loads(body)
    found["content"] = {"instance": instance().text, "managed": True}

    assert Progress(instance=instance(), managed=True) == restored(Progress, json.dumps(found).encode(), None)


def changed(**content: Any) -> bytes:
    document = json.loads(stored(order())[0])
    document["content"].update(content)
    return json.dumps(document).encode()


def without(name: str) -> bytes:
    document = json.loads(stored(order())[0])
    del document["content"][name]
    return json.dumps(document).encode()


GOOD = stored(order())[0]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JSON, or it is cut off"),
        (GOOD[:-1], "cut off"),
        (GOOD[: len(GOOD) // 2], "cut off"),
        (b"\xff\xfe", "cut off"),
        (b"[" * 100_000, "cut off"),
        (b'{"v":1,"form":"order","content":NaN}', "cut off"),
        (b"7" * 5000, "cut off"),
        (b"[1]", "no JSON object"),
        (b"{}", "no version"),
        (GOOD.replace(b'"v":1', b'"v":2'), "version 2 was written by a newer Apimend; this one reads 1"),
        (GOOD.replace(b'"v":1', b'"v":-1'), "version -1 is not known"),
        (GOOD.replace(b'"form":"order"', b'"form":"run"'), "this is no order"),
        (b'{"v":1,"form":"order"}', "not whole"),
        (b'{"v":1,"form":"order","content":{},"a":1,"b":2}', "not whole"),
        (b'{"v":1,"form":"order","content":{},"aside":7}', "not whole"),
        (b'{"v":1,"form":"order","content":[]}', "order is of the wrong type"),
        (without("by"), "order lacks by"),
        (changed(novelty=1), "a field that this Apimend doesn't know \\('novelty'\\)"),
        (changed(kind="destroy"), "order.kind is a word"),
        (changed(mode="Enforce"), "order.mode is a word"),
        (changed(by=7), "order.by is of the wrong type"),
        (changed(by=None), "order.by is of the wrong type"),
        (changed(at="yesterday"), "out of its range"),
        (changed(at="2026-03-01T12:00:00"), "order.at is a time without a zone"),
        (changed(at="0001-01-01T00:00:00+23:00"), "out of its range"),
        (changed(instance="/subscriptions/x"), "out of its range"),
        (changed(changes={"a": 1}), "order.changes is of the wrong type"),
    ],
    ids=range(27),
)
def test_what_is_not_an_order_is_unreadable(body: bytes, why: str) -> None:
    """
    A document that is cut off, foreign, of another version or form says which, and names itself.
    """
    with pytest.raises(Unreadable, match=f"^it: .*{why}"):
        restored(Order, body, None)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.integers(0, len(GOOD) - 1).map(lambda cut: GOOD[:cut]))
def test_no_bytes_break_it(body: bytes) -> None:
    """
    Whatever lies there, the answer is Unreadable and never another error.
    """
    with pytest.raises(Unreadable):
        restored(Order, body, None)


@pytest.mark.parametrize("index", [-1, 2, True], ids=repr)
def test_a_text_that_is_not_there_is_unreadable(index: object) -> None:
    """
    A document that points past its texts is refused.
    """
    body, aside = stored(intent())
    document = json.loads(body)
    document["content"]["before"] = index

    with pytest.raises(Unreadable, match=r"intent\.before"):
        restored(Intent, json.dumps(document).encode(), aside)


def test_an_error_cites_nothing_that_was_stored() -> None:
    """
    Neither message nor chained errors hold a byte of the document.
    """
    with pytest.raises(Unreadable) as raised:
        restored(Order, b'{"v":1,"form":"order","content":{"by":"hunter2', None)

    assert "hunter2" not in repr((raised.value, raised.value.__cause__))


def test_every_stored_form_is_known() -> None:
    """
    Each field of the model that keeps itself out of its repr is a text: only those are guarded.
    """
    guarded = {
        f"{cls.__name__}.{field.name}": field.type
        for cls in (
            Run,
            Intent,
            Order,
            Progress,
            Plan,
            *(type(each) for each in (*run().plan.changes, *run().plan.findings)),
        )
        for field in dataclasses.fields(cls)
        if not field.repr
    }

    assert {str, str | None} >= set(guarded.values())
    assert {"Intent.before", "Intent.after", "Change.before", "Change.after"} <= set(guarded)
