"""What must hold for any document that an author may write."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy import Document, Guard, Record, find_checks, same_policy, with_check, without_check
from tests.policy.generate import documents, mutated

CHECK = ClientCertificateCheck(
    validate_revocation=False,
    identities=(ClientIdentity(thumbprint="AB" * 20), ClientIdentity(subject='CN=a, O="Contoso, Inc."')),
)
GUARD = Guard(except_apis=frozenset({"echo-api"}), only_gateways=frozenset({"managed"}))
ANY = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@ANY
@given(documents())
def test_tokens_join_back_to_the_source(text: str) -> None:
    """
    Every character of a document is in exactly one token.
    """
    tokens = Document.parse(text).tokens

    assert text == "".join(tokens)


@ANY
@given(documents())
def test_spans_are_where_the_text_is(text: str) -> None:
    """
    The span of an element begins with its tag and ends with `>`, and its attributes are inside.
    """
    for element in Document.parse(text).root.descendants:
        attributes = element.attributes.values()

        assert element.text.startswith(f"<{element.name}")
        assert element.text.endswith(">")
        assert all(text[each.value_span.start : each.value_span.end] == each.raw for each in attributes)


@pytest.mark.parametrize("record", [None, *Record], ids=["enforced", "traced", "counted"])
@ANY
@given(
    text=documents(), guard=st.sampled_from([None, GUARD]), place=st.sampled_from(["global", "inner", "before base"])
)
def test_inserting_and_removing_are_inverse(text: str, record: Record | None, guard: Guard | None, place: str) -> None:
    """
    What was inserted can be taken out again, leaving the text that was found, byte for byte.
    """
    document, check = Document.parse(text), replace(CHECK, ignore_error=record is not None)
    is_global, before_base = place == "global", place == "before base"
    changed = Document.parse(
        with_check(document, check, is_global=is_global, guard=guard, before_base=before_base, record=record)
    )

    assert [guard] == [found.guard for found in find_checks(changed)]
    assert text == without_check(changed, check)


@ANY
@given(documents())
def test_a_second_insertion_changes_nothing(text: str) -> None:
    """
    A document that has the check is given back as the same object.
    """
    changed = Document.parse(with_check(Document.parse(text), CHECK, is_global=True))

    assert with_check(changed, CHECK, is_global=True) is changed.text


@ANY
@given(documents())
def test_an_insertion_is_seen_by_the_comparison(text: str) -> None:
    """
    A document with the check and the same without it are not the same policy.
    """
    document = Document.parse(text)
    changed = Document.parse(with_check(document, CHECK, is_global=False))

    assert same_policy(document, Document.parse(text))
    assert not same_policy(document, changed)


@ANY
@given(mutated())
def test_a_broken_document_is_refused_or_read_whole(text: str) -> None:
    """
    Whatever stands in a document, it is either read without loss or refused with a place in the text.
    """
    try:
        tokens = Document.parse(text).tokens
    except PolicyNotUnderstood as refusal:
        assert refusal.line >= 1
        assert refusal.column >= 1
    else:
        assert text == "".join(tokens)


@ANY
@given(text=documents(), guard=st.sampled_from([None, GUARD]))
def test_the_step_from_observing_to_enforcing_leaves_no_trace(text: str, guard: Guard | None) -> None:
    """
    A check that was observed first and then enforced stands as one that was enforced from the beginning.
    """
    document = Document.parse(text)
    observing = with_check(
        document, replace(CHECK, ignore_error=True), is_global=True, guard=guard, record=Record.TRACE
    )
    enforced = with_check(Document.parse(observing), CHECK, is_global=True, guard=guard)

    assert with_check(document, CHECK, is_global=True, guard=guard) == enforced
