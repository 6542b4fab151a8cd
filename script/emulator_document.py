"""
Writes the generated tables into docs/emulator.md, between their marks.

Run it after a change of the emulator's routes or options; a test says when that was forgotten.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from emulator import inventory

DOCUMENT = Path(__file__).parents[1] / "docs" / "emulator.md"


def generated(text: str) -> str:
    """
    The document with every generated part as it should be.
    """
    for name, content in (
        ("summary", inventory.summary()),
        ("routes", inventory.routes_table()),
        ("options", inventory.options_table()),
    ):
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = mark.sub(lambda found, content=content: f"{found[1]}{content}{found[2]}", text)  # type: ignore[misc]  # binds the loop's value
    return text


def main() -> int:
    DOCUMENT.write_text(generated(DOCUMENT.read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
