"""
The control surface over plain HTTP: health, log, faults, clock, failing operations.

For people and for tests that are not in this process; tests in the process use the objects themselves. Nothing of Azure
is imitated here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from emulator.faults import Fault
from emulator.http import Answer, Call
from emulator.routes import Place, Route, Source

if TYPE_CHECKING:
    from emulator.azure import LocalAzure


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
                "active": [
                    {"name": one.name, "method": one.method, "path": one.path, "seen": one.seen, "fired": one.fired}
                    for one in faults.active
                ],
                "fired": [
                    {"at": one.at.isoformat(), "fault": one.fault, "method": one.method, "path": one.path}
                    for one in faults.fired
                ],
            }
        )

    async def add_fault(self, call: Call) -> Answer:
        try:
            self._azure.faults.add(Fault.from_json(call.json()))
        except (ValueError, TypeError) as wrong:
            return Answer(status=400, body={"error": str(wrong)})
        return Answer(status=201, body={"active": len(self._azure.faults.active)})

    async def clear_faults(self, call: Call) -> Answer:
        self._azure.faults.clear()
        return Answer(status=204)

    async def clock(self, call: Call) -> Answer:
        due = self._azure.next_due()
        return Answer(
            body={"now": self._azure.now().isoformat(), "nextDue": due.isoformat() if due is not None else None}
        )

    async def move_clock(self, call: Call) -> Answer:
        """
        `{"to": "<time>"}`, `{"seconds": n}` or `{"to": "next"}`, then everything due is done.
        """
        try:
            sent = call.json()
            moment = self._moment(sent)
        except (ValueError, TypeError, KeyError) as wrong:
            return Answer(status=400, body={"error": str(wrong)})
        if moment is not None:
            self._azure.clock.jump(moment)
        await self._azure.advance()
        return await self.clock(call)

    def _moment(self, sent: dict[str, str]) -> datetime | None:
        if "seconds" in sent:
            return self._azure.now() + timedelta(seconds=float(sent["seconds"]))
        if sent["to"] == "next":
            return self._azure.next_due()
        return datetime.fromisoformat(sent["to"])

    async def fail_operation(self, call: Call) -> Answer:
        """
        `{"service": "<id>", "code": "…", "message": "…"}`: the next operation on a service ends badly.
        """
        sent = call.json()
        known = {name: sent[name] for name in ("code", "message") if name in sent}
        self._azure.provider.operations.fail_next(str(sent["service"]), **known)
        return Answer(status=204)
