"""
The JSON Schema of the desired state, for editors.

`python -m apimend.documents.schema > docs/desired-state.schema.json` publishes it. It is made from the models, and put
right where a text can say more than they show: one value instead of a list, `always` for a window, no null anywhere.
"""

import json
import sys
from typing import Any

from apimend.documents.models import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema, as it is published."""
    made = _for_texts(Document.model_json_schema(by_alias=True))
    made["patternProperties"] = {"^x-": {"description": "Room for anchors; it means nothing itself."}}
    return {"$schema": DIALECT, "title": "The desired state of Apimend", **made}


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _for_texts(node: Any) -> Any:
    if isinstance(node, list):
        return [_for_texts(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    made = {key: _for_texts(value) for key, value in node.items() if not _is_noise(key, node)}
    always, one_or_more = made.pop("x-or-always", False), made.pop("x-one-or-more", False)
    if "anyOf" in made:
        choices = [choice for choice in made.pop("anyOf") if choice != {"type": "null"}]
        choices += [{"const": "always"}] if always else []
        made |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    if "patternProperties" in made:
        made["additionalProperties"] = False
    if one_or_more:
        kept = {key: made.pop(key) for key in ("description",) if key in made}
        made = {**kept, "anyOf": [made["items"], made]}
    return made


def _is_noise(key: str, node: dict[str, Any]) -> bool:
    """Titles repeat the keys; a default of null is no default."""
    return (key == "title" and isinstance(node[key], str)) or (key == "default" and node[key] in (None, [], {}))


def main() -> None:
    """Print the schema."""
    sys.stdout.write(text())


if __name__ == "__main__":
    main()
