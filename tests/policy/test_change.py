"""Where the check goes, how it is laid out, and what a change in place leaves alone."""

from dataclasses import replace

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import (
    NEW_GLOBAL,
    NEW_INNER,
    Document,
    Guard,
    Record,
    find_checks,
    with_changed,
    with_check,
    with_guard,
    without_check,
)

ANY = ClientCertificateCheck()
ANY_TAG = (
    '<validate-client-certificate validate-revocation="true" validate-trust="true"'
    ' validate-not-before="true" validate-not-after="true" ignore-error="false" />'
)
PLACES = {
    "global: first": (
        True,
        "<policies><inbound><x/></inbound></policies>",
        "<policies><inbound>CHECK<x/></inbound></policies>",
    ),
    "global: behind cors": (
        True,
        "<policies>\n  <inbound>\n    <cors /> <!-- c -->\n    <x/>\n  </inbound>\n</policies>",
        "<policies>\n  <inbound>\n    <cors /> <!-- c -->\n    CHECK\n    <x/>\n  </inbound>\n</policies>",
    ),
    "global: not behind a later cors": (
        True,
        "<policies><inbound><x/><cors/></inbound></policies>",
        "<policies><inbound>CHECK<x/><cors/></inbound></policies>",
    ),
    "inner: behind base": (
        False,
        "<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t</inbound>\r\n</policies>",
        "<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t\tCHECK\r\n\t</inbound>\r\n</policies>",
    ),
    "inner: first where base is not leading": (
        False,
        "<policies>\n <inbound>\n  <x/>\n  <base />\n </inbound>\n</policies>",
        "<policies>\n <inbound>\n  CHECK\n  <x/>\n  <base />\n </inbound>\n</policies>",
    ),
    "self-closed": (
        True,
        "<policies>\n    <inbound/>\n</policies>",
        "<policies>\n    <inbound>\n        CHECK\n    </inbound >\n</policies>",
    ),
    "missing": (
        True,
        "<policies>\r\n\t<backend />\r\n</policies>",
        "<policies>\r\n\t<inbound>\r\n\t\tCHECK\r\n\t</inbound  >\r\n\t<backend />\r\n</policies>",
    ),
    "fragment": (False, "<fragment>\n\t<x/>\n</fragment>", "<fragment>\n\tCHECK\n\t<x/>\n</fragment>"),
}


@pytest.mark.parametrize(("is_global", "before", "after"), PLACES.values(), ids=PLACES)
def test_the_check_goes_where_the_scope_wants_it(is_global: bool, before: str, after: str) -> None:
    """
    At global scope it stands first, but behind a leading `cors`; elsewhere behind a leading `<base />`.
    """
    text = with_check(Document.parse(before), ANY, is_global=is_global)

    assert after.replace("CHECK", ANY_TAG) == text


def test_the_check_can_go_before_base() -> None:
    """
    Where outer scopes could answer first, the check stands in front of them.
    """
    before = Document.parse("<policies>\n\t<inbound>\n\t\t<base />\n\t</inbound>\n</policies>")
    text = with_check(before, ANY, is_global=False, before_base=True)

    assert f"<policies>\n\t<inbound>\n\t\t{ANY_TAG}\n\t\t<base />\n\t</inbound>\n</policies>" == text


def test_a_guard_stands_around_the_check() -> None:
    """
    What is waived is spared by one `choose`, laid out like the rest.
    """
    guard = Guard(except_apis=frozenset({"b", "a"}), only_gateways=frozenset({"managed"}))
    text = with_check(
        Document.parse("<policies>\n <inbound>\n </inbound>\n</policies>"), ANY, is_global=True, guard=guard
    )
    when = 'context.Api.Id != "a" && context.Api.Id != "b" && (context.Deployment.Gateway.Id == "managed")'

    assert text == (
        f'<policies>\n <inbound>\n  <choose>\n   <when condition="@({when})">\n    {ANY_TAG}\n   </when>\n'
        "  </choose>\n </inbound>\n</policies>"
    )


def test_values_are_escaped() -> None:
    """
    A subject with quotes, angle brackets and an ampersand is written as Azure wants it in `rawxml`, and read back.
    """
    identity = ClientIdentity(subject='CN=<a> & b, O="Contoso, Inc."')
    check = ClientCertificateCheck(identities=(identity,))
    text = with_check(Document.parse(NEW_GLOBAL), check, is_global=True)

    assert 'subject="CN=&lt;a&gt; &amp; b, O=&quot;Contoso, Inc.&quot;"' in text
    assert [check] == [found.check for found in find_checks(Document.parse(text))]


@pytest.mark.parametrize(
    "value", ["@(x)", "a @{b}", "{{secret}}", "a\x00b"], ids=["expression", "code", "named value", "nul"]
)
def test_a_value_that_would_mean_something_else_is_refused(value: str) -> None:
    """
    Nothing is written that the service would take for an expression or a named value.
    """
    check = ClientCertificateCheck(identities=(ClientIdentity(common_name=value),))

    with pytest.raises(ValueError, match="value"):
        with_check(Document.parse(NEW_INNER), check, is_global=False)


