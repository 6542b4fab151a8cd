"""
What the models complain of, in sentences for the person who wrote the file.

pydantic knows the path and the kind of an error; the place comes from the tree, and what was meant from the models'
own keys.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from apimend.documents.tree import Path, Tree
from apimend.documents.values import PATTERNS
from apimend.model.errors import Fault
from apimend.model.words import did_you_mean

_KEY = "[key]"


def faults_of(error: ValidationError, tree: Tree, model: type[BaseModel], at: Path = ()) -> list[Fault]:
    """
    Every error of validating what stands at `at` as `model`, with its place in the file.

    A value that is None was a fault of the text already, and is not complained of twice.
    """
    details = error.errors(include_url=False)
    return [_fault(detail, tree, model, at) for detail in details if not _was_told(detail)]


def _was_told(detail: ErrorDetails) -> bool:
    given = detail["input"]
    if detail["type"] == "apimend" and isinstance(given, Mapping):
        return None in given.values()
    return given is None and detail["type"] != "extra_forbidden"


def _fault(detail: ErrorDetails, tree: Tree, model: type[BaseModel], at: Path) -> Fault:
    of_key = _KEY in detail["loc"] or (detail["type"] == "apimend" and isinstance(detail["input"], Mapping))
    path = (*at, *(part for part in detail["loc"] if part != _KEY))
    if detail["type"] == "extra_forbidden":
        known = known_keys(model, path[len(at) : -1])
        return tree.fault(path, f"There is no key {path[-1]!r} here.", did_you_mean(str(path[-1]), known), of_key=True)
    if detail["type"] == "missing":
        return tree.fault(path[:-1], f"{path[-1]} is missing.", "Add it.", of_key=True)
    what, mend = _SENTENCES.get(detail["type"], _other)(detail)
    return tree.fault(path, what, mend, of_key=of_key)


def _own(detail: ErrorDetails) -> tuple[str, str]:
    return detail["ctx"]["what"], detail["ctx"]["mend"]


def _pattern(detail: ErrorDetails) -> tuple[str, str]:
    what, mend = PATTERNS[detail["ctx"]["pattern"]]
    return f"{_shown(detail)} {what}", mend


def _word(detail: ErrorDetails) -> tuple[str, str]:
    words = re.findall(r"'([^']+)'", detail["ctx"]["expected"])
    if not isinstance(detail["input"], str):
        return "Here has to stand one word.", f"Write {' or '.join(words)}."
    return f"{_shown(detail)} is none of {', '.join(words)}.", did_you_mean(detail["input"], words)


def _bound(detail: ErrorDetails) -> tuple[str, str]:
    context = detail["ctx"]
    return (
        (f"{_shown(detail)} is too small.", f"The least is {context['ge']}.")
        if "ge" in context
        else (
            f"{_shown(detail)} is too large.",
            f"The most is {context['le']}.",
        )
    )


def _other(detail: ErrorDetails) -> tuple[str, str]:
    return f"{detail['msg']}.", ""


def _shown(detail: ErrorDetails) -> str:
    return repr(str(detail["input"])[:60])


_SENTENCES: dict[str, Callable[[ErrorDetails], tuple[str, str]]] = {
    "apimend": _own,
    "string_pattern_mismatch": _pattern,
    "literal_error": _word,
    "greater_than_equal": _bound,
    "less_than_equal": _bound,
    "dict_type": lambda _: ("Here has to stand a mapping.", "Write key: value pairs."),
    "model_type": lambda _: ("Here has to stand a mapping.", "Write key: value pairs."),
    "model_attributes_type": lambda _: ("Here has to stand a mapping.", "Write key: value pairs."),
    "list_type": lambda _: ("Here has to stand a list.", "Write [a, b], or one - a line."),
    "too_short": lambda _: ("The list is empty.", "Name at least one, or take the key out."),
    "string_too_long": lambda detail: (f"{_shown(detail)} is too long.", ""),
}


def known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that may stand at a path inside `model`."""
    node: Any = model.model_json_schema(by_alias=True)
    definitions = node.get("$defs", {})
    for part in path:
        node = _mapping(node, definitions)
        inner = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        node = inner or node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), {})
    return sorted(_mapping(node, definitions).get("properties", {}))


def _mapping(node: Any, definitions: Any) -> Any:
    """The part of a schema that has keys or items: references followed, the other side of a choice left out."""
    if not isinstance(node, dict):
        return {}
    if "$ref" in node:
        return definitions[node["$ref"].rpartition("/")[2]]
    choices = [_mapping(choice, definitions) for choice in node.get("anyOf", ())]
    return next((choice for choice in choices if choice.keys() & {"properties", "items", "additionalProperties"}), node)
