"""
The policies this gateway plays, as far as client certificates are concerned; `STEPS` is the whole list.

The pipeline calls them. A step returns a Response to end the call, None to go on, or raises PolicyFailed to leave for
on-error. Those that make no difference to who is let through do nothing, and are listed as such. Values that are C#
expressions are not computed: a header, variable or URL given by one is left as it was. Tokens and keys that a policy
demands are looked for, never checked.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.gateway import guards, replies
from emulator.gateway.backends import Outgoing
from emulator.gateway.exchange import Exchange
from emulator.gateway.forwarding import forward
from emulator.gateway.outcome import NotEmulated, Response
from emulator.gateway.pipeline import Step
from emulator.policytext import Element, is_expression


async def set_variable(call: Exchange, element: Element) -> Response | None:
    call.variables[element.attributes.get("name", "")] = element.attributes.get("value", "")
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


async def send_request(call: Exchange, element: Element) -> Response | None:
    url = element.find("set-url")
    method = element.find("set-method")
    outgoing = Outgoing(method=method.text.strip() if method else "GET", url=url.text.strip() if url else "")
    await call.backends.send(outgoing, call.presented.backends, call.presented.now)
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
    "cache-lookup": replies.cache_lookup,
    "cache-store": replies.cache_store,
    "check-header": guards.check_header,
    "cors": replies.cors,
    "emit-metric": emit_metric,
    "forward-request": forward_request,
    "ip-filter": guards.ip_filter,
    "mock-response": replies.mock_response,
    "return-response": replies.return_response,
    "rewrite-uri": rewrite_uri,
    "send-one-way-request": send_request,
    "send-request": send_request,
    "set-backend-service": set_backend_service,
    "set-header": replies.set_header,
    "set-status": replies.set_status,
    "set-variable": set_variable,
    "trace": trace,
    "validate-client-certificate": guards.validate_client_certificate,
    "validate-jwt": guards.validate_jwt,
}


def _details(element: Element) -> dict[str, str]:
    """
    What is written inside a record: its attributes, message, dimensions.
    """
    inside = {one.attributes.get("name", one.name): one.attributes.get("value", one.text) for one in element.elements}
    return {**element.attributes, **inside}
