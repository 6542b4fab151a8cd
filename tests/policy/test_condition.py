"""Checks written as conditions: put in, changed in place, found again and taken out."""

from dataclasses import replace

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form
from apimend.policy import Document, Guard, Record, find_checks, normal_check, same_check, with_check, without_check
from apimend.policy.change import with_changed
from apimend.policy.expression_check import read_expression_check

PIN = ClientIdentity(thumbprint="AB" * 20)
NAMES = ClientIdentity(subject="CN=partner-a, O=Contoso", issuer_subject="CN=Contoso Issuing CA")
ONE = ClientCertificateCheck(form=Form.EXPRESSION, validate_revocation=False, identities=(PIN,))
ATTACHED = ClientCertificateCheck(form=Form.ATTACHED, validate_revocation=False)
ELEMENT = replace(ONE, form=Form.ELEMENT)
CHECKS = {
    "thumbprint": ONE,
    "thumbprint, with revocation": replace(ONE, validate_revocation=True),
    "thumbprint, dates without trust": replace(ONE, validate_trust=False),
    "thumbprint alone": replace(ONE, validate_trust=False, validate_not_before=False, validate_not_after=False),
    "issuer and subject": replace(ONE, identities=(NAMES,)),
    "attached": ATTACHED,
    "attached, with revocation": replace(ATTACHED, validate_revocation=True),
    "observed": replace(ONE, ignore_error=True),
}
DOCUMENTS = {
    "in lines": "<policies>\n  <inbound>\n    <base />\n    <set-variable name='a' value='b' />\n"
    "  </inbound>\n</policies>",
    "on one line": "<policies><inbound><base /></inbound></policies>",
    "self-closed": "<policies>\r\n\t<inbound />\r\n</policies>",
    "without inbound": "<policies>\n</policies>",
}


def _inserted(text: str, check: ClientCertificateCheck) -> str:
    return with_check(Document.parse(text), check, is_global=False)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_taking_out_gives_back_what_was_there(text: str, check: ClientCertificateCheck) -> None:
    """
    What goes in comes out, and leaves no byte behind.
    """
    assert text == without_check(Document.parse(_inserted(text, check)), check)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_what_was_put_in_is_found_as_it_was_meant(check: ClientCertificateCheck) -> None:
    """
    A condition that we wrote reads back as the check that it was made of.
    """
    (found,) = find_checks(Document.parse(_inserted(DOCUMENTS["in lines"], check)))

    assert ((), normal_check(check)) == (found.not_understood, normal_check(found.check))


def test_it_is_written_as_microsoft_documents_it() -> None:
    """
    The text of a condition is the documented one, laid out as the document is.
    """
    expected = """\
<policies>
  <inbound>
    <base />
    <choose>
      <when condition="@(context.Request.Certificate == null || !context.Request.Certificate.VerifyNoRevocation() \
|| !context.Deployment.Certificates.Any(c => c.Value.Thumbprint == context.Request.Certificate.Thumbprint))">
        <return-response>
          <set-status code="403" reason="Invalid client certificate" />
        </return-response>
      </when>
    </choose>
    <set-variable name='a' value='b' />
  </inbound>
</policies>"""

    assert expected == _inserted(DOCUMENTS["in lines"], ATTACHED)


@pytest.mark.parametrize("before", CHECKS.values(), ids=[f"from {name}" for name in CHECKS])
@pytest.mark.parametrize("after", [*CHECKS.values(), ELEMENT], ids=[*(f"to {name}" for name in CHECKS), "to element"])
@pytest.mark.parametrize("guard", [None, Guard(except_apis=frozenset({"status"}))], ids=["everywhere", "guarded"])
def test_one_becomes_another_in_place(
    before: ClientCertificateCheck, after: ClientCertificateCheck, guard: Guard | None
) -> None:
    """
    A changed declaration changes the check where it stands: as if it had been put in as it is now.
    """
    text = DOCUMENTS["in lines"]
    was = Document.parse(with_check(Document.parse(text), before, is_global=False, guard=guard, record=Record.TRACE))
    (found,) = find_checks(was)
    expected = with_check(Document.parse(text), after, is_global=False, guard=guard, record=Record.TRACE)

    assert expected == with_changed(was, found, after, record=Record.TRACE)


@pytest.mark.parametrize("record", Record, ids=lambda each: each.value)
def test_an_element_that_observes_becomes_a_condition(record: Record) -> None:
    """
    The record beside the element goes with it, and the condition records by itself.
    """
    observing = replace(ELEMENT, ignore_error=True)
    was = Document.parse(with_check(Document.parse(DOCUMENTS["in lines"]), observing, is_global=False, record=record))
    (found,) = find_checks(was)
    wished = replace(ONE, ignore_error=True)
    expected = with_check(Document.parse(DOCUMENTS["in lines"]), wished, is_global=False, record=record)

    assert expected == with_changed(was, found, wished, record=record)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_changing_to_the_same_changes_nothing(check: ClientCertificateCheck) -> None:
    """
    A second time finds nothing to do.
    """
    text = _inserted(DOCUMENTS["in lines"], check)

    assert text is _inserted(text, check)


@pytest.mark.parametrize(
    "check",
    [
        replace(ONE, identities=(PIN, NAMES)),
        replace(ONE, identities=(ClientIdentity(dns_name="a.example"),)),
        replace(ONE, identities=(ClientIdentity(subject='CN=a, O="Contoso, Inc."'),)),
        replace(ONE, identities=(ClientIdentity(subject="CN=a\\b"),)),
    ],
    ids=["two clients", "claim without a member", "quotes", "backslash"],
)
def test_what_has_no_documented_condition_is_not_written(check: ClientCertificateCheck) -> None:
    """
    Where no known condition says it, nothing is written at all.
    """
    with pytest.raises(ValueError, match=r"condition"):
        _inserted(DOCUMENTS["in lines"], check)


def test_a_hand_written_condition_is_found_and_named() -> None:
    """
    One with more claims than a check has says so, so that nobody takes the rest for the whole.
    """
    first, second = (f'context.Request.Certificate.Thumbprint != "{digit * 40}"' for digit in "AB")
    condition = f"@(context.Request.Certificate == null || {first} || {second})"
    text = f"""<policies><inbound><choose><when condition="{condition}">
    <return-response><set-status code="401" /></return-response></when></choose></inbound></policies>"""
    (found,) = find_checks(Document.parse(text))

    assert ("more than one claim of a kind in a condition",) == found.not_understood


def test_somebody_elses_trace_is_no_check() -> None:
    """
    A condition that only writes what we don't write proves nothing.
    """
    text = _inserted(DOCUMENTS["in lines"], replace(ONE, ignore_error=True)).replace('"apimend"', '"contoso"')
    choose = next(each for each in Document.parse(text).root.descendants if each.name == "choose")

    assert read_expression_check(choose) is None


def test_forms_are_not_the_same() -> None:
    """
    A declared form is kept: the same demand in another form is another check.
    """
    assert not same_check(ONE, ELEMENT)
