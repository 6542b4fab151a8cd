"""
What a subscription's filter lets through.
"""

from __future__ import annotations

from typing import Any

import pytest

from emulator.events import BadFilter, Event, Filter
from emulator.events.resource_manager import resource_event
from tests.emulator.events.grid_harness import SERVICE, write

NAME = "Microsoft.ApiManagement/service/apis/write"


def event() -> Event:
    found = resource_event(write("apis/orders"), "id-1")
    assert found is not None
    return found


def admits(**raw: Any) -> bool:
    return Filter.parse(raw).admits(event())


def advanced(operator: str, key: str, *values: Any) -> bool:
    return admits(advancedFilters=[{"operatorType": operator, "key": key, "values": list(values)}])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param({}, True, id="nothing asked"),
        pytest.param({"includedEventTypes": ["Microsoft.Resources.ResourceWriteSuccess"]}, True, id="type"),
        pytest.param({"includedEventTypes": ["Microsoft.Resources.ResourceDeleteSuccess"]}, False, id="other type"),
        pytest.param({"subjectBeginsWith": SERVICE.upper()}, True, id="prefix without case"),
        pytest.param(
            {"subjectBeginsWith": SERVICE.upper(), "isSubjectCaseSensitive": True}, False, id="prefix with case"
        ),
        pytest.param({"subjectEndsWith": "/apis/orders"}, True, id="suffix"),
        pytest.param({"subjectEndsWith": "/apis/other"}, False, id="other suffix"),
    ],
)
def test_types_and_ends_of_the_subject(raw: dict[str, Any], expected: bool) -> None:
    """
    Event types and the ends of the subject are compared without case unless asked.
    """
    assert expected == admits(**raw)


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        pytest.param("StringIn", [NAME.upper()], True, id="in"),
        pytest.param("StringIn", ["x"], False, id="not in"),
        pytest.param("StringNotIn", [NAME], False, id="excluded"),
        pytest.param("StringBeginsWith", ["x", "Microsoft.ApiManagement/service"], True, id="one of two prefixes"),
        pytest.param("StringNotBeginsWith", ["Microsoft.KeyVault"], True, id="no such prefix"),
        pytest.param("StringEndsWith", ["/delete", "/write"], True, id="suffix"),
        pytest.param("StringNotEndsWith", ["/action"], True, id="no such suffix"),
        pytest.param("StringContains", ["APIS"], True, id="contains"),
        pytest.param("StringNotContains", ["apis"], False, id="contains what it must not"),
        pytest.param("IsNotNull", [], True, id="is there"),
        pytest.param("NumberGreaterThan", [1], False, id="no number"),
    ],
)
def test_advanced_filters_on_the_operation_name(operator: str, values: list[Any], expected: bool) -> None:
    """
    A value of one filter suffices; text is compared without case.
    """
    assert expected == advanced(operator, "data.operationName", *values)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("StringIn", False), ("StringNotIn", True), ("IsNullOrUndefined", True), ("IsNotNull", False)],
)
def test_a_missing_field(operator: str, expected: bool) -> None:
    """
    A field that isn't there passes the negations only.
    """
    assert expected == advanced(operator, "data.claims.nobody", "x")


def test_a_key_with_a_dot_cannot_be_reached() -> None:
    """
    The claims whose names are addresses can't be filtered on.
    """
    key = "data.claims.http://schemas.microsoft.com/identity/claims/objectidentifier"

    assert advanced("IsNullOrUndefined", key)


def test_all_filters_must_admit() -> None:
    """
    Filters are joined by and.
    """
    filters = [
        {"operatorType": "StringContains", "key": "data.operationName", "values": ["apis"]},
        {"operatorType": "StringIn", "key": "data.status", "values": ["Failed"]},
    ]

    assert not admits(advancedFilters=filters)


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param([{"operatorType": "StringIn", "key": "id", "values": ["x"] * 26}], id="values"),
        pytest.param([{"operatorType": "IsNotNull", "key": "id"}] * 26, id="filters"),
        pytest.param([{"operatorType": "StringIn", "key": "id", "values": ["x" * 513]}], id="long value"),
        pytest.param([{"operatorType": "Like", "key": "id", "values": ["x"]}], id="operator"),
    ],
)
def test_event_grids_limits_hold(filters: list[dict[str, Any]]) -> None:
    """
    A filter beyond Event Grid's limits is refused when it is made.
    """
    with pytest.raises(BadFilter):
        Filter.parse({"advancedFilters": filters})
