"""
How a long-running operation is announced and polled, in the three styles that were recorded.

2021: Location only, 202 empty until done, then the resource. 2022 to 2024: both headers with one URL, a status
document. 2024-05-01: two different URLs under the location. Each poll answer carries new signed values; the first URL
keeps working.
"""

from __future__ import annotations

import base64
import os

from emulator.arm.errors import arm_error
from emulator.arm.operations import Kind, Operation, Status
from emulator.arm.provider import Provider
from emulator.arm.service_body import shown
from emulator.http import Answer, Call, Refusal
from emulator.options import Polling

SINGLE_URL_SINCE = "2022-08-01"
TWO_URLS_SINCE = "2024-05-01"


class Polls:
    """
    The polling routes of service operations.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def announced(self, call: Call, operation: Operation, answer: Answer) -> Answer:
        """
        An answer with the headers that say where to ask for the operation.
        """
        answer.headers["x-local-announced"] = "later"
        self._point(call, operation, answer, self._style(call))
        return answer

    async def by_service(self, call: Call) -> Answer:
        """
        `{service}/operationresults/{id}`: status document with the asyncResponse flag, otherwise 202 and the resource.
        """
        operation = self._operation(call)
        if "asyncResponse" in call.query:
            return self._status(call, operation, Polling.BOTH)
        return self._result(call, operation, Polling.LOCATION)

    async def status(self, call: Call) -> Answer:
        return self._status(call, self._operation(call), Polling.LOCATIONS)

    async def result(self, call: Call) -> Answer:
        return self._result(call, self._operation(call), Polling.LOCATIONS)

    def _style(self, call: Call) -> Polling:
        if self._provider.options.polling is not None:
            return self._provider.options.polling
        version = call.api_version.removesuffix("-preview")
        if version < SINGLE_URL_SINCE:
            return Polling.LOCATION
        return Polling.BOTH if version < TWO_URLS_SINCE else Polling.LOCATIONS

    def _operation(self, call: Call) -> Operation:
        found = self._provider.operations.by_id.get(call.params["operation"])
        if found is None:
            raise arm_error(404, "NotFound", f"The operation '{call.params['operation']}' was not found.")
        return found

    def _status(self, call: Call, operation: Operation, style: Polling) -> Answer:
        answer = Answer(body={"status": operation.status.value}, content_type="application/json")
        if operation.status is Status.FAILED:
            # Recorded documents hold the status alone; whether a failed one says more is not known.
            answer.body = {"status": "Failed", "error": operation.failure}
        if operation.status is Status.RUNNING:
            self._point(call, operation, answer, style)
        return answer

    def _result(self, call: Call, operation: Operation, style: Polling) -> Answer:
        if operation.status is Status.RUNNING:
            answer = Answer(status=202)
            self._point(call, operation, answer, style)
            return answer
        if operation.status is Status.FAILED:
            raise Refusal(Answer(status=400, body={"error": operation.failure}))
        service = self._provider.store.get(operation.service_id)
        if operation.kind is Kind.DELETE or service is None:
            return Answer()
        return Answer(body=shown(service))

    def _point(self, call: Call, operation: Operation, answer: Answer, style: Polling) -> None:
        version = f"?api-version={call.api_version}"
        origin = self._provider.azure.endpoints.arm
        own = f"{origin}{operation.service_id}/operationresults/{operation.id}{version}"
        if style is Polling.LOCATION:
            answer.headers["Location"] = own
        elif style is Polling.BOTH:
            signed = f"{own}&asyncResponse{self._signature()}"
            answer.headers["Azure-AsyncOperation"] = answer.headers["Location"] = signed
        else:
            subscription = operation.service_id.split("/")[2]
            base = (
                f"{origin}/subscriptions/{subscription}/providers/Microsoft.ApiManagement/locations/{operation.region}"
            )
            tail = f"{operation.id}{version}{self._signature()}"
            answer.headers["Azure-AsyncOperation"] = f"{base}/operationsStatuses/{tail}"
            answer.headers["Location"] = f"{base}/operationResults/{tail}"
        retry_after = 60 if style is Polling.LOCATION else self._provider.options.retry_after
        answer.headers["Retry-After"] = str(retry_after)

    def _signature(self) -> str:
        ticks = int(self._provider.now().timestamp() * 10_000_000) + 621_355_968_000_000_000
        signed = base64.urlsafe_b64encode(os.urandom(24)).decode()
        return f"&t={ticks}&c=local&s={signed}&h=local"
