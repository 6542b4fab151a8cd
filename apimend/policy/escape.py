"""
How values are spelt in `rawxml`, and what a spelling means.

Called by document.py (reading), check.py and guards (writing). In `rawxml` the attributes are XML and the
expressions in them are C#: an expression may hold bare quotes, `<` and `&`, or, in a document that was written as
well-formed XML, entities. It must not decide what is an expression: the scanner does.
"""

import re

_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7})));")
_BARE_AMPERSAND = re.compile(rf"&(?!{_ENTITY.pattern[1:]})")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
_TO_ESCAPE = re.compile(r'[&<>"\t\r\n]')
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXPRESSION = re.compile(r"@[({]")
_LINE_END = re.compile(r"\r\n?")


def escape_attribute(value: str) -> str:
    """
    A literal value as it stands between double quotes in an attribute.

    Raises ValueError for what can't be said literally: characters that XML does not have, and text that the
    service would take for an expression or a named value.
    """
    if _NOT_XML.search(value):
        raise ValueError("the value has a character that XML cannot hold")
    if _EXPRESSION.search(value) or "{{" in value:
        raise ValueError("the value would be read as an expression or a named value")
    return _TO_ESCAPE.sub(lambda found: _ESCAPES[found.group()], value)


def unescape(raw: str, *, quote: str = "") -> str:
    """
    What a spelling means: entities are resolved and line ends are LF.

    An expression that is not XML as it stands (a bare quote of the kind that delimits it, `<`, or `&` that
    begins no entity) was written raw, and stays as it is, entities in it included.
    """
    if "\r" in raw:
        raw = _LINE_END.sub("\n", raw)
    if "&" not in raw or (_EXPRESSION.match(raw.lstrip()) and _is_raw(raw, quote)):
        return raw
    return _ENTITY.sub(_resolve, raw)


def _is_raw(raw: str, quote: str) -> bool:
    return "<" in raw or bool(quote and quote in raw) or _BARE_AMPERSAND.search(raw) is not None


def _resolve(found: "re.Match[str]") -> str:
    name, hexadecimal, decimal = found.groups()
    if name:
        return _NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if code < 0x110000 else found.group()
