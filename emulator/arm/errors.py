"""
Error answers of the two back ends behind the one host, and of Azure Resource Manager itself.

Recorded: the resource provider writes `details` and `innerError`, the management API `details` only, ARM neither (and
adds a failure cause). All three write compact JSON.
"""

from __future__ import annotations

from typing import Any

from multidict import CIMultiDict

from emulator.http import Answer, Refusal

GATEWAY = {"x-ms-failure-cause": "gateway"}


def provider_error(status: int, code: str, message: str, details: Any = None) -> Refusal:
    """
    An error of the resource provider: service resource, long-running operations.
    """
    error = {"code": code, "message": message, "details": details, "innerError": None}
    return Refusal(Answer(status=status, body={"error": error}))


def management_error(status: int, code: str, message: str, details: Any = None) -> Refusal:
    """
    An error of the management API: everything below a service.
    """
    return Refusal(Answer(status=status, body={"error": {"code": code, "message": message, "details": details}}))


def arm_error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Refusal:
    """
    An error of Azure Resource Manager, before any provider sees the call.
    """
    return Refusal(
        Answer(
            status=status,
            body={"error": {"code": code, "message": message}},
            headers=CIMultiDict({**GATEWAY, **(headers or {})}),
        )
    )


def validation(target: str, message: str) -> Refusal:
    """
    A field that the management API refuses.
    """
    details = [{"code": "ValidationError", "target": target, "message": message}]
    return management_error(400, "ValidationError", "One or more fields contain incorrect values:", details)


def not_found(kind: str) -> Refusal:
    return management_error(404, "ResourceNotFound", f"{kind} not found.")


def precondition_failed() -> Refusal:
    """
    The text was reported from the field, never recorded.
    """
    return management_error(
        412, "PreconditionFailed", "Resource was modified since last retrieval by other client. Please retry."
    )


def locked(name: str) -> Refusal:
    """
    The service is being updated. No Retry-After comes with it.
    """
    return provider_error(
        409,
        "ServiceLocked",
        f"The API Service {name} is transitioning at this time. Please try the request again later.",
    )


def service_missing(name: str, group: str) -> Refusal:
    return arm_error(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.ApiManagement/service/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def group_missing(group: str) -> Refusal:
    return arm_error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def method_not_allowed(method: str, allowed: tuple[str, ...]) -> Refusal:
    return Refusal(
        Answer(
            status=405,
            body={"Message": f"The requested resource does not support http method '{method}'."},
            headers=CIMultiDict({"Allow": ",".join(sorted(allowed, key=_allow_order))}),
        )
    )


def _allow_order(method: str) -> int:
    return ["HEAD", "GET", "PUT", "PATCH", "POST", "DELETE"].index(method)


def empty_not_found() -> Refusal:
    """
    A path the management API can't route: 404 without any body.
    """
    return Refusal(Answer(status=404, content_type=""))
