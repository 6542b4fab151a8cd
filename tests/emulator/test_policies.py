"""Policies over HTTP: layout, etags, formats, conditions, scopes, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Lag
from tests.emulator.stand import Stand, running, tenant_with

PLAIN = "<policies><inbound></inbound><backend><forward-request /></backend><outbound /></policies>"
LAID_OUT = (
    "<policies>\r\n\t<inbound></inbound>\r\n\t<backend>\r\n\t\t<forward-request />\r\n\t</backend>\r\n"
    "\t<outbound />\r\n</policies>"
)
EXPRESSION = '<policies><inbound><set-variable name="x" value="@(1 < 2 && "a" != "b")" /></inbound></policies>'
SCOPES = {
    "": "Microsoft.ApiManagement/service/policies",
    "/products/starter": "Microsoft.ApiManagement/service/products/policies",
    "/apis/echo": "Microsoft.ApiManagement/service/apis/policies",
    "/apis/echo/operations/get": "Microsoft.ApiManagement/service/apis/operations/policies",
}


def value(stand: Stand, owner: str = "", form: str = "xml") -> Any:
    return stand.arm("GET", f"{owner}/policies/policy", format=form).json["properties"]["value"]


def refusal(stand: Stand, text: str, owner: str = "", form: str = "rawxml") -> Any:
    answer = stand.put_policy(owner, text, form=form)
    assert (400, "ValidationError") == (answer.status, answer.error["code"])
    return answer.error["details"][0]


@pytest.mark.parametrize(("owner", "kind"), SCOPES.items(), ids=["global", "product", "api", "operation"])
def test_a_document_at_every_scope(stand: Stand, owner: str, kind: str) -> None:
    """
    A policy comes back laid out with CRLF and tabs, with the type of its scope.
    """
    made = stand.put_policy(owner, PLAIN)

    assert (200 if owner == "" else 201) == made.status
    assert (LAID_OUT, kind, "policy") == (value(stand, owner), made.json["type"], made.json["name"])


def test_only_the_service_has_a_policy_at_first(stand: Stand) -> None:
    """
    A new service has a global policy with a comment before its root; other scopes answer 404.
    """
    missing = stand.arm("GET", "/apis/echo/policies/policy")

    assert value(stand).startswith("<!--")
    assert (404, {"code": "ResourceNotFound", "message": "PoliciesConfiguration not found.", "details": None}) == (
        missing.status,
        missing.error,
    )


def test_the_same_content_keeps_its_etag(stand: Stand) -> None:
    """
    Other indentation alone changes nothing; a deleted document that is made again gets a new etag.
    """
    first = stand.put_policy("", PLAIN)
    same = stand.put_policy("", LAID_OUT.replace("\t", "    "))
    stand.arm("DELETE", "/policies/policy")
    again = stand.put_policy("", PLAIN)

    assert first.etag == same.etag
    assert (201, True) == (again.status, again.etag != first.etag)


def test_head_answers_the_etag_alone(stand: Stand) -> None:
    """
    HEAD has the etag of GET and no content.
    """
    head = stand.arm("HEAD", "/policies/policy")

    assert (200, "", "0") == (head.status, head.text, head.headers["Content-Length"])
    assert stand.arm("GET", "/policies/policy").etag == head.etag


def test_expressions_are_escaped_in_xml_and_bare_in_rawxml(stand: Stand) -> None:
    """
    One document has two presentations, and either can be sent back.
    """
    stand.put_policy("", EXPRESSION)
    raw, escaped = value(stand, form="rawxml"), value(stand)
    stand.put_policy("", escaped, form="xml")

    assert 'value="@(1 < 2 && "a" != "b")"' in raw
    assert 'value="@(1 &lt; 2 &amp;&amp; &quot;a&quot; != &quot;b&quot;)"' in escaped
    assert raw == value(stand, form="rawxml")


def test_xml_must_be_well_formed(stand: Stand) -> None:
    """
    The same text sent as xml is refused with line and position.
    """
    detail = refusal(stand, EXPRESSION, form="xml")

    assert "representation" == detail["target"]
    assert "Line 1, position" in detail["message"]


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        ("<policies><inbound>", "representation", "not closed"),
        ("<policies><inbound /><inbound /></policies>", "policies", "invalid child element 'inbound'"),
        ("<policies><inside /></policies>", "policies", "invalid child element 'inside'"),
        ("<policies>\n<inbound>\n<made-up />\n</inbound></policies>", "inbound", "on line 2, column 2"),
        (
            '<policies><inbound><set-header name="a">x</set-header></inbound></policies>',
            "set-header",
            "cannot contain text",
        ),
        (
            "<policies><outbound><validate-client-certificate /></outbound></policies>",
            "validate-client-certificate",
            "not allowed",
        ),
        ("<policies><inbound><forward-request /></inbound></policies>", "forward-request", "not allowed"),
        (
            '<policies><inbound><set-variable name="a" value="@(\'ab\')" /></inbound></policies>',
            "set-variable",
            "Too many characters",
        ),
        ('<policies><inbound><include-fragment fragment-id="no" /></inbound></policies>', "include-fragment", "'no'"),
        ('<policies><inbound><set-variable name="a" value="{{no}}" /></inbound></policies>', "set-variable", "'no'"),
        (
            '<policies><inbound><authentication-certificate certificate-id="no" /></inbound></policies>',
            "authentication-certificate",
            "'no'",
        ),
    ],
    ids=[
        "xml",
        "twice",
        "section",
        "element",
        "text",
        "section of",
        "backend only",
        "c#",
        "fragment",
        "named value",
        "certificate",
    ],
)
def test_refused_documents(stand: Stand, text: str, target: str, words: str) -> None:
    """
    What the service refuses names the element and says why; the stored document stays.
    """
    before = value(stand)
    detail = refusal(stand, text)

    assert target == detail["target"]
    assert words in detail["message"]
    assert before == value(stand)


def test_more_than_ten_identities_are_refused(stand: Stand) -> None:
    """
    validate-client-certificate takes ten identities at most.
    """
    identities = '<identity thumbprint="A" />' * 11
    text = f"<policies><inbound><validate-client-certificate><identities>{identities}</identities>"

    assert "10" in refusal(stand, f"{text}</validate-client-certificate></inbound></policies>")["message"]


@pytest.mark.parametrize(
    ("sku", "size", "status"), [("Developer", 20, 200), ("Consumption", 20, 400), ("Developer", 300, 400)]
)
def test_how_large_a_document_may_be(sku: str, size: int, status: int) -> None:
    """
    A document may have 256 KiB, on Consumption 16.
    """
    text = f"<policies><inbound><!--{'x' * size * 1024}--></inbound></policies>"
    with running(tenant_with({"sku": sku})) as stand:
        assert status == stand.put_policy("", text).status


CONDITIONS = [
    ("current", "PUT", 200),
    ('"AAAAAAAAAAA="', "PUT", 412),
    ("*", "PUT", 200),
    ('"AAAAAAAAAAA="', "DELETE", 412),
    ("*", "DELETE", 200),
    ("", "DELETE", 200),
]


@pytest.mark.parametrize(("etag", "method", "status"), CONDITIONS)
def test_conditions_on_something_that_is_there(stand: Stand, etag: str, method: str, status: int) -> None:
    """
    A stale etag is a 412; a star, the current etag and none at all are accepted.
    """
    current = stand.arm("GET", "/policies/policy").etag if etag == "current" else etag
    body = {"properties": {"value": PLAIN}} if method == "PUT" else None
    answer = stand.arm(method, "/policies/policy", body, headers={"If-Match": current} if current else {})

    assert status == answer.status


@pytest.mark.parametrize(
    ("etag", "method", "status"), [("*", "PUT", 201), ('"AAAAAAAAAAA="', "PUT", 412), ("*", "DELETE", 204)]
)
def test_conditions_on_something_that_isnt_there(stand: Stand, etag: str, method: str, status: int) -> None:
    """
    A star creates what is missing, a concrete etag can't match it, and deleting it is a 204.
    """
    body = {"properties": {"value": PLAIN}} if method == "PUT" else None

    assert status == stand.arm(method, "/apis/echo/policies/policy", body, headers={"If-Match": etag}).status


def test_revisions_have_policies_of_their_own(stand: Stand) -> None:
    """
    `apis/echo;rev=2` is another document than `apis/echo`, and `;rev=1` is the current one by another name.
    """
    stand.arm("PUT", "/apis/echo;rev=2", {"properties": {"sourceApiId": "/apis/echo", "path": "echo"}})
    stand.put_policy("/apis/echo;rev=1", PLAIN)

    assert LAID_OUT == value(stand, "/apis/echo")
    assert 404 == stand.arm("GET", "/apis/echo;rev=2/policies/policy").status


def test_a_full_id_where_a_short_one_belongs(stand: Stand) -> None:
    """
    A percent-encoded ARM id in the path answers 404 without any body.
    """
    answer = stand.arm("GET", "/apis/%2Fsubscriptions%2Fs%2Fapis%2Fecho/policies/policy")

    assert (404, "") == (answer.status, answer.text)


@pytest.mark.parametrize(("mode", "count"), [(Lag.NONE, 2), (Lag.OMIT, 1)])
def test_the_list_of_all_policies(mode: Lag, count: int) -> None:
    """
    allPolicies names what has a policy, without text; by option it leaves some out.
    """
    with running(all_policies=mode) as stand:
        stand.put_policy("/apis/echo/operations/get", PLAIN)
        found = stand.arm("GET", "/allPolicies").json["value"]

        assert count == len(found)
        assert {"referencePolicyId", "complianceState"} == set(found[0]["properties"])


def test_fragments_follow_their_own_rules(stand: Stand) -> None:
    """
    A fragment is finished a moment later, shown under a lower-cased segment, and kept while it is used.
    """
    made = stand.arm(
        "PUT",
        "/policyFragments/f",
        {"properties": {"value": "<fragment><set-variable name='a' value='1' /></fragment>", "format": "rawxml"}},
    )
    polled = stand.follow(made.headers["Location"])
    stand.put_policy("", '<policies><inbound><include-fragment fragment-id="f" /></inbound></policies>')
    refused = stand.arm("DELETE", "/policyFragments/f", headers={"If-Match": "*"})

    assert (201, {"ProvisioningState": "InProgress"}) == (made.status, made.json["properties"])
    assert (201, True) == (polled.status, polled.json["id"].endswith("/policyfragments/f"))
    assert 400 == refused.status
