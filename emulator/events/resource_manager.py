"""
The events Azure Resource Manager raises for a write, delete or action, whoever sent it.

Called for every write that the store announces. The event says who did what to which resource and never holds the
resource itself. Field names and their quirks follow the documented examples; older forms that tools may still meet
(strings instead of objects, ids in other case) are switches of `Quirks`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.events.event import Event, Family, Json, timestamp
from emulator.store import Write, WriteStatus

SCHEMAS_XMLSOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
SCHEMAS_MICROSOFT = "http://schemas.microsoft.com/identity/claims/"
SCHEMAS_CLAIMS = "http://schemas.microsoft.com/claims/"

# A token's claim names, and what Azure Resource Manager calls them.
CLAIM_NAMES = {
    "oid": SCHEMAS_MICROSOFT + "objectidentifier",
    "tid": SCHEMAS_MICROSOFT + "tenantid",
    "idp": SCHEMAS_MICROSOFT + "identityprovider",
    "scp": SCHEMAS_MICROSOFT + "scope",
    "sub": SCHEMAS_XMLSOAP + "nameidentifier",
    "upn": SCHEMAS_XMLSOAP + "upn",
    "unique_name": SCHEMAS_XMLSOAP + "name",
    "acr": SCHEMAS_CLAIMS + "authnclassreference",
    "amr": SCHEMAS_CLAIMS + "authnmethodsreferences",
}

# What an assignment looks like that Resource Manager can't name: documented for classic administrators.
NO_EVIDENCE: Mapping[str, Any] = {"role": "Subscription Admin"}

Evidence = Callable[[Write], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """
    Forms of the ARM event that were documented or reported, and are not the usual one.
    """

    # Before data version 2, authorization, claims and httpRequest were JSON in a string.
    strings: bool = False
    # The documented write example has `resourcegroups`, the delete example `resourceGroups`.
    lower_case_groups: bool = False


def resource_event(
    write: Write, event_id: str, evidence: Evidence = lambda write: NO_EVIDENCE, quirks: Quirks = Quirks()
) -> Event | None:
    """
    The event of one write; None for a resource outside every subscription, which no topic covers.
    """
    subscription = subscription_of(write.resource_id)
    if not subscription:
        return None
    resource_id = write.resource_id
    if quirks.lower_case_groups:
        resource_id = resource_id.replace("/resourceGroups/", "/resourcegroups/")
    data = _data(write, resource_id, subscription, evidence(write))
    if quirks.strings:
        data |= {key: json.dumps(data[key]) for key in ("authorization", "claims", "httpRequest") if key in data}
    return Event(
        id=event_id,
        family=Family.ARM,
        topic=f"/subscriptions/{subscription}",
        subject=resource_id,
        type=f"Microsoft.Resources.Resource{verb_of(write.operation_name)}{_ending(write.status)}",
        time=timestamp(write.at),
        data=data,
        data_version="1" if quirks.strings else "2",
    )


def _data(write: Write, resource_id: str, subscription: str, evidence: Mapping[str, Any]) -> Json:
    data: Json = {
        "authorization": {"scope": resource_id, "action": write.operation_name, "evidence": dict(evidence)},
        "claims": claims_of(write.claims),
        "correlationId": write.correlation_id,
    }
    if not write.created:
        data["httpRequest"] = {
            "clientRequestId": write.client_request_id,
            "clientIpAddress": str(write.claims.get("ipaddr", "127.0.0.1")),
            "method": write.method,
            "url": write.url,
        }
    return data | {
        "resourceProvider": write.operation_name.partition("/")[0],
        "resourceUri": resource_id,
        "operationName": write.operation_name,
        "status": write.status.value,
        "subscriptionId": subscription,
        "tenantId": str(write.claims.get("tid", "")),
    }


def claims_of(claims: Mapping[str, Any]) -> Json:
    """
    A token's claims under the names, and as the strings, that events carry.
    """
    return {CLAIM_NAMES.get(name, name): _text(value) for name, value in claims.items()}


def subscription_of(resource_id: str) -> str:
    segments = resource_id.split("/")
    return segments[2] if len(segments) > 2 and segments[1].casefold() == "subscriptions" else ""


def verb_of(operation_name: str) -> str:
    """
    Write, Delete or Action: PUT and PATCH are both writes, POST is an action even where it only reads.
    """
    last = operation_name.rpartition("/")[2].casefold()
    return last.capitalize() if last in {"write", "delete"} else "Action"


def _ending(status: WriteStatus) -> str:
    return {"Succeeded": "Success", "Failed": "Failure"}.get(status.value, "Cancel")


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
