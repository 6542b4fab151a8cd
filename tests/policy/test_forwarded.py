"""A certificate in a header: found where it is looked at, written in one form, and believed only where declared."""

from dataclasses import replace

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form, Record
from apimend.policy import (
    Document,
    Host,
    Standards,
    Verdict,
    Wish,
    find_checks,
    judge,
    place,
    same_check,
    take_out,
    with_changed,
    with_check,
    without_check,
)
from apimend.policy.forwarded import find_forwarded
from apimend.policy.topology import read_documents
from tests.policy.tenants import HOST, OTHER, PIN, noted, policy, topology

VALUE = 'context.Request.Headers.GetValueOrDefault("{}", "")'
REFUSAL = '<return-response><set-status code="403" /></return-response>'
DOCUMENTS = {
    "a condition on a known header": (
        '<choose><when condition="@({} == null)">{}</when></choose>',
        "X-ARR-ClientCert",
        1,
    ),
    "a certificate made of any header": (
        '<set-variable name="c" value="@(new X509Certificate2(Convert.FromBase64String({})).Thumbprint)" />{}',
        "X-Mine",
        1,
    ),
    "the declared header": ('<set-variable name="c" value="@({})" />{}', "X-Declared", 1),
    "another header": ('<set-variable name="c" value="@({})" />{}', "X-Mine", 0),
    "in a comment": ("<!-- {} -->{}", "X-ARR-ClientCert", 0),
}


