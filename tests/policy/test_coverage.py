"""What becomes of a caller without an allowed certificate."""

from dataclasses import replace

import pytest

from apimend.model.check import ClientIdentity
from apimend.policy import ApiNode, Cause, Host, Standards, Verdict, judge, judge_calls
from tests.policy.tenants import ELEMENT, HOST, ORDERS, OTHER, PIN, STANDARDS, STATUS, policy, topology

REFUSE = '<return-response><set-status code="403" reason="no" /></return-response>'
ATTACHED = "context.Deployment.Certificates.Any(c => c.Value.Thumbprint == context.Request.Certificate.Thumbprint)"


def identity(claims: str, attributes: str = "") -> str:
    """A check of one identity."""
    inside = f"<identities><identity {claims} /></identities>"
    return f"<validate-client-certificate {attributes}>{inside}</validate-client-certificate>"


def by_hand(condition: str) -> str:
    """A check as people write it."""
    return f'<choose><when condition="@({condition})">{REFUSE}</when></choose>'


def verdict(inbound: str, on_error: str = "", standards: Standards = STANDARDS, host: Host = HOST) -> Verdict:
    """The verdict on an API without documents of its own below this global one."""
    found = judge(topology({"": policy(inbound, on_error)}, apis=(STATUS,), hosts=(host,)), standards)
    return found.judgements[0].verdict


ELEMENTS = {
    "pinned": (ELEMENT, Verdict.COVERED),
    "none": ("<set-header name='x' />", Verdict.BYPASSED),
    "in a comment": (f"<!-- {ELEMENT} -->", Verdict.BYPASSED),
    "observing": (ELEMENT.replace("validate-trust=", 'ignore-error="true" validate-trust='), Verdict.OBSERVED_ONLY),
    "observing, then enforcing": (
        ELEMENT.replace("validate-trust=", 'ignore-error="true" validate-trust=') + ELEMENT,
        Verdict.COVERED,
    ),
    "an undeclared pin": (ELEMENT.replace(PIN, OTHER), Verdict.WEAKER),
    "one undeclared pin among others": (
        ELEMENT.replace("</identities>", f'<identity thumbprint="{OTHER}" /></identities>'),
        Verdict.WEAKER,
    ),
    "no identities": ("<validate-client-certificate />", Verdict.WEAKER),
    "a name without trust": (
        identity('common-name="a"', 'validate-trust="false"'),
        Verdict.FORGEABLE,
    ),
    "an issuer without trust": (
        identity('issuer-thumbprint="AB"', 'validate-trust="false"'),
        Verdict.FORGEABLE,
    ),
    "a name with trust": (
        identity('common-name="a"'),
        Verdict.WEAKER,
    ),
    "a name and its issuer with trust": (
        identity('common-name="a" issuer-certificate-id="ca"'),
        Verdict.WEAKER,
    ),
    "a named value": (ELEMENT.replace(PIN, "{{pin}}"), Verdict.NOT_UNDERSTOOD),
    "behind cors": ("<cors />" + ELEMENT, Verdict.COVERED),
    "behind harmless policies": (
        "<set-variable name='a' value='@(1)' /><rate-limit calls='1' />" + ELEMENT,
        Verdict.COVERED,
    ),
    "behind a request": ("<send-request mode='new' />" + ELEMENT, Verdict.BYPASSED),
    "behind a cache": ("<cache-lookup />" + ELEMENT, Verdict.BYPASSED),
    "behind an unknown policy": ("<tomorrow />" + ELEMENT, Verdict.BYPASSED),
    "behind a named value": ("{{policies}}" + ELEMENT, Verdict.BYPASSED),
    "behind an answer": ("<mock-response />" + ELEMENT, Verdict.BYPASSED),
    "before an answer": (ELEMENT + "<mock-response />", Verdict.COVERED),
    "behind an answer that depends": (
        f"<choose><when condition='@(x)'><return-response /></when></choose>{ELEMENT}",
        Verdict.BYPASSED,
    ),
    "behind a refusal that depends": (
        f"<choose><when condition='@(x)'>{REFUSE}</when><otherwise><set-method /></otherwise></choose>{ELEMENT}",
        Verdict.COVERED,
    ),
    "under a condition": (f"<choose><when condition='@(x)'>{ELEMENT}</when></choose>", Verdict.NOT_UNDERSTOOD),
    "inside retry": (f"<retry condition='@(x)'>{ELEMENT}</retry>", Verdict.NOT_UNDERSTOOD),
    "everybody refused": (REFUSE, Verdict.COVERED),
    "everybody redirected": ('<return-response><set-status code="302" /></return-response>', Verdict.BYPASSED),
    "a fragment that is not there": ('<include-fragment fragment-id="x" />' + ELEMENT, Verdict.NOT_UNDERSTOOD),
    "nested too deeply": ("<choose><when>" * 60 + "</when></choose>" * 60 + ELEMENT, Verdict.BYPASSED),
}


