"""
The tree of a policy document.

Values only. Positions are 1-based lines and columns of the text that was read, as Azure's messages count them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


class PolicyError(ValueError):
    """
    A document that can't be read or isn't allowed. `target` is the element named in Azure's error details.
    """

    def __init__(self, message: str, line: int, column: int, *, target: str = "representation") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.target = target


@dataclass(frozen=True)
class Comment:
    """
    A comment; `text` is what stands between `<!--` and `-->`.
    """

    text: str
    line: int
    column: int


@dataclass(frozen=True)
class Text:
    """
    Character data as written; `value` is what it means (entities resolved, CDATA unwrapped).
    """

    raw: str
    value: str
    line: int
    column: int


@dataclass(frozen=True)
class Attribute:
    """
    An attribute as written, with its quote.
    """

    name: str
    raw: str
    quote: str


@dataclass(frozen=True)
class Element:
    """
    An element. `attributes` holds the values with entities resolved; `inner` is the source between the tags.
    """

    name: str
    written: tuple[Attribute, ...]
    attributes: dict[str, str]
    children: tuple[Element | Comment | Text, ...]
    self_closed: bool
    inner: str
    line: int
    column: int

    @property
    def elements(self) -> tuple[Element, ...]:
        return tuple(child for child in self.children if isinstance(child, Element))

    @property
    def text(self) -> str:
        """
        The character data directly inside, resolved.
        """
        return "".join(child.value for child in self.children if isinstance(child, Text))

    def find(self, name: str) -> Element | None:
        return next((child for child in self.elements if child.name == name), None)

    def walk(self) -> Iterator[Element]:
        """
        This element and all below it, in document order.
        """
        yield self
        for child in self.elements:
            yield from child.walk()


@dataclass(frozen=True)
class Document:
    """
    A whole document: comments before the root, the root, comments after it.
    """

    root: Element
    before: tuple[Comment, ...] = field(default=())
    after: tuple[Comment, ...] = field(default=())
