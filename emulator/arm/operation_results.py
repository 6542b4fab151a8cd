"""
The status of writes below a service that are finished a moment later (named values, fragments, imports).

Recorded: the end, as the status alone, indented, `private`. What the answer is meanwhile was never recorded; it is that
of the service's own operations.
"""

from __future__ import annotations

from emulator.arm.entities import SERVICE_PATH, indented, private
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source

NOTE = "the end is recorded, what comes before is inferred"


class OperationResults:
    """
    The one polling route below a service.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        path = f"{SERVICE_PATH}/tenant/operationResults/{{result}}"
        return [Route(method="GET", path=path, handler=self.get, source=Source.RECORDED, note=NOTE)]

    async def get(self, call: Call) -> Answer:
        self._provider.service_of(call)
        goes_on = call.params["result"] in self._provider.unfinished
        return private(call, indented({"status": "InProgress" if goes_on else "Succeeded"}))