@pytest.mark.parametrize(("inbound", "expected"), ELEMENTS.values(), ids=ELEMENTS)
def test_the_verdict_on_a_section(inbound: str, expected: Verdict) -> None:
    """
    What counts is what a caller without an allowed certificate can reach before something stops him.
    """
    assert expected is verdict(inbound)


CONDITIONS = {
    "pinned": (
        f'context.Request.Certificate == null || context.Request.Certificate.Thumbprint != "{PIN}"',
        Verdict.COVERED,
    ),
    "pinned and verified": (
        "context.Request.Certificate == null || !context.Request.Certificate.Verify()"
        f' || context.Request.Certificate.Thumbprint != "{PIN}"',
        Verdict.COVERED,
    ),
    "pinned, over lines": (
        f'context.Request.Certificate\n==null||context.Request.Certificate.Thumbprint!=\t"{PIN}"',
        Verdict.COVERED,
    ),
    "an undeclared pin": (
        f'context.Request.Certificate == null || context.Request.Certificate.Thumbprint != "{OTHER}"',
        Verdict.WEAKER,
    ),
    "a pin in lower case": (
        f'context.Request.Certificate == null || context.Request.Certificate.Thumbprint != "{PIN.lower()}"',
        Verdict.LOCKED_OUT,
    ),
    "attached": (f"context.Request.Certificate == null || !{ATTACHED}", Verdict.COVERED),
    "presence": ("context.Request.Certificate == null", Verdict.WEAKER),
    "verified": (
        "context.Request.Certificate == null || !context.Request.Certificate.VerifyNoRevocation()",
        Verdict.WEAKER,
    ),
    "dates": (
        "context.Request.Certificate == null || context.Request.Certificate.NotAfter < DateTime.Now",
        Verdict.WEAKER,
    ),
    "a name": (
        'context.Request.Certificate == null || context.Request.Certificate.Issuer != "CN=a"',
        Verdict.FORGEABLE,
    ),
    "a name, verified": (
        "context.Request.Certificate == null || !context.Request.Certificate.Verify()"
        ' || context.Request.Certificate.SubjectName.Name != "CN=a || b"',
        Verdict.WEAKER,
    ),
    "null test last": (
        f'context.Request.Certificate.Thumbprint != "{PIN}" || context.Request.Certificate == null',
        Verdict.NOT_UNDERSTOOD,
    ),
    "and": (
        f'context.Request.Certificate == null && context.Request.Certificate.Thumbprint != "{PIN}"',
        Verdict.NOT_UNDERSTOOD,
    ),
    "equal": (
        f'context.Request.Certificate == null || context.Request.Certificate.Thumbprint == "{PIN}"',
        Verdict.NOT_UNDERSTOOD,
    ),
    "named value": (
        'context.Request.Certificate == null || context.Request.Certificate.Thumbprint != "{{pin}}"',
        Verdict.NOT_UNDERSTOOD,
    ),
    "string method": (
        f'context.Request.Certificate == null || !context.Request.Certificate.Thumbprint.Equals("{PIN}")',
        Verdict.NOT_UNDERSTOOD,
    ),
    "comment": (
        f'context.Request.Certificate == null /* || */ || context.Request.Certificate.Thumbprint != "{PIN}"',
        Verdict.NOT_UNDERSTOOD,
    ),
    "two words": ("context.Request.Certificate == nu ll", Verdict.NOT_UNDERSTOOD),
    "empty term": ("context.Request.Certificate == null || ", Verdict.NOT_UNDERSTOOD),
}


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_the_verdict_on_a_check_by_hand(condition: str, expected: Verdict) -> None:
    """
    Only the documented form is a check; anything else stops nobody for certain.
    """
    assert expected is verdict(by_hand(condition))


