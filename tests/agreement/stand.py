"""
A generated tenant that runs: written and read through Resource Manager, called over TLS.

One connection stays open for each pair of host and caller. `Seen` is what a caller got of one call: an answer that
is no refusal, a request that a policy sent for him, a request that reached the API's backend.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from azure.core.credentials import AccessToken

from apimend.arm.azure import ArmAzure
from apimend.model.desired import DeclaredGateway, Desired
from apimend.model.ids import InstanceId
from apimend.policy import Standards
from apimend.ports import Buckets
from apimend.settings import Cloud
from apimend.survey import Survey, survey
from devhost.clock import VirtualClock
from emulator import LocalAzure, Options
from emulator.gateway import Gateway, connected
from emulator.gateway.caller import Line
from tests.agreement.recipes import SIDE, Who
from tests.agreement.tenants import BACKEND, Texts, documents, layout

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
VERSION = {"api-version": "2024-05-01"}
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-apim"
HEADERS = {"X-Agreement": "yes", "Authorization": "Bearer of-nothing"}
"""What policies that have nothing to do with certificates ask for."""

CALLERS = ("ally", "other", "stranger", "")
"""An allowed client, the holder of another certificate of the same CA, a forger with the same names, and nobody."""


@dataclass(frozen=True)
class Token:
    """A credential for the local Azure."""

    azure: LocalAzure

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self.azure.identity.token("https://management.azure.com"), int(NOW.timestamp()) + 3600)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "Token":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one caller got: the status, and whether anything was sent on for him, to the backend or elsewhere."""

    status: int
    forwarded: bool
    sent: bool

    @property
    def got_something(self) -> bool:
        return self.status < 400 or self.forwarded or self.sent


@dataclass(kw_only=True)
class Stand:
    """One running tenant, a reader of it, and callers."""

    azure: LocalAzure
    gateway: Gateway
    arm: ArmAzure
    session: aiohttp.ClientSession
    lines: AsyncExitStack
    who: Who
    texts: Mapping[str, Texts] = field(default_factory=dict)
    calls: int = 0
    _open: dict[tuple[str, str], Line] = field(default_factory=dict)

    def instance(self, service: str) -> InstanceId:
        """The id of a service."""
        return InstanceId.of(f"{GROUP}/providers/Microsoft.ApiManagement/service/{service}")

    def desired(self, service: str) -> Desired:
        """What is declared of a service: that one of its self-hosted gateways negotiates."""
        return Desired(instance=self.instance(service), gateways=(DeclaredGateway(name="site", negotiates=True),))

    async def read(self, service: str, *, walk: bool = True) -> tuple[Survey, Standards]:
        """The service as the product reads it, and what it is measured against."""
        reader = self.arm.reader(self.instance(service))
        found = await survey(reader, self.desired(service), handshakes={}, walk=walk)
        standards = Standards(
            thumbprints=frozenset({self.who.ally, self.who.second}),
            attached=frozenset(each.thumbprint for each in await reader.certificates()),
            waivers=self.texts[service].waivers if service in self.texts else frozenset(),
        )
        return found, standards

    async def write(self, service: str, scope: str, text: str, *, etag: str = "") -> str:
        """A policy at a scope, or a fragment where the path names one; the etag it got."""
        path = scope if "policyFragments/" in scope else f"{scope}/policies/policy".lstrip("/")
        headers = {"Authorization": f"Bearer {(await Token(self.azure).get_token()).token}"}
        headers |= {"If-Match": etag} if etag else {}
        body = {"properties": {"format": "rawxml", "value": text}}
        url = f"{self.azure.endpoints.arm}{self.instance(service)}/{path}"
        async with self.session.put(url, json=body, headers=headers, params=VERSION) as answer:
            said = await answer.text()
            assert answer.status in (200, 201), f"{scope}: {said}\n{text}"
            return answer.headers.get("ETag", "")

    def master_key(self, service: str) -> str:
        """The key of the built-in all-access subscription."""
        found = self.azure.store.get(f"{self.instance(service)}/subscriptions/master")
        assert found is not None
        return str(found.hidden["primaryKey"])

    def forwarded(self, caller: str) -> str:
        """The certificate of a caller as Application Gateway writes it into a header."""
        return quote(self.azure.certificate(caller).pem, safe="")

    async def call(
        self, host: str, caller: str, path: str, key: str, *, header: str = "", more: Mapping[str, str] | None = None
    ) -> Seen:
        """One call; `header` is another Host than that of the handshake, `more` are further headers."""
        line = await self._line(host, caller)
        self.calls += 1
        self.gateway.backends.deliveries.clear()
        headers = {
            **HEADERS,
            **(more or {}),
            **({"Ocp-Apim-Subscription-Key": key} if key else {}),
            **({"Host": header} if header else {}),
        }
        answer = await line.call(path, headers=headers)
        urls = [delivery.url for delivery in self.gateway.backends.deliveries]
        return Seen(
            status=answer.status,
            forwarded=any("//" + BACKEND.partition("//")[2] in url for url in urls),
            sent=any(url.startswith(SIDE) for url in urls),
        )

    async def _line(self, host: str, caller: str) -> Line:
        if (host, caller) not in self._open:
            bundle = self.azure.certificate(caller) if caller else None
            shown = (bundle.pem, bundle.key_pem) if bundle else None
            dialled = connected(self.azure.endpoints.gateway, host, self.azure.ca_file, client_certificate=shown)
            self._open[host, caller] = await self.lines.enter_async_context(dialled)
        return self._open[host, caller]


