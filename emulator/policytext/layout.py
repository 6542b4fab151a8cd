"""
How the service writes a document back.

Recorded: CRLF line ends, one tab a level, no white space between elements other than that, comments before the root and
everywhere else kept, attribute text and the order of sections untouched, `<a></a>` not collapsed, `<a />` with one
space. An element that holds characters keeps its inside as sent, with LF line ends.

A document is stored in the form of `rawxml`; `xml` is a presentation of it in which expressions are escaped.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.policytext.expressions import is_expression
from emulator.policytext.nodes import Attribute, Comment, Document, Element, Text
from emulator.policytext.parse import parse, unescape

LINE = "\r\n"

AttributeForm = Callable[[Attribute], str]
TextForm = Callable[[str], str]


def stored(text: str, *, form: str, unescape_expressions: bool = False) -> tuple[str, Document]:
    """
    What the service keeps of a document sent in a form (`xml` or `rawxml`), laid out, and its tree.

    Expressions sent as `xml` are kept unescaped. PolicyError when the text can't be read.
    """
    document = parse(text, strict=form == "xml")
    raw = form == "xml" or unescape_expressions
    return laid_out(document, _raw_attribute if raw else _same_attribute, _raw_text if raw else _same_text), document


def presented(kept: str, *, form: str) -> str:
    """
    A stored document in the form that was asked for.
    """
    if form != "xml":
        return kept
    return laid_out(parse(kept), _escaped_attribute, _escaped_text)


def normalised(kept: str) -> str:
    """
    A form in which two documents of equal content are equal.
    """
    return laid_out(parse(kept))


def _same_attribute(attribute: Attribute) -> str:
    return _line_feeds(attribute.raw)


def _raw_attribute(attribute: Attribute) -> str:
    plain = unescape(attribute.raw)
    return _line_feeds(plain if is_expression(plain) else attribute.raw)


def _escaped_attribute(attribute: Attribute) -> str:
    if not is_expression(attribute.raw):
        return _line_feeds(attribute.raw)
    quoted = _escape(unescape(attribute.raw))
    return _line_feeds(quoted.replace('"', "&quot;") if attribute.quote == '"' else quoted.replace("'", "&apos;"))


def _same_text(raw: str) -> str:
    return _line_feeds(raw)


def _raw_text(raw: str) -> str:
    plain = unescape(raw)
    return _line_feeds(plain if is_expression(plain) else raw)


def _escaped_text(raw: str) -> str:
    return _line_feeds(_escape(unescape(raw)) if is_expression(raw) else raw)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def laid_out(document: Document, attribute: AttributeForm = _same_attribute, text: TextForm = _same_text) -> str:
    """
    A document in the service's layout.
    """
    writer = _Writer(attribute, text)
    lines = [*map(_comment, document.before), *writer.element(document.root, 0), *map(_comment, document.after)]
    return LINE.join(lines)


def _comment(comment: Comment) -> str:
    return f"<!--{comment.text}-->"


class _Writer:
    def __init__(self, attribute: AttributeForm, text: TextForm) -> None:
        self._attribute = attribute
        self._text = text

    def element(self, element: Element, depth: int) -> list[str]:
        indent = "\t" * depth
        opening = f"{indent}<{element.name}{self._attributes(element)}"
        if element.self_closed:
            return [f"{opening} />"]
        if any(isinstance(child, Text) and child.raw.strip() for child in element.children):
            return [f"{opening}>{self._inside(element)}</{element.name}>"]
        lines: list[str] = []
        for child in element.children:
            if isinstance(child, Element):
                lines += self.element(child, depth + 1)
            elif isinstance(child, Comment):
                lines.append("\t" * (depth + 1) + _comment(child))
        if not lines:
            return [f"{opening}></{element.name}>"]
        return [f"{opening}>", *lines, f"{indent}</{element.name}>"]

    def _attributes(self, element: Element) -> str:
        return "".join(f" {one.name}={one.quote}{self._attribute(one)}{one.quote}" for one in element.written)

    def _inside(self, element: Element) -> str:
        """
        Mixed content stays as it was sent; a lone text may be an expression.
        """
        if len(element.children) == 1 and isinstance(element.children[0], Text):
            return self._text(element.children[0].raw)
        return _line_feeds(element.inner)
