"""
The policy documents that a call runs through, outermost first, and the walk over one of their sections.

`<base />` stands for the section of the next outer document; a document without it shuts the outer ones out.
Fragments are expanded where they are included. What an element does is in `elements`; this module knows the order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from emulator.gateway.admission import Target
from emulator.gateway.estate import Estate
from emulator.gateway.exchange import Exchange
from emulator.gateway.expressions import ExpressionFailed, holds
from emulator.gateway.outcome import NotEmulated, PolicyFailed, Response, broken
from emulator.policytext import Element, PolicyError, parse

WHEN_NONE = "<policies><inbound /><backend><forward-request /></backend><outbound /></policies>"
# Run their children once: what they add (tries, a queue) makes no difference to who is let through.
WRAPPERS = frozenset({"limit-concurrency", "retry"})

Step = Callable[[Exchange, Element], Awaitable[Response | None]]


@dataclass(frozen=True, kw_only=True)
class Level:
    """
    One document: the scope it stands at, and its root element.
    """

    scope: str
    root: Element


def levels(estate: Estate, target: Target | None) -> tuple[Level, ...]:
    """
    The documents that exist for a target, from global to operation. Without a target only the global one is left.
    """
    found = [Level(scope="Global", root=_read(estate, target, estate.policy(estate.service.id) or WHEN_NONE))]
    if target is None:
        return tuple(found)
    api, operation, product = target.api, target.operation, target.product
    scopes = {
        "Workspace": api.owner.id if api.owner is not estate.service else "",
        "Product": product.id if product else "",
        "API": api.resource.id,
        "Operation": operation.id if operation else "",
    }
    for scope, scope_id in scopes.items():
        text = estate.policy(scope_id) if scope_id else None
        if text is not None:
            found.append(Level(scope=scope, root=_read(estate, target, text)))
    return tuple(found)


class Pipeline:
    """
    The documents of one call, ready to run section by section.
    """

    def __init__(self, documents: tuple[Level, ...], call: Exchange, steps: Mapping[str, Step]) -> None:
        self._levels = documents
        self._call = call
        self._steps = steps

    async def run(self, section: str) -> Response | None:
        """
        Run a section through all scopes. A Response ends the call; None lets it go on.
        """
        return await self._level(len(self._levels) - 1, section)

    def elements(self, section: str) -> Iterator[Element]:
        """
        What would run in a section, in order; `choose` and other containers are not opened.
        """
        return self._flat(len(self._levels) - 1, section)

    async def _level(self, level: int, section: str) -> Response | None:
        if level < 0:
            return None
        found = self._levels[level].root.find(section)
        if found is not None:
            return await self._all(found.elements, level, section)
        return await self._level(level - 1, section) if self._inherits(section) else None

    async def _all(self, elements: tuple[Element, ...], level: int, section: str) -> Response | None:
        for element in elements:
            response = await self._one(element, level, section)
            if response is not None:
                return response
        return None

    async def _one(self, element: Element, level: int, section: str) -> Response | None:
        if element.name == "base":
            return await self._level(level - 1, section)
        if element.name == "include-fragment":
            return await self._all(self._fragment(element), level, section)
        if element.name == "choose":
            return await self._all(self._chosen(element), level, section)
        if element.name in WRAPPERS:
            return await self._all(element.elements, level, section)
        if element.name not in self._steps:
            raise NotEmulated(f"the policy {element.name} in {section}")
        return await self._steps[element.name](self._call, element)

    def _chosen(self, element: Element) -> tuple[Element, ...]:
        scope = self._call.scope()
        for branch in element.elements:
            if branch.name == "otherwise":
                return branch.elements
            if branch.name != "when":
                raise NotEmulated(f"{branch.name} inside choose")
            try:
                if holds(branch.attributes.get("condition", ""), scope):
                    return branch.elements
            except ExpressionFailed as failed:
                raise PolicyFailed(broken("choose", "ExpressionValueEvaluationFailure", str(failed))) from failed
        return ()

    def _fragment(self, element: Element) -> tuple[Element, ...]:
        name = element.attributes.get("fragment-id", "")
        text = self._call.estate.fragment(self._call.owner, name)
        if text is None:
            raise PolicyFailed(broken("include-fragment", "FragmentNotFound", f"fragment {name} does not exist"))
        return _read(self._call.estate, self._call.target, text).elements

    def _flat(self, level: int, section: str) -> Iterator[Element]:
        found = self._levels[level].root.find(section) if level >= 0 else None
        if found is None:
            if level >= 0 and self._inherits(section):
                yield from self._flat(level - 1, section)
            return
        for element in found.elements:
            if element.name == "base":
                yield from self._flat(level - 1, section)
            elif element.name == "include-fragment":
                yield from self._fragment(element)
            else:
                yield element

    def _inherits(self, section: str) -> bool:
        return section != "inbound" or self._call.options.missing_inbound_inherits


def _read(estate: Estate, target: Target | None, text: str) -> Element:
    owner = target.api.owner if target else estate.service
    try:
        return _parsed(estate.with_named_values(owner, text))
    except PolicyError as unreadable:
        raise PolicyFailed(broken("configuration", "PolicyUnreadable", str(unreadable))) from unreadable


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Element:
    return parse(text).root
