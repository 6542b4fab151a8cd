"""
The resources of a Bicep file as plain data, as far as it is written there: objects, lists, literals.

Variables, both sides of a condition, `union` and loaded JSON are followed; whatever only a deployment knows is
`UNKNOWN`. Called by the check of members; it judges nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tree_sitter import Node

from script.bicep.read import BicepFile, body, literal, text


class Unknown:
    """What only a deployment knows."""


UNKNOWN = Unknown()
# What Bicep itself reads, beside what it sends.
OWN = ("parent", "scope", "dependsOn")
NESTED = "Microsoft.Resources/deployments"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A resource as written: where, its type, and what would be sent."""

    place: str
    type: str
    version: str
    sent: Mapping[str, Any]


def resources(file: BicepFile) -> Iterator[Written]:
    """Every resource that a file makes."""
    for name, node in file.declared("resource").items():
        full, _, version = literal(node.named_children[1]).partition("@")
        made = body(node)
        if not version or made is None or " existing " in text(node).partition("{")[0]:
            continue
        sent = _object(file, made)
        for own in OWN:
            sent.pop(own, None)
        yield Written(place=f"{file.path}: {name}", type=full, version=version, sent=sent)


def embedded(path: Path, value: Any) -> Iterator[Written]:
    """The resources of ARM templates inside a JSON document, as an Azure Policy has them."""
    if isinstance(value, list):
        for one in value:
            yield from embedded(path, one)
    if isinstance(value, Mapping):
        if "apiVersion" in value and value["type"] != NESTED:
            sent = {name: one for name, one in value.items() if name not in (*OWN, "type", "apiVersion")}
            yield Written(place=f"{path}: {value['name']}", type=value["type"], version=value["apiVersion"], sent=sent)
        for one in value.values():
            yield from embedded(path, one)


def _object(file: BicepFile, node: Node) -> dict[str, Any]:
    return {
        text(child.named_children[0]).strip("'"): _value(file, child.named_children[-1])
        for child in node.named_children
        if child.type == "object_property"
    }


def _value(file: BicepFile, node: Node) -> Any:
    if node.type == "object":
        return _object(file, node)
    if node.type == "array":
        return [_value(file, child) for child in node.named_children]
    if node.type == "string" and "${" not in text(node):
        return literal(node)
    if node.type == "number":
        return int(text(node))
    if node.type == "boolean":
        return text(node) == "true"
    if node.type in ("parenthesized_expression", "conditional_expression", "ternary_expression"):
        return _either(file, node)
    if node.type == "identifier":
        known = file.declared("variable").get(text(node))
        return UNKNOWN if known is None else _value(file, known.named_children[-1])
    if node.type == "call_expression":
        return _call(file, node)
    return UNKNOWN


def _either(file: BicepFile, node: Node) -> Any:
    """Both sides of a condition laid over each other; the rest is the same in either."""
    sides = [_value(file, child) for child in node.named_children]
    objects = [side for side in sides if isinstance(side, dict)]
    lists = [side for side in sides if isinstance(side, list)]
    if objects:
        return _merged(objects)
    return [one for side in lists for one in side] if lists else UNKNOWN


def _call(file: BicepFile, node: Node) -> Any:
    name, arguments = text(node.named_children[0]), node.named_children[1:]
    given = [one for each in arguments for one in (each.named_children if each.type == "arguments" else [each])]
    if name == "loadJsonContent":
        return json.loads((file.path.parent / literal(given[0])).read_text(encoding="utf-8"))
    if name == "union":
        return _merged([side for side in (_value(file, one) for one in given) if isinstance(side, dict)])
    return UNKNOWN


def _merged(objects: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in objects:
        for name, value in one.items():
            old = found.get(name)
            found[name] = _merged([old, value]) if isinstance(old, dict) and isinstance(value, dict) else value
    return found
