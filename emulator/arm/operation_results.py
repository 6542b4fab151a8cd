"""
The status of writes below a service that are finished a moment later (named values, fragments, imports).

Recorded: the status alone, indented, `private`. Here such writes are finished at once, so the answer is always the end.
"""

from __future__ import annotations

from emulator.arm.entities import SERVICE_PATH, indented, private
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source


class OperationResults:
    """
    The one polling route below a service.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        path = f"{SERVICE_PATH}/tenant/operationResults/{{result}}"
        return [Route(method="GET", path=path, handler=self.get, source=Source.RECORDED)]

    async def get(self, call: Call) -> Answer:
        self._provider.service_of(call)
        return private(call, indented({"status": "Succeeded"}))
