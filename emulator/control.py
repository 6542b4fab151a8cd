"""
The control surface over plain HTTP: health, log, faults, options, clock, failing operations.

For people and for tests that are not in this process; tests in the process use the objects themselves. Nothing of Azure
is imitated here.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from emulator import choices, forms
from emulator.faults import Fault, When
from emulator.http import Answer, Call
from emulator.routes import Place, Route, Source

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

LONGEST_JUMP = 10 * 365 * 86_400.0
SERVICE_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ApiManagement/service/[^/]+", re.IGNORECASE
)
# The control surface itself is never struck: whoever set a fault has to be able to take it away.
STRUCK = tuple(door for door in Place if door is not Place.PLAIN)
FAULT: Mapping[str, forms.Reader] = {
    "name": forms.text,
    "method": forms.text,
    "path": forms.text,
    "place": forms.text,
    "when": forms.one_of(When),
    "status": forms.whole(200, 599),
    "body": forms.anything,
    "headers": forms.texts,
    "delay_seconds": forms.real(LONGEST_JUMP),
    "reset": forms.flag,
    "stale": forms.flag,
    "nth": forms.whole(1),
    "times": forms.or_null(forms.whole(1)),
    "chance": forms.real(1),
}

MOVE: Mapping[str, forms.Reader] = {"seconds": forms.real(LONGEST_JUMP), "to": forms.text}
FAILURE: Mapping[str, forms.Reader] = {"service": forms.text, "code": forms.text, "message": forms.text}


def register(azure: LocalAzure) -> None:
    """
    Add the control routes.
    """
    control = Control(azure)
    for method, path, handler in (
        ("GET", "health", control.health),
        ("GET", "ca", control.ca),
        ("GET", "log", control.log),
        ("DELETE", "log", control.clear_log),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.add_fault),
        ("DELETE", "faults", control.clear_faults),
        ("GET", "options", control.options),
        ("GET", "clock", control.clock),
        ("POST", "clock", control.move_clock),
        ("POST", "operations/fail", control.fail_operation),
    ):
        azure.table.add(
            Route(method=method, path=f"/_emulator/{path}", handler=handler, place=Place.PLAIN, source=Source.INFERRED)
        )


class Control:
    """
    The handlers of the control routes.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure

    async def health(self, call: Call) -> Answer:
        endpoints = self._azure.endpoints
        return Answer(
            body={
                "status": "ok",
                "arm": endpoints.arm,
                "identity": endpoints.identity,
                "vaultSuffix": endpoints.vault_suffix,
                "vaults": {
                    name: f"https://localhost:{port}" for name, port in self._azure.listeners.vault_ports.items()
                },
                "topic": endpoints.topic,
                "teams": endpoints.teams,
                "gateway": list(endpoints.gateway),
                "caFile": self._azure.ca_file,
                "now": self._azure.now().isoformat(),
            }
        )

    async def ca(self, call: Call) -> Answer:
        return Answer(body=self._azure.authority.pem, content_type="application/x-pem-file")

    async def log(self, call: Call) -> Answer:
        log = self._azure.log
        entries = log.writes() if call.query.get("writes") == "true" else log.entries
        return Answer(body={"value": [entry.as_json() for entry in entries]})

    async def clear_log(self, call: Call) -> Answer:
        self._azure.log.clear()
        return Answer(status=204)

    async def faults(self, call: Call) -> Answer:
        faults = self._azure.faults
        return Answer(
            body={
                "active": [one.as_json() for one in faults.active],
                "fired": [
                    {"at": one.at.isoformat(), "fault": one.fault, "method": one.method, "path": one.path}
                    for one in faults.fired
                ],
            }
        )

    async def add_fault(self, call: Call) -> Answer:
        sent = forms.read(call, FAULT)
        delay = timedelta(seconds=sent.pop("delay_seconds", 0))
        fault = Fault(delay=delay, **sent)
        if not fault.does_something:
            raise forms.refused("a fault does something: give status, delay_seconds, reset or stale")
        if not any(fnmatch.fnmatchcase(door.value, fault.place) for door in STRUCK):
            raise forms.refused(f"place must match one of {', '.join(door.value for door in STRUCK)}")
        self._azure.faults.add(fault)
        return Answer(status=201, body=fault.as_json())

    async def clear_faults(self, call: Call) -> Answer:
        self._azure.faults.clear()
        return Answer(status=204)

    async def options(self, call: Call) -> Answer:
        return Answer(body=choices.shown(self._azure.options))

    async def clock(self, call: Call) -> Answer:
        due = self._azure.next_due()
        return Answer(
            body={"now": self._azure.now().isoformat(), "nextDue": due.isoformat() if due is not None else None}
        )

    async def move_clock(self, call: Call) -> Answer:
        """
        `{"to": "<time>"}`, `{"seconds": n}` or `{"to": "next"}`, then everything due is done.
        """
        sent = forms.read(call, MOVE)
        if len(sent) != 1:
            raise forms.refused("give either seconds or to")
        moment = self._moment(sent)
        if moment is not None:
            self._azure.clock.jump(moment)
        await self._azure.advance()
        return await self.clock(call)

    def _moment(self, sent: Mapping[str, Any]) -> datetime | None:
        now = self._azure.now()
        if "seconds" in sent:
            return now + timedelta(seconds=sent["seconds"])
        if sent["to"] == "next":
            return self._azure.next_due()
        try:
            moment = datetime.fromisoformat(sent["to"])
        except ValueError as wrong:
            raise forms.refused(f"to must be 'next' or a time of ISO 8601, not {sent['to']!r}") from wrong
        if moment.tzinfo is None:
            raise forms.refused("the time needs an offset, like Z")
        if not now <= moment <= now + timedelta(seconds=LONGEST_JUMP):
            raise forms.refused(f"the clock goes forward only, ten years at most; it is {now.isoformat()}")
        return moment

    async def fail_operation(self, call: Call) -> Answer:
        """
        `{"service": "<id>", "code": "…", "message": "…"}`: the next operation on a service ends badly.
        """
        sent = forms.read(call, FAILURE, needed="service")
        service = sent.pop("service")
        if not SERVICE_ID.fullmatch(service):
            raise forms.refused("service must be the id of an API Management service; it need not be there yet")
        self._azure.provider.operations.fail_next(service, **sent)
        return Answer(status=204)
