"""A certificate in a header: found where it is looked at, and only there."""

import pytest

from apimend.policy import Standards, Verdict, judge
from apimend.policy.forwarded import find_forwarded
from apimend.policy.topology import read_documents
from tests.policy.tenants import policy, topology

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
