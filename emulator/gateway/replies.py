"""
Policies that answer the caller themselves, or change what the answer looks like.

Steps of `elements`. A step that returns a Response ends the call there: nothing below it sees the caller.
"""

from __future__ import annotations

from datetime import timedelta

from multidict import CIMultiDict

from emulator.gateway.cors import Browser, simple
from emulator.gateway.exchange import Cached, Exchange
from emulator.gateway.outcome import Failure, NotEmulated, Response
from emulator.gateway.values import number
from emulator.policytext import Element, is_expression


async def cors(call: Exchange, element: Element) -> Response | None:
    browser = Browser.of(call.asked.message.headers)
    if not browser.origin:
        return None
    found = simple(element, browser, call.asked.method)
    if isinstance(found, Response):
        return found
    call.answer_headers.update(found)
    return None


async def return_response(call: Exchange, element: Element) -> Response | None:
    status, headers, body = element.find("set-status"), CIMultiDict[str](), element.find("set-body")
    for one in element.elements:
        if one.name == "set-header":
            _set_header(headers, one)
        elif one.name not in ("set-status", "set-body"):
            raise NotEmulated(f"{one.name} inside return-response")
    return Response(
        status=number(status, "code", 200) if status else 200,
        reason=status.attributes.get("reason", "") if status else "",
        headers=headers,
        body=body.text.strip().encode() if body else b"",
    )


async def mock_response(call: Exchange, element: Element) -> Response | None:
    return Response(status=number(element, "status-code", 200))


async def set_status(call: Exchange, element: Element) -> Response | None:
    if call.failure is not None:
        changed = call.failure.response
        status = number(element, "code", changed.status)
        call.failure = Failure(
            source=call.failure.source,
            reason=call.failure.reason,
            message=call.failure.message,
            response=Response(status=status, headers=changed.headers, body=changed.body),
        )
    return None


async def set_header(call: Exchange, element: Element) -> Response | None:
    headers = call.headers if call.failure is None else call.answer_headers
    _set_header(headers, element)
    return None


async def cache_lookup(call: Exchange, element: Element) -> Response | None:
    """
    What is in the cache goes out at once: whoever asks here is not asked for anything that stands below.
    """
    kept = call.cache.get(call.cache_key)
    return kept.response if kept and kept.until > call.presented.now else None


async def cache_store(call: Exchange, element: Element) -> Response | None:
    """
    Keep the response of a GET; `outbound` calls it with the response at hand.
    """
    if call.asked.method == "GET" and call.received is not None:
        until = call.presented.now + timedelta(seconds=number(element, "duration", 0))
        call.cache[call.cache_key] = Cached(response=call.received, until=until)
    return None


def _set_header(headers: CIMultiDict[str], element: Element) -> None:
    name, action = element.attributes.get("name", ""), element.attributes.get("exists-action", "override")
    values = [one.text.strip() for one in element.elements if one.name == "value"]
    if action == "delete":
        headers.popall(name, None)
    elif not any(is_expression(value) for value in values) and not (action == "skip" and name in headers):
        if action == "override":
            headers.popall(name, None)
        for value in values:
            headers.add(name, value)
