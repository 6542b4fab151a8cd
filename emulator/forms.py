"""
The JSON objects that the control calls take, read strictly: what is misspelt or of a wrong type is refused.

Called by the handlers of `/_emulator/…`. A fault that is accepted but never strikes costs its author an afternoon.
Nothing here knows what a member means.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from emulator.http import Answer, Call, Refusal

Reader = Callable[[Any], Any]
Choice = TypeVar("Choice", bound=enum.Enum)


class NotThat(ValueError):
    """
    A member has a value that it can't have; the message says which it can.
    """


def read(call: Call, members: Mapping[str, Reader], *, needed: str = "") -> dict[str, Any]:
    """
    The members that a call's body gives, each read by its reader; anything else ends the call with a 400.
    """
    sent = json_object(call)
    unknown = sorted(set(sent) - set(members))
    if unknown:
        raise refused(f"unknown: {', '.join(unknown)}; known are {', '.join(members)}")
    if needed and needed not in sent:
        raise refused(f"missing: {needed}")
    found = {}
    for name, value in sent.items():
        try:
            found[name] = members[name](value)
        except NotThat as wrong:
            raise refused(f"{name} must be {wrong}, not {value!r}") from wrong
    return found


def json_object(call: Call) -> dict[str, Any]:
    """
    A call's body as a JSON object, as it came.
    """
    try:
        sent = call.json()
    except ValueError as broken:
        raise refused(f"the body is no JSON: {broken}") from broken
    if not isinstance(sent, dict):
        raise refused("the body must be a JSON object")
    return sent


def refused(message: str) -> Refusal:
    return Refusal(Answer(status=400, body={"error": {"code": "InvalidRequest", "message": message}}))


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise NotThat("a text")
    return value


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotThat("true or false")
    return value


def whole(least: int, most: int | None = None) -> Callable[[Any], int]:
    """
    A whole number from `least` on.
    """

    def reader(value: Any) -> int:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        if not fits or (most is not None and value > most):
            raise NotThat(f"a whole number from {least} " + ("on" if most is None else f"to {most}"))
        return int(value)

    return reader


def real(most: float) -> Callable[[Any], float]:
    """
    A number from 0 to `most`.
    """

    def reader(value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not 0 <= value <= most:
            raise NotThat(f"a number from 0 to {most:g}")
        return float(value)

    return reader


def one_of(kind: type[Choice]) -> Callable[[Any], Choice]:
    """
    The value of an enumeration's member.
    """

    def reader(value: Any) -> Choice:
        try:
            return kind(value)
        except ValueError:
            raise NotThat(f"one of {', '.join(str(one.value) for one in kind)}") from None

    return reader


def texts(value: Any) -> dict[str, str]:
    """
    A mapping of texts to texts, as headers are.
    """
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
        raise NotThat("an object of texts")
    return dict(value)


def anything(value: Any) -> Any:
    return value


def or_null(reader: Reader) -> Reader:
    """
    What the reader takes, or null.
    """
    return lambda value: None if value is None else reader(value)