PRESENT = "context.Request.Certificate == null"
FORMS = {
    "two when": f'<when condition="@({PRESENT})">{REFUSE}</when><when condition="@(x)" />',
    "otherwise": f'<when condition="@({PRESENT})">{REFUSE}</when><otherwise />',
    "refusal otherwise": f'<when condition="@(!({PRESENT}))" /><otherwise>{REFUSE}</otherwise>',
    "more than a refusal": f'<when condition="@({PRESENT})"><trace />{REFUSE}</when>',
}
ANSWERS = {
    "answer of 200": "<return-response />",
    "status by expression": '<return-response><set-status code="@(403)" /></return-response>',
    "stored response": REFUSE.replace("return-response>", 'return-response response-variable-name="r">', 1),
    "answer before the refusal": f"<mock-response />{REFUSE}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_another_form_of_choose_is_not_understood(form: str) -> None:
    """
    One `when`, one refusal, no `otherwise`: whatever else looks at certificates may do anything.
    """
    assert Verdict.NOT_UNDERSTOOD is verdict(f"<choose>{form}</choose>")


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_choose_that_answers_is_no_check(answer: str) -> None:
    """
    Only a literal 4xx turns a caller away.
    """
    assert Verdict.BYPASSED is verdict(f'<choose><when condition="@({PRESENT})">{answer}</when></choose>')


ON_ERROR = {
    "base": ("<base />", Verdict.COVERED),
    "record and refuse": (
        "<trace source='a' /><set-header name='x' /><return-response><set-status code='403' /></return-response>",
        Verdict.COVERED,
    ),
    "answer": ("<return-response><set-status code='200' /></return-response>", Verdict.BYPASSED),
    "status": ("<set-status code='200' />", Verdict.BYPASSED),
    "request": ("<send-request />", Verdict.BYPASSED),
    "answer that depends": ("<choose><when condition='@(x)'><return-response /></when></choose>", Verdict.BYPASSED),
    "unknown": ("<tomorrow />", Verdict.NOT_UNDERSTOOD),
}


@pytest.mark.parametrize(("on_error", "expected"), ON_ERROR.values(), ids=ON_ERROR)
def test_on_error_belongs_to_the_pipeline(on_error: str, expected: Verdict) -> None:
    """
    A refusal that on-error turns into an answer is none.
    """
    assert expected is verdict(ELEMENT, on_error)


HOSTS = {
    "negotiates": (HOST, Verdict.COVERED),
    "does not negotiate": (replace(HOST, negotiates=False), Verdict.LOCKED_OUT),
    "not known": (replace(HOST, negotiates=None), Verdict.NOT_UNDERSTOOD),
}


@pytest.mark.parametrize(("host", "expected"), HOSTS.values(), ids=HOSTS)
def test_the_host_decides_whether_a_certificate_arrives(host: Host, expected: Verdict) -> None:
    """
    A check where nothing negotiates refuses everybody, and that is the worst verdict.
    """
    assert expected is verdict(ELEMENT, host=host)


def test_an_attached_stranger_weakens_the_check_by_attached_certificates() -> None:
    """
    Attaching any certificate lets its holder in.
    """
    condition = by_hand(f"context.Request.Certificate == null || !{ATTACHED}")
    standards = replace(STANDARDS, attached=frozenset({PIN, OTHER}))

    assert Verdict.WEAKER is verdict(condition, standards=standards)


def test_a_declared_identity_counts_only_as_declared() -> None:
    """
    An issuer that nobody declared lets strangers in.
    """
    inbound = identity('issuer-thumbprint="ab"')
    declared = Standards(identities=frozenset({ClientIdentity(issuer_thumbprint="AB")}))

    assert Verdict.COVERED is verdict(inbound, standards=declared)
    assert Verdict.WEAKER is verdict(inbound, standards=Standards(identities=frozenset()))


def test_where_nobody_declared_clients_a_pinned_issuer_counts() -> None:
    """
    Without declared clients there is nobody whom a name and its issuer could let in too much.
    """
    inbound = identity('common-name="a" issuer-certificate-id="ca"')

    assert Verdict.COVERED is verdict(inbound, standards=Standards())
    assert Verdict.WEAKER is verdict(inbound, standards=Standards(thumbprints=frozenset({PIN})))


def test_a_document_without_base_shuts_the_global_check_out() -> None:
    """
    The verdict names the document that drops the outer scopes.
    """
    found = judge(topology({"": policy(ELEMENT), "apis/orders": policy("<set-variable />")}), STANDARDS)
    worst = [(each.operation, each.verdict, each.document) for each in found.judgements]

    assert [
        ("list", Verdict.BYPASSED, "apis/orders"),
        ("get", Verdict.BYPASSED, "apis/orders"),
        ("health", Verdict.COVERED, ""),
    ] == worst


def test_a_check_in_a_product_alone_covers_nothing() -> None:
    """
    Keys of other scopes run no product policy.
    """
    found = judge_calls(topology({"products/gold": policy(f"<base />{ELEMENT}")}, apis=(ORDERS,)), STANDARDS)
    verdicts = {each.product: each.verdict for each in found}

    assert {"": Verdict.BYPASSED, "gold": Verdict.COVERED} == verdicts


def test_a_missing_inbound_is_not_understood_where_it_matters() -> None:
    """
    Whether outer scopes run then is not documented: covered by one reading is not covered.
    """
    bare = "<policies><outbound><base /></outbound></policies>"
    checked = judge(topology({"": policy(ELEMENT), "apis/orders": bare}, apis=(ORDERS,)), STANDARDS)
    unchecked = judge(topology({"": policy(""), "apis/orders": bare}, apis=(ORDERS,)), STANDARDS)

    assert Verdict.NOT_UNDERSTOOD is checked.judgements[0].verdict
    assert Verdict.BYPASSED is unchecked.judgements[0].verdict


def test_a_document_that_cannot_be_read_is_not_understood() -> None:
    """
    The verdict carries the line of the trouble.
    """
    found = judge(
        topology({"": policy(ELEMENT), "apis/orders": "<policies>\n<inbound>@(</inbound></policies>"}), STANDARDS
    )

    assert (Verdict.NOT_UNDERSTOOD, Cause.NOT_READ, "apis/orders", 2) == (
        found.judgements[0].verdict,
        found.judgements[0].cause,
        found.judgements[0].document,
        found.judgements[0].line,
    )


def test_a_document_that_cannot_be_read_does_not_undo_an_inner_check() -> None:
    """
    What never runs for a stranger need not be read.
    """
    documents = {"": "<policies>", "apis/status": policy(ELEMENT + "<base />", "")}

    assert 1 == judge(topology(documents, apis=(STATUS,)), STANDARDS).figures.covered


def test_fragments_are_expanded() -> None:
    """
    A check may stand in a fragment, and so may what comes before it.
    """
    documents = {"": policy('<include-fragment fragment-id="Check" />')}
    good = topology(documents, apis=(STATUS,), fragments={"check": f"<fragment>{ELEMENT}</fragment>"})
    bad = topology(documents, apis=(STATUS,), fragments={"check": f"<fragment><send-request />{ELEMENT}</fragment>"})

    assert Verdict.COVERED is judge(good, STANDARDS).judgements[0].verdict
    assert ("fragment check", Verdict.BYPASSED) == (
        judge(bad, STANDARDS).judgements[0].document,
        judge(bad, STANDARDS).judgements[0].verdict,
    )


GUARDED = f'<choose><when condition="@(context.Api.Id != "status")">{ELEMENT}</when></choose>'


def test_what_a_guard_spares_is_uncovered_unless_waived() -> None:
    """
    A guard alone is no reason: only a declared waiver is.
    """
    instance = topology({"": policy(GUARDED)})
    spared = [each.verdict for each in judge(instance, STANDARDS).judgements]
    waived = [
        each.verdict for each in judge(instance, replace(STANDARDS, waivers=frozenset({"apis/status"}))).judgements
    ]

    assert [Verdict.COVERED, Verdict.COVERED, Verdict.BYPASSED] == spared
    assert [Verdict.COVERED, Verdict.COVERED, Verdict.WAIVED] == waived


def test_a_waiver_does_not_excuse_a_lock_out() -> None:
    """
    Refusing everybody is a fault wherever it happens.
    """
    standards = replace(STANDARDS, waivers=frozenset({"apis/status"}))

    assert Verdict.LOCKED_OUT is verdict(ELEMENT, standards=standards, host=replace(HOST, negotiates=False))


def test_every_revision_and_every_host_counts() -> None:
    """
    An online revision is callable by `;rev=n`, and has a document of its own.
    """
    old = ApiNode(name="orders;rev=1", operations=("list",))
    edge = Host(name="edge", gateway="edge", negotiates=True, apis=frozenset({"orders"}))
    instance = topology(
        {"": policy(ELEMENT), "apis/orders;rev=1": policy("")}, apis=(ORDERS, old, STATUS), hosts=(HOST, edge)
    )
    calls = {(each.api, each.gateway) for each in judge_calls(instance, STANDARDS)}

    assert {("orders", "edge"), ("orders;rev=1", "edge")} == {call for call in calls if call[1] == "edge"}
    assert (("orders", 2, 2), ("orders;rev=1", 0, 1), ("status", 1, 1)) == judge(instance, STANDARDS).figures.apis


def test_figures_count_operations_by_their_worst_verdict() -> None:
    """
    Covered, total, every verdict, and each API.
    """
    figures = judge(topology({"": policy(ELEMENT), "apis/status": policy("")}), STANDARDS).figures

    assert (2, 3, 66) == (figures.covered, figures.total, figures.percent)
    assert {"bypassed": 1, "covered": 2} == figures.verdicts
    assert (("orders", 2, 2), ("status", 0, 1)) == figures.apis


def test_an_api_of_an_unproven_type_is_not_understood() -> None:
    """
    MCP servers and agents take ways that are not documented.
    """
    found = judge(topology({"": policy(ELEMENT)}, apis=(replace(STATUS, type="mcp"),)), STANDARDS)

    assert Verdict.NOT_UNDERSTOOD is found.judgements[0].verdict


def test_an_instance_without_a_known_host_is_not_fully_covered() -> None:
    """
    An operation that seems not to be callable anywhere still counts.
    """
    figures = judge(topology({"": policy(ELEMENT)}, hosts=()), STANDARDS).figures

    assert (0, 3, {"not understood": 3}) == (figures.covered, figures.total, figures.verdicts)


def test_operations_with_nothing_of_their_own_share_a_verdict_with_what_tells_them_apart() -> None:
    """
    An operation named by a guard is judged for itself.
    """
    guard = '!(context.Api.Id == "orders" && context.Operation?.Id == "get")'
    inbound = f'<choose><when condition="@({guard})">{ELEMENT}</when></choose>'
    found = judge(topology({"": policy(inbound)}), STANDARDS).judgements

    assert {"list": True, "get": False, "health": True} == {
        each.operation: each.verdict is Verdict.COVERED for each in found
    }
