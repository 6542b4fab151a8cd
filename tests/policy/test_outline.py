"""The quick look at a document says what the careful reader says, or nothing."""

import os
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import Document, with_check, without_check
from apimend.policy.outline import outlined
from tests.policy.generate import documents, mutated, well_formed

OWN = sorted((Path(__file__).parent / "documents").glob("*.xml"))
MATERIAL = os.environ.get("APIMEND_MATERIAL")
PUBLIC = sorted(Path(MATERIAL, "corpus", "policies").rglob("*.xml")) if MATERIAL else []
CHECK = ClientCertificateCheck(validate_trust=False, identities=(ClientIdentity(thumbprint="12" * 20),))
ANY = settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def _carefully(text: str) -> Document:
    """The document as the careful reader reads it. Raises PolicyNotUnderstood."""
    document = Document(text, None)
    assert document.tags
    return document


def _insertions(document: Document) -> list[str]:
    return [
        with_check(document, CHECK, is_global=is_global, before_base=before_base)
        for is_global, before_base in ((True, False), (False, False), (False, True))
    ]


def _assert_same(text: str) -> None:
    if outlined(text) is not None:
        careful, quick = _carefully(text), Document.parse(text)

        assert _insertions(careful) == _insertions(quick)
        for each in _insertions(quick):
            assert without_check(_carefully(each), CHECK) == without_check(Document.parse(each), CHECK)
        assert careful.partners == quick.partners
        assert careful.is_fragment == quick.is_fragment


@ANY
@given(st.one_of(documents(), mutated(), well_formed()))
def test_an_outlined_document_is_understood_and_edited_as_if_read_carefully(text: str) -> None:
    """
    Whatever the outline lets pass, the careful reader reads, and both put a check in the same place.
    """
    _assert_same(text)


@pytest.mark.parametrize("path", [*OWN, *PUBLIC], ids=lambda path: path.stem)
def test_a_known_document_is_edited_as_if_read_carefully(path: Path) -> None:
    """
    The difficult documents and the public ones, and each of them broken off in the middle.
    """
    text = path.read_bytes().decode("utf-8")

    _assert_same(text)
    _assert_same(text[: len(text) // 2] + text[len(text) // 2 + 1 :])


HIDING = {
    "a tag between two values": """<a b="@("></a><c /><a b=")" />""",
    "the end of a tag in a string": """<a b="@("> ") " /></a>""",
    "a tag between two texts": """<a>@("</a><c><a>")</a></c>""",
    "the end of a comment": """<a b="@(1 /*" /><!-- <a b="*/ )" /> --><c />""",
    "an expression behind a comment": """<!-- <a b="x --> @("<c />")""",
    "an expression behind an expression": """<a b="@('x')" c='@("</a>")'></a>""",
    "a comment in a value": """<a b="@("<!--")" /><a b="@(" c="-->" />""",
    "an expression that is not closed": """<a b="@((1)" />""",
    "a string that begins in a comment": """<!-- <a b='@(" --> @( " ) ' /><c d='"' />""",
    "an expression behind two comments": """<!-- <a --><!-- b='@(" --> @( " ) ' /><c d='"' />""",
    "a tag in CDATA and an expression": """<a><![CDATA[ <b c='@(" ]]> @( " ) ' /><c d='"' /></a>""",
    "a comment that ends as it begins": """<!--@{--><!--<!-->@(--><c />""",
    "an expression in prose": """<a>see @(1 <c /> 2)</a>""",
}


@pytest.mark.parametrize("inside", HIDING.values(), ids=HIDING)
def test_a_tag_that_an_expression_hides_is_not_outlined(inside: str) -> None:
    """
    What is well-formed XML and still means another thing to Azure is left to the careful reader.
    """
    assert outlined(f"<policies><inbound><base />{inside}</inbound></policies>") is None


OUTLINED = {
    "nothing": "<policies />",
    "sections": "<policies><inbound /><outbound>{{named}}</outbound></policies>",
    "expressions": """<policies><inbound><a b='@(c["d"])'>@{ return "x"; }</a></inbound></policies>""",
    "comments": "<policies><!-- <a b='@(' --><inbound><base /><!-- x --></inbound></policies>",
    "code in comments": "<policies><!-- <a b='@(' /> <c d='@{' --><inbound><a b='@(1)' /></inbound></policies>",
    "code in CDATA": "<policies><inbound><a><![CDATA[@{ X<Y> z; }]]></a><b>@(1)</b></inbound></policies>",
    "code behind comments": "<policies><inbound><!-- <a /> @( -->@(1)<!-- x -->@(2)</inbound></policies>",
    "a fragment": "<!-- a --><fragment><a /><a /></fragment>\n",
}


@pytest.mark.parametrize("text", OUTLINED.values(), ids=OUTLINED)
def test_a_common_document_is_outlined(text: str) -> None:
    """
    The quick look is there for what people write every day.
    """
    assert outlined(text) is not None


HOSTILE = {
    "comments behind base": "<policies><inbound><base />" + "<!--x-->" * 10_000 + "<a/></inbound></policies>",
    "comments with hyphens": "<policies><inbound><base /><!--" + "- " * 40_000 + "--></inbound></policies>",
    "siblings, then a fault": "<policies><inbound>" + "<a b='c'/>" * 8_000 + "<</inbound></policies>",
    "levels, then a fault": "<policies><inbound>" + "<a><b><c/></b></a>" * 4_000 + "</outbound></policies>",
    "expressions in a comment": "<policies><!--" + "<a b='@('>" * 8_000 + "--><inbound><base /></inbound></policies>",
    "expressions in one text": "<policies><inbound>" + "@(1) x" * 12_000 + "<base /></inbound></policies>",
    "attributes": "<policies><inbound><a" + " b='@(1)'" * 8_000 + " /></inbound></policies>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_edit_of_a_hostile_document_is_over_in_a_moment(text: str) -> None:
    """
    Looking and inserting are linear: 80,000 characters of anything take a moment, not minutes.
    """
    begun = perf_counter()
    if outlined(text) is not None:
        with_check(Document.parse(text), CHECK, is_global=False)

    assert perf_counter() - begun < 2
