"""The emulator's reading of policy documents: expressions, layout, presentations, positions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.policytext import (
    PolicyError,
    Scope,
    check,
    end_of_expression,
    expression_fault,
    normalised,
    parse,
    presented,
    stored,
)

MATERIAL = os.environ.get("APIMEND_MATERIAL", "")
# Fragments of Python source that were published as policies and are none.
NOT_POLICIES = ("test_apimtypes.py.3.xml", "Call_out_to_an_HTTP_endpoint_and_cache_the_response")

EXPRESSIONS = [
    "@(\"a)\" + 'b')",
    '@{ return "}"; }',
    '@(@"c:\\" + x)',
    '@($"{a}(" + b)',
    "@(x /* ) */ + y)",
    "@{ // )\n return 1; }",
    '@(a["("] < 2 && b > 3)',
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_ends_at_its_own_closer(text: str) -> None:
    """
    Strings, characters and comments hide brackets that would end an expression.
    """
    assert len(text) == end_of_expression(text + " ) } rest", 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@(a", ") expected"),
        ("@{ if (x }", "expected instead of '}'"),
        ('@("a)', "Newline in constant"),
        ("@('ab')", "Too many characters in character literal"),
        ("@(a) b", "} expected"),
    ],
)
def test_what_a_compiler_would_say(text: str, words: str) -> None:
    """
    Brackets and literals that don't close are told in the compiler's words.
    """
    assert words in expression_fault(text)


def test_an_attribute_may_hold_bare_quotes_in_an_expression() -> None:
    """
    In rawxml a value that is an expression ends at the quote after its closer.
    """
    root = parse('<a b="@(x == "y" && z < 1)" c="d" />').root

    assert {"b": '@(x == "y" && z < 1)', "c": "d"} == root.attributes


def test_text_may_be_an_expression_with_angle_brackets() -> None:
    """
    Element text that is an expression may hold generics and comparisons.
    """
    root = parse('<value>@(d.GetValueOrDefault<string>("x") < 2 ? "<a>" : "b")</value>').root

    assert ('@(d.GetValueOrDefault<string>("x") < 2 ? "<a>" : "b")', ()) == (root.text, root.elements)


def test_the_layout_of_the_service() -> None:
    """
    CRLF and tabs between elements; comments, texts, empty pairs and attribute order stay.
    """
    sent = (
        "<!-- before -->\n<policies>\n  <inbound>   </inbound><backend><!-- c --><forward-request"
        "   timeout=\"1\"\n  b='2'/></backend><outbound><set-body>a\r\n  b</set-body></outbound></policies>"
    )
    kept = (
        "<!-- before -->\r\n<policies>\r\n\t<inbound></inbound>\r\n\t<backend>\r\n\t\t<!-- c -->\r\n"
        "\t\t<forward-request timeout=\"1\" b='2' />\r\n\t</backend>\r\n\t<outbound>\r\n"
        "\t\t<set-body>a\n  b</set-body>\r\n\t</outbound>\r\n</policies>"
    )

    assert kept == stored(sent, form="rawxml")[0]


def test_positions_are_those_of_the_text_sent() -> None:
    """
    An error names line and column of what was sent, not of what would be kept.
    """
    document = parse("<policies>\n  <inbound>\n    <odd />\n  </inbound>\n</policies>")
    with pytest.raises(PolicyError, match="line 2, column 4") as error:
        check(document, Scope.API)

    assert (2, 4, "inbound") == (error.value.line, error.value.column, error.value.target)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Root element is missing"),
        ("words", "Data at the root level is invalid"),
        ("<a /><b />", "multiple root elements"),
        ("<a><b></a>", "does not match the end tag of 'a'"),
        ('<a b="1" b="2" />', "duplicate attribute"),
        ("<a b=1 />", "is an unexpected token"),
        ("<a><!-- </a>", "while parsing Comment"),
    ],
)
def test_what_isnt_a_document(text: str, words: str) -> None:
    """
    Text that can't be read is refused in the parser's words with line and position.
    """
    with pytest.raises(PolicyError, match=words) as error:
        parse(text)

    assert "Line 1, position" in error.value.message


def test_rawxml_keeps_escapes_as_they_were_sent() -> None:
    """
    A document that escapes its expressions in rawxml comes back so, unless an option says otherwise.
    """
    sent = '<policies><inbound><a b="@(1 &lt; 2)" /></inbound></policies>'

    assert "@(1 &lt; 2)" in stored(sent, form="rawxml")[0]
    assert "@(1 < 2)" in stored(sent, form="rawxml", unescape_expressions=True)[0]
    assert "@(1 < 2)" in stored(sent, form="xml")[0]


NAMES = st.sampled_from(["inbound", "set-header", "x", "choose"])
VALUES = st.sampled_from(["", "a b", "1 &lt; 2", "@(a < b)", '@("q" + x)', "{{name}}", "ä"])
TEXTS = st.sampled_from(["", " ", "\r\n", "words", "@{ return 1 < 2; }", "&amp;", "<![CDATA[<]]>", "<!-- <a> -->"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    name, value = draw(NAMES), draw(VALUES)
    opening = f'<{name} a="{value}"' if draw(st.booleans()) else f"<{name}"
    if draw(st.booleans()):
        return f"{opening} />"
    inside = draw(TEXTS)
    if depth and not inside.strip():
        inside += "".join(draw(st.lists(elements(depth - 1), max_size=3)))
    return f"{opening}>{inside}</{name}>"


@given(elements())
def test_the_layout_is_stable(text: str) -> None:
    """
    What the service keeps is kept again as it is, in either presentation.
    """
    kept, _ = stored(text, form="rawxml")
    unescaped, _ = stored(presented(kept, form="xml"), form="xml")

    assert kept == stored(kept, form="rawxml")[0]
    assert unescaped == stored(presented(unescaped, form="xml"), form="xml")[0]
    assert normalised(kept) == kept


def corpus() -> list[Path]:
    found = sorted((Path(MATERIAL) / "corpus" / "policies").rglob("*.xml")) if MATERIAL else []
    return [path for path in found if not any(name in path.name for name in NOT_POLICIES)]


@pytest.mark.skipif(not MATERIAL, reason="APIMEND_MATERIAL is not set: no material with public policies")
def test_public_policies_are_read_and_kept() -> None:
    """
    Every published policy can be read, and laying it out twice changes nothing more.
    """
    for path in corpus():
        kept, _ = stored(path.read_bytes().decode("utf-8-sig"), form="rawxml")

        assert kept == stored(kept, form="rawxml")[0], path.name