EXISTING = """<policies>
	<inbound>
		<base />
		<validate-client-certificate
			ignore-error="true"
			validate-trust = 'True'
			x-owner="team-a"
		>
			<!-- ask team A -->
			<identities>
				<identity thumbprint="ab:cd" /><!-- batch -->
				<identity thumbprint="00 11"/>
			</identities>
		</validate-client-certificate>
	</inbound>
</policies>
"""


def test_a_change_in_place_touches_only_what_differs() -> None:
    """
    Comments, layout, unknown attributes and identities that stay keep every byte.
    """
    wanted = ClientCertificateCheck(
        validate_revocation=False,
        identities=(ClientIdentity(thumbprint="ABCD"), ClientIdentity(thumbprint="2233")),
    )
    expected = (
        EXISTING.replace('ignore-error="true"', 'ignore-error="false"')
        .replace('x-owner="team-a"', 'x-owner="team-a" validate-revocation="false"')
        .replace('\t\t\t\t<identity thumbprint="00 11"/>', '\t\t\t\t<identity thumbprint="2233" />')
    )
    text = with_check(Document.parse(EXISTING), wanted, is_global=False)

    assert expected == text


def test_a_check_that_means_the_same_is_left_alone() -> None:
    """
    Spelling, order and repetition of identities are no reason to write.
    """
    text = EXISTING.replace(' x-owner="team-a"', "").replace('x-owner="team-a"\n', "\n")
    wanted = ClientCertificateCheck(
        ignore_error=True,
        identities=(
            ClientIdentity(thumbprint="0011"),
            ClientIdentity(thumbprint="ABCD"),
            ClientIdentity(thumbprint="ABCD"),
        ),
    )
    document = Document.parse(text)

    assert with_check(document, wanted, is_global=False) is text


def test_identities_come_to_a_check_that_had_none() -> None:
    """
    A self-closed check is opened for its identities.
    """
    document = Document.parse("<policies>\n <inbound>\n  <validate-client-certificate />\n </inbound>\n</policies>")
    text = with_check(document, ClientCertificateCheck(identities=(ClientIdentity(thumbprint="AB"),)), is_global=True)

    assert text == (
        "<policies>\n <inbound>\n  <validate-client-certificate>\n   <identities>\n"
        '    <identity thumbprint="AB" />\n   </identities>\n  </validate-client-certificate>\n </inbound>\n</policies>'
    )


def test_comments_outlive_the_identities_around_them() -> None:
    """
    Where no identity is wanted, `identities` goes and what somebody noted in it stays.
    """
    document = Document.parse(EXISTING)
    text = with_changed(document, find_checks(document)[0], ClientCertificateCheck(ignore_error=True))

    assert "<!-- batch -->" in text
    assert "identit" not in text
    assert [()] == [found.check.identities for found in find_checks(Document.parse(text))]


def test_a_guard_can_be_exchanged() -> None:
    """
    A waiver more or less changes the condition and nothing else.
    """
    guard, wider = Guard(except_apis=frozenset({"a"})), Guard(except_apis=frozenset({"a", "b"}))
    before = with_check(Document.parse(NEW_GLOBAL), ANY, is_global=True, guard=guard)
    document = Document.parse(before)
    text = with_guard(document, find_checks(document)[0], wider)

    assert before.replace('!= "a"', '!= "a" && context.Api.Id != "b"') == text
    assert [wider] == [found.guard for found in find_checks(Document.parse(text))]


def test_somebody_elses_condition_is_no_guard() -> None:
    """
    A check in a `choose` of another form is not found, so it can't be changed or removed.
    """
    text = f"<policies><inbound><choose><when condition='@(true)'>{ANY_TAG}</when></choose></inbound></policies>"
    document = Document.parse(text)

    assert () == find_checks(document)
    assert without_check(document, ANY) is text


@pytest.mark.parametrize("text", [NEW_INNER, NEW_GLOBAL], ids=["inner", "global"])
def test_a_new_document_has_all_four_sections(text: str) -> None:
    """
    A document that we create changes nothing but what the check changes.
    """
    document = Document.parse(text)

    assert ["inbound", "backend", "outbound", "on-error"] == [child.name for child in document.root.children]


@pytest.mark.parametrize("record", list(Record), ids=lambda record: record.value)
def test_a_check_that_observes_writes_down_who_calls(record: Record) -> None:
    """
    The record stands behind the check, and a check that is enforced needs none.
    """
    document = Document.parse(NEW_GLOBAL)
    observing = Document.parse(with_check(document, replace(ANY, ignore_error=True), is_global=True, record=record))
    found = find_checks(observing)[0]

    assert found.record is not None
    assert record.value == found.record.name
    assert record.value not in with_check(document, ANY, is_global=True, record=record)


def test_somebody_elses_trace_is_not_our_record() -> None:
    """
    What others write down stays when the check goes.
    """
    text = f'<policies><inbound>{ANY_TAG}<trace source="shop" /></inbound></policies>'

    assert '<policies><inbound><trace source="shop" /></inbound></policies>' == without_check(Document.parse(text), ANY)
