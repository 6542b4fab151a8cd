"""
Library errors become ours, once and here.

Which 409 and 422 pass by themselves and which need a person: `_LATER` and `_PERSON`. Bodies are cut, and no
secret is in them: ARM's errors name resources, not values.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from apimend.model.errors import ApimendError, Busy, Changed, Denied, Gone, Rejected, Throttled, Unavailable

_LATER = {
    "servicelocked",
    "pessimisticconcurrencyconflict",
    "managementapirequestfailed",
    "anotheroperationinprogress",
    "conflict",
    "operationinprogress",
}
_PERSON = {
    "scopelocked",
    "authorizationfailed",
    "linkedauthorizationfailed",
    "requestdisallowedbypolicy",
    "requestdisallowedbyazure",
    "readonlydisabledsubscription",
}
_LONGEST = 600
_NO_ADDRESS = getattr(socket, "EAI_NODATA", socket.EAI_NONAME)

UNKNOWN_NAME = "UnknownName"
"""The code of a host that nobody knows: a vault that is gone, or one behind a private DNS zone."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise azure-core's errors as ours, saying what was tried."""
    try:
        yield
    except HttpResponseError as error:
        raise _from_answer(what, error) from error
    except ServiceRequestError as error:
        if _is_unknown_name(error):
            why = "its name is not known here: it does not exist, or only a network of its own knows it"
            raise Denied(f"{what}: {why}", code=UNKNOWN_NAME) from error
        raise Unavailable(f"{what}: no answer ({type(error).__name__})") from error
    except ServiceResponseError as error:
        raise Unavailable(f"{what}: no answer ({type(error).__name__})") from error
    except AzureError as error:
        raise Unavailable(f"{what}: {_cut(str(error))}") from error


def _is_unknown_name(error: ServiceRequestError) -> bool:
    """Whether the resolver has said that there is no such name, rather than that it can't tell now."""
    cause = getattr(error.inner_exception, "os_error", None)
    return isinstance(cause, socket.gaierror) and cause.errno in (socket.EAI_NONAME, _NO_ADDRESS)


def _from_answer(what: str, error: HttpResponseError) -> ApimendError:
    status = int(error.status_code or 0)
    code, message = _envelope(error)
    request_id = _header(error, "x-ms-request-id")
    text = f"{what}: {status} {code}: {message}".replace(" : ", ": ")
    lowered = code.casefold()
    if lowered in _PERSON or status in (401, 403) or (not status and isinstance(error, ClientAuthenticationError)):
        return Denied(text, code=code, status=status, request_id=request_id)
    if status == 404:
        return Gone(text, code=code, status=status, request_id=request_id)
    if status == 412:
        return Changed(text, code=code, request_id=request_id)
    if status == 429:
        return Throttled(text, after=_retry_after(error), code=code, request_id=request_id)
    if status in (409, 422, 400) and (lowered in _LATER or "is transitioning at this time" in message):
        return Busy(text, after=_retry_after(error), code=code, request_id=request_id)
    if status == 408 or status >= 500 or not status:
        return Unavailable(text, after=_retry_after(error), code=code, request_id=request_id)
    return Rejected(text, code=code, status=status, request_id=request_id)


def _envelope(error: HttpResponseError) -> tuple[str, str]:
    """Code and message of an ARM error; both empty where the body is no envelope (a 404 may have none)."""
    try:
        body: Any = json.loads(error.response.text()) if error.response is not None else {}
    except (ValueError, AttributeError, AzureError):
        body = {}
    found = body.get("error", body) if isinstance(body, dict) else {}
    if not isinstance(found, dict):
        return "", ""
    details = found.get("details") or []
    more = " ".join(str(d.get("message", "")) for d in details if isinstance(d, dict))
    inner = found.get("innererror")
    code = str(found.get("code") or "")
    if isinstance(inner, dict) and inner.get("code"):
        code = f"{code}/{inner['code']}" if code else str(inner["code"])
    return code, _cut(f"{found.get('message') or ''} {more}".strip())


def _retry_after(error: HttpResponseError) -> float | None:
    text = _header(error, "Retry-After")
    return float(text) if text.isdigit() else None


def _header(error: HttpResponseError, name: str) -> str:
    headers: Any = getattr(error.response, "headers", {})
    return str(headers.get(name, ""))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
