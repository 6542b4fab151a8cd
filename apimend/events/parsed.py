"""
A parsed event: the identity it carries, and what it concerns. Frozen, made by `parse` only.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from apimend.model.ids import InstanceId, ResourceId


class Schema(Enum):
    """In which of Event Grid's two forms the event came."""

    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


class Concern(Enum):
    """
    What an event is about. Only INSTANCE names the instance itself; for the others the caller has to know which
    instances use the vault or the workspace gateway.
    """

    INSTANCE = "instance"
    VAULT_CERTIFICATE = "vault certificate"
    VAULT_ACCESS = "vault access"
    WORKSPACE_GATEWAY = "workspace gateway"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class ParsedEvent:
    """
    One event. `touched` is the resource that was written; `instance` the service it is or lies in.

    `operation` is Azure's action name (`Microsoft.ApiManagement/service/write`) where the source tells it.
    `callers` are the ids of the application and the principal who wrote, in lower case; `by` is for the log.
    `dead_letter` is why Event Grid gave up on it. Where `understood` is False, `reason` says what is missing.
    """

    schema: Schema
    id: str
    type: str
    time: datetime | None = None
    operation: str = ""
    status: str = ""
    touched: ResourceId | None = None
    instance: InstanceId | None = None
    concern: Concern = Concern.NOTHING
    by: str = ""
    callers: frozenset[str] = frozenset()
    client_request_id: str = ""
    tenant: str = ""
    vault: str = ""
    vault_object: str = ""
    dead_letter: str = ""
    understood: bool = True
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it tells of a write that failed or was cancelled: something may have changed all the same."""
        return self.type.casefold().endswith(("failure", "cancel"))
