"""Any value of a model type, from its annotations. Nothing is registered with Hypothesis: it would reach all tests."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

from hypothesis import strategies as st

from apimend.model.ids import InstanceId, ResourceId
from tests.storage.samples import instance, policy_of

INSTANCES = st.sampled_from([instance(), instance("APIM-b"), instance("c")])
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    # Texts as people and services write them, and lone surrogates, which JSON can carry and UTF-8 cannot.
    str: st.text(st.characters(exclude_categories=()), max_size=12),
    int: st.integers(),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    InstanceId: INSTANCES,
    ResourceId: INSTANCES | st.builds(policy_of, INSTANCES),
    types.NoneType: st.none(),
    datetime: st.builds(
        lambda seconds, zone: datetime.fromtimestamp(seconds, zone),
        st.integers(0, 4_000_000_000) | st.floats(0, 4_000_000_000),
        st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    ),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of this type."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, inner))
    if origin is Mapping:
        return st.dictionaries(values(inner[0]), values(inner[1]), max_size=3)
    if origin is frozenset:
        return st.frozensets(values(inner[0]), max_size=3)
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, inner))
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    hints = typing.get_type_hints(hint)
    return st.builds(hint, **{field.name: values(hints[field.name]) for field in dataclasses.fields(hint)})