@asynccontextmanager
async def standing(
    tenant: Mapping[str, Any],
    *,
    options: Options | None = None,
    clock: VirtualClock | None = None,
    limits: Buckets | None = None,
) -> AsyncIterator[Stand]:
    """A tenant that runs. Afterwards nothing may have been left unplayed by its gateway."""
    options, clock = options or Options(check_references=False), clock or VirtualClock(NOW)
    async with (
        LocalAzure(tenant, now=clock.now, options=options, parts=[Gateway]) as azure,
        AsyncExitStack() as stack,
    ):
        gateway = azure.part(Gateway)
        gateway.world.revocation = {azure.certificate("issuing").thumbprint: frozenset()}
        session = await stack.enter_async_context(_session(azure))
        arm = ArmAzure.open(cloud=_cloud(azure), credential=Token(azure), clock=clock, limits=limits)
        stack.push_async_callback(arm.close)
        names = ("ally", "second", "other")
        pins = {name: azure.certificate(name).thumbprint for name in names if name in azure.certificates}
        who = Who(**{name: pins.get(name, "") for name in names}, issuer=azure.certificate("issuing").thumbprint)
        yield Stand(azure=azure, gateway=gateway, arm=arm, session=session, lines=stack, who=who)
        assert [] == gateway.not_emulated


@asynccontextmanager
async def generated(seed: int, *, unchecked: bool = False, only: str = "", **options: Any) -> AsyncIterator[Stand]:
    """
    The tenant of a seed with its policies, those of one service only if wished.

    `unchecked`: with those that were there before any check.
    """
    async with standing(layout(seed), options=Options(check_references=False, **options)) as stand:
        written = documents(seed, stand.who, unchecked=unchecked)
        stand.texts = {service: texts for service, texts in written.items() if only in ("", service)}
        for service, texts in stand.texts.items():
            for name, text in texts.fragments.items():
                await stand.write(service, f"policyFragments/{name}", text)
            for scope, text in texts.policies.items():
                await stand.write(service, scope, text)
        yield stand


def _session(azure: LocalAzure) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=azure.ca_file)))


def _cloud(azure: LocalAzure) -> Cloud:
    return Cloud(
        name="local",
        arm_url=azure.endpoints.arm,
        arm_audience="https://management.azure.com",
        login_url=azure.endpoints.login,
        vault_suffix=azure.endpoints.vault_suffix.lstrip("."),
        vault_audience="https://vault.azure.net",
        gateway_suffix="azure-api.net",
        storage_suffix="core.windows.net",
        ca_file=Path(azure.ca_file),
    )
