"""
The part of `$filter` that clients use: comparisons and text functions on one field, joined by `and`.

Asked by every list below a service. A function or operator that isn't known lets everything pass.
"""

from __future__ import annotations

from emulator.store import Resource


def filtered(text: str, found: list[Resource]) -> list[Resource]:
    """
    The subset of `$filter` that management APIs see most: `name eq 'x'` and functions on one field, joined by `and`.
    """
    if not text:
        return found
    return [one for one in found if all(_holds(part, one) for part in text.split(" and "))]


def _holds(condition: str, resource: Resource) -> bool:
    bare = condition.strip()
    if "(" in bare:
        function, _, rest = bare.partition("(")
        left, _, right = rest.rstrip(")").partition(",")
        swapped = function == "substringof"
        name, wanted = (right, left) if swapped else (left, right)
        actual, wanted = _field(resource, name.strip()), wanted.strip().strip("'")
        tests = {
            "substringof": wanted in actual,
            "contains": wanted in actual,
            "startswith": actual.startswith(wanted),
            "endswith": actual.endswith(wanted),
        }
        return tests.get(function, True)
    name, operator, wanted = ([*bare.split(" ", 2), "", ""])[:3]
    actual, wanted = _field(resource, name), wanted.strip("'")
    return {
        "eq": actual.casefold() == wanted.casefold(),
        "ne": actual.casefold() != wanted.casefold(),
        "ge": actual >= wanted,
        "gt": actual > wanted,
        "le": actual <= wanted,
        "lt": actual < wanted,
    }.get(operator, True)


def _field(resource: Resource, name: str) -> str:
    bare = name.removeprefix("properties/")
    if bare == "name":
        return resource.name
    value = resource.properties.get(bare, "")
    return str(value).lower() if isinstance(value, bool) else str(value)
