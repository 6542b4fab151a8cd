"""
A Bicep file as data: what it declares, and what it uses.

Made by tree-sitter's grammar, which keeps positions. `check` and tests/infra read it; nothing here judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_bicep.language())
_DECLARATIONS = ("parameter", "variable", "resource", "module", "output")


@dataclass(frozen=True, kw_only=True)
class Use:
    """A name used somewhere; `names` are the loop and lambda variables in force there."""

    name: str
    line: int
    called: bool
    names: frozenset[str]


class BicepFile:
    """One file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.root = Parser(_LANGUAGE).parse(self.text.encode()).root_node
        self._by_kind = {
            kind: {name_of(node): node for node in self._all(f"{kind}_declaration")} for kind in _DECLARATIONS
        }

    def faults(self) -> list[int]:
        """The lines that the grammar does not take."""
        return [line(node) for node in descendants(self.root) if node.type == "ERROR" or node.is_missing]

    def declared(self, kind: str) -> dict[str, Node]:
        """What is declared of a kind (`parameter`, `variable`, `resource`, `module`, `output`), by name."""
        return self._by_kind[kind]

    @property
    def scope(self) -> str:
        """The target scope; resourceGroup where nothing is said."""
        for node in self._all("target_scope_assignment"):
            return literal(node.named_children[-1])
        return "resourceGroup"

    def required(self) -> set[str]:
        """The parameters without a default."""
        return {name for name, node in self.declared("parameter").items() if node.named_children[-1].type == "type"}

    def described(self) -> set[str]:
        """The parameters with a description."""
        found = set()
        for node in self.declared("parameter").values():
            before = node.prev_named_sibling
            if before is not None and before.type == "decorators" and "@description(" in text(before):
                found.add(name_of(node))
        return found

    def uses(self) -> Iterator[Use]:
        """Every name in an expression."""
        for child in self.root.named_children:
            if child.type != "decorators":
                yield from _uses(child, frozenset())

    def _all(self, kind: str) -> list[Node]:
        return [node for node in descendants(self.root) if node.type == kind]


def descendants(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in node.children:
        yield from descendants(child)


def name_of(declaration: Node) -> str:
    """The name that a declaration gives."""
    return text(declaration.named_children[0])


def text(node: Node) -> str:
    """A node as it is written."""
    return (node.text or b"").decode()


def line(node: Node) -> int:
    """Where it stands."""
    return node.start_point[0] + 1


def literal(node: Node) -> str:
    """The text of a string without interpolation."""
    return "".join(text(child) for child in node.named_children if child.type == "string_content")


def body(declaration: Node) -> Node | None:
    """The object of a resource or a module, behind its condition or loop."""
    for node in descendants(declaration.named_children[-1]):
        if node.type == "object":
            return node
    return None


def member(node: Node | None, *names: str) -> Node | None:
    """The value of a property of an object, by its path."""
    for name in names:
        if node is None or node.type != "object":
            return None
        for child in node.named_children:
            if child.type == "object_property" and text(child.named_children[0]).strip("'") == name:
                node = child.named_children[-1]
                break
        else:
            return None
    return node


def members(node: Node | None) -> list[str]:
    """The names of an object's properties."""
    if node is None or node.type != "object":
        return []
    return [
        text(child.named_children[0]).strip("'") for child in node.named_children if child.type == "object_property"
    ]


def _uses(node: Node, names: frozenset[str]) -> Iterator[Use]:
    if node.type == "identifier":
        yield Use(name=text(node), line=line(node), called=False, names=names)
        return
    children = node.named_children
    if node.type == "call_expression" and children[0].type == "identifier":
        yield Use(name=text(children[0]), line=line(node), called=True, names=names)
        children = children[1:]
    elif node.type.endswith("_declaration"):
        children = children[1:]
    elif node.type == "target_scope_assignment":
        return
    elif node.type == "object_property" and children[0].type == "identifier":
        children = children[1:]
    elif node.type == "resource_expression":
        children = children[:1]
    elif node.type == "for_statement":
        made = {
            text(one)
            for one in descendants(children[0])
            if one.type in ("identifier", "loop_variable", "loop_enumerator")
        }
        yield from _uses(children[1], names)
        names, children = names | made, children[2:]
    elif node.type == "lambda_expression":
        made = {text(one) for one in descendants(children[0]) if one.type == "identifier"}
        names, children = names | made, children[1:]
    for child, following in zip_longest(children, children[1:]):
        if _is_split_call(child, following):
            yield Use(name=text(child), line=line(child), called=True, names=names)
        else:
            yield from _uses(child, names)


def _is_split_call(node: Node, following: Node | None) -> bool:
    """In an array the grammar reads `[subscription().id]` as two elements: a name, and what touches it."""
    return node.type == "identifier" and following is not None and following.start_byte == node.end_byte
