"""
Policies that turn callers away: by certificate, address, header or token.

Steps of `elements`. Each lets the call go on or raises PolicyFailed for on-error. Tokens and keys that a policy demands
are looked for, never checked.
"""

from __future__ import annotations

import ipaddress

from emulator.gateway.exchange import Exchange
from emulator.gateway.outcome import Failure, NotEmulated, PolicyFailed, Response, failure, refused
from emulator.gateway.validation import ignores_errors, refusal
from emulator.gateway.values import number
from emulator.policytext import Element


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
            number(element, "failed-check-httpcode", 401),
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
            number(element, "failed-validation-httpcode", 401),
            element.attributes.get("failed-validation-error-message", "JWT not present."),
        )
    )


def _demanded(element: Element, reason: str, status: int, message: str) -> Failure:
    return Failure(source=element.name, reason=reason, message=message, response=refused(status, message))


def _includes(element: Element, address: str) -> bool:
    caller = ipaddress.ip_address(address)
    if element.name == "address":
        return ipaddress.ip_address(element.text.strip()) == caller
    if element.name != "address-range":
        raise NotEmulated(f"{element.name} inside ip-filter")
    first, last = (ipaddress.ip_address(element.attributes[end]) for end in ("from", "to"))
    return first.version == caller.version and int(first) <= int(caller) <= int(last)
