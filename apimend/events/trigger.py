"""
Whether an event rings, for whom, and how loud.

Failed writes, echoes of our own and children that we know nothing of ring at low priority: something may have
changed, and a look costs little. Reads by POST ring nothing, or a reader of secrets would wake itself for ever.
"""

from collections.abc import Collection
from datetime import datetime

from apimend.events.parsed import Concern, ParsedEvent
from apimend.model.ids import InstanceId
from apimend.model.runs import Cause, Trigger

_SCOPES = {
    "apis",
    "apis/operations",
    "apis/operations/policies",
    "apis/policies",
    "apis/releases",
    "apis/resolvers",
    "apis/resolvers/policies",
    "backends",
    "certificates",
    "namedvalues",
    "policies",
    "policyfragments",
    "products",
    "products/apilinks",
    "products/apis",
    "products/policies",
}
WATCHED = frozenset(
    {""}
    | _SCOPES
    | {"gateways", "gateways/apis", "gateways/certificateauthorities", "gateways/hostnameconfigurations"}
    | {"workspaces", *(f"workspaces/{scope}" for scope in _SCOPES)}
)
"""Types below the instance on which access depends, in lower case."""

_READS = ("list", "get", "check", "query", "validate", "generate", "connectivitycheck", "token")
_WRITES = frozenset({"refreshsecret", "updatehostname", "updatecertificate", "restore", "migratetostv2"})


def to_trigger(
    event: ParsedEvent, at: datetime, *, own: Collection[str] = (), instance: InstanceId | None = None
) -> Trigger | None:
    """
    The bell that this event rings; None where it rings nothing.

    `own` are our own client and principal ids, in lower case. `instance` is for events of a vault or a workspace
    gateway, which don't name the instances that use them: one that the caller knows to use it.
    """
    rung = event.instance or instance
    if rung is None or not event.understood or event.concern is Concern.NOTHING or _reads(event):
        return None
    return Trigger(
        cause=Cause.EVENT,
        instance=rung,
        at=at,
        touched=event.touched,
        event_id=event.id,
        operation=event.operation or event.type,
        by=event.by,
        client_request_id=event.client_request_id,
        urgent=_urgent(event, own),
    )


def _urgent(event: ParsedEvent, own: Collection[str]) -> bool:
    echo = not event.callers.isdisjoint(own)
    action = _action(event)
    return not event.failed and not echo and (action == "" or action in _WRITES) and _is_watched(event)


def _is_watched(event: ParsedEvent) -> bool:
    if event.instance is None or event.touched is None:
        return True
    types = event.touched.below_instance.casefold().split("/")[::2]
    if event.type.casefold().startswith(
        ("microsoft.apimanagement.circuitbreaker", "microsoft.apimanagement.gatewaytoken")
    ):
        return False
    return "/".join(types) in WATCHED


def _reads(event: ParsedEvent) -> bool:
    action = _action(event)
    return action not in _WRITES and action.startswith(_READS)


def _action(event: ParsedEvent) -> str:
    """The name of a POST action in lower case, empty for writes and deletes."""
    parts = event.operation.casefold().split("/")
    return parts[-2] if len(parts) > 1 and parts[-1] == "action" else ""
