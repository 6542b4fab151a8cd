"""
Which entries are for an instance, and which of them wins.

An entry wins by the narrowest thing it names; the order is in `specificity` and in docs/desired-state.md. Names are
compared without case, as Azure does; values of tags with it.
"""

from collections.abc import Sequence

from apimend.documents.models import Match
from apimend.model.azure import Service

Specificity = tuple[bool, bool, bool, bool, bool, bool, bool]


def matches(match: Match, service: Service, management_groups: frozenset[str]) -> bool:
    """Whether every key of `match` holds for the instance; `management_groups` are those above it."""
    return all(
        (
            match.name is None or _any_pattern(match.name, service.name),
            match.resource_group is None or _any_pattern(match.resource_group, service.id.resource_group),
            match.subscription is None or service.id.subscription.casefold() in match.subscription,
            match.management_group is None
            or any(_any_pattern(match.management_group, group) for group in management_groups),
            match.sku is None or service.tier.name.casefold() in [sku.casefold() for sku in match.sku],
            match.tags is None or _tags_match(match.tags, service),
        )
    )


def specificity(match: Match) -> Specificity:
    """What an entry names, the narrowest first; the greater wins."""
    return (
        match.name is not None and not any(map(_is_wild, match.name)),
        match.name is not None,
        match.resource_group is not None,
        match.subscription is not None,
        match.management_group is not None,
        match.tags is not None,
        match.sku is not None,
    )


def reason(match: Match) -> str:
    """What an entry selects by, for people: `name contoso-*, sku Premium`."""
    given = {
        "name": match.name,
        "resource group": match.resource_group,
        "subscription": match.subscription,
        "management group": match.management_group,
        "sku": match.sku,
    }
    parts = [f"{name} {' or '.join(values)}" for name, values in given.items() if values is not None]
    parts += [f"tag {name}={' or '.join(values)}" for name, values in (match.tags or {}).items()]
    return ", ".join(parts)


def fits(patterns: Sequence[str], name: str) -> bool:
    """Whether one of these names or patterns is that of `name`."""
    return _any_pattern(patterns, name)


def _tags_match(wanted: dict[str, list[str]], service: Service) -> bool:
    present = {name.casefold(): value for name, value in service.tags.items()}
    return all(
        name.casefold() in present and any(value in ("*", present[name.casefold()]) for value in values)
        for name, values in wanted.items()
    )


def _any_pattern(patterns: Sequence[str], text: str) -> bool:
    return any(_fits(pattern.casefold(), text.casefold()) for pattern in patterns)


def _is_wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _fits(pattern: str, text: str) -> bool:
    """* stands for any text, ? for one character. Goes back to the last star only, so no pattern takes for ever."""
    at, star, mark, position = 0, -1, 0, 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at, position = at + 1, position + 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")
