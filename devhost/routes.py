"""
Finds the HTTP function for a path, as the Functions host's router does.

Called by the HTTP side. Route templates are those of ASP.NET: `{id}`, `{id?}`, `{id:guid}`, `{*rest}`; they match
without case, a literal segment goes before a parameter, and a method that no function takes is a 404, not a 405.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from devhost.functions import Function, HttpTrigger, NotSupported

CONSTRAINTS: Mapping[str, str] = {
    "": r"[^/]+",
    "int": r"-?\d+",
    "guid": r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    "alpha": r"[a-z]+",
}
PARAMETER = re.compile(r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?::(?P<constraint>\w+))?(?P<optional>\?)?\}")


@dataclass(frozen=True)
class Route:
    """One function's template, compiled."""

    function: Function
    methods: frozenset[str]
    pattern: re.Pattern[str]
    precedence: tuple[int, ...]


@dataclass(frozen=True)
class Match:
    function: Function
    parameters: Mapping[str, str]


class Router:
    """The HTTP functions of one app, below one prefix."""

    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        routes = [_route(each, each.trigger, prefix) for each in functions if isinstance(each.trigger, HttpTrigger)]
        self._routes: Sequence[Route] = sorted(routes, key=lambda route: route.precedence)

    def match(self, method: str, raw_path: str) -> Match | None:
        for route in self._routes:
            if method in route.methods and (found := route.pattern.fullmatch(raw_path)):
                given = {name: unquote(value) for name, value in found.groupdict().items() if value is not None}
                return Match(route.function, given)
        return None


def _route(function: Function, trigger: HttpTrigger, prefix: str) -> Route:
    segments = [each for each in f"{prefix}/{trigger.route}".split("/") if each]
    parts = [_segment(function.name, each) for each in segments]
    return Route(
        function=function,
        methods=trigger.methods,
        pattern=re.compile("".join(pattern for pattern, _ in parts) + "/?", re.IGNORECASE),
        precedence=tuple(rank for _, rank in parts),
    )


def _segment(name: str, segment: str) -> tuple[str, int]:
    """A segment as a pattern that begins with its slash, and its rank: the smaller goes first."""
    if "{" not in segment:
        return "/" + re.escape(segment), 0
    found = PARAMETER.fullmatch(segment)
    if found is None or (found["constraint"] or "") not in CONSTRAINTS:
        raise NotSupported(f"{name}: the route segment {segment!r} is not matched here")
    if found["rest"]:
        return f"(?:/(?P<{found['name']}>.*))?", 3
    pattern = f"/(?P<{found['name']}>{CONSTRAINTS[found['constraint'] or '']})"
    return (f"(?:{pattern})?" if found["optional"] else pattern), 1 if found["constraint"] else 2