@pytest.mark.parametrize(("inbound", "header", "count"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_header_that_is_read_as_a_certificate_is_found(inbound: str, header: str, count: int) -> None:
    """
    What looks at a forwarded certificate is told with its place; other headers are not.
    """
    documents = read_documents({"": policy(inbound.format(VALUE.format(header), REFUSAL))})

    assert count == len(find_forwarded(documents, "X-Declared"))


def test_it_covers_nothing() -> None:
    """
    A check of a header that anybody can write counts for nothing.
    """
    condition, header, _ = DOCUMENTS["a condition on a known header"]
    coverage = judge(topology({"": policy(condition.format(VALUE.format(header), REFUSAL))}), Standards())

    assert Verdict.COVERED not in {each.verdict for each in coverage.judgements}


CHECK = ClientCertificateCheck(
    form=Form.HEADER,
    header="X-Client-Certificate",
    validate_trust=False,
    validate_revocation=False,
    identities=tuple(ClientIdentity(thumbprint=f"{number:040X}") for number in range(10, 22)),
)
PINS = frozenset(str(identity.thumbprint) for identity in CHECK.identities)
BELIEVED = Standards(thumbprints=PINS, headers=frozenset({"x-client-certificate"}))
PLAIN = replace(HOST, negotiates=False)
ELSEWHERE = Host(name="site.contoso.test", negotiates=True, gateway="site")
OURS = {
    "a check": CHECK,
    "without dates": replace(CHECK, validate_not_before=False, validate_not_after=False),
    "one client": replace(CHECK, identities=CHECK.identities[:1]),
    "an observing check": replace(CHECK, ignore_error=True),
}


@pytest.mark.parametrize("check", OURS.values(), ids=OURS)
@pytest.mark.parametrize("record", Record)
def test_our_form_is_read_back_and_goes_without_a_trace(check: ClientCertificateCheck, record: Record) -> None:
    """
    What is written is recognised as the same check, and taking it out leaves the bytes that were there.
    """
    document = Document.parse(policy("<base />"))
    text = with_check(document, check, is_global=False, record=record)
    (found,) = find_checks(Document.parse(text))

    assert same_check(check, found.check)
    assert document.text == without_check(Document.parse(text), check)


@pytest.mark.parametrize("check", OURS.values(), ids=OURS)
def test_a_check_of_any_form_is_changed_into_ours_in_place(check: ClientCertificateCheck) -> None:
    """
    From the handshake to a header, and from one header to another, the check stays where it stands.
    """
    for old in (
        ClientCertificateCheck(validate_trust=False, identities=(ClientIdentity(thumbprint=PIN),)),
        ClientCertificateCheck(form=Form.ATTACHED, ignore_error=True),
        replace(check, header="X-Other", ignore_error=True),
    ):
        document = Document.parse(with_check(Document.parse(policy("<base />")), old, is_global=False))
        text = with_changed(document, find_checks(document)[0], check)
        (found,) = find_checks(Document.parse(text))

        assert same_check(check, found.check)
        assert "X-Other" not in text


DOUBTFUL = {
    "another pin": ("return certificate", "return true || certificate"),
    "another order": ("try {", "try { return false;"),
    "an answer on failure": ("catch { return true; }", "catch { return false; }"),
}


@pytest.mark.parametrize(("old", "new"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_only_our_form_counts(old: str, new: str) -> None:
    """
    A condition that differs in a word is somebody else's, and covers nothing.
    """
    text = with_check(Document.parse(policy("")), CHECK, is_global=True).replace(old, new, 1)

    assert () == find_checks(Document.parse(text))
    assert Verdict.COVERED not in {each.verdict for each in judge(topology({"": text}), BELIEVED).judgements}


VERDICTS = {
    "believed": (CHECK, BELIEVED, PLAIN, Verdict.COVERED),
    "not believed": (CHECK, replace(BELIEVED, headers=frozenset()), PLAIN, Verdict.FORGEABLE),
    "another header": (CHECK, replace(BELIEVED, headers=frozenset({"x-other"})), PLAIN, Verdict.FORGEABLE),
    "a gateway elsewhere": (CHECK, BELIEVED, ELSEWHERE, Verdict.FORGEABLE),
    "a stranger's pin": (CHECK, replace(BELIEVED, thumbprints=frozenset({OTHER})), PLAIN, Verdict.WEAKER),
    "only observing": (replace(CHECK, ignore_error=True), BELIEVED, PLAIN, Verdict.OBSERVED_ONLY),
    "lower case": (
        replace(CHECK, identities=(ClientIdentity(thumbprint=PIN.lower()),)),
        BELIEVED,
        PLAIN,
        Verdict.LOCKED_OUT,
    ),
}


@pytest.mark.parametrize(("check", "standards", "host", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_it_counts_only_under_the_declared_conditions(
    check: ClientCertificateCheck, standards: Standards, host: Host, verdict: Verdict
) -> None:
    """
    R16: covered only at the instance's own gateway, for the header that only the proxy can write.
    """
    text = with_check(Document.parse(policy("")), check, is_global=True)
    coverage = judge(topology({"": text}, hosts=(host,)), standards)

    assert {verdict} == {each.verdict for each in coverage.judgements}


def test_hosts_need_not_ask_for_certificates() -> None:
    """
    The proxy asks; the check goes in at hosts that don't, and everything is covered. Taking it out leaves nothing.
    """
    placed = place(topology({}, hosts=(PLAIN,)), BELIEVED, Wish(check=CHECK))
    after = topology({edit.scope: edit.after for edit in placed.edits}, hosts=(PLAIN,))
    ours = noted(placed)
    gone = take_out(after, BELIEVED, ours)

    assert {"covered"} == set(placed.after.figures.verdicts)
    assert [""] == [edit.scope for edit in gone.edits]
    assert () == place(after, BELIEVED, Wish(check=CHECK, ours=ours)).edits


def test_a_gateway_elsewhere_has_to_be_left_out() -> None:
    """
    Callers of a self-hosted gateway don't come through the proxy: the check would refuse them all.
    """
    both = topology({}, hosts=(PLAIN, ELSEWHERE))
    refused = place(both, BELIEVED, Wish(check=CHECK))
    guarded = place(both, BELIEVED, Wish(check=CHECK, only_gateways=frozenset({"managed"})))

    assert (0, True) == (len(refused.edits), any(each.blocks for each in refused.unplaced))
    assert 1 == len(guarded.edits)


@pytest.mark.parametrize(("believed", "count"), [(frozenset(), 1), (BELIEVED.headers, 0)], ids=["no", "yes"])
def test_our_own_check_is_not_reported_where_it_counts(believed: frozenset[str], count: int) -> None:
    """
    A header that is believed needs no warning; the same check without the conditions does.
    """
    documents = read_documents({"": with_check(Document.parse(policy("")), CHECK, is_global=True)})

    assert count == len(find_forwarded(documents, "X-Client-Certificate", believed=believed))
