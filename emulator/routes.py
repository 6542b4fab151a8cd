"""
The table of routes, and how far each can be trusted.

`docs/emulator.md` is generated from this table, so a route says where its behaviour comes from. Literal segments are
matched without case, placeholders take one segment. The table knows no server and no resource.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from emulator.http import Answer, Call


class Source(enum.Enum):
    """
    Where the behaviour of a route comes from.
    """

    RECORDED = "recorded"
    SPECIFIED = "specified"
    INFERRED = "inferred"


class Place(enum.Enum):
    """
    Which door a route answers at.
    """

    ARM = "arm"
    VAULT = "vault"
    LOGIN = "login"
    PLAIN = "plain"
    TOPIC = "topic"
    TEAMS = "teams"


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """
    One method on one path. `needs` is the ARM permission that the caller's roles must hold, if any.
    """

    method: str
    path: str
    handler: Handler
    place: Place = Place.ARM
    source: Source = Source.INFERRED
    note: str = ""


@dataclass
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    placeholder: _Node | None = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """
    What was found for a path: the route (None: wrong verb), the placeholder values, the verbs that would do.
    """

    route: Route | None
    params: dict[str, str]
    allowed: tuple[str, ...]


class RouteTable:
    """
    All routes, in the order of registration, found by door, method and raw path.
    """

    def __init__(self) -> None:
        self._roots: dict[Place, _Node] = {}
        self._routes: list[Route] = []

    def add(self, *routes: Route) -> None:
        for route in routes:
            self._routes.append(route)
            node = self._roots.setdefault(route.place, _Node())
            for segment in route.path.strip("/").split("/"):
                node = _step(node, segment)
            node.routes[route.method] = route

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def find(self, place: Place, method: str, raw_path: str) -> Match | None:
        """
        The match for a raw (still percent-encoded) path, or None when no route has it.
        """
        segments = [part for part in raw_path.split("/") if part]
        root = self._roots.get(place)
        found = list(_walk(root, segments, {})) if root is not None else []
        for node, params in found:
            if method in node.routes:
                return Match(node.routes[method], params, tuple(node.routes))
        if not found:
            return None
        allowed = dict.fromkeys(verb for node, _ in found for verb in node.routes)
        return Match(None, found[0][1], tuple(allowed))


def _step(node: _Node, segment: str) -> _Node:
    if not segment.startswith("{"):
        return node.literal.setdefault(segment.casefold(), _Node())
    if node.placeholder is None:
        node.placeholder = _Node(name=segment.strip("{}"))
    return node.placeholder


def _walk(node: _Node, segments: list[str], params: dict[str, str]) -> Iterator[tuple[_Node, dict[str, str]]]:
    """
    Every place where a path can end, literal segments first.
    """
    if not segments:
        if node.routes:
            yield node, params
        return
    head, rest = segments[0], segments[1:]
    exact = node.literal.get(unquote(head).casefold())
    if exact is not None:
        yield from _walk(exact, rest, params)
    if node.placeholder is not None:
        yield from _walk(node.placeholder, rest, {**params, node.placeholder.name: unquote(head)})
