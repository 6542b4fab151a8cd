"""
A running local Azure for tests, spoken to over HTTP, on a clock of its own.

Used by the tests of `tests/emulator`. It knows one token and how to build paths; it never reaches into handlers.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from emulator import LocalAzure, Options
from emulator.arm.provider import SERVICE
from emulator.azure import PartFactory

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-apim"
ARM = "https://management.azure.com"
VERSION = "2024-05-01"

TENANT: dict[str, Any] = {
    "authorities": {"root": {"subject": "CN=Root"}},
    "certificates": {
        "host": {"subject": "CN=api.contoso.com", "issued_by": "root", "key": "rsa", "dns_names": ["api.contoso.com"]},
        "client": {"subject": "CN=client, O=Contoso", "issued_by": "root", "key": "rsa"},
        "rolled": {"subject": "CN=client, O=Contoso", "issued_by": "root", "key": "rsa"},
        "curve": {"subject": "CN=curve", "issued_by": "root"},
    },
    "vaults": [
        {
            "name": "kv-apim",
            "certificates": [
                {"name": "host", "certificate": "host"},
                {"name": "client", "certificate": "client"},
                {"name": "curve", "certificate": "curve"},
                {"name": "sealed", "certificate": "client", "exportable": False},
                {"name": "off", "certificate": "client", "enabled": False},
            ],
            "secrets": [{"name": "word", "value": "open sesame"}],
        }
    ],
    "roles": [{"principal": "apim", "role": "Key Vault Secrets User", "scope": "vault kv-apim"}],
    "services": [
        {
            "name": "apim",
            "sku": "Developer",
            "identity": "system",
            "apis": [
                {
                    "id": "echo",
                    "name": "Echo",
                    "path": "echo",
                    "operations": [{"id": "get", "method": "GET", "url": "/", "name": "Get"}],
                }
            ],
            "products": [{"id": "starter", "name": "Starter", "apis": ["echo"]}],
        }
    ],
}


def service_id(name: str = "apim") -> str:
    return f"{GROUP}/providers/{SERVICE}/{name}"


def tenant_with(service: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """
    The small tenant with its service changed, or with other members.
    """
    services = [{**TENANT["services"][0], **(service or {})}]
    return {**TENANT, "services": services, **members}


@dataclass(frozen=True)
class Reply:
    """
    An answer as it came over the wire.
    """

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    @property
    def error(self) -> Any:
        return self.json["error"]


class Stand:
    """
    One local Azure and a client; every method is one call.
    """

    def __init__(self, azure: LocalAzure, runner: asyncio.Runner, session: aiohttp.ClientSession) -> None:
        self.azure = azure
        self.now = START
        self._runner = runner
        self._session = session
        self.token = ""

    def arm(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        version: str = VERSION,
        **query: str,
    ) -> Reply:
        """
        A call to ARM; a path that doesn't start at a subscription is taken below the service.
        """
        url = (
            path
            if path.casefold().startswith((f"/subscriptions/{SUBSCRIPTION}", "/providers"))
            else f"{service_id()}{path}"
        )
        parameters = {"api-version": version, **query} if version else query
        bearer = {"Authorization": f"Bearer {self.token or self.azure.identity.token(ARM)}"}
        return self.call(method, f"{self.azure.endpoints.arm}{url}", body, {**bearer, **(headers or {})}, parameters)

    def vault(self, method: str, path: str, body: Any = None, *, principal: str | None = None, **query: str) -> Reply:
        token = self.azure.identity.token("https://vault.azure.net", principal)
        url = f"{self.azure.vault_url('kv-apim', plain=True)}{path}"
        return self.call(method, url, body, {"Authorization": f"Bearer {token}"}, {"api-version": "7.5", **query})

    def control(self, method: str, path: str, body: Any = None) -> Reply:
        return self.call(method, f"{self.azure.endpoints.control}{path}", body, {}, {})

    def call(
        self, method: str, url: str, body: Any, headers: Mapping[str, str], query: Mapping[str, str] | None
    ) -> Reply:
        return self._runner.run(self._call(method, url, body, headers, query))

    async def _call(
        self, method: str, url: str, body: Any, headers: Mapping[str, str], query: Mapping[str, str] | None
    ) -> Reply:
        data = body if isinstance(body, bytes) else None
        plain = None if data is not None else body
        async with self._session.request(
            method, url, params=query or None, headers=headers, json=plain, data=data
        ) as answer:
            raw = await answer.read()
            return Reply(answer.status, answer.headers, raw.decode())

    def follow(self, url: str) -> Reply:
        """
        A GET of a whole URL that an answer named.
        """
        bearer = {"Authorization": f"Bearer {self.token or self.azure.identity.token(ARM)}"}
        return self.call("GET", url, None, bearer, None)

    def held_up(self, method: str, path: str, span: timedelta) -> tuple[int, datetime | None, int]:
        """
        The status of a call that waits, and what the emulator said of it before time passed.
        """

        async def both() -> tuple[int, datetime | None, int]:
            bearer = {"Authorization": f"Bearer {self.azure.identity.token(ARM)}"}
            url = f"{self.azure.endpoints.arm}{service_id()}{path}"
            waiting = asyncio.ensure_future(self._call(method, url, None, bearer, {"api-version": VERSION}))
            while not len(self.azure.waiting):
                await asyncio.sleep(0)  # noqa: TID251 - lets the call arrive
            due, busy = self.azure.next_due(), self.azure.in_flight
            self.now += span
            await self.azure.advance()
            return (await waiting).status, due, busy

        return self._runner.run(both())

    def wait(self, span: timedelta) -> None:
        """
        Let time pass and everything due happen.
        """
        self.now += span
        self._runner.run(self.azure.advance())

    def put_policy(self, owner: str, text: str, *, form: str = "rawxml", etag: str = "") -> Reply:
        body = {"properties": {"format": form, "value": text}}
        named = {"If-Match": etag} if etag else {}
        return self.arm("PUT", f"{owner}/policies/policy", body, headers=named)


@contextmanager
def running(
    tenant: Mapping[str, Any] = TENANT, *, parts: Sequence[PartFactory] = (), **options: Any
) -> Iterator[Stand]:
    """
    A local Azure with these options and parts, until the block ends.
    """
    with asyncio.Runner() as runner:
        clock: list[Stand] = []
        chosen = Options(**options)
        azure = LocalAzure(tenant, now=lambda: clock[0].now if clock else START, options=chosen, parts=parts)
        runner.run(azure.__aenter__())
        session = runner.run(_session(azure.ca_file))
        try:
            stand = Stand(azure, runner, session)
            clock.append(stand)
            yield stand
        finally:
            runner.run(session.close())
            runner.run(azure.__aexit__(None, None, None))


async def _session(ca_file: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca_file)), auto_decompress=False
    )
