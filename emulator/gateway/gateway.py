"""
The gateway of the local Azure: one TLS listener that plays the gateways of all instances.

A part of `LocalAzure`; its address is `azure.endpoints.gateway`. The order of a call is Azure's: handshake, the tier's
own refusal, status page, API and operation, subscription key, policies, backend. It reads the store and writes
nothing; what it cannot play it answers with 500 and remembers in `not_emulated`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from cryptography import x509
from multidict import CIMultiDict

from emulator.certificates import Bundle
from emulator.gateway import cors
from emulator.gateway.admission import Asked, Target, admitted, api_for, with_operation
from emulator.gateway.attached import attached, trust_store
from emulator.gateway.backends import PARTNER_HOST, Backends
from emulator.gateway.elements import STEPS
from emulator.gateway.estate import Estate
from emulator.gateway.exchange import Cached, Exchange, Record
from emulator.gateway.hosts import Host, Kind, Tier, find
from emulator.gateway.http1 import Message, answer
from emulator.gateway.listener import Arrival, Listener
from emulator.gateway.outcome import NotEmulated, PolicyFailed, Response, not_found, refused
from emulator.gateway.pipeline import Pipeline, levels
from emulator.gateway.validation import Presented
from emulator.routes import RouteTable

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

STATUS_PATH = "status-0123456789abcdef"
CONSUMPTION_STATUS_PATH = "internal-status-0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Served:
    """
    One finished call, for tests that ask who was let through.
    """

    host: str
    method: str
    path: str
    status: int


@dataclass(kw_only=True)
class World:
    """
    What lies outside of any instance: authorities that all machines trust, and revocation lists that can be reached,
    by the issuer's thumbprint.
    """

    public_authorities: tuple[x509.Certificate, ...] = ()
    revocation: Mapping[str, frozenset[int]] = field(default_factory=dict)


class Gateway:
    """
    All gateways of one local Azure.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self.world = World()
        self.backends = Backends(partner_authority=azure.workshop.authority("CN=Partner Root"))
        self.not_emulated: list[str] = []
        self.records: list[Record] = []
        self.served: list[Served] = []
        self._cache: dict[str, Cached] = {}
        self._listener = Listener(
            lookup=self.host, handler=self._answer, authority=self._authority, workshop=azure.workshop
        )

    def host(self, name: str) -> Host | None:
        """
        The host that a handshake names, as it is now.
        """
        if name == PARTNER_HOST:
            return Host(host=name, kind=Kind.PARTNER, negotiates=True)
        self._azure.provider.advance()  # an update that is done by now counts, though nobody has asked ARM
        return find(self._azure.store, self._azure.options, name)

    def routes(self, table: RouteTable) -> None:
        """
        The gateway has a door of its own and no routes at the others.
        """

    async def start(self) -> None:
        address = await self._listener.start(self._azure.options.gateway_port)
        self._azure.endpoints.gateway = self.backends.address = address

    async def stop(self) -> None:
        await self._listener.stop()

    def next_due(self) -> datetime | None:
        return None

    async def advance(self) -> None:
        """
        Nothing falls due: hosts and policies are read afresh for every call.
        """

    def _authority(self, host: Host) -> Bundle:
        return self.backends.partner_authority if host.kind is Kind.PARTNER else self._azure.authority

    async def _answer(self, arrival: Arrival[Host]) -> Message:
        if arrival.door.kind is Kind.PARTNER:
            return _message(self.backends.as_partner(arrival.message, arrival.certificate))
        self._azure.in_flight += 1
        try:
            response = await self._respond(arrival)
        except NotEmulated as unknown:
            self.not_emulated.append(str(unknown))
            response = Response(status=500, body=f"not emulated: {unknown}".encode())
        finally:
            self._azure.in_flight -= 1
        method, path, _ = arrival.message.first
        self.served.append(Served(host=arrival.door.host, method=method, path=path, status=response.status))
        return _message(response)

    async def _respond(self, arrival: Arrival[Host]) -> Response:
        host, asked = arrival.door, Asked.of(arrival.message)
        if host.tier is Tier.CONSUMPTION and host.kind is Kind.MANAGED and host.negotiates and not arrival.certificate:
            return refused(403, "Client certificate required")
        if not self._is_named(host, asked):
            return not_found().response
        if asked.path == (CONSUMPTION_STATUS_PATH if host.tier is Tier.CONSUMPTION else STATUS_PATH):
            return Response(body=b"Service Operational")
        call = self._call(arrival, asked)
        try:
            found = self._targeted(call)
        except PolicyFailed as failed:
            return await self._recover(call, failed)
        return found if isinstance(found, Response) else await self._run(call)

    def _is_named(self, host: Host, asked: Asked) -> bool:
        """
        Whether the Host header names a host of the same gateway; which one of them, the caller is free to say.
        """
        named = find(self._azure.store, self._azure.options, asked.host)
        own = (host.kind, host.service, host.gateway, host.workspace)
        return named is not None and own == (named.kind, named.service, named.gateway, named.workspace)

    def _call(self, arrival: Arrival[Host], asked: Asked) -> Exchange:
        estate, options = Estate(self._azure.store, arrival.door), self._azure.options
        public, revocation = self.world.public_authorities, self.world.revocation
        of_clients = public if options.public_clients_trusted else ()
        presented = Presented(
            certificate=arrival.certificate,
            sent=arrival.sent_issuers if options.sent_issuers_help else (),
            trust=trust_store(estate, options, public=of_clients, revocation=revocation),
            backends=trust_store(estate, options, public=public, revocation=revocation),
            attached=attached(estate),
            now=self._azure.now(),
        )
        return Exchange(
            estate=estate,
            asked=asked,
            target=None,
            presented=presented,
            address=arrival.address,
            backends=self.backends,
            options=options,
            records=self.records,
            cache=self._cache,
        )

    def _targeted(self, call: Exchange) -> Response | None:
        """
        Find what is called and by whom. A preflight is answered here: of its policies only `cors` runs.
        """
        found = api_for(call.estate, call.asked)
        if found is None:
            raise PolicyFailed(not_found())
        target = with_operation(call.estate, found, call.asked.method)
        if target is None and call.sees_preflight:
            response = self._preflight(call, found)
            if response is not None:
                return response
        if target is None:
            raise PolicyFailed(not_found())
        call.target = target
        call.target = admitted(call.estate, target, call.asked, call.options)
        return None

    def _preflight(self, call: Exchange, found: Target) -> Response | None:
        """
        The answer to a browser's question about another method; None when no policy has a `cors`.
        """
        browser = cors.Browser.of(call.asked.message.headers)
        target = with_operation(call.estate, found, browser.method.upper())
        if target is None:
            return None
        # Browsers send no key with a preflight: without one it runs in the API's own context.
        with suppress(PolicyFailed):
            target = admitted(call.estate, target, call.asked, call.options)
        pipeline = Pipeline(levels(call.estate, target), replace(call, target=target), STEPS)
        policies = [element for element in pipeline.elements("inbound") if element.name == "cors"]
        return cors.preflight(policies, browser) if policies else None

    async def _run(self, call: Exchange) -> Response:
        try:
            pipeline = Pipeline(levels(call.estate, call.target), call, STEPS)
            response = await pipeline.run("inbound")
            if response is None:
                response = await pipeline.run("backend") or Response()
                await self._keep(pipeline, call)
        except PolicyFailed as failed:
            return await self._recover(call, failed)
        return _with_headers(response, call.answer_headers)

    async def _keep(self, pipeline: Pipeline, call: Exchange) -> None:
        """
        All that is played of outbound: what lies in the cache answers callers that no later check has seen.
        """
        for element in pipeline.elements("outbound"):
            if element.name == "cache-store":
                await STEPS[element.name](call, element)

    async def _recover(self, call: Exchange, failed: PolicyFailed) -> Response:
        """
        on-error: its own answer if it gives one, else the failure's.
        """
        call.failure = failed.failure
        try:
            response = await Pipeline(levels(call.estate, call.target), call, STEPS).run("on-error")
        except PolicyFailed as again:
            response = again.failure.response
        return _with_headers(response or call.failure.response, call.answer_headers)


def _with_headers(response: Response, headers: CIMultiDict[str]) -> Response:
    return Response(
        status=response.status,
        reason=response.reason,
        headers=CIMultiDict({**response.headers, **headers}),
        body=response.body,
    )


def _message(response: Response) -> Message:
    return answer(response.status, response.reason or _phrase(response.status), response.headers, response.body)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
