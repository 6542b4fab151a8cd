"""
Options as text: `--set name=value` on the command line, and the values in force for `GET /_emulator/options`.

What somebody writes is read by the type of the field; nothing here knows what an option decides.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from emulator.options import Options, Throttle
from emulator.tenant import duration

TYPES = typing.get_type_hints(Options)
FLAGS = {"true": True, "false": False}


class BadChoice(ValueError):
    """
    An option that isn't there, or a value that it can't have.
    """


def chosen(options: Options, assignments: Iterable[str]) -> Options:
    """
    The options with every `name=value` laid over them.
    """
    values = {}
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator or name not in TYPES:
            raise BadChoice(f"{assignment!r} is no option; write name=value with a name of docs/emulator.md")
        values[name] = _read(name, text)
    return dataclasses.replace(options, **values)


def shown(options: Options) -> dict[str, Any]:
    """
    Every option with its value, as it is written for `chosen`.
    """
    return {name: written(getattr(options, name)) for name in TYPES}


def _read(name: str, text: str) -> Any:
    kind = TYPES[name]
    if isinstance(kind, types.UnionType):
        if text == "none":
            return None
        kind = next(one for one in typing.get_args(kind) if one is not types.NoneType)
    try:
        return _as(kind, text)
    except (ValueError, KeyError) as wrong:
        raise BadChoice(f"{name}={text}: {_wanted(kind)}") from wrong


def _as(kind: type, text: str) -> Any:
    if kind is bool:
        return FLAGS[text]
    if kind is timedelta:
        return duration(text)
    if kind is Throttle:
        size, _, rate = text.partition("/")
        return Throttle(size=int(size), per_second=float(rate))
    return kind(text)


def _wanted(kind: type) -> str:
    if issubclass(kind, enum.Enum):
        return "one of " + ", ".join(str(one.value) for one in kind)
    return {
        bool: "true or false",
        timedelta: "a span like 90s, 25m, 4h, 2d",
        Throttle: "a bucket like 250/25, size and what it regains each second",
        int: "a whole number",
    }.get(kind, "a text")


def written(value: Any) -> Any:
    """
    A value as it is written for `chosen`.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.0f}s"
    if isinstance(value, Throttle):
        return f"{value.size}/{value.per_second:g}"
    return "none" if value is None else value
