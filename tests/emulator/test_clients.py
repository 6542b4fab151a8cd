"""Microsoft's own client libraries against the local Azure, unchanged but for endpoint, credential and CA."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity import ManagedIdentityCredential
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.certificates.aio import CertificateClient as AsyncCertificateClient
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.apimanagement.aio import ApiManagementClient as AsyncApiManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest

from emulator import LocalAzure, Options
from tests.emulator.stand import SUBSCRIPTION, TENANT, service_id

RG, NAME = "rg-apim", "apim"
SCOPES = ["https://management.azure.com/.default"]


class Clock:
    """A clock that the polling of a synchronous client moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 8, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@dataclass
class Elsewhere:
    """A local Azure on a thread of its own, so that synchronous clients can call it."""

    azure: LocalAzure
    clock: Clock


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    clock = Clock()
    azure = LocalAzure(TENANT, now=clock.now, options=Options(update_duration=timedelta(seconds=1), retry_after=0))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(azure.__aenter__(), loop).result()
    try:
        yield Elsewhere(azure, clock)
    finally:
        asyncio.run_coroutine_threadsafe(azure.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Credential:
    """A token of the emulator for whichever resource is asked for."""

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure

    def get_token(self, *scopes: str, **further: Any) -> AccessToken:
        return AccessToken(self._azure.identity.token(scopes[0].removesuffix("/.default")), 4102444800)


class AsyncCredential(Credential):
    async def get_token(self, *scopes: str, **further: Any) -> AccessToken:  # type: ignore[override]  # the SDK names each option
        return super().get_token(*scopes)

    async def close(self) -> None: ...

    async def __aenter__(self) -> AsyncCredential:
        return self

    async def __aexit__(self, *error: object) -> None: ...


def management(azure: LocalAzure) -> Any:
    return ApiManagementClient(
        Credential(azure),
        SUBSCRIPTION,
        base_url=azure.endpoints.arm,
        credential_scopes=SCOPES,
        connection_verify=azure.ca_file,
    )


def test_the_synchronous_management_client(elsewhere: Elsewhere) -> None:
    """
    Lists, policies, certificates and a polled update work through azure-mgmt-apimanagement.
    """
    azure, clock = elsewhere.azure, elsewhere.clock
    with management(azure) as client:
        services = list(client.api_management_service.list())
        policy = client.policy.get(RG, NAME, "policy", format="rawxml")
        client.api_policy.create_or_update(
            RG, NAME, "echo", "policy", {"properties": {"format": "rawxml", "value": "<policies />"}}
        )
        secret = azure.vaults.secret_url("kv-apim", "client")
        certificate = client.certificate.create_or_update(
            RG, NAME, "c", {"properties": {"keyVault": {"secretIdentifier": secret}}}
        )
        client.named_value.begin_create_or_update(
            RG, NAME, "n", {"properties": {"displayName": "n", "value": "v"}}
        ).result()
        entries = [{"type": "Proxy", "hostName": "apim.azure-api.net", "negotiateClientCertificate": True}]
        poller = client.api_management_service.begin_update(
            RG, NAME, {"properties": {"hostnameConfigurations": entries}}
        )
        clock.time += timedelta(minutes=1)
        done = poller.result()

    assert [service_id()] == [one.id for one in services]
    assert policy.value is not None
    assert policy.value.startswith("<!--")
    assert azure.certificate("client").thumbprint == certificate.thumbprint
    assert done.hostname_configurations is not None
    assert done.hostname_configurations[0].negotiate_client_certificate is True


def test_the_managed_identity_credential(elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    azure-identity gets its token from the identity endpoint through the two settings of App Service.
    """
    endpoints = elsewhere.azure.endpoints
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoints.identity)
    monkeypatch.setenv("IDENTITY_HEADER", endpoints.identity_header)
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(*SCOPES)

    claims = elsewhere.azure.identity.claims(token.token)
    assert claims is not None
    assert elsewhere.azure.identity.default.object_id == claims["oid"]


def test_the_synchronous_vault_client(elsewhere: Elsewhere) -> None:
    """
    azure-keyvault-certificates follows the challenge and reads a certificate with its policy.
    """
    azure = elsewhere.azure
    with CertificateClient(
        azure.vault_url("kv-apim", plain=True),
        Credential(azure),
        verify_challenge_resource=False,
        connection_verify=azure.ca_file,
    ) as client:
        found = client.get_certificate("client")
        listed = [one.name for one in client.list_properties_of_certificates()]

    assert azure.certificate("client").der == bytes(found.cer or b"")
    assert found.policy is not None
    assert found.policy.exportable is True
    assert "sealed" in listed


def test_the_resource_graph_client(elsewhere: Elsewhere) -> None:
    """
    azure-mgmt-resourcegraph runs an inventory query.
    """
    azure = elsewhere.azure
    with ResourceGraphClient(
        Credential(azure), base_url=azure.endpoints.arm, credential_scopes=SCOPES, connection_verify=azure.ca_file
    ) as client:
        query = "resources | where type =~ 'microsoft.apimanagement/service' | project id, name"
        found: Any = client.resources(QueryRequest(query=query, subscriptions=[SUBSCRIPTION]))

    assert [{"id": service_id(), "name": NAME}] == found.data


async def asynchronous(azure: LocalAzure, clock: Clock) -> tuple[list[str], int, str]:
    context = ssl.create_default_context(cafile=azure.ca_file)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        transport = AioHttpTransport(session=session, session_owner=False)
        async with AsyncApiManagementClient(
            AsyncCredential(azure),
            SUBSCRIPTION,
            base_url=azure.endpoints.arm,
            credential_scopes=SCOPES,
            transport=transport,
        ) as client:
            services: Any = client.api_management_service
            names = [str(one.name) async for one in client.api.list_by_service(RG, NAME)]
            poller = await services.begin_update(
                RG, NAME, b'{"tags":{"a":"b"}}', polling=False, cls=lambda response, model, headers: response
            )
            status = (await poller.result()).http_response.status_code
        async with AsyncCertificateClient(
            azure.vault_url("kv-apim", plain=True),
            AsyncCredential(azure),
            verify_challenge_resource=False,
            transport=transport,
        ) as vault:
            secret = (await vault.get_certificate("client")).secret_id
    return names, status, str(secret)


def test_the_asynchronous_clients() -> None:
    """
    The asynchronous clients share one session and read lists, update the service and read the vault.
    """

    async def whole() -> tuple[list[str], int, str]:
        clock = Clock()
        async with LocalAzure(TENANT, now=clock.now) as azure:
            return await asynchronous(azure, clock)

    names, status, secret = asyncio.run(whole())

    assert (["echo"], 200) == (names, status)
    assert "/secrets/client/" in secret
