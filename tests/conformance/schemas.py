"""
Swagger 2.0 as JSON Schema: references resolved, `allOf` merged, members that no schema names refused.

A member that Azure doesn't know is what the check is for, so schemas are closed unless they say otherwise. The list
of contradictions is applied here, to answers only. Called by `specification`; knows neither operations nor exchanges.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft4Validator

from tests.conformance.contradictions import EXTRA, NULL, Contradiction, of_definition

Json = dict[str, Any]

# What the specifications say about values, as far as it concerns validity.
KEPT = ("type", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems")


class Library:
    """
    Files by path, and the schemas made so far: one object for each definition.
    """

    def __init__(self) -> None:
        self._sources: dict[Path, Source] = {}
        self.schemas: dict[tuple[Path, str, bool], Json] = {}

    def source(self, path: Path) -> Source:
        whole = path.resolve()
        if whole not in self._sources:
            self._sources[whole] = Source(self, whole)
        return self._sources[whole]


class Source:
    """
    One file, with what its references lead to.
    """

    def __init__(self, library: Library, path: Path) -> None:
        self.path = path
        self._library = library
        self.document: Json = json.loads(path.read_text("utf-8"))

    def resolved(self, node: Json) -> Json:
        if "$ref" not in node:
            return node
        source, found, _ = self._follow(node["$ref"])
        return source.resolved(found)

    def validator(self, schema: Json, *, request: bool = False) -> Draft4Validator:
        return Draft4Validator(self.schema(schema, request=request), format_checker=None)

    def schema(self, node: Json, *, request: bool, name: str = "") -> Json:
        """
        The JSON Schema of a node. One object per definition, so that references may go round.
        """
        if "$ref" in node:
            source, found, pointer = self._follow(node["$ref"])
            key = (source.path, pointer, request)
            if key not in self._library.schemas:
                self._library.schemas[key] = {}
                made = source.schema(found, request=request, name=pointer.rpartition("/")[2])
                self._library.schemas[key].update(made)
            return self._library.schemas[key]
        merged = self._merged(node)
        schema = plain(merged, request=request)
        if "items" in merged:
            schema["items"] = self.schema(merged["items"], request=request)
        if "properties" in merged or isinstance(merged.get("additionalProperties"), dict):
            self._members(schema, merged, request, (name, *merged.get("x-names", ())))
        return schema

    def _members(self, schema: Json, node: Json, request: bool, names: tuple[str, ...]) -> None:
        properties = node.get("properties", {})
        schema["properties"] = {
            key: source.schema(value, request=request) for key, (source, value) in properties.items()
        }
        more = node.get("additionalProperties", bool(not properties))
        schema["additionalProperties"] = self.schema(more, request=request) if isinstance(more, dict) else more
        required = [key for key in node.get("required", ()) if not (request and properties[key][1].get("readOnly"))]
        if required:
            schema["required"] = required
        for one in () if request else of_definition(*names):
            _apply(one, schema)

    def _merged(self, node: Json) -> Json:
        """
        A node with everything it inherits; its members remember the file they stand in.
        """
        merged = {key: value for key, value in node.items() if key != "allOf"}
        merged["x-names"] = ()
        if "properties" in node:
            merged["properties"] = {key: (self, value) for key, value in node["properties"].items()}
        for parent in node.get("allOf", ()):
            source, found, pointer = self._follow(parent["$ref"]) if "$ref" in parent else (self, parent, "")
            above = source._merged(found)
            merged["properties"] = {**above.get("properties", {}), **merged.get("properties", {})}
            merged["required"] = [*above.get("required", ()), *merged.get("required", ())]
            merged["x-names"] = (*merged["x-names"], pointer.rpartition("/")[2], *above["x-names"])
            for key in ("type", "additionalProperties"):
                if key in above:
                    merged.setdefault(key, above[key])
        return merged

    def _follow(self, reference: str) -> tuple[Source, Json, str]:
        file, _, pointer = reference.partition("#")
        source = self._library.source(self.path.parent / file) if file else self
        found: Any = source.document
        for step in pointer.strip("/").split("/"):
            found = found[unquote(step)]
        return source, found, pointer


def plain(node: Json, *, request: bool) -> Json:
    """
    The keywords that Swagger shares with JSON Schema. An open enumeration binds requests only.
    """
    schema = {key: node[key] for key in KEPT if key in node}
    if schema.get("type") == "file":
        del schema["type"]
    if "pattern" in schema:
        schema["pattern"] = _python_pattern(schema["pattern"])
    is_open = node.get("x-ms-enum", {}).get("modelAsString", False)
    if "enum" in node and (request or not is_open):
        schema["enum"] = node["enum"]
    if node.get("x-nullable"):
        return {"anyOf": [{"type": "null"}, schema]}
    return schema


def _python_pattern(pattern: str) -> str:
    return re.sub(r"\$$", r"\\Z", pattern)


def _apply(contradiction: Contradiction, schema: Json) -> None:
    for name in contradiction.members:
        if contradiction.kind is EXTRA:
            schema["properties"].setdefault(name, {})
        elif contradiction.kind is NULL:
            schema["properties"][name] = {"anyOf": [{"type": "null"}, schema["properties"][name]]}
        else:
            schema["required"] = [one for one in schema.get("required", ()) if one != name]
            if not schema["required"]:
                del schema["required"]
