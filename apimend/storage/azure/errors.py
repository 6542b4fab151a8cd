"""
Azure Storage's errors translated once: into our tree, with status, code and request id, and without a body.

Called by the backends beside it. What a backend expects (not found, already there, condition not met) it handles
itself before this sees it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from apimend.model.errors import ApimendError, Denied, Rejected, Throttled, Unavailable

MISSING_PLACE = frozenset({"TableNotFound", "ContainerNotFound", "QueueNotFound"})
NOT_THERE = 404
CONFLICT = 409
CONDITION_NOT_MET = 412
_FORBIDDEN = frozenset({401, 403})
_THROTTLED = 429


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Errors of Azure's libraries as ours. `what` says what was tried, for people."""
    try:
        yield
    except ClientAuthenticationError as error:
        raise Denied(f"{what}: no access to the storage account ({code_of(error) or 'no token'}).") from error
    except HttpResponseError as error:
        raise _of_response(what, error) from error
    except AzureError as error:  # no connection, a reset, a time-out
        raise Unavailable(f"{what}: no answer from the storage account ({type(error).__name__}).") from error


def code_of(error: AzureError) -> str:
    """Azure's code for what went wrong; empty where it gave none."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or _header(error, "x-ms-error-code"))


def _of_response(what: str, error: HttpResponseError) -> ApimendError:
    status, code = error.status_code or 0, code_of(error)
    request_id = _header(error, "x-ms-request-id")
    said = f"{what}: the storage account answered {status} {code}".rstrip() + "."
    if status in _FORBIDDEN:
        return Denied(said, code=code, status=status, request_id=request_id)
    if status == _THROTTLED:
        return Throttled(said, after=_retry_after(error), code=code, request_id=request_id)
    if not status or status >= 500 or status == CONFLICT:
        return Unavailable(said, after=_retry_after(error), code=code, request_id=request_id)
    return Rejected(said, code=code, status=status, request_id=request_id)


def _retry_after(error: HttpResponseError) -> float | None:
    told = _header(error, "Retry-After")
    return float(told) if told.isdigit() else None


def _header(error: AzureError, name: str) -> str:
    headers = getattr(getattr(error, "response", None), "headers", {})
    return str(headers.get(name) or "")
