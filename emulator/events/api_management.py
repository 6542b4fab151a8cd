"""
The events an API Management instance raises itself, beside those of Azure Resource Manager.

Called for every write that the store announces. The instance knows few kinds of children and says nothing of its
own settings, of certificates, backends, named values or policies: whoever watches those needs the ARM source.
"""

from __future__ import annotations

import re

from emulator.events.event import Event, Family, timestamp
from emulator.events.resource_manager import verb_of
from emulator.store import Write, WriteStatus

# Collections that raise events, as they are written in operation names, and what their events are called.
KINDS = {
    "apis": "API",
    "apis/releases": "APIRelease",
    "products": "Product",
    "users": "User",
    "subscriptions": "Subscription",
    "gateways": "Gateway",
    "gateways/apis": "GatewayAPI",
    "gateways/hostnameconfigurations": "GatewayHostnameConfiguration",
    "gateways/certificateauthorities": "GatewayCertificateAuthority",
}
INSTANCE = re.compile(r"(?P<id>/subscriptions/[^/]+/.*?/service/[^/]+)(?P<child>/.+)", re.IGNORECASE)
PREFIX = "microsoft.apimanagement/service/"


def instance_event(write: Write, event_id: str) -> Event | None:
    """
    The instance's own event of one write; None where it has none.
    """
    kind = KINDS.get(_collection(write.operation_name))
    found = INSTANCE.fullmatch(write.resource_id)
    verb = _verb(write, kind or "")
    if kind is None or found is None or verb is None or write.status is not WriteStatus.SUCCEEDED:
        return None
    child = _with_revision(found["child"], kind, verb)
    return Event(
        id=event_id,
        family=Family.APIM,
        topic=found["id"],
        subject=child,
        type=f"Microsoft.ApiManagement.{kind}{verb}",
        time=timestamp(write.at),
        data={"resourceUri": found["id"] + child},
    )


def _collection(operation_name: str) -> str:
    name = operation_name.casefold()
    return name.removeprefix(PREFIX).rpartition("/")[0] if name.startswith(PREFIX) else ""


def _verb(write: Write, kind: str) -> str | None:
    verb = verb_of(write.operation_name)
    if kind == "GatewayAPI":
        return {"Write": "Added", "Delete": "Removed"}.get(verb)
    if verb == "Write":
        return "Created" if write.created else "Updated"
    return "Deleted" if verb == "Delete" else None


def _with_revision(child: str, kind: str, verb: str) -> str:
    """
    Updates and deletes of an API name its revision, with a capital R; the creation of the first one does not.
    """
    if kind != "API":
        return child
    name, _, revision = child.partition(";rev=")
    if not revision and verb == "Created":
        return child
    return f"{name};Rev={revision or 1}"
