"""
The policies this gateway plays, as far as client certificates are concerned; `STEPS` is the whole list.

The pipeline calls them. A step returns a Response to end the call, None to go on, or raises PolicyFailed to leave for
on-error. Those that make no difference to who is let through do nothing, and are listed as such. Values that are C#
expressions are not computed: a header, variable or URL given by one is left as it was. Tokens and keys that a policy
demands are looked for, never checked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta

from multidict import CIMultiDict

from emulator.gateway.backends import Outgoing
from emulator.gateway.cors import Browser, simple
from emulator.gateway.exchange import Cached, Exchange
from emulator.gateway.expressions import NotEmulated
from emulator.gateway.forwarding import forward
from emulator.gateway.outcome import Failure, PolicyFailed, Response, failure, refused
from emulator.gateway.pipeline import Step
from emulator.gateway.validation import ignores_errors, refusal
from emulator.policytext import Element, is_expression


async def validate_client_certificate(call: Exchange, element: Element) -> Response | None:
    reason = refusal(element, call.presented)
    if not reason or ignores_errors(element):
        return None
    raise PolicyFailed(
        failure(
            element.name,
            call.options.invalid_certificate_reason,
            call.options.invalid_certificate_status,
            reason,
        )
    )


async def cors(call: Exchange, element: Element) -> Response | None:
    browser = Browser.of(call.asked.message.headers)
    if not browser.origin:
        return None
    found = simple(element, browser, call.asked.method)
    if isinstance(found, Response):
        return found
    call.answer_headers.update(found)
    return None


async def ip_filter(call: Exchange, element: Element) -> Response | None:
    try:
        named = any(_includes(one, call.address) for one in element.elements)
    except (ValueError, KeyError) as odd:
        raise NotEmulated(f"{element.inner.strip()} inside ip-filter") from odd
    if named == (element.attributes.get("action") == "allow"):
        return None
    message = f"Caller IP address {call.address} is not allowed. Access denied."
    raise PolicyFailed(failure(element.name, "CallerIpNotAllowed", 403, message))


async def check_header(call: Exchange, element: Element) -> Response | None:
    name = element.attributes.get("name", "")
    value = call.asked.message.headers.get(name)
    allowed = [one.text for one in element.elements if one.name == "value"]
    if element.attributes.get("ignore-case", "").casefold() == "true":
        value, allowed = value and value.casefold(), [one.casefold() for one in allowed]
    if value is not None and (not allowed or value in allowed):
        return None
    raise PolicyFailed(
        _demanded(
            element,
            "HeaderNotFound" if value is None else "HeaderValueNotAllowed",
            _number(element, "failed-check-httpcode", 401),
            element.attributes.get("failed-check-error-message", f"Header {name} was not found in the request."),
        )
    )


async def validate_jwt(call: Exchange, element: Element) -> Response | None:
    if element.attributes.get("header-name", "Authorization") in call.asked.message.headers:
        return None
    raise PolicyFailed(
        _demanded(
            element,
            "TokenNotPresent",
            _number(element, "failed-validation-httpcode", 401),
            element.attributes.get("failed-validation-error-message", "JWT not present."),
        )
    )


async def set_variable(call: Exchange, element: Element) -> Response | None:
    call.variables[element.attributes.get("name", "")] = element.attributes.get("value", "")
    return None


async def set_header(call: Exchange, element: Element) -> Response | None:
    headers = call.headers if call.failure is None else call.answer_headers
    _set_header(headers, element)
    return None


async def rewrite_uri(call: Exchange, element: Element) -> Response | None:
    template = element.attributes.get("template", "")
    if call.target and not is_expression(template):
        for name, value in call.target.values.items():
            template = template.replace("{" + name + "}", value)
        call.path = template
    return None


async def set_backend_service(call: Exchange, element: Element) -> Response | None:
    base, backend = (element.attributes.get(name, "") for name in ("base-url", "backend-id"))
    if base and not is_expression(base):
        call.base_url, call.backend = base, None
    if backend and not is_expression(backend):
        call.backend = call.estate.store.get(f"{call.owner.id}/backends/{backend}")
        if call.backend is None:
            raise NotEmulated(f"a backend {backend} that does not exist")
    return None


async def authentication_certificate(call: Exchange, element: Element) -> Response | None:
    call.own_certificate = element.attributes.get("certificate-id") or element.attributes.get("thumbprint", "")
    return None


async def trace(call: Exchange, element: Element) -> Response | None:
    call.record(element.name, element.attributes.get("source", ""), _details(element))
    return None


async def emit_metric(call: Exchange, element: Element) -> Response | None:
    call.record(element.name, element.attributes.get("name", ""), _details(element))
    return None


async def return_response(call: Exchange, element: Element) -> Response | None:
    status, headers, body = element.find("set-status"), CIMultiDict[str](), element.find("set-body")
    for one in element.elements:
        if one.name == "set-header":
            _set_header(headers, one)
        elif one.name not in ("set-status", "set-body"):
            raise NotEmulated(f"{one.name} inside return-response")
    return Response(
        status=_number(status, "code", 200) if status else 200,
        reason=status.attributes.get("reason", "") if status else "",
        headers=headers,
        body=body.text.strip().encode() if body else b"",
    )


async def mock_response(call: Exchange, element: Element) -> Response | None:
    return Response(status=_number(element, "status-code", 200))


async def set_status(call: Exchange, element: Element) -> Response | None:
    if call.failure is not None:
        changed = call.failure.response
        status = _number(element, "code", changed.status)
        call.failure = Failure(
            source=call.failure.source,
            reason=call.failure.reason,
            message=call.failure.message,
            response=Response(status=status, headers=changed.headers, body=changed.body),
        )
    return None


async def send_request(call: Exchange, element: Element) -> Response | None:
    url = element.find("set-url")
    method = element.find("set-method")
    outgoing = Outgoing(
        method=method.text.strip() if method else "GET",
        url=url.text.strip() if url else "",
        certificate=None,
    )
    await call.backends.send(outgoing, call.presented.trust, call.presented.now)
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
        until = call.presented.now + timedelta(seconds=_number(element, "duration", 0))
        call.cache[call.cache_key] = Cached(response=call.received, until=until)
    return None


async def forward_request(call: Exchange, element: Element) -> Response | None:
    call.received = await forward(call)
    return call.received


async def nothing(call: Exchange, element: Element) -> Response | None:
    return None


NO_DIFFERENCE = (
    "authentication-basic",
    "authentication-managed-identity",
    "find-and-replace",
    "log-to-eventhub",
    "quota",
    "quota-by-key",
    "rate-limit",
    "rate-limit-by-key",
    "set-body",
    "set-method",
    "set-query-parameter",
)
STEPS: Mapping[str, Step] = {
    **dict.fromkeys(NO_DIFFERENCE, nothing),
    "authentication-certificate": authentication_certificate,
    "cache-lookup": cache_lookup,
    "cache-store": cache_store,
    "check-header": check_header,
    "cors": cors,
    "emit-metric": emit_metric,
    "forward-request": forward_request,
    "ip-filter": ip_filter,
    "mock-response": mock_response,
    "return-response": return_response,
    "rewrite-uri": rewrite_uri,
    "send-one-way-request": send_request,
    "send-request": send_request,
    "set-backend-service": set_backend_service,
    "set-header": set_header,
    "set-status": set_status,
    "set-variable": set_variable,
    "trace": trace,
    "validate-client-certificate": validate_client_certificate,
    "validate-jwt": validate_jwt,
}


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


def _details(element: Element) -> dict[str, str]:
    """
    What is written inside a record: its attributes, message, dimensions.
    """
    inside = {one.attributes.get("name", one.name): one.attributes.get("value", one.text) for one in element.elements}
    return {**element.attributes, **inside}


def _demanded(element: Element, reason: str, status: int, message: str) -> Failure:
    return Failure(source=element.name, reason=reason, message=message, response=refused(status, message))


def _number(element: Element, name: str, otherwise: int) -> int:
    value = element.attributes.get(name, str(otherwise))
    if not value.isdecimal():
        raise NotEmulated(f"{name}={value} of {element.name}")
    return int(value)


def _includes(element: Element, address: str) -> bool:
    caller = ipaddress.ip_address(address)
    if element.name == "address":
        return ipaddress.ip_address(element.text.strip()) == caller
    if element.name != "address-range":
        raise NotEmulated(f"{element.name} inside ip-filter")
    first, last = (ipaddress.ip_address(element.attributes[end]) for end in ("from", "to"))
    return first.version == caller.version and int(first) <= int(caller) <= int(last)
