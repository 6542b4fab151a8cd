"""
Policy documents by grammar, for tests that must hold for any document.

`documents()` draws whole policies with what authors write: C# expressions in attributes and text (every kind of
string, nested interpolation, characters, comments, generics), comments, CDATA, processing instructions,
named values, BOM, all line ends, one-line and laid-out sections, self-closed and missing ones. Everything it
draws is a document that Apimend must be able to read. `mutated()` breaks such a document somewhere: there Apimend may
refuse, but must neither crash nor lose anything.
"""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

NAMES = st.sampled_from(["set-header", "value", "set-variable", "choose", "x", "ns:y", "rate-limit", "trace", "été"])
ATTRIBUTE_NAMES = ["name", "value", "condition", "exists-action", "a", "xml:b"]
WORDS = st.sampled_from(["a", "context", "1", "b2", "é", "𝒳", "plain text"])
PROSE = st.sampled_from(
    [
        "plain",
        "someone@example.com",
        "@media screen { a: b }",
        "a &amp; b",
        "a & b",
        "{{named-value}}",
        "5 > 3",
        '"quoted"',
        "it's",
        "@",
        "@@x",
        "{ }",
        "]]",
        "(see @(below))",
    ]
)
NASTY = st.sampled_from(
    [")", "(", "}", "<", ">", "</inbound>", "<!--", "-->", "//", "/*", "'", "&&", "]]>", "@(", "<base />"]
)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


def plain_strings() -> SearchStrategy[str]:
    """`"..."` with escapes."""
    piece = st.one_of(WORDS, NASTY, st.sampled_from([r"\"", r"\\", r"\n", r"\u0041"]))
    return st.lists(piece, max_size=4).map(lambda pieces: f'"{"".join(pieces)}"'.replace('"""', '""'))


def verbatim_strings() -> SearchStrategy[str]:
    """`@"..."` with doubled quotes."""
    piece = st.one_of(WORDS, NASTY, st.sampled_from(['""', "\\", "\n"]))
    return st.lists(piece, max_size=4).map(lambda pieces: f'@"{"".join(pieces)}"')


def interpolated_strings(code: SearchStrategy[str]) -> SearchStrategy[str]:
    """`$"..."`, `$@"..."` and `@$"..."` with holes, formats and doubled braces."""
    inert = NASTY.filter(lambda piece: "}" not in piece)
    hole = st.builds(
        lambda inner, form: f"{{({inner}){form}}}", code, st.sampled_from(["", ":yyyy-MM-dd'T'HH", ",10:X2"])
    )
    piece = st.one_of(WORDS, inert, hole, st.sampled_from(["{{", "}}"]))
    body = st.lists(piece, max_size=3).map("".join)
    return st.one_of(
        body.map(lambda text: f'$"{text}"'),
        body.map(lambda text: f'$@"{text}"'),
        body.map(lambda text: f'@$"{text}"'),
    )


def code() -> SearchStrategy[str]:
    """C# as far as brackets, strings, characters and comments go: every bracket is closed."""
    leaf = st.one_of(
        st.sampled_from(
            [
                "context.Request",
                "x => x.Y",
                "a < b",
                "c && d",
                "GetValueOrDefault<string>",
                "e ? f : g",
                "global::System",
            ]
        ),
        plain_strings(),
        verbatim_strings(),
        st.sampled_from(["'a'", r"'\''", "'\"'", r"'\\'", "'('", r"'\u0029'"]),
        st.sampled_from(["/* ) \" ' */", "// ) \" '\n", "{{named-value}}"]),
    )

    def nest(inner: SearchStrategy[str]) -> SearchStrategy[str]:
        return st.one_of(
            inner.map(lambda text: f"({text})"),
            inner.map(lambda text: f"[{text}]"),
            inner.map(lambda text: f"{{ {text} }}"),
            st.builds(lambda one, two: f"{one} + {two}", inner, inner),
            interpolated_strings(inner),
        )

    return st.recursive(leaf, nest, max_leaves=6)


def expressions() -> SearchStrategy[str]:
    """`@(...)` and `@{...}`."""
    return st.one_of(code().map(lambda text: f"@({text})"), code().map(lambda text: f"@{{ return {text}; }}"))


@st.composite
def attributes(draw: DrawFn) -> str:
    """Attributes of one start tag, with the white space around them."""
    pieces: list[str] = []
    for name in draw(st.lists(st.sampled_from(ATTRIBUTE_NAMES), unique=True, max_size=3)):
        space = draw(st.sampled_from([" ", "  ", "\n\t", "\r\n  "]))
        equals = draw(st.sampled_from(["=", " = "]))
        if draw(st.booleans()):
            pieces.append(f'{space}{name}{equals}"{draw(expressions())}"')
        elif draw(st.booleans()):
            pieces.append(f"""{space}{name}{equals}"{draw(PROSE).replace('"', "&quot;")}\"""")
        else:
            pieces.append(f"{space}{name}{equals}'{draw(PROSE).replace(chr(39), '&apos;')}'")
    return "".join(pieces) + draw(st.sampled_from(["", " "]))


