"""
What the routes of Azure Resource Manager share: services, long-running operations, timers.

Handlers get at the store, the clock and the options through it. It knows no path and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from emulator.access import Access
from emulator.arm.errors import group_missing, service_missing
from emulator.arm.operations import Operations
from emulator.http import Call
from emulator.options import Options
from emulator.store import Resource, Store

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

SERVICE = "Microsoft.ApiManagement/service"


def service_path(subscription: str, group: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{SERVICE}/{name}"


class Provider:
    """
    The state and the moments of ARM.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self.azure = azure
        self.access = Access(azure)
        self.operations = Operations()
        self.unfinished: dict[str, datetime] = {}
        self._timers: list[tuple[Callable[[], datetime | None], Callable[[], None]]] = []

    @property
    def store(self) -> Store:
        return self.azure.store

    @property
    def options(self) -> Options:
        return self.azure.options

    def now(self) -> datetime:
        return self.azure.now()

    def add_timer(self, next_due: Callable[[], datetime | None], act: Callable[[], None]) -> None:
        """
        Something that falls due by itself: certificates that are fetched again.
        """
        self._timers.append((next_due, act))

    def next_due(self) -> datetime | None:
        moments = [self.operations.next_due(), *self.unfinished.values(), *(due() for due, _ in self._timers)]
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self) -> None:
        self.operations.advance(self.now())
        self.unfinished = {name: due for name, due in self.unfinished.items() if due > self.now()}
        for due, act in self._timers:
            moment = due()
            if moment is not None and moment <= self.now():
                act()

    def service_of(self, call: Call) -> Resource:
        """
        The service a call's path names; ARM's own 404 when it or its group is missing.
        """
        subscription, group, name = (call.params[part] for part in ("subscription", "group", "service"))
        found = self.store.get(service_path(subscription, group, name))
        if found is None:
            self.group_of(call)
            raise service_missing(name, group)
        return found

    def group_of(self, call: Call) -> None:
        """
        The resource group a call's path names has to exist.
        """
        if (
            self.store.get(f"/subscriptions/{call.params['subscription']}/resourceGroups/{call.params['group']}")
            is None
        ):
            raise group_missing(call.params["group"])
