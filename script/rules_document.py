"""
Writes docs/remediators.md from what the rules say of themselves: `python -m script.rules_document`.

Run it after a change of a rule's docstring, permissions or safety; a test says when that was forgotten.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apimend.ports import Remediator
from remediators import ALL

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "remediators.md"
PARTS = ("What it finds", "Why it matters", "What it changes", "Fix safety", "References")

_HEAD = """\
# The rules

One rule for one fault, named for the fault. Each reads and proposes; what is written, and when, the mode and the
guards decide. A rule can be given a lower mode than its instance: `modes: {NAME: report}` in the
[desired state](desired-state.md). The codes of what they report have [their own page](findings.md).

This page is made from the rules themselves by `python -m script.rules_document`.
"""


def text() -> str:
    """The whole page."""
    table = ["| rule | safety | looks at |", "|---|---|---|"]
    table += [f"| [`{r.name}`](#{r.name}) | {r.safety.value} | {', '.join(_watched(r))} |" for r in ALL]
    return "\n".join([_HEAD, *table, "", *("\n".join(_entry(rule)) for rule in ALL)])


def said(rule: Remediator[Any]) -> tuple[str, dict[str, str]]:
    """What a rule says of itself: its first sentence, and the parts by name."""
    own = inspect.getdoc(type(rule)) or ""
    whole = own if PARTS[0] in own else inspect.getdoc(inspect.getmodule(type(rule))) or ""
    first, _, rest = whole.partition(f"\n{PARTS[0]}:")
    pieces = re.split(rf"^({'|'.join(PARTS)}):", f"{PARTS[0]}:{rest}", flags=re.MULTILINE)[1:]
    parts = {name: " ".join(value.split()) for name, value in zip(pieces[::2], pieces[1::2], strict=True)}
    return " ".join(first.split()), {name: value[:1].upper() + value[1:] for name, value in parts.items()}


def _entry(rule: Remediator[Any]) -> Iterator[str]:
    first, parts = said(rule)
    yield f"## {rule.name}\n"
    yield f"{first}\n"
    for name, value in parts.items():
        yield f"- **{name}.** {value}"
    for name, actions in (("Reads with", rule.reads), ("Writes with", rule.writes)):
        yield f"- **{name}.** {', '.join(f'`{action}`' for action in sorted(actions)) or 'Nothing.'}"
    yield ""


def _watched(rule: Remediator[Any]) -> list[str]:
    return [name or "the service" for name in sorted(rule.watches)]


def main() -> int:
    DOCUMENT.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
