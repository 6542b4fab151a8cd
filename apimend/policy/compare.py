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
    yield unescape(document.before)
    for index, tag in enumerate(document.tags):
        if tag.kind.startswith("![CDATA["):
            yield unescape(tag.kind[8:-2].replace("&", "&amp;"))
        elif tag.depth < 0:
            yield ("end", tag.name)
        elif tag.kind:
            yield ("special", unescape(tag.kind.replace("&", "&amp;")))
        else:
            yield ("start", tag.name, _attributes(Element(document, index)))
            if tag.slash:
                yield ("end", tag.name)
        yield unescape(tag.behind)


def _attributes(element: Element) -> frozenset[tuple[str, str]]:
    return frozenset((name, attribute.value) for name, attribute in element.attributes.items())
