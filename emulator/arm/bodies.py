"""
Two steps that every route of ARM shares: reading a JSON body, and cutting a list into pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from emulator.arm.errors import arm_error
from emulator.arm.provider import Provider
from emulator.http import Answer, Call, Layout
from emulator.store import Json


def body_of(call: Call) -> Mapping[str, Any]:
    """
    The JSON object of a request.
    """
    try:
        found = call.json() if call.body else {}
    except ValueError as broken:
        raise arm_error(
            400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{broken}'."
        ) from broken
    if not isinstance(found, Mapping):
        raise arm_error(400, "InvalidRequestContent", "The request content must be a JSON object.")
    return found


def page(
    provider: Provider,
    call: Call,
    items: Sequence[Any],
    show: Callable[[Any], Json] = lambda item: item,
    *,
    count: bool = True,
    layout: Layout = Layout.COMPACT,
) -> Answer:
    """
    One page of a list: `value`, the total as `count`, and `nextLink` where more follows. Only what stands on the page
    is brought into the form that `show` gives it.
    """
    top = int(call.query.get("$top", provider.options.page_size))
    skip = int(call.query.get("$skip", "0"))
    size = min(top, provider.options.page_size)
    shown = [show(one) for one in items[skip : skip + size]]
    body: Json = {"value": [_other_case(one) for one in shown] if provider.options.mixed_case else shown}
    if count:
        body["count"] = len(items)
    if skip + size < len(items):
        body["nextLink"] = _next(provider, call, skip + size)
    return Answer(body=body, layout=layout)


def _other_case(item: Json) -> Json:
    """
    An item with its id written as another part of Azure would write it; revisions have none.
    """
    if "id" not in item:
        return item
    other = str(item["id"]).replace("/resourceGroups/", "/resourcegroups/").replace("/Microsoft.", "/microsoft.")
    return {**item, "id": other}


def _next(provider: Provider, call: Call, skip: int) -> str:
    kept = {**call.query, "$skip": str(skip)}
    query = "&".join(f"{name}={quote(value)}" for name, value in kept.items())
    return f"{provider.azure.endpoints.arm}{call.path}?{query}"
