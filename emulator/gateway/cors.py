"""
`cors`: a browser's preflight is answered from here, before any other policy runs; a simple call may end here too.

The runner asks. An origin that a `cors` does not know ends with an empty 200 unless `terminate-unmatched-request` is
false; that is documented, and never reaches a backend.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from multidict import CIMultiDict

from emulator.gateway.outcome import Response
from emulator.policytext import Element

ANY = "*"


@dataclass(frozen=True, kw_only=True)
class Browser:
    """
    What a browser tells of a cross-origin call.
    """

    origin: str
    method: str
    headers: tuple[str, ...] = ()

    @classmethod
    def of(cls, headers: CIMultiDict[str]) -> Browser:
        wanted = headers.get("Access-Control-Request-Headers", "")
        return cls(
            origin=headers.get("Origin", ""),
            method=headers.get("Access-Control-Request-Method", ""),
            headers=tuple(name.strip().casefold() for name in wanted.split(",") if name.strip()),
        )


def preflight(policies: Iterable[Element], browser: Browser) -> Response:
    """
    The answer to a preflight: of the first policy that knows the origin, else empty.
    """
    for element in policies:
        if _allows(element, browser):
            return Response(headers=_headers(element, browser, preflight=True))
        if _terminates(element):
            break
    return Response()


def simple(element: Element, browser: Browser, method: str) -> CIMultiDict[str] | Response:
    """
    Headers for the answer to a plain cross-origin call, or the empty answer that ends it.
    """
    if _knows_origin(element, browser):
        return _headers(element, browser, preflight=False)
    return Response() if method in ("GET", "HEAD") and _terminates(element) else CIMultiDict()


def _allows(element: Element, browser: Browser) -> bool:
    methods = _values(element, "allowed-methods", "method") or {"get", "post"}
    headers = _values(element, "allowed-headers", "header")
    return (
        _knows_origin(element, browser)
        and bool(methods & {ANY, browser.method.casefold()})
        and (ANY in headers or set(browser.headers) <= headers)
    )


def _knows_origin(element: Element, browser: Browser) -> bool:
    return bool(_values(element, "allowed-origins", "origin") & {ANY, browser.origin.casefold()})


def _values(element: Element, group: str, item: str) -> set[str]:
    found = element.find(group)
    return {one.text.strip().casefold() for one in found.elements if one.name == item} if found else set()


def _terminates(element: Element) -> bool:
    return element.attributes.get("terminate-unmatched-request", "true").casefold() != "false"


def _headers(element: Element, browser: Browser, *, preflight: bool) -> CIMultiDict[str]:
    headers = CIMultiDict({"Access-Control-Allow-Origin": browser.origin})
    if element.attributes.get("allow-credentials", "false").casefold() == "true":
        headers["Access-Control-Allow-Credentials"] = "true"
    if preflight:
        headers["Access-Control-Allow-Methods"] = browser.method
        headers["Access-Control-Allow-Headers"] = ",".join(browser.headers)
    return headers
