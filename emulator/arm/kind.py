"""
What is special about one kind of resource below a service.

A `Kind` is a value that `entities` reads: its place in the path, what becomes of a write, how it differs between PUT,
GET and list. Modules of special resources declare their kinds with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.arm.errors import not_found, validation
from emulator.arm.provider import Provider
from emulator.http import Call, Refusal
from emulator.routes import Source
from emulator.store import Json, Resource


@dataclass(frozen=True, kw_only=True)
class Write:
    """
    What a kind is told about a PUT or PATCH: where it goes, what stands there, and what was sent.
    """

    provider: Provider
    call: Call
    service: Resource
    id: str
    current: Resource | None
    sent: Mapping[str, Any]


Accept = Callable[[Write], tuple[Json, Mapping[str, Any]]]
Show = Callable[[Resource], Json]


def merged(write: Write) -> tuple[Json, Mapping[str, Any]]:
    """
    Keep what was sent; a PATCH lays it over what is there.
    """
    held = write.current.properties if write.current is not None and write.call.method == "PATCH" else {}
    return {**held, **write.sent}, {}


def with_defaults(**defaults: Any) -> Accept:
    """
    Keep what was sent over these defaults.
    """

    def accept(write: Write) -> tuple[Json, Mapping[str, Any]]:
        properties, hidden = merged(write)
        return {**defaults, **properties}, hidden

    return accept


def all_properties(resource: Resource) -> Json:
    return resource.properties


@dataclass(frozen=True, kw_only=True)
class Kind:
    """
    One kind of resource. `shown_on_put` and `shown_in_list` differ from `shown` where recordings do.
    """

    segment: str
    label: str
    param: str
    parent: Kind | None = None
    accept: Accept = merged
    shown: Show = all_properties
    shown_on_put: Show | None = None
    shown_in_list: Show | None = None
    little_endian: bool = False
    parent_target: str = ""
    methods: tuple[str, ...] = ("LIST", "HEAD", "GET", "PUT", "PATCH", "DELETE")
    in_workspaces: bool = False
    asynchronous: bool = False
    same_content_same_etag: bool = False
    in_use: Callable[[Provider, Resource], str] | None = None
    after: Callable[[Provider, Resource], None] | None = None
    source: Source = Source.SPECIFIED
    note: str = ""

    @property
    def type_path(self) -> str:
        return f"{self.parent.type_path}/{self.segment}" if self.parent else self.segment

    @property
    def collection(self) -> str:
        """
        The path of the collection below a service or workspace.
        """
        above = f"{self.parent.collection}/{{{self.parent.param}}}" if self.parent else ""
        return f"{above}/{self.segment}"

    def missing(self) -> Refusal:
        """
        What a child of a missing resource of this kind answers.
        """
        if self.parent_target:
            return validation(self.parent_target, f"{self.label} not found")
        return not_found(self.label)
