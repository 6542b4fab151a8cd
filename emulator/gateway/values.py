"""
Attributes of policies as plain values; one that is given by an expression is not computed, and said so.
"""

from __future__ import annotations

from emulator.gateway.outcome import NotEmulated
from emulator.policytext import Element


def number(element: Element, name: str, otherwise: int) -> int:
    value = element.attributes.get(name, str(otherwise))
    if not value.isdecimal():
        raise NotEmulated(f"{name}={value} of {element.name}")
    return int(value)
