"""Reading: elements, attributes, places, and what is refused."""

from contextlib import suppress
from time import perf_counter

import pytest

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy import Document

REFUSED = {
    "empty": ("", 1, 1),
    "text only": ("just text", 1, 10),
    "no root of ours": ("<html></html>", 1, 1),
    "two roots": ("<policies />\n<policies />", 2, 1),
    "not closed": ("<policies>\n  <inbound>\n</policies>", 3, 1),
    "closed twice": ("<policies></policies></policies>", 1, 22),
    "section twice": ("<policies>\r\n<inbound />\r\n<inbound />\r\n</policies>", 3, 1),
    "comment open": ("<policies><!-- </policies>", 1, 11),
    "cdata open": ("<policies><![CDATA[ </policies>", 1, 11),
    "instruction open": ("<policies><? </policies>", 1, 11),
    "doctype": ("<!DOCTYPE policies><policies />", 1, 1),
    "bare less-than": ("<policies>\r1 < 2</policies>", 2, 3),
    "attribute without quotes": ("<policies><a b=c /></policies>", 1, 13),
    "attributes without space": ('<policies><a b="c"d="e" /></policies>', 1, 19),
    "quote not closed": ('<policies><a b="c /></policies>', 1, 21),
    "end tag with attribute": ("<policies></policies a='b'>", 1, 11),
    "expression open": ("<policies>@(</policies>", 1, 11),
    "wrong bracket": ("<policies>@((])</policies>", 1, 14),
    "string open": ('<policies><a b="@("x)" /></policies>', 1, 17),
    "raw string literal": ('<policies><a b="@("""x""")" /></policies>', 1, 19),
    "comment in expression open": ("<policies>@{ /* }</policies>", 1, 14),
    "stray apostrophe": ("<policies>@{ don't(); }</policies>", 1, 17),
    "preprocessor": ("<policies>@{\n  #region it's\n}</policies>", 2, 3),
    "expression or prose": ("<policies>see @(a <b/> c)</policies>", 1, 15),
    "expression within a value": ('<policies><a b="x @("y")" /></policies>', 1, 19),
    "hole open": ('<policies>@($"{a")</policies>', 1, 17),
}


@pytest.mark.parametrize(("text", "line", "column"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    """
    No guess is made: the refusal says where in the text it became uncertain.
    """
    with pytest.raises(PolicyNotUnderstood) as refusal:
        Document.parse(text)

    assert (line, column) == (refusal.value.line, refusal.value.column)


def test_an_attribute_given_twice_is_refused_when_it_is_read() -> None:
    """
    Which of two attributes counts is not ours to guess.
    """
    element = Document.parse('<policies><a b="1" c="2" b="3" /></policies>').root.children[0]

    with pytest.raises(PolicyNotUnderstood, match="`b` is given twice"):
        element.attributes


def test_an_attribute_has_its_spelling_and_its_meaning() -> None:
    """
    Entities are resolved in the value and kept in the raw text.
    """
    text = "<policies><a b = 'x &lt; &#x41;&#66;&quot;' /></policies>"
    attribute = Document.parse(text).root.children[0].attributes["b"]

    assert "x &lt; &#x41;&#66;&quot;" == attribute.raw
    assert 'x < AB"' == attribute.value
    assert "b = 'x &lt; &#x41;&#66;&quot;'" == text[attribute.span.start : attribute.span.end]


def test_an_expression_written_as_xml_is_resolved_and_a_raw_one_is_not() -> None:
    """
    `&quot;` in an expression is a quote only where the author escaped the whole.
    """
    text = '<fragment><a b="@(x &amp;&amp; &quot;y&quot;)" c="@(x && "&quot;")" /></fragment>'
    attributes = Document.parse(text).root.children[0].attributes

    assert '@(x && "y")' == attributes["b"].value
    assert '@(x && "&quot;")' == attributes["c"].value


def test_an_expression_hides_the_tags_in_it() -> None:
    """
    A check that stands in a string of an expression is no check.
    """
    text = """<policies><inbound><a b="@("></a><validate-client-certificate /><a b=")" /></inbound></policies>"""
    inbound = Document.parse(text).section("inbound")

    assert inbound is not None
    assert ["a"] == [child.name for child in inbound.children]


def test_a_section_is_a_child_of_the_root() -> None:
    """
    An element called like a section somewhere deeper is not the section.
    """
    document = Document.parse("<policies><outbound><inbound>x</inbound></outbound></policies>")

    assert document.section("inbound") is None


def test_lines_are_counted_for_every_kind_of_line_end() -> None:
    """
    CR, LF and CRLF each end one line, and a byte order mark takes no column.
    """
    document = Document.parse("\ufeff<policies>\r<a/>\n<b/>\r\n <c/></policies>")
    places = [(each.line, each.column) for each in (document.root, *document.root.children)]

    assert [(1, 1), (2, 1), (3, 1), (4, 2)] == places


def test_own_text_has_no_comments_and_no_children() -> None:
    """
    Text and CDATA are joined as they are meant.
    """
    root = Document.parse("<fragment>a &lt;<!-- b --><![CDATA[&lt;]]><c>d</c> e</fragment>").root

    assert "a <&lt; e" == root.own_text


def test_the_parent_is_the_element_around() -> None:
    """
    Every element but the root has a parent.
    """
    root = Document.parse("<fragment><a><b/></a><!-- c --><d/></fragment>").root
    a, d = root.children

    assert (None, root, a, root) == (root.parent, a.parent, a.children[0].parent, d.parent)


HOSTILE = {
    "open comments": "<policies>" + "<!--" * 20_000,
    "open expressions": "<policies>" + "@(" * 40_000,
    "open strings": "<policies>" + '<a b="@("' * 10_000,
    "open holes": '<policies>@($"' + '{$"' * 20_000,
    "open tags": "<a>" * 30_000,
    "brackets": "<policies>@" + "(" * 40_000 + ")" * 40_000 + "</policies>",
    "apostrophes": "<policies>@(" + "'" * 40_000,
    "white space": "<policies" + " " * 80_000,
    "line ends": "<policies>" + "\r\n " * 30_000 + "<a/></policies>",
    "attributes": "<policies><x" + " b='@(1)'" * 10_000 + "/></policies>",
    "expressions": "<policies>" + """<a b="@("'" + '"')"/>""" * 4_000 + "</policies>",
    "hashes": "<policies>@{ x" + " #" * 40_000 + "}</policies>",
    "expressions in one text": "<policies>@('\"')" + "@(1) x" * 15_000 + "</policies>",
    "less-thans": "<policies>" + "< " * 40_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_takes_no_longer_than_a_long_one(text: str) -> None:
    """
    Reading is linear: 80,000 characters of anything take a moment, not minutes.
    """
    begun = perf_counter()
    with suppress(PolicyNotUnderstood):
        Document.parse(text)

    assert perf_counter() - begun < 2
