"""
How a call ends: the answers the gateway itself gives, and why it gave them.

Every stage of the gateway raises or returns these; the texts are Azure's where they are known. No decision is made
here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDict


@dataclass(frozen=True, kw_only=True)
class Response:
    """
    What goes back to the caller.
    """

    status: int = 200
    reason: str = ""
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """
    An error as `context.LastError` shows it, and the answer it gets unless on-error gives another.
    """

    source: str
    reason: str
    message: str
    response: Response


class NotEmulated(Exception):
    """
    An element, attribute or expression that this gateway does not play; the text says which.
    """


class PolicyFailed(Exception):
    """
    The call left its way and goes to on-error.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def refused(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """
    The gateway's own form of an error answer.
    """
    body = json.dumps({"statusCode": status, "message": message}).encode()
    return Response(
        status=status, headers=CIMultiDict({"Content-Type": "application/json", **(headers or {})}), body=body
    )


def failure(source: str, reason: str, status: int, message: str) -> Failure:
    return Failure(source=source, reason=reason, message=message, response=refused(status, message))


DENIED = {
    "SubscriptionKeyNotFound": "Access denied due to missing subscription key. "
    "Make sure to include subscription key when making requests to an API.",
    "SubscriptionKeyInvalid": "Access denied due to invalid subscription key. "
    "Make sure to provide a valid key for an active subscription.",
}


def denied(reason: str) -> Failure:
    return failure("authorization", reason, 401, DENIED[reason])


def not_found() -> Failure:
    return failure("configuration", "OperationNotFound", 404, "Resource not found")


def broken(source: str, reason: str, message: str) -> Failure:
    """
    A fault inside the gateway: the caller learns no more than that.
    """
    return Failure(source=source, reason=reason, message=message, response=refused(500, "Internal server error"))
