"""Policy diffs: readable, and blind to everybody's values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.report.diff import Line, Sign, of_policy
from script.card_samples import CHECK, SECRET

HEAD, FOOT = "<policies><inbound><base />", "</inbound><backend><base /></backend></policies>"


def document(inbound: str) -> str:
    return f"{HEAD}{inbound}{FOOT}"


def added(before: str, after: str) -> list[str]:
    """The added lines, without their indentation."""
    return [line.text.strip() for line in of_policy(document(before), document(after)) if line.sign is Sign.ADDED]


def test_an_inserted_check_is_shown_whole() -> None:
    """
    What we insert is shown as it stands, in its place, and what stands around it by name.
    """
    assert [
        (" ", "  <inbound>"),
        (" ", "    <base />"),
        (
            "+",
            '    <validate-client-certificate validate-revocation="false" validate-trust="true" ignore-error="false">',
        ),
        ("+", "      <identities>"),
        ("+", '        <identity thumbprint="D4DE20D05E66FC53FE1A50882C78DB2852CAE474" />'),
        ("+", "      </identities>"),
        ("+", "    </validate-client-certificate>"),
        (" ", "    <set-header …>"),
        (" ", "      <value>"),
    ] == [
        (line.sign.value, line.text) for line in of_policy(CHECK.before, CHECK.after) if line.sign is not Sign.SKIPPED
    ]


def test_a_new_document_is_all_added() -> None:
    """
    Where there was no document, every line is added.
    """
    assert {Sign.ADDED, Sign.SKIPPED} == {line.sign for line in of_policy(None, document(""))}


@pytest.mark.parametrize(
    ("inbound", "shown"),
    [
        ('<set-header name="x-key"><value>s3cr3t-k3y</value></set-header>', "<set-header …>"),
        ("<!-- s3cr3t-k3y -->", "<!-- … -->"),
        ("<![CDATA[s3cr3t-k3y]]>", "<…>"),
        ('<authentication-basic username="u" password="s3cr3t-k3y" />', "<authentication-basic … />"),
        ('<set-status code="403" reason="s3cr3t-k3y @(x)" />', "<set-status … />"),
        ('<set-status code="403" reason="No certificate" />', '<set-status code="403" reason="No certificate" />'),
        (
            '<choose><when condition="@(context.Request.Headers.GetValueOrDefault("k") == "s3cr3t-k3y")" /></choose>',
            '<when condition="…" />',
        ),
        (
            '<choose><when condition="@(context.Request.Certificate == null || x == "s3cr3t-k3y")" /></choose>',
            '<when condition="@(context.Request.Certificate == null || x == "…")" />',
        ),
        (
            '<choose><when condition="@(context.Request.Certificate == null /* s3cr3t-k3y */)" /></choose>',
            '<when condition="…" />',
        ),
        (
            '<choose><when condition="@(context.Api.Id != "status")" /></choose>',
            '<when condition="@(context.Api.Id != "status")" />',
        ),
    ],
    ids=[
        "header",
        "comment",
        "CDATA",
        "password",
        "status with an expression",
        "our status",
        "foreign condition",
        "literal",
        "C# comment",
        "our guard",
    ],
)
def test_values_are_masked(inbound: str, shown: str) -> None:
    """
    Of what isn't a client-certificate check, names are shown and values are not.
    """
    lines = added("", inbound)

    assert shown in lines
    assert SECRET not in str(lines)


@pytest.mark.parametrize("text", ["<policies", '<a b="', "<!-- open", "<a><![CDATA["])
def test_what_cannot_be_read_is_not_shown(text: str) -> None:
    """
    A document that can't be read without guessing is not shown at all.
    """
    lines = of_policy(text, document(""))

    assert [Sign.SKIPPED] == [line.sign for line in lines]


@pytest.mark.parametrize("layout", ["", "\r\n    "], ids=["the same", "another layout"])
def test_layout_is_no_difference(layout: str) -> None:
    """
    What differs in white space only has no diff: the service lays documents out anew.
    """
    assert () == of_policy(document("<cors />"), document(f"{layout}<cors />{layout}"))


@given(st.text(st.characters(exclude_characters="<>&\"'@"), min_size=12, max_size=40))
def test_no_value_ever_shows(secret: str) -> None:
    """
    Whatever an attribute or a text of somebody's element holds, the diff does not show it.
    """
    secret = f"k{secret}"
    inbound = f'<set-header name="{secret}"><value>{secret}</value></set-header>'
    lines: tuple[Line, ...] = (*of_policy(document(""), document(inbound)), *of_policy(document(inbound), document("")))

    assert not [line for line in lines if secret.strip() in line.text]


def test_a_document_with_thousands_of_changes_is_quick() -> None:
    """
    Documents that differ everywhere are not compared line by line.
    """
    many = "".join(f'<set-variable name="{n}" value="x" />' for n in range(3_000))

    assert Line(Sign.SKIPPED, "The documents differ in too many places to be shown.") in of_policy(
        document(many), document(many.replace('"x"', '"y"'))
    )
