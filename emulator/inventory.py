"""
What the emulator says of itself in docs/emulator.md: its routes with their sources, and its options.

`script/emulator_document.py` writes both tables into the document, a test compares them. Everything comes from the
route table and from the source of `options`, so that nothing can claim more than there is.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from emulator.azure import LocalAzure
from emulator.events import EventGrid
from emulator.gateway import Gateway
from emulator.options import Options
from emulator.routes import Route
from emulator.teams import TeamsInbox

PREFIX = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ApiManagement/service/{service}"
SHORT = "{service}"


def routes() -> list[Route]:
    """
    All routes with all parts, in the order of registration.
    """
    azure = LocalAzure({}, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), parts=(EventGrid, TeamsInbox, Gateway))
    return list(azure.lay_out())


def routes_table() -> str:
    """
    One line for each path and source: methods, where the behaviour comes from, a note.
    """
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for route in routes():
        path = SHORT + route.path.removeprefix(PREFIX) if route.path.startswith(PREFIX) else route.path
        grouped.setdefault((route.place.value, path, route.source.value, route.note), []).append(route.method)
    lines = ["| door | path | methods | behaviour | note |", "|---|---|---|---|---|"]
    for (place, path, source, note), methods in grouped.items():
        lines.append(f"| {place} | `{path}` | {' '.join(methods)} | {source} | {note} |")
    return "\n".join(lines) + "\n"


def summary() -> str:
    """
    How many routes there are of each source.
    """
    found = Counter(route.source.value for route in routes())
    return ", ".join(f"{count} {name}" for name, count in sorted(found.items(), key=lambda one: -one[1])) + "\n"


def options_table() -> str:
    """
    One line for each option: its default, and the question it answers.
    """
    defaults = {one.name: one.default for one in dataclasses.fields(Options)}
    lines = ["| option | default | what it decides |", "|---|---|---|"]
    for name, comment in _comments():
        lines.append(f"| `{name}` | {_shown(defaults[name])} | {comment} |")
    return "\n".join(lines) + "\n"


def _comments() -> Iterator[tuple[str, str]]:
    """
    Each field of the options with the comment above it.
    """
    above: list[str] = []
    names = {one.name for one in dataclasses.fields(Options)}
    for line in inspect.getsource(Options).splitlines():
        text = line.strip()
        if text.startswith("# "):
            above.append(text[2:])
        elif text.partition(":")[0] in names:
            yield text.partition(":")[0], " ".join(above)
            above = []


def _shown(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f"`{type(value).__name__}.{value.name}`"
    if isinstance(value, timedelta):
        return f"{value}" if value else "none"
    return f"`{value!r}`"
