"""
The OpenAPI files as operations that can be looked up by method and path.

Read once per process by `openapi`. Bodies become validators when they are first asked for. Nothing here knows an
exchange.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft4Validator

from tests.conformance.schemas import Json, Library, Source, plain

FILES = {
    "arm": (
        "apimanagement/2024-05-01/*.json",
        "keyvault/resource-manager/2023-07-01/*.json",
    ),
    "vault": ("keyvault/data-plane/7.5/certificates.json", "keyvault/data-plane/7.5/secrets.json"),
}
METHODS = frozenset({"get", "put", "patch", "post", "delete", "head"})


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """
    One parameter of an operation that is no body.
    """

    name: str
    place: str
    required: bool
    validator: Any


@dataclass(frozen=True, kw_only=True)
class Operation:
    """
    One method on one path. Schemas are made when they are first asked for.
    """

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    raw: Mapping[str, Any]
    source: Source = field(repr=False)

    @cached_property
    def by_place(self) -> dict[str, dict[str, Parameter]]:
        places: dict[str, dict[str, Parameter]] = {"path": {}, "query": {}, "header": {}}
        for one in self.parameters:
            places[one.place][one.name.casefold()] = one
        return places

    @cached_property
    def body(self) -> Any:
        """
        The validator of the request body, None where there is none.
        """
        found = next((one for one in self._raw_parameters() if one.get("in") == "body"), None)
        return None if found is None else self.source.validator(found["schema"], request=True)

    @cached_property
    def statuses(self) -> frozenset[str]:
        return frozenset(self.raw["responses"])

    def describes(self, status: int) -> bool:
        """
        Whether the status may be answered; an error needs no line of its own.
        """
        return str(status) in self.statuses or (status >= 400 and "default" in self.statuses)

    def answer(self, status: int) -> Any:
        """
        The validator of an answer's body. A success that isn't described is held against the one that is.
        """
        likely = "200" if status < 400 else "default"
        return self._responses.get(str(status), self._responses.get(likely))

    @cached_property
    def _responses(self) -> dict[str, Any]:
        return {
            status: self.source.validator(answer["schema"]) if "schema" in answer else None
            for status, answer in self.raw["responses"].items()
        }

    def _raw_parameters(self) -> Iterator[Json]:
        for one in self.raw.get("parameters", ()):
            yield self.source.resolved(one)


@dataclass
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    placeholder: _Node | None = None
    name: str = ""
    operations: dict[str, Operation] = field(default_factory=dict)


class Specification:
    """
    All operations of one door (`arm` or `vault`).
    """

    def __init__(self, root: Path, door: str) -> None:
        library = Library()
        self._tree = _Node()
        for pattern in FILES[door]:
            for path in sorted(root.glob(pattern)):
                self._read(library.source(path))

    def find(self, method: str, path: str) -> tuple[Operation | None, dict[str, str], frozenset[str]]:
        """
        The operation for a raw path, its path parameters, and the methods that are described for the path.
        """
        segments = path.removeprefix("/").split("/")
        node, values = _walk(self._tree, segments, {})
        if node is None:
            return None, {}, frozenset()
        return node.operations.get(method.lower()), values, frozenset(node.operations)

    def _read(self, source: Source) -> None:
        for path, item in source.document.get("paths", {}).items():
            node = self._tree
            for segment in path.removeprefix("/").split("/"):
                node = _step(node, segment)
            shared = item.get("parameters", [])
            for method, raw in item.items():
                if method in METHODS:
                    whole = {**raw, "parameters": [*shared, *raw.get("parameters", [])]}
                    node.operations[method] = _operation(source, method, path, whole)


def _operation(source: Source, method: str, path: str, raw: Json) -> Operation:
    known = [source.resolved(one) for one in raw["parameters"]]
    parameters = tuple(
        Parameter(
            name=one["name"],
            place=one["in"],
            required=bool(one.get("required")),
            validator=Draft4Validator(plain(one, request=True)),
        )
        for one in known
        if one["in"] != "body"
    )
    return Operation(id=raw["operationId"], method=method, path=path, parameters=parameters, raw=raw, source=source)


def _step(node: _Node, segment: str) -> _Node:
    if not segment.startswith("{"):
        return node.literal.setdefault(segment.casefold(), _Node())
    if node.placeholder is None:
        node.placeholder = _Node(name=segment.strip("{}"))
    return node.placeholder


def _walk(node: _Node, segments: list[str], values: dict[str, str]) -> tuple[_Node | None, dict[str, str]]:
    if not segments:
        return (node, values) if node.operations else (None, {})
    head, rest = unquote(segments[0]), segments[1:]
    exact = node.literal.get(head.casefold())
    if exact is not None:
        found = _walk(exact, rest, values)
        if found[0] is not None:
            return found
    if node.placeholder is None:
        return None, {}
    return _walk(node.placeholder, rest, {**values, node.placeholder.name: head})
