"""Which differences between two documents are differences."""

import pytest

from apimend.policy import Document, same_policy

SAME = {
    "layout": (
        "<policies>  <inbound><base/></inbound></policies>",
        "<policies>\r\n\t<inbound>\r\n\t\t<base />\r\n\t</inbound>\r\n</policies>",
    ),
    "self-closed": ("<policies><inbound></inbound></policies>", "<policies><inbound /></policies>"),
    "entities in values": (
        "<policies><a b='&lt;&#38;\"' /></policies>",
        '<policies><a b="&#x3c;&amp;&quot;" /></policies>',
    ),
    "entities in expressions": (
        '<policies><a b="@(x < 1 && "y" == z)" /></policies>',
        '<policies><a b="@(x &lt; 1 &amp;&amp; &quot;y&quot; == z)" /></policies>',
    ),
    "entities in text": ("<policies><a>@(x < 1)</a></policies>", "<policies><a>@(x &lt; 1)</a></policies>"),
    "attribute order": ("<policies><a b='1' c='2' /></policies>", '<policies><a c="2" b="1" /></policies>'),
    "line ends in code": ("<policies><a>@{\n x;\n}</a></policies>", "<policies><a>@{\r\n x;\r\n}</a></policies>"),
    "space around text": ("<policies><a> x </a></policies>", "<policies><a>x</a></policies>"),
    "cdata": ("<policies><a><![CDATA[<&]]></a></policies>", "<policies><a>&lt;&amp;</a></policies>"),
    "byte order mark": ("\ufeff<policies />", "<policies />\r\n"),
}
DIFFERENT = {
    "a blank in an expression": ('<policies><a b="@(x  )" /></policies>', '<policies><a b="@(x )" /></policies>'),
    "a blank in a value": ('<policies><a b="x " /></policies>', '<policies><a b="x" /></policies>'),
    "a blank in a text": ("<policies><a>x  y</a></policies>", "<policies><a>x y</a></policies>"),
    "case": ("<policies><a b='X' /></policies>", "<policies><a b='x' /></policies>"),
    "an entity in a raw string": ('<policies><a b="@("&lt;")" /></policies>', '<policies><a b="@("<")" /></policies>'),
    "a comment": ("<policies><!-- x --></policies>", "<policies><!-- y --></policies>"),
    "element order": ("<policies><a/><b/></policies>", "<policies><b/><a/></policies>"),
    "a missing section": ("<policies><inbound /></policies>", "<policies />"),
    "nesting": ("<policies><a/><b/></policies>", "<policies><a><b/></a></policies>"),
    "text that looks like a tag": ("<policies>&lt;a/></policies>", "<policies><a/></policies>"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_spelling_and_layout_are_no_difference(one: str, other: str) -> None:
    """
    What the service may do to a document when it stores it is not seen as a change.
    """
    assert same_policy(Document.parse(one), Document.parse(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_meaning_is_a_difference(one: str, other: str) -> None:
    """
    Expressions, values, comments and order are compared to the letter.
    """
    assert not same_policy(Document.parse(one), Document.parse(other))
