"""
A local Azure with its gateway, and callers with certificates: what the gateway's tests stand on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from emulator import Options, Resource
from emulator.azure import LocalAzure
from emulator.certificates import Bundle
from emulator.gateway import Answer, Gateway, call
from emulator.gateway.exchange import Record

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORWARD = "<backend><forward-request /></backend>"
BASE = "<base />"

AUTHORITIES = {
    "root": {"subject": "CN=Root"},
    "issuing": {"subject": "CN=Issuing", "issued_by": "root"},
    "elsewhere": {"subject": "CN=Elsewhere"},
}
CERTIFICATES = {
    "client": {"subject": "CN=client, O=Contoso", "issued_by": "issuing", "dns_names": ["client.contoso.com"]},
    "second": {"subject": "CN=second, O=Contoso", "issued_by": "issuing"},
    "stranger": {"subject": "CN=client, O=Contoso", "issued_by": "elsewhere"},
    "expired": {"subject": "CN=expired", "issued_by": "issuing", "starts": "-9d", "ends": "-1d"},
}


@dataclass
class Bench:
    """
    One running Azure and its clock. Policies are put in place directly: ARM has tests of its own.
    """

    runner: asyncio.Runner
    azure: LocalAzure
    gateway: Gateway
    time: list[datetime] = field(default_factory=lambda: [START])

    def who(self, name: str) -> Bundle:
        return self.azure.certificate(name)

    def service(self, name: str) -> Resource:
        found = [one for one in self.azure.store.of_type("Microsoft.ApiManagement/service") if one.name == name]
        return found[0]

    def call(
        self,
        host: str,
        path: str,
        who: str | Bundle | None = None,
        *,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        with_issuers: bool = False,
        **more: Any,
    ) -> Answer:
        bundle = self.who(who) if isinstance(who, str) else who
        shown = (bundle.chain_pem if with_issuers else bundle.pem, bundle.key_pem) if bundle else None
        sent = {**({"Ocp-Apim-Subscription-Key": key} if key else {}), **(headers or {})}
        address, ca_file = self.azure.endpoints.gateway, self.azure.ca_file
        return self.runner.run(call(address, host, path, ca_file, client_certificate=shown, headers=sent, **more))

    def statuses(self, host: str, path: str, *who: str | None, **more: Any) -> list[int]:
        """
        How each of these callers fares.
        """
        return [self.call(host, path, one, **more).status for one in who]

    def policy(self, service: str, scope: str, text: str) -> None:
        """
        Set the policy at a scope (empty: global); a text of nothing takes it away.
        """
        owner = f"{self.service(service).id}/{scope}".rstrip("/")
        identifier = f"{owner}/policies/policy"
        if not text:
            self.azure.store.remove(identifier)
            return
        self.resource(identifier, "Microsoft.ApiManagement/service/policies", {"value": text})

    def inbound(self, service: str, scope: str, inbound: str, *, on_error: str = BASE) -> None:
        """
        Set a policy by its inbound section; the global one forwards, others leave that to it.
        """
        backend = f"<backend>{BASE}</backend>" if scope else FORWARD
        text = f"<policies><inbound>{inbound}</inbound>{backend}<outbound /><on-error>{on_error}</on-error></policies>"
        self.policy(service, scope, text)

    def resource(self, identifier: str, kind: str, properties: dict[str, Any], **body: Any) -> None:
        name = identifier.rpartition("/")[2]
        self.azure.store.put(Resource(id=identifier, type=kind, name=name, body={"properties": properties, **body}))

    def negotiate_by_arm(self, service: str, host: str) -> None:
        """
        Switch negotiation on as an operator does: a PATCH to ARM, which takes its time.
        """
        found = self.service(service)
        entries = [
            {**{key: value for key, value in one.items() if value is not None}, "negotiateClientCertificate": True}
            if one["hostName"] == host
            else {key: value for key, value in one.items() if value is not None}
            for one in found.properties["hostnameConfigurations"]
        ]
        self.runner.run(self._patch(found.id, {"properties": {"hostnameConfigurations": entries}}))

    async def _patch(self, identifier: str, body: dict[str, Any]) -> None:
        trusted = ssl.create_default_context(cafile=self.azure.ca_file)
        endpoints = self.azure.endpoints
        asked = {"resource": "https://management.azure.com", "api-version": "2019-08-01"}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted)) as session:
            proof = {"X-IDENTITY-HEADER": endpoints.identity_header}
            async with session.get(endpoints.identity, params=asked, headers=proof) as answer:
                token = (await answer.json())["access_token"]
            url, bearer = f"{endpoints.arm}{identifier}?api-version=2024-05-01", {"Authorization": f"Bearer {token}"}
            async with session.patch(url, json=body, headers=bearer) as answer:
                assert answer.status == 202, await answer.text()

    def master_key(self, service: str) -> str:
        """
        The key of the built-in all-access subscription.
        """
        found = self.azure.store.get(f"{self.service(service).id}/subscriptions/master")
        assert found is not None
        return str(found.hidden["primaryKey"])

    def change(self, service: str, **properties: Any) -> None:
        """
        Change a service's properties at once, as if an update had run.
        """
        self.azure.store.put(self.service(service).with_properties(**properties))

    def reached(self) -> int:
        """
        How many requests have come through to a backend since the last look.
        """
        count = len(self.gateway.backends.deliveries)
        self.gateway.backends.deliveries.clear()
        return count

    def recorded(self) -> list[Record]:
        """
        What policies have recorded since the last look.
        """
        found = list(self.gateway.records)
        self.gateway.records.clear()
        return found

    def passes(self, span: timedelta) -> None:
        self.time[0] += span
        self.runner.run(self.azure.advance())


@contextmanager
def running(services: list[dict[str, Any]], options: Options | None = None, **tenant: Any) -> Iterator[Bench]:
    """
    A local Azure with these services and the certificates above. Afterwards nothing may have been left unplayed.
    """
    time = [START]
    content = {"authorities": AUTHORITIES, "certificates": CERTIFICATES, "services": services, **tenant}
    azure = LocalAzure(content, now=lambda: time[0], options=options, parts=[Gateway])
    gateway = azure.parts[0]
    assert isinstance(gateway, Gateway)
    with asyncio.Runner() as runner:
        runner.run(azure.__aenter__())
        try:
            yield Bench(runner, azure, gateway, time)
            assert [] == gateway.not_emulated
        finally:
            runner.run(azure.__aexit__(None, None, None))
