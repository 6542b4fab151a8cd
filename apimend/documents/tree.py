"""
YAML text as plain data that remembers its places, within limits that no text can blow.

Nodes are composed, never constructed: tags make no objects, an alias costs what it stands for, a key may come once,
and every scalar stays the text that was written. The models decide what it means, so a thumbprint that looks like a
number stays a thumbprint.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from apimend.model.errors import BadInput, Fault

MAX_CHARACTERS = 512 * 1024
MAX_NODES = 100_000
MAX_DEPTH = 24
MAX_BRACKETS = 500
"""So many may be open at a time, those in strings and comments included: the parser's time grows with their square."""

_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge"))

Path = tuple[str | int, ...]
Position = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Tree:
    """
    What a text says: mappings, lists and texts. `values` and `keys` have line and column, from 1, of each path.

    `faults` are those of the text itself (double keys, tags, values that are missing); where one is, data has None.
    """

    file: str
    data: Any
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def position(self, path: Path, *, of_key: bool = False) -> Position:
        """Where the value at `path` stands, or its key; the nearest thing around it where there is none."""
        places = self.keys if of_key else self.values
        for length in range(len(path), -1, -1):
            found = places.get(path[:length]) or self.values.get(path[:length])
            if found:
                return found
        return (1, 1)

    def fault(self, path: Path, what: str, mend: str = "", *, of_key: bool = False) -> Fault:
        """A fault at `path`, with its line and column."""
        line, column = self.position(path, of_key=of_key)
        return Fault(what=what, where=dotted(path), mend=mend, file=self.file, line=line, column=column)


def dotted(path: Path) -> str:
    """A path as people write it: `instances[0].match.name`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def read_tree(text: str, file: str) -> Tree:
    """
    The tree of a text; its data is None where there is nothing in it. Raises BadInput where it is no YAML or too much.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadInput([Fault(what="It is larger than 512 KB.", where="", mend="Split it.", file=file)])
    if _brackets(text) > MAX_BRACKETS:
        raise BadInput([Fault(what="It is nested too deep.", where="", file=file)])
    reader = _Reader(file)
    data = reader.read(_compose(text, file))
    return Tree(file=file, data=data, values=reader.values, keys=reader.keys, faults=tuple(reader.faults))


def _compose(text: str, file: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        root: Node | None = yaml.compose(text)
        return root
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        what = f"It is no YAML: {error.problem or error.context}."
        raise BadInput([Fault(what=what, where="", file=file, line=line, column=column)]) from error
    except RecursionError as error:
        raise BadInput([Fault(what="It is nested too deep.", where="", file=file)]) from error
    # The parser trips over some malformed texts instead of refusing them (a directive without a number, a tag that
    # is cut off): whatever it trips over, the text is no YAML.
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError) as error:
        what = "It is no YAML: it holds characters or directives that can't be read."
        raise BadInput([Fault(what=what, where="", file=file)]) from error


def _brackets(text: str) -> int:
    """The most brackets that are open at any place of the text, whatever they mean there."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    return max(accumulate(steps), default=0)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.values: dict[Path, Position] = {}
        self.keys: dict[Path, Position] = {}
        self._left = MAX_NODES

    def read(self, root: Node | None) -> Any:
        return None if root is None or _is_empty(root) else self._node(root, (), frozenset())

    def _node(self, node: Node, path: Path, above: frozenset[int]) -> Any:
        self.values[path] = _position(node)
        self._left -= 1
        if id(node) in above:
            return self._fault(node, path, "It contains itself.", "Take the alias out.")
        if self._left < 0 or len(path) > MAX_DEPTH:
            self._fault(node, path, "It is nested too deep, or its aliases make too much of it.")
            raise BadInput(self.faults)
        if node.tag not in _PLAIN:
            return self._fault(node, path, f"Tags such as {str(node.tag)[:60]} mean nothing here.", "Take the tag out.")
        if isinstance(node, MappingNode):
            return self._mapping(node, path, above | {id(node)})
        if isinstance(node, SequenceNode):
            inner = above | {id(node)}
            return [self._node(entry, (*path, at), inner) for at, entry in enumerate(node.value)]
        if node.tag == _TAG + "null":
            # An empty value stands where the next thing begins; its key is where people look.
            at = self.keys.get(path) or _position(node)
            fault = Fault(
                what="It has no value.",
                where=dotted(path),
                mend="Write one, or take the line out.",
                file=self.file,
                line=at[0],
                column=at[1],
            )
            return self.faults.append(fault)
        if "PRIVATE KEY" in node.value:
            return self._fault(node, path, "There is a private key in it.", "Take it out, and treat the key as stolen.")
        return str(node.value)

    def _mapping(self, node: MappingNode, path: Path, above: frozenset[int]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own: set[str] = set()
        for key, value in self._pairs(node, path, above):
            if not isinstance(key, ScalarNode):
                self._fault(key, path, "A key has to be a text.")
                continue
            name = str(key.value)
            here = (*path, name)
            if name in own:
                first = self.keys[here][0]
                self._fault(key, here, f"It stands here twice, first in line {first}.", "Keep one of them.")
                continue
            own.add(name)
            self.keys[here] = _position(key)
            found[name] = self._node(value, here, above)
        return found

    def _pairs(self, node: MappingNode, path: Path, above: frozenset[int]) -> Iterator[tuple[Node, Node]]:
        """The entries of a mapping, those that `<<` brings in included where the mapping has none of its own."""
        own = [(key, value) for key, value in node.value if key.tag != _TAG + "merge"]
        seen = {str(key.value) for key, _ in own if isinstance(key, ScalarNode)}
        yield from own
        for key, value in node.value:
            if key.tag != _TAG + "merge":
                continue
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if not isinstance(source, MappingNode) or id(source) in above:
                    self._fault(value, path, "Only other mappings can be merged in.")
                    continue
                for inner_key, inner_value in self._pairs(source, path, above | {id(source)}):
                    self._left -= 1
                    if self._left < 0:
                        return
                    if isinstance(inner_key, ScalarNode) and str(inner_key.value) not in seen:
                        seen.add(str(inner_key.value))
                        yield inner_key, inner_value

    def _fault(self, node: Node, path: Path, what: str, mend: str = "") -> None:
        line, column = _position(node)
        self.faults.append(
            Fault(what=what, where=dotted(path), mend=mend, file=self.file, line=line, column=column),
        )


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _TAG + "null"


def _position(node: Node) -> Position:
    return (node.start_mark.line + 1, node.start_mark.column + 1)
