"""
What an event subscription lets through: event types, the subject's ends, advanced filters on fields.

Called for every event and subscription. Property names and limits are Event Grid's. Filters are joined by and, the
values of one filter by or; strings are compared without case unless the subject's case is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.events.event import Event, Json, Schema

MOST_FILTERS = 25
MOST_VALUES = 25
LONGEST_VALUE = 512

_MISSING = object()


class BadFilter(ValueError):
    """
    Event Grid would refuse the filter when the subscription is created.
    """


@dataclass(frozen=True, kw_only=True)
class AdvancedFilter:
    """
    One condition on one field. `key` is a path like `data.operationName`; a name that holds a dot can't be reached.
    """

    operator: str
    key: str
    values: tuple[Any, ...] = ()

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> AdvancedFilter:
        operator = str(raw.get("operatorType", ""))
        if operator not in OPERATORS:
            raise BadFilter(f"unknown operatorType {operator!r}")
        values = tuple(raw["values"]) if "values" in raw else (raw["value"],) if "value" in raw else ()
        if any(isinstance(value, str) and len(value) > LONGEST_VALUE for value in values):
            raise BadFilter(f"a value of {raw.get('key')!r} is longer than {LONGEST_VALUE} characters")
        return cls(operator=operator, key=str(raw["key"]), values=values)

    def admits(self, event: Mapping[str, Any], *, arrays: bool) -> bool:
        found = _field(event, self.key)
        candidates = found if arrays and isinstance(found, list) else [found]
        negated, test = OPERATORS[self.operator]
        hit = any(test(one, self.values) for one in candidates)
        return not hit if negated else hit


@dataclass(frozen=True, kw_only=True)
class Filter:
    """
    The whole filter of a subscription; the default lets everything through.
    """

    event_types: frozenset[str] | None = None
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    case_sensitive_subject: bool = False
    arrays: bool = False
    advanced: tuple[AdvancedFilter, ...] = ()

    def __post_init__(self) -> None:
        values = sum(len(one.values) for one in self.advanced)
        if len(self.advanced) > MOST_FILTERS or values > MOST_VALUES:
            raise BadFilter(f"at most {MOST_FILTERS} advanced filters with {MOST_VALUES} values in total")

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Filter:
        """
        The filter in the form of Event Grid's own API (`includedEventTypes`, `advancedFilters` …).
        """
        types: Sequence[str] | None = raw.get("includedEventTypes")
        return cls(
            event_types=frozenset(map(str.casefold, types)) if types else None,
            subject_begins_with=str(raw.get("subjectBeginsWith") or ""),
            subject_ends_with=str(raw.get("subjectEndsWith") or ""),
            case_sensitive_subject=bool(raw.get("isSubjectCaseSensitive", False)),
            arrays=bool(raw.get("enableAdvancedFilteringOnArrays", False)),
            advanced=tuple(map(AdvancedFilter.parse, raw.get("advancedFilters") or ())),
        )

    def admits(self, event: Event) -> bool:
        if self.event_types is not None and event.type.casefold() not in self.event_types:
            return False
        fold = str if self.case_sensitive_subject else str.casefold
        subject = fold(event.subject)
        if not subject.startswith(fold(self.subject_begins_with)) or not subject.endswith(fold(self.subject_ends_with)):
            return False
        fields = _fields(event)
        return all(one.admits(fields, arrays=self.arrays) for one in self.advanced)


def _fields(event: Event) -> Json:
    """
    An event under the field names of both schemas, as filters may use either.
    """
    return event.rendered(Schema.CLOUD_EVENTS) | event.rendered(Schema.EVENT_GRID)


def _field(event: Mapping[str, Any], key: str) -> Any:
    found: Any = event
    for name in key.split("."):
        if not isinstance(found, Mapping):
            return _MISSING
        folded = {str(one).casefold(): value for one, value in found.items()}
        found = folded.get(name.casefold(), _MISSING)
    return found


def _text(compare: Callable[[str, str], bool]) -> Callable[[Any, Sequence[Any]], bool]:
    def test(found: Any, values: Sequence[Any]) -> bool:
        return isinstance(found, str) and any(compare(found.casefold(), str(v).casefold()) for v in values)

    return test


def _number(compare: Callable[[float, Any], bool]) -> Callable[[Any, Sequence[Any]], bool]:
    def test(found: Any, values: Sequence[Any]) -> bool:
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        return is_number and any(compare(found, value) for value in values)

    return test


def _is_null(found: Any, _values: Sequence[Any]) -> bool:
    return found is _MISSING or found is None


def _bool_equals(found: Any, values: Sequence[Any]) -> bool:
    return isinstance(found, bool) and found in values


# Operator: whether it is a negation (which admits a missing field), and its test.
OPERATORS: Mapping[str, tuple[bool, Callable[[Any, Sequence[Any]], bool]]] = {
    "StringIn": (False, _text(lambda found, value: found == value)),
    "StringNotIn": (True, _text(lambda found, value: found == value)),
    "StringBeginsWith": (False, _text(str.startswith)),
    "StringNotBeginsWith": (True, _text(str.startswith)),
    "StringEndsWith": (False, _text(str.endswith)),
    "StringNotEndsWith": (True, _text(str.endswith)),
    "StringContains": (False, _text(lambda found, value: value in found)),
    "StringNotContains": (True, _text(lambda found, value: value in found)),
    "NumberIn": (False, _number(lambda found, value: found == value)),
    "NumberNotIn": (True, _number(lambda found, value: found == value)),
    "NumberLessThan": (False, _number(lambda found, value: found < value)),
    "NumberLessThanOrEquals": (False, _number(lambda found, value: found <= value)),
    "NumberGreaterThan": (False, _number(lambda found, value: found > value)),
    "NumberGreaterThanOrEquals": (False, _number(lambda found, value: found >= value)),
    "NumberInRange": (False, _number(lambda found, value: value[0] <= found <= value[1])),
    "NumberNotInRange": (True, _number(lambda found, value: value[0] <= found <= value[1])),
    "BoolEquals": (False, _bool_equals),
    "IsNullOrUndefined": (False, _is_null),
    "IsNotNull": (True, _is_null),
}
