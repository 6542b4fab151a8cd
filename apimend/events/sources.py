"""
What each source puts into its events: Azure Resource Manager, API Management, Key Vault, Resource Notifications.

Names are looked up without case and white space, because documented examples disagree with the schemas.
https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions and its neighbours.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from apimend.events.parsed import Concern, ParsedEvent, Schema
from apimend.model.errors import BadInput
from apimend.model.ids import ResourceId

_LONGEST = 2048
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"

VAULT_TYPE = "microsoft.keyvault/vaults"
GATEWAY_TYPE = "microsoft.apimanagement/gateways"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What both schemas say around the data; `source` is the topic in the Event Grid schema."""

    schema: Schema
    id: str
    type: str
    source: str
    subject: str
    time: datetime | None
    data: Mapping[str, Any]
    dead_letter: str


def words(value: Any) -> str:
    """A text that is safe to keep: of bounded length, without lone surrogates; empty for anything else."""
    return value[:_LONGEST].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def read_source(envelope: Envelope) -> ParsedEvent:
    """The event, read as its source writes it; not understood where the source is none of ours."""
    family = envelope.type.casefold()
    event = ParsedEvent(
        schema=envelope.schema,
        id=envelope.id,
        type=envelope.type,
        time=envelope.time,
        dead_letter=envelope.dead_letter,
    )
    if family.startswith("microsoft.resources."):
        return _resource_manager(event, envelope)
    if family.startswith("microsoft.apimanagement."):
        return _api_management(event, envelope)
    if family.startswith("microsoft.keyvault."):
        return _key_vault(event, envelope)
    if family.startswith("microsoft.resourcenotifications."):
        return _resource_notification(event, envelope)
    return replace(event, understood=False, reason="No source that Apimend listens to sends this type.")


def _resource_manager(event: ParsedEvent, envelope: Envelope) -> ParsedEvent:
    data = envelope.data
    claims = _object(data, "claims")
    application, principal = words(claims.get("appid")), words(claims.get(_OBJECT_ID))
    evidence = _object(_object(data, "authorization"), "evidence")
    named = (claims.get(_UPN), claims.get("name"), application, principal, evidence.get("principalId"))
    told = replace(
        event,
        operation=words(data.get("operationName")) or words(_object(data, "authorization").get("action")),
        status=words(data.get("status")),
        by=next((words(name) for name in named if words(name)), ""),
        callers=frozenset(name.lower() for name in (application, principal) if name),
        client_request_id=words(_object(data, "httpRequest").get("clientRequestId")),
        tenant=(words(data.get("tenantId")) or words(claims.get(_TENANT_ID))).lower(),
    )
    return _touching(told, words(data.get("resourceUri")) or envelope.subject)


def _api_management(event: ParsedEvent, envelope: Envelope) -> ParsedEvent:
    """Circuit breakers and gateway tokens carry no resourceUri: there the source is the instance."""
    uri = words(envelope.data.get("resourceUri"))
    return _touching(event, uri or envelope.source + (envelope.subject if envelope.subject.startswith("/") else ""))


def _key_vault(event: ParsedEvent, envelope: Envelope) -> ParsedEvent:
    data = {str(name).strip().casefold(): value for name, value in envelope.data.items()}
    told = _touching(event, envelope.source)
    kind = event.type.rpartition(".")[2].casefold()
    vault = words(data.get("vaultname")) or told.vault
    if not vault:
        return replace(told, concern=Concern.NOTHING, understood=False, reason="It names no vault.")
    concern = (
        Concern.VAULT_CERTIFICATE
        if kind.startswith("certificate")
        else Concern.VAULT_ACCESS
        if kind == "vaultaccesspolicychanged"
        else Concern.NOTHING
    )
    named = words(data.get("objectname")) or envelope.subject
    told = replace(told, vault=vault, vault_object=named, concern=concern, understood=True, reason="")
    if concern is Concern.NOTHING:
        return replace(told, understood=False, reason="Only certificates and access concern Apimend.")
    return told


def _resource_notification(event: ParsedEvent, envelope: Envelope) -> ParsedEvent:
    uri = words(_object(envelope.data, "resourceInfo").get("id")) or words(envelope.data.get("resourceId"))
    return _touching(event, uri or envelope.subject)


def _touching(event: ParsedEvent, uri: str) -> ParsedEvent:
    """The event with what it touched, and what that is."""
    try:
        touched = ResourceId.of(uri)
    except BadInput:
        return replace(event, understood=False, reason="It names no resource.")
    instance = touched.instance
    if instance is not None:
        return replace(event, touched=touched, instance=instance, concern=Concern.INSTANCE)
    provider, name, rest = _provider(touched)
    if provider == GATEWAY_TYPE:
        return replace(event, touched=touched, concern=Concern.WORKSPACE_GATEWAY)
    if provider == VAULT_TYPE and _decides_access(rest):
        return replace(event, touched=touched, vault=name, concern=Concern.VAULT_ACCESS)
    reason = f"It concerns no API Management instance{f' but {provider}' if provider else ''}."
    return replace(event, touched=touched, understood=False, reason=reason)


def _provider(touched: ResourceId) -> tuple[str, str, tuple[str, ...]]:
    """Type and name of the top-level resource of an id, and the segments below it, in lower case."""
    parts = [part.casefold() for part in touched.segments]
    if "providers" not in parts:
        return "", "", ()
    at = parts.index("providers")
    if len(parts) < at + 4:
        return "/".join(parts[at + 1 :]), "", ()
    return "/".join(parts[at + 1 : at + 3]), touched.segments[at + 3], tuple(parts[at + 4 :])


def _decides_access(below: tuple[str, ...]) -> bool:
    """Whether a write to a vault, or to this below it, may let somebody in or shut somebody out."""
    if not below or below[0] in ("accesspolicies", "privateendpointconnections"):
        return True
    return below[:3] == ("providers", "microsoft.authorization", "roleassignments")


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object, which events of data version 1 carry as JSON in a string."""
    value = data.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    return value if isinstance(value, Mapping) else {}
