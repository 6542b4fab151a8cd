"""
What the controls look at: everything that one visit read of an instance and its surroundings, frozen.

`reads` makes it, controls ask it. A reading that failed says why, and asking for it raises Unsure or Beside, so that
no control can take what it did not see for good.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any

from apimend.model.desired import Desired
from apimend.model.ids import InstanceId
from apimend.model.tiers import Tier
from apimend.posture.doubt import Beside, Unsure
from apimend.posture.node import Node
from apimend.survey import Survey


class Gap(Enum):
    """Why a reading has no value."""

    NONE = ""
    ABSENT = "absent"
    NOT_IN_TIER = "not in this tier"
    UNREAD = "unread"
    LATER = "not read this time"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One thing that was read: a resource, or the rows of a list; or why there is no value."""

    key: str
    subject: str
    read: datetime
    api_version: str = ""
    value: Any = field(default=None, repr=False)
    gap: Gap = Gap.NONE
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Estate:
    """
    An instance with its surroundings. `coverage` is what the rule of client certificates judged last, `heard` when an
    event about it last reached us.
    """

    instance: InstanceId
    tier: Tier
    desired: Desired
    now: datetime
    readings: Mapping[str, Reading] = field(repr=False)
    survey: Survey | None = field(default=None, repr=False)
    coverage: tuple[int, int] | None = None
    heard: datetime | None = None
    whole: bool = True

    def has(self, key: str) -> bool:
        """Whether this visit tried to read it."""
        return key in self.readings

    def one(self, key: str) -> Node:
        """A resource. One that is not there is an object without members: its defaults hold."""
        reading = self._asked(key)
        value = {} if reading.gap is Gap.ABSENT else reading.value
        if not isinstance(value, Mapping):
            raise Unsure(f"{key} has an unknown form.")
        return Node(subject=reading.subject, value=value, read=reading.read, api_version=reading.api_version)

    def rows(self, key: str) -> tuple[Node, ...]:
        """The rows of a list, each with its own id; none where the list is not there."""
        reading = self._asked(key)
        rows = () if reading.gap is Gap.ABSENT else reading.value
        if not isinstance(rows, Iterable) or isinstance(rows, str | Mapping):
            raise Unsure(f"{key} has an unknown form.")
        return tuple(
            Node(
                subject=str((row or {}).get("id") or reading.subject),
                value=row,
                read=reading.read,
                api_version=reading.api_version,
            )
            for row in rows
        )

    def of_type(self, key: str, *types: str) -> tuple[Node, ...]:
        """The rows of a Resource Graph query that are of these types."""
        wanted = {each.casefold() for each in types}
        return tuple(row for row in self.rows(key) if row.at("type").word in wanted)

    def _asked(self, key: str) -> Reading:
        reading = self.readings.get(key)
        if reading is None:
            raise Unsure(f"{key} was not read.")
        if reading.gap in (Gap.UNREAD, Gap.LATER):
            raise Unsure(reading.why)
        if reading.gap is Gap.NOT_IN_TIER:
            raise Beside(reading.why)
        return reading

    @cached_property
    def service(self) -> Node:
        """The service resource."""
        return self.one("service")

    @property
    def is_busy(self) -> bool:
        """Whether an update is on its way, so that the service's properties are not final."""
        try:
            return bool(self.service.prop("targetProvisioningState").text)
        except (Unsure, Beside):
            return False

    @property
    def surveyed(self) -> Survey:
        """APIs, operations and policy documents."""
        self._asked("survey")
        if self.survey is None:
            raise Unsure("The policies were not read.")
        return self.survey

    @property
    def is_prod(self) -> bool:
        """Whether it is declared to be production, or nothing is declared."""
        return self.desired.environment.casefold() in ("", "prod", "production")

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The names and addresses that the gateway answers by, in lower case."""
        proxies = [e for e in self.service.prop("hostnameConfigurations").items if e.at("type").word == "proxy"]
        names = {entry.at("hostName").word for entry in proxies}
        for place in ("publicIPAddresses", "privateIPAddresses"):
            names |= self.service.prop(place).words
        return frozenset(names - {""})


def service_reading(raw: str, subject: str, now: datetime, api_version: str) -> Reading:
    """The reading of the service, which the visit has made already."""
    return Reading(key="service", subject=subject, read=now, api_version=api_version, value=json.loads(raw))
