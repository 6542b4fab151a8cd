"""
Whether two policy texts mean the same to the service.

Called where a live document is compared with what was written or wanted. The service lays documents out anew
(CRLF, one TAB a level) and may spell entities another way: that is no difference, nor is the order of attributes,
nor `<x />` against `<x></x>`. Comments count, because they are somebody's work, and so does every character
of an expression, an attribute value or a text inside its outer white space. It must not be clever about policies:
two different policies with one effect are different here.
"""

from collections.abc import Hashable, Iterator

from apimend.policy.document import Document, Element
from apimend.policy.escape import unescape
from apimend.policy.scan import WIDTH

_SPACE = " \t\r\n\ufeff"


def same_policy(one: Document, other: Document) -> bool:
    """Whether two documents differ in nothing but spelling and layout."""
    return one.text == other.text or normal_form(one) == normal_form(other)


def normal_form(document: Document) -> tuple[Hashable, ...]:
    """A document without its layout and spelling: equal for texts that mean the same."""
    return tuple(_merged(document))


def _merged(document: Document) -> Iterator[Hashable]:
    """The pieces, with texts that no tag divides joined, trimmed, and left out where nothing is left of them."""
    text: list[str] = []
    for piece in _pieces(document):
        if isinstance(piece, str):
            text.append(piece)
            continue
        if joined := "".join(text).strip(_SPACE):
            yield joined
        text.clear()
        yield piece
    if joined := "".join(text).strip(_SPACE):
        yield joined


def _pieces(document: Document) -> Iterator[str | tuple[Hashable, ...]]:
    """Strings are text; tuples are tags."""
    parts = document.parts
    for index in range(len(document.partners)):
        before, kind, name, _, slash = parts[WIDTH * index : WIDTH * (index + 1)]
        yield unescape(before)
        if kind.startswith("![CDATA["):
            yield unescape(kind[8:-2].replace("&", "&amp;"))
        elif kind.startswith("/"):
            yield ("end", kind[1:].rstrip())
        elif kind:
            yield ("special", unescape(kind.replace("&", "&amp;")))
        else:
            yield ("start", name, _attributes(Element(document, index)))
            if slash:
                yield ("end", name)
    yield unescape(parts[-1])


def _attributes(element: Element) -> frozenset[tuple[str, str]]:
    return frozenset((name, attribute.value) for name, attribute in element.attributes.items())
