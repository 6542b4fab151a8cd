"""
What this local Azure knows: every ARM resource under its id, and who wants to hear of writes.

All parts of the emulator read and write here; nothing else holds state of resources. Ids are compared without
case and kept as they were created. A resource is a value: a change is a new value put in place of the old one.
The store knows no rule of any resource provider, no HTTP and no clock.
"""

from __future__ import annotations

import base64
import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Json = dict[str, Any]


def key_of(resource_id: str) -> str:
    """
    The form under which an id is compared: Azure mixes cases between calls.
    """
    return resource_id.rstrip("/").casefold()


def parent_of(resource_id: str) -> str:
    """
    The id without its last pair of segments (`/apis/echo` or `/service/name`).
    """
    return "/".join(resource_id.rstrip("/").split("/")[:-2])


@dataclass(frozen=True, kw_only=True)
class Resource:
    """
    One ARM resource. `body` holds the members next to id, type and name (properties, sku, tags, location …) as the
    service keeps them; `hidden` what Azure keeps and never shows (PFX bytes, keys, the running update).
    """

    id: str
    type: str
    name: str
    body: Json = field(default_factory=dict)
    etag: str = ""
    created: datetime | None = None
    changed: datetime | None = None
    hidden: Mapping[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> Json:
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}

    def with_properties(self, **changes: Any) -> Resource:
        return replace(self, body={**self.body, "properties": {**self.properties, **changes}})

    def with_hidden(self, **changes: Any) -> Resource:
        return replace(self, hidden={**self.hidden, **changes})


class WriteStatus(enum.Enum):
    """
    How an accepted write ended.
    """

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, kw_only=True)
class Write:
    """
    One write, delete or action as Azure Resource Manager would announce it.

    `operation_name` is the ARM operation (`Microsoft.ApiManagement/service/apis/write`, `…/delete`, `…/action`);
    `created` says that nothing stood under the id before.
    """

    operation_name: str
    resource_id: str
    method: str
    url: str
    claims: Mapping[str, Any]
    client_request_id: str
    correlation_id: str
    status: WriteStatus
    at: datetime
    created: bool = False


Listener = Callable[[Write], None]


@dataclass(frozen=True)
class _Past:
    """
    What stood under an id before its last change; None when there was nothing.
    """

    resource: Resource | None
    until: datetime | None


class Store:
    """
    Resources by id, their children in the order of creation, and listeners for writes.
    """

    def __init__(self, *, first_etag: int = 0x0900) -> None:
        self._resources: dict[str, Resource] = {}
        self._children: dict[tuple[str, str], dict[str, None]] = {}
        self._types: dict[str, dict[str, None]] = {}
        self._past: dict[str, _Past] = {}
        self._listeners: list[Listener] = []
        self._etag = first_etag

    def get(self, resource_id: str) -> Resource | None:
        return self._resources.get(key_of(resource_id))

    def put(self, resource: Resource, *, at: datetime | None = None) -> Resource:
        key = key_of(resource.id)
        old = self._resources.get(key)
        self._past[key] = _Past(old, at)
        kept = resource if old is None else replace(resource, created=old.created or resource.created)
        stamped = replace(kept, changed=at or kept.changed, created=kept.created or at)
        self._resources[key] = stamped
        self._children.setdefault(self._family(key), {})[key] = None
        self._types.setdefault(resource.type.casefold(), {})[key] = None
        return stamped

    def remove(self, resource_id: str, *, at: datetime | None = None) -> Resource | None:
        """
        Take a resource and everything below it away.
        """
        key = key_of(resource_id)
        for below in [k for k in self._resources if k.startswith(key + "/")]:
            self._drop(below, at)
        return self._drop(key, at)

    def children(self, parent_id: str, segment: str) -> list[Resource]:
        """
        The direct children in one collection (`children(service_id, "apis")`), in the order of creation.
        """
        keys = self._children.get((key_of(parent_id), segment.casefold()), {})
        return [self._resources[key] for key in keys]

    def of_type(self, resource_type: str) -> list[Resource]:
        return [self._resources[key] for key in self._types.get(resource_type.casefold(), {})]

    def below(self, resource_id: str) -> Iterator[Resource]:
        """
        Everything under an id, at any depth.
        """
        prefix = key_of(resource_id) + "/"
        return (found for key, found in list(self._resources.items()) if key.startswith(prefix))

    def all(self) -> list[Resource]:
        return list(self._resources.values())

    def before(self, resource_id: str) -> tuple[bool, Resource | None, datetime | None]:
        """
        Whether the id ever changed, what stood there before its last change, and when that change was.
        """
        past = self._past.get(key_of(resource_id))
        return (False, None, None) if past is None else (True, past.resource, past.until)

    def settle(self) -> None:
        """
        What is here now has always been here: no read shows anything older.
        """
        self._past.clear()

    def next_etag(self, *, little_endian: bool = False) -> str:
        """
        A new quoted etag. Azure's are 8 bytes in base64; which byte comes first depends on the kind of resource.
        """
        self._etag += 1
        raw = self._etag.to_bytes(8, "little" if little_endian else "big")
        return f'"{base64.b64encode(raw).decode()}"'

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def announce(self, write: Write) -> None:
        for listener in list(self._listeners):
            listener(write)

    def _drop(self, key: str, at: datetime | None) -> Resource | None:
        gone = self._resources.pop(key, None)
        if gone is not None:
            self._past[key] = _Past(gone, at)
            self._children[self._family(key)].pop(key, None)
            self._types[gone.type.casefold()].pop(key, None)
        return gone

    @staticmethod
    def _family(key: str) -> tuple[str, str]:
        segments = key.split("/")
        return "/".join(segments[:-2]), segments[-2] if len(segments) > 1 else ""
