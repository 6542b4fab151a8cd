"""
Azure resource ids: compared without case, sent back as received.

Real answers mix `resourcegroups` and `resourceGroups` within one instance, so no id is ever compared as text.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property

from apimend.model.errors import BadInput, Fault

_SEGMENT = re.compile(r"[^/]+")
_SERVICE_SEGMENTS = 8
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SERVICE_NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9-]{0,48}[a-zA-Z0-9])?")


@dataclass(frozen=True, eq=False)
class ResourceId:
    """
    The id of any ARM resource. Two ids are equal when they differ in case only, whichever class they are of.

    `text` is the id as it was received: that is what goes into calls and reports.
    """

    key: str = field(repr=False)
    text: str = field(compare=False)

    @classmethod
    def of(cls, text: str) -> "ResourceId":
        """The id written as `text`, which must begin with a slash. A slash at the end is dropped."""
        cleaned = text.rstrip("/")
        if not cleaned.startswith("/") or "//" in cleaned or any(c.isspace() or ord(c) < 32 for c in cleaned):
            fault = Fault(what=f"{text!r} is no resource id.", where="", mend="It begins with /subscriptions/.")
            raise BadInput([fault])
        return cls(key=cleaned.casefold(), text=cleaned)

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResourceId) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __lt__(self, other: "ResourceId") -> bool:
        return self.key < other.key

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The parts between the slashes, as received."""
        return tuple(_SEGMENT.findall(self.text))

    @property
    def name(self) -> str:
        """The last part: the resource's own name."""
        return self.segments[-1]

    @property
    def subscription(self) -> str:
        """The subscription's id, or an empty text where the id has none."""
        parts = self.segments
        return parts[1] if len(parts) > 1 and parts[0].casefold() == "subscriptions" else ""

    @property
    def resource_group(self) -> str:
        """The resource group's name, or an empty text where the id has none."""
        parts = self.segments
        return parts[3] if len(parts) > 3 and parts[2].casefold() == "resourcegroups" else ""

    def child(self, *segments: str) -> "ResourceId":
        """The id of something below: `service.child("apis", "orders")`."""
        return ResourceId.of("/".join((self.text, *segments)))

    def within(self, outer: "ResourceId") -> bool:
        """Whether this is `outer` itself or lies below it."""
        return self.key == outer.key or self.key.startswith(outer.key + "/")

    @property
    def instance(self) -> "InstanceId | None":
        """The API Management instance that this is or lies in; None where it is outside of any."""
        parts = self.segments
        if len(parts) < _SERVICE_SEGMENTS:
            return None
        names = [part.casefold() for part in parts]
        shape = (names[0], names[2], names[4], names[5], names[6])
        if shape != ("subscriptions", "resourcegroups", "providers", "microsoft.apimanagement", "service"):
            return None
        if not _GUID.fullmatch(parts[1]) or not _SERVICE_NAME.fullmatch(parts[7]):
            return None
        text = "/" + "/".join(parts[:_SERVICE_SEGMENTS])
        return InstanceId(key=text.casefold(), text=text)

    @property
    def below_instance(self) -> str:
        """The path below the instance, as received: `apis/orders/policies/policy`; empty for the instance."""
        return "/".join(self.segments[_SERVICE_SEGMENTS:])


@dataclass(frozen=True, eq=False)
class InstanceId(ResourceId):
    """The id of one API Management service."""

    @classmethod
    def of(cls, text: str) -> "InstanceId":
        """
        The id of a service, written as `text`.

        Raises BadInput where it names no API Management service, or something below one.
        """
        found = ResourceId.of(text).instance
        if found is None or found.key != ResourceId.of(text).key:
            fault = Fault(
                what=f"{text!r} is no API Management instance.",
                where="",
                mend="Write /subscriptions/{guid}/resourceGroups/{group}/providers/"
                "Microsoft.ApiManagement/service/{name}.",
            )
            raise BadInput([fault])
        return found

    def lies_in(self, subscriptions: frozenset[str]) -> bool:
        """Whether it lies in one of these subscriptions (in lower case); where none is named, all do."""
        return not subscriptions or self.subscription.casefold() in subscriptions
