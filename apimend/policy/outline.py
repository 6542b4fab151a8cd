"""
The outline of a policy in its common form, found in one go: most edits need no more of a document.

Called by document.py only. One regular expression reads the whole text as XML is written: every tag has its partner,
attribute values hold no `<`, no section stands twice. Where C# expressions stand in it, each must end in the value
or text it began in, as the careful reader (scan.py) understands expressions: then both read the same tags. It only
says yes where the careful reader would. It must not refuse: whatever is written another way, or nested deeper
than here, is left to the careful reader, who also knows the place of a fault.

Loops are in atomic groups, or what follows them can't begin as their body does: the time is linear in the text.
"""

import re

from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.scan import EXPRESSION, SPACE, Memory, tag_at

_DEEPEST = 8
"""Levels of elements in a section; more are rare, and each takes time to compile."""

_NAME = "[A-Za-z_][A-Za-z0-9_.:-]*+"
_VALUE = r"""(?:"[^"<\x00]*+"|'[^'<\x00]*+')"""
_ATTRIBUTES = rf"(?>(?:{SPACE}++{_NAME}{SPACE}*+={SPACE}*+{_VALUE})*){SPACE}*+"
_CDATA = r"\[CDATA\[[^\]<]*+(?>(?:(?:\](?!\]>)|<(?!!--))[^\]<]*+)*)\]\]>"
_COMMENT = rf"!(?:--[^-]*+(?>(?:-(?!->)[^-]*+)*)-->|{_CDATA})"
"""A comment, or CDATA without `<!--` in it: so that this begins a comment wherever it stands in an outlined text."""
_ASIDE = rf"[^<]*+(?>(?:<{_COMMENT}[^<]*+)*)"
_HEAD = (
    rf"{_ATTRIBUTES}(?:/>()|>()[^<]*+(?>(?:<{_COMMENT}[^<]*+)*)<(?:"
    rf"/{_NAME}({SPACE}*+)>|({_NAME})(?:{SPACE}*+/>()(?:[ \t]*+(\r\n|\r|\n))?)?))"
)
"""
How an element goes on behind its name: up to its end if no element is in it, else up to the first, and a line end.

Its groups, from the first on: the end of a self-closed one; where the content of another begins; the white space in
its end tag; the name of the first element in it; where that ends, if it is like `<base />`; the line end behind that.
"""
CLOSED, CONTENT, END_SPACE, FIRST, FIRST_END, FIRST_LINE_END = range(6)

_ROOT, _FRAGMENT, _INBOUND, _INBOUND_HEAD = 1, 2, 5, 6
_SECTIONS = "|".join(
    (
        rf"inbound(?(5)(?!))()(?={_HEAD})",
        r"backend(?(12)(?!))()",
        r"outbound(?(13)(?!))()",
        r"on-error(?(14)(?!))()",
    )
)
"""Each once: the second time its group is set."""


def _content(levels: int) -> str:
    """What may stand in an element, with so many levels of elements in it."""
    if not levels:
        return _ASIDE
    name = f"level{levels}"
    inner = rf"(?P<{name}>{_NAME}){_ATTRIBUTES}(?:/>|>{_content(levels - 1)}</(?P={name}){SPACE}*+>)"
    return rf"[^<]*+(?:<(?:{_COMMENT}|{inner})[^<]*+)*"


_CHILD = rf"<(?:{_COMMENT}|((?(2){_NAME}|(?:{_SECTIONS}))){_ATTRIBUTES}(?:/>|>{_content(_DEEPEST)}</\4{SPACE}*+>))"
_OUTLINE = re.compile(
    rf"{_ASIDE}<(policies|fragment()){_ATTRIBUTES}(?:(/)>|>[^<]*+(?:{_CHILD}[^<]*+)*</\1{SPACE}*+>){_ASIDE}\Z"
)
_TAG = re.compile(rf"<(?:{_COMMENT}|/?{_NAME}{_ATTRIBUTES}/?>)")
_ROOT_HEAD = re.compile(_HEAD)
_EXPRESSIONS = EXPRESSION.finditer
_COMMENTS = re.compile("<!--[^-]*+(?>(?:-(?!->)[^-]*+)*)-->")
_MAY_LEAVE_AN_ASIDE = re.compile(r"<!---?>|(?!<!--)(?s:.*?)-->|(?!<!)(?s:.*?)\]\]>")
"""A piece that may begin in a comment or CDATA and go on behind that: there it is no tag."""


def outlined(text: str) -> "re.Match[str] | None":
    """The outline of a text; None where the careful reader is needed."""
    found = _OUTLINE.match(text)
    return None if found is None or ("@" in text and not _expressions_end(text)) else found


Head = tuple["re.Match[str]", int, int, str]
"""How an element begins: a match, the first group of the head in it, the place where the element starts, its name."""


def head(outline: "re.Match[str]") -> Head | None:
    """How `inbound` begins, or the root where it is a fragment; None where there is no such section."""
    end = outline.end(_INBOUND)
    if end >= 0:
        return outline, _INBOUND_HEAD, end - len("<inbound"), "inbound"
    return None if outline.end(_FRAGMENT) < 0 else root_head(outline)


def root_head(outline: "re.Match[str]") -> Head:
    """How the root begins."""
    found = _ROOT_HEAD.match(outline.string, outline.end(_ROOT))
    assert found is not None  # the outline has read the same
    return found, 1, outline.start(_ROOT) - 1, outline[_ROOT]


def without_comments(text: str) -> str:
    """An outlined text with a blank in the place of each comment."""
    return _COMMENTS.sub(" ", text) if "<!--" in text else text


def _expressions_end(text: str) -> bool:
    """
    Whether every expression, save in comments and CDATA, ends in the value or text it begins in: so it hides no tag.

    Expressions before `known` are known to end. `aside` is the last comment or CDATA that had to be found.
    """
    known, aside = 0, (-1, 0)
    for expression in _EXPRESSIONS(text):
        start = expression.start()
        if start < known:
            continue
        begun, known = text.rfind("<", 0, start), text.find("<", start)
        if begun < 0 or not _is_one_tag(text[begun:known] if known >= 0 else text[begun:]):
            aside = first, last = _last_aside(text, aside, start)
            if last > start:
                known = last
                continue
            if begun >= last or not _is_one_tag(text[first:known] if known >= 0 else text[first:]):
                return False
        if known < 0:
            break
    return True


def _last_aside(text: str, aside: tuple[int, int], position: int) -> tuple[int, int]:
    """The last comment or CDATA that begins in front of a position, `aside` being an earlier one, or that."""
    begun, end = aside
    while (found := text.find("<!", end, position)) >= 0:
        begun, end = found, text.find("-->" if text.startswith("<!--", found) else "]]>", found + 4)
    return begun, end


def _read_twice(piece: str) -> bool:
    """Whether a piece of a text is one tag with the text behind it, and the same one for the careful reader."""
    if _MAY_LEAVE_AN_ASIDE.match(piece):
        return False
    plain = _TAG.match(piece)
    try:
        tag, end = tag_at(piece, 0)
    except PolicyNotUnderstood:
        return False
    return plain is not None and end == len(piece) == plain.end() + len(tag.behind)


_is_one_tag = Memory(_read_twice).__getitem__
