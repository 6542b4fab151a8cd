"""
Replay: visit again by event, by instance or by an earlier run, with the mode lowered if asked.

The body is JSON: exactly one of `event`, `events`, `instance` and `run`, and optionally `mode`; or the array that a
dead-letter blob holds. It answers 202 with the orders that were written; a visit follows through the queue, as for
any other bell.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apimend.engine.intake import Intake
from apimend.engine.orders import Orders
from apimend.model.desired import Mode
from apimend.model.errors import BadInput, Fault
from apimend.model.ids import InstanceId
from apimend.model.runs import OrderKind
from apimend.ports import Ledger
from apimend.web.answers import Answer, ok

_WAYS = ("event", "events", "instance", "run")
MAX_BODY = 1_500_000
"""Characters: a dead-letter blob's worth of events."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The replay door."""

    intake: Intake
    orders: Orders
    ledger: Ledger

    async def answer(self, text: str, *, by: str) -> Answer:
        """Order the visits that the body asks for. Raises BadInput with every fault of the body."""
        body = _body(text)
        mode = _mode(body)
        instances = await self._instances(body)
        if not instances:
            raise _bad("The event concerns no instance.", "event", "Name the instance instead.")
        await self.orders.check(instances, mode)
        orders = [await self.orders.place(OrderKind.REPLAY, instance, by=by, mode=mode) for instance in instances]
        first = f"/api/orders/{orders[0].id}"
        since = f"/api/runs/{body['run']}/since" if "run" in body else ""
        told = [{"id": o.id, "instance": str(o.instance), "status": f"/api/orders/{o.id}"} for o in orders]
        return ok({"orders": told, **({"since": since} if since else {})}, status=202, headers={"Location": first})

    async def _instances(self, body: Mapping[str, Any]) -> Sequence[InstanceId]:
        if "instance" in body:
            return [_instance(body["instance"])]
        if "run" in body:
            run = await self.ledger.run(str(body["run"]))
            if run is None:
                raise _bad(f"There is no run {str(body['run'])[:100]!r}.", "run", "GET /api/runs lists them.")
            return [run.instance]
        events = [body["event"]] if "event" in body else body["events"]
        return await self.intake.instances(json.dumps(events))


def _body(text: str) -> Mapping[str, Any]:
    if len(text) > MAX_BODY:
        raise _bad("The body is too large.", "", "Send fewer events at a time.")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(f"The body is no JSON: {error}.", "", f"Send an object with one of {', '.join(_WAYS)}.") from error
    if isinstance(body, list) and body:
        body = {"events": body}
    if not isinstance(body, dict):
        raise _bad("The body is no JSON object.", "", f"Send an object with one of {', '.join(_WAYS)}.")
    faults = [
        Fault(
            what=f"There is no field {name[:100]!r}.",
            where=name[:100],
            mend=f"The fields are {', '.join(_WAYS)} and mode.",
        )
        for name in body
        if name not in (*_WAYS, "mode")
    ]
    given = [way for way in _WAYS if way in body]
    if len(given) != 1:
        told = f"{' and '.join(given)} are given" if given else "None of them is given"
        faults.append(Fault(what=f"{told}.", where="", mend=f"Send exactly one of {', '.join(_WAYS)}."))
    if "events" in body and not (isinstance(body["events"], list) and body["events"]):
        faults.append(Fault(what="It is no list with events in it.", where="events"))
    if faults:
        raise BadInput(faults)
    return body


def _mode(body: Mapping[str, Any]) -> Mode | None:
    if "mode" not in body:
        return None
    try:
        return Mode.parse(str(body["mode"]))
    except ValueError as error:
        raise _bad(str(error), "mode", "") from error


def _instance(text: object) -> InstanceId:
    try:
        return InstanceId.of(str(text))
    except BadInput as error:
        raise BadInput([Fault(what=f.what, where="instance", mend=f.mend) for f in error.faults]) from error


def _bad(what: str, where: str, mend: str) -> BadInput:
    return BadInput([Fault(what=what, where=where, mend=mend)])
