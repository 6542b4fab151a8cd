"""
The door of every call: faults, tokens, roles, versions, throttling, headers, the log, and the announcement of writes.

Handlers see only calls that got this far. What happens here happens in Azure before a resource provider is asked.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from emulator.arm.denials import refuse_denied
from emulator.arm.errors import arm_error, empty_not_found, method_not_allowed
from emulator.arm.locks import refuse_locked
from emulator.arm.paths import action_of, operation_name, resource_of, scope_of
from emulator.arm.throttling import Throttling
from emulator.faults import Fault, When
from emulator.http import Answer, Call, Refusal
from emulator.listeners import Reset
from emulator.log import READ_METHODS, Entry, Exchange
from emulator.routes import Match, Place
from emulator.store import Write, WriteStatus

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

# Doors that share the one HTTPS host, in the order in which they are asked.
MAIN = (Place.ARM, Place.LOGIN, Place.TOPIC, Place.TEAMS)
VERSIONS = [
    "2021-08-01",
    "2021-12-01-preview",
    "2022-04-01-preview",
    "2022-08-01",
    "2022-09-01-preview",
    "2023-03-01-preview",
    "2023-05-01-preview",
    "2023-09-01-preview",
    "2024-05-01",
    "2024-06-01-preview",
    "2024-10-01-preview",
    "2025-03-01-preview",
    "2025-09-01-preview",
]
AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})
COMMON = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
SERVER = "Microsoft-HTTPAPI/2.0"


class Front:
    """
    What stands before all handlers.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self._throttling = Throttling(azure.options)

    async def answer(self, place: Place, call: Call) -> Answer:
        self._azure.in_flight += 1
        try:
            return await self._answered(place, call)
        finally:
            self._azure.in_flight -= 1

    async def _answered(self, place: Place, call: Call) -> Answer:
        door, found = self._find(place, call)
        fault = None
        if door is not Place.PLAIN:
            fault = self._azure.faults.strike(door.value, call.method, call.path, call.at)
        call.correlation_id = call.headers.get("x-ms-correlation-request-id") or str(uuid.uuid4())
        try:
            answer = await self._with_fault(door, call, found, fault)
        except Reset:
            self._log(door, call, 0, fault)
            raise
        self._log(door, call, answer.status, fault)
        for watch in self._azure.watchers:
            watch(Exchange(place=door.value, call=call, answer=answer, fault=_name(fault)))
        return answer

    def _find(self, place: Place, call: Call) -> tuple[Place, Match | None]:
        for door in MAIN if place is Place.ARM else (place,):
            found = self._azure.table.find(door, call.method, call.path)
            if found is not None:
                return door, found
        return place, None

    async def _with_fault(self, door: Place, call: Call, found: Match | None, fault: Fault | None) -> Answer:
        if fault is None:
            return await self._handled(door, call, found)
        if fault.delay > timedelta(0):
            await self._delay(call, fault.delay)
        call.stale = fault.stale
        answer = None
        if fault.when is When.AFTER or (fault.status is None and not fault.reset):
            answer = await self._handled(door, call, found)
        if fault.reset:
            raise Reset
        if fault.status is None and answer is not None:
            return answer
        broken = Answer(status=fault.status or 500, body=fault.body, headers=CIMultiDict(fault.headers))
        return self._finished(door, call, broken)

    async def _delay(self, call: Call, delay: timedelta) -> None:
        self._azure.in_flight -= 1
        try:
            await self._azure.waiting.until(call.at + delay)
        finally:
            self._azure.in_flight += 1
        call.at = self._azure.now()

    async def _handled(self, door: Place, call: Call, found: Match | None) -> Answer:
        self._azure.provider.advance()
        try:
            if door is Place.ARM:
                self._admit(call)
            if door is Place.VAULT:
                self._azure.vaults.stop_strangers(call)
            if found is None:
                raise self._unknown(door, call)
            if found.route is None:
                raise method_not_allowed(call.method, found.allowed)
            if any("/" in value for value in found.params.values()):
                raise empty_not_found()
            call.params = found.params
            answer = await found.route.handler(call)
        except Refusal as refusal:
            answer = refusal.answer
        if door is Place.ARM:
            self._announce(call, answer)
        return self._finished(door, call, answer)

    def _unknown(self, door: Place, call: Call) -> Refusal:
        if door is not Place.ARM:
            return Refusal(Answer(status=404, body={"error": {"code": "NotFound", "message": call.path}}))
        if "/providers/microsoft.apimanagement/service/" in call.path.casefold():
            return empty_not_found()
        return arm_error(
            404, "InvalidResourceType", f"The resource type could not be found in the namespace for '{call.path}'."
        )

    def _admit(self, call: Call) -> None:
        """
        Token, version, throttling and roles, in ARM's order.
        """
        self._authenticate(call)
        self._check_version(call)
        self._throttling.admit(call)
        action, scope = action_of(call.method, call.path), scope_of(call.path)
        if scope.startswith("/subscriptions/") and not self._azure.provider.access.arm_allows(
            call.claims, action, scope
        ):
            client, object_id = call.claims.get("appid"), call.claims.get("oid")
            raise arm_error(
                403,
                "AuthorizationFailed",
                f"The client '{client}' with object id '{object_id}' does not have authorization to perform action "
                f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
                "refresh your credentials.",
            )
        refuse_denied(self._azure.store, call.claims, action, scope)
        refuse_locked(self._azure.store, call.method, scope)

    def _authenticate(self, call: Call) -> None:
        if not self._azure.options.check_tokens:
            call.claims = {"oid": self._azure.identity.default.object_id, "tid": self._azure.tenant.id}
            return
        kind, _, token = call.headers.get("Authorization", "").partition(" ")
        claims = self._azure.identity.claims(token) if kind.casefold() == "bearer" else None
        if claims is None:
            given = bool(token)
            raise arm_error(
                401,
                "InvalidAuthenticationToken" if given else "AuthenticationFailed",
                "The access token is invalid."
                if given
                else "Authentication failed. The 'Authorization' header is missing.",
                {
                    "WWW-Authenticate": f'Bearer authorization_uri="https://login.microsoftonline.com/{self._azure.tenant.id}"'
                },
            )
        audience = str(claims["aud"]).rstrip("/")
        if audience not in AUDIENCES and audience != self._azure.endpoints.arm:
            raise arm_error(
                401,
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{audience}'.",
            )
        call.claims = claims

    def _check_version(self, call: Call) -> None:
        if not call.api_version:
            raise arm_error(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        # What another provider keeps beside a service has versions of its own.
        concerned = call.path.casefold().rpartition("/providers/")[2].startswith("microsoft.apimanagement/")
        if concerned and call.api_version not in VERSIONS and not self._azure.options.old_versions:
            raise arm_error(
                400,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for API version '{call.api_version}' for type 'service'. "
                f"The supported api-versions are '{', '.join(VERSIONS)}'.",
            )

    def _announce(self, call: Call, answer: Answer) -> None:
        """
        Tell the listeners of a write that ended here; a long-running one is announced when it ends.
        """
        if call.method in READ_METHODS or answer.headers.pop("x-local-announced", None) is not None:
            return
        if answer.status in (401, 403, 404, 405, 429):
            return
        self.announce(call, self._azure.now(), failed=answer.status >= 400, created=answer.status == 201)

    def announce(self, call: Call, at: datetime, *, failed: bool, created: bool) -> None:
        """
        One write that ended, as ARM's events tell it.
        """
        name = operation_name(call.method, call.path)
        if name is None:
            return
        self._azure.store.announce(
            Write(
                operation_name=name,
                resource_id=resource_of(call.method, call.path),
                method=call.method,
                url=call.url,
                claims=call.claims,
                client_request_id=call.client_request_id,
                correlation_id=call.correlation_id,
                status=WriteStatus.FAILED if failed else WriteStatus.SUCCEEDED,
                at=at,
                created=created,
            )
        )

    def _finished(self, door: Place, call: Call, answer: Answer) -> Answer:
        """
        The headers that every answer of a door carries.
        """
        if door is not Place.ARM:
            return answer
        headers = answer.headers
        for name, value in COMMON.items():
            headers.setdefault(name, value)
        request_id = str(uuid.uuid4())
        headers["x-ms-request-id"] = request_id
        headers["x-ms-correlation-request-id"] = call.correlation_id
        stamp = call.at.strftime("%Y%m%dT%H%M%SZ")
        headers["x-ms-routing-request-id"] = f"LOCAL:{stamp}:{request_id}"
        headers["Date"] = call.at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        if "x-ms-failure-cause" not in headers:
            headers["Server"] = SERVER
        if call.headers.get("x-ms-return-client-request-id", "").casefold() == "true":
            headers["x-ms-client-request-id"] = call.client_request_id
        for name, value in self._throttling.headers(call).items():
            headers.setdefault(name, value)
        return answer

    def _log(self, door: Place, call: Call, status: int, fault: Fault | None) -> None:
        if door is Place.PLAIN and call.path.startswith("/_emulator"):
            return
        self._azure.log.add(
            Entry(
                at=call.at,
                place=door.value,
                method=call.method,
                host=call.host,
                path=call.path,
                query=dict(call.query),
                status=status,
                client_request_id=call.client_request_id,
                object_id=str(call.claims.get("oid", "")),
                body_size=len(call.body),
                fault=_name(fault),
            )
        )


def _name(fault: Fault | None) -> str:
    return (fault.name or fault.path) if fault else ""