@st.composite
def asides(draw: DrawFn) -> str:
    """What stands between elements and is none."""
    inside = draw(st.sampled_from(["", " note ", "<validate-client-certificate />", ' @("', " </inbound> ", "\r\n"]))
    return draw(st.sampled_from([f"<!--{inside}-->", f"<![CDATA[{inside}]]>", f"<?pi {inside}?>"]))


@st.composite
def elements(draw: DrawFn, depth: int = 2) -> str:
    """One element with what is in it."""
    name = draw(NAMES)
    opening = f"<{name}{draw(attributes())}"
    kind = draw(st.sampled_from(["closed", "text", "expression", "children"] if depth else ["closed", "expression"]))
    if kind == "closed":
        return f"{opening}/>"
    if kind == "children":
        return f"{opening}>{''.join(draw(st.lists(elements(depth - 1), max_size=2)))}</{name}>"
    return f"{opening}>{draw(PROSE if kind == 'text' else expressions())}</{name}{draw(st.sampled_from(['', ' ']))}>"


@st.composite
def sections(draw: DrawFn, name: str, newline: str, unit: str) -> str:
    """One section: self-closed, empty, on one line or laid out in lines; or nothing at all."""
    form = draw(st.sampled_from(["missing", "self-closed", "empty", "blank", "one line", "lines"]))
    lead = f"{newline}{unit}"
    if form == "missing":
        return ""
    if form == "self-closed":
        return f"{lead}<{name}{draw(st.sampled_from(['', ' ', '  ']))}/>"
    tail = draw(st.sampled_from(["", "", " ", "  "]))
    if form in ("empty", "blank"):
        inside = {"empty": "", "blank": draw(st.sampled_from([" ", lead, newline * 2]))}[form]
        return f"{lead}<{name}>{inside}</{name}{tail}>"
    items = draw(st.lists(st.one_of(st.just("<base />"), elements(), asides()), max_size=4))
    if form == "one line":
        return f"{lead}<{name}>{draw(st.sampled_from(['', ' '])).join(items)}</{name}{tail}>"
    joined = "".join(f"{lead}{unit}{item}" for item in items)
    return f"{lead}<{name}>{joined}{lead}</{name}{tail}>"


@st.composite
def documents(draw: DrawFn) -> str:
    """A whole policy document, or a fragment."""
    newline, unit = draw(LINE_ENDS), draw(st.sampled_from(["\t", "    ", "  ", ""]))
    before = draw(st.sampled_from(["", "\ufeff", "<!-- first -->", "how to use this: ", "<?xml version='1.0'?>", " "]))
    behind = draw(st.sampled_from(["", newline, "<!-- last -->", " "]))
    if draw(st.integers(0, 5)) == 0:
        inside = "".join(
            f"{newline}{unit}{item}" for item in draw(st.lists(st.one_of(elements(), asides()), max_size=4))
        )
        return f"{before}<fragment>{inside}{newline}</fragment>{behind}"
    order = draw(st.permutations(["inbound", "backend", "outbound", "on-error"]))
    inside = "".join([draw(sections(name, newline, unit)) for name in order])
    return f"{before}<policies>{inside}{draw(st.sampled_from(['', newline]))}</policies>{behind}"


CODE = [
    "@(",
    "@{",
    ")",
    "}",
    "(",
    '"',
    "'",
    "/*",
    "*/",
    "//",
    "\\",
    "$",
    "&quot;",
    "x",
    " ",
    "\n",
    "=",
    ">",
    "-->",
    "]]>",
]
TAGS = ["<a b='", '<a b="', "<c/>", "</a>", "<!--", "<![CDATA["]


def jumbled(*without: str, also: tuple[str, ...] = ()) -> SearchStrategy[str]:
    """What expressions are made of, in any order, and without some."""

    def strip(pieces: list[str]) -> str:
        text = "".join(pieces)
        for each in without:
            text = text.replace(each, "")
        return text

    return st.lists(st.sampled_from([*CODE, *also]), max_size=7).map(strip)


def well_formed() -> SearchStrategy[str]:
    """Well-formed XML in which anything looks like the beginning or the end of an expression."""
    text = jumbled("<", "]]>")
    attribute = st.one_of(
        jumbled("<", '"').map(lambda value: f' b="{value}"'), jumbled("<", "'").map(lambda value: f" b='{value}'")
    )
    aside = st.one_of(
        jumbled("-->", also=(*TAGS,)).map(lambda inside: f"<!--{inside}-->"),
        jumbled("]]>", also=(*TAGS,)).map(lambda inside: f"<![CDATA[{inside}]]>"),
    )
    empty = attribute.map(lambda each: f"<c{each}/>")
    whole = st.builds(lambda each, inside: f"<a{each}>{inside}</a>", attribute, text)
    content = st.lists(st.one_of(text, aside, empty, whole), max_size=6).map("".join)
    return st.builds(
        lambda before, inside: f"{before}<fragment>{inside}</fragment>", st.one_of(st.just(""), aside), content
    )


@st.composite
def mutated(draw: DrawFn) -> str:
    """A document with a stretch of it lost, doubled or replaced by something awkward."""
    text = draw(documents())
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 20)))
    middle = draw(
        st.one_of(st.just(""), st.just(text[start:end] * 2), NASTY, st.sampled_from(['"', "@{", '$"{', "&quot;"]))
    )
    return text[:start] + middle + text[end:]
