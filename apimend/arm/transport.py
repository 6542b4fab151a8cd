"""
One connection pool, one pipeline and one credential for all clients of a process.

A client per subscription costs a fraction of a millisecond when it shares the pipeline. The SDK's own pipeline
is not used: it registers resource providers by itself (a write), and sleeps any Retry-After.
"""

import socket
import ssl
from collections import Counter
from contextvars import ContextVar
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline import AsyncPipeline, PipelineResponse
from azure.core.pipeline.policies import (
    AsyncRetryPolicy,
    ContentDecodePolicy,
    CustomHookPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpResponse
from azure.core.rest import HttpRequest
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from apimend import telemetry
from apimend.ports import Clock
from apimend.settings import Cloud

SHORT = 5.0
"""Seconds: a longer Retry-After is not slept but handed back, so that the bell's due time honours it."""

CALLS: ContextVar[Counter[str] | None] = ContextVar("calls", default=None)
"""Who counts the calls made in this task: a visit's view sets it."""

_USER_AGENT = "apimend"


class LoopbackNames(AbstractResolver):
    """
    Resolves names, and those below `.localhost` to the loopback address, as RFC 6761 section 6.3 wants.

    Many resolvers know only `localhost` itself.
    """

    def __init__(self) -> None:
        self._others = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host."""
        if not host.endswith(".localhost"):
            return await self._others.resolve(host, port, family)
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        """Let the wrapped resolver go."""
        await self._others.close()


class ShortRetry(AsyncRetryPolicy[Any, Any]):
    """azure-core's retries, but only where the wait is short."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Whether to try again here and now."""
        after = self.get_retry_after(response)
        return (after is None or after <= SHORT) and bool(super().is_retry(settings, response))


class ClockedTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core loads it lazily, so it has no type
    """The aiohttp transport with injected time, counting what it sends."""

    def __init__(self, session: aiohttp.ClientSession, clock: Clock) -> None:
        super().__init__(session=session, session_owner=False)
        self._clock = clock

    async def sleep(self, duration: float) -> None:
        """Used between retries."""
        await self._clock.sleep(duration)

    async def send(self, request: Any, **kwargs: Any) -> Any:
        """One request on the wire."""
        kind = _kind(request.url)
        if (calls := CALLS.get()) is not None:
            calls[kind] += 1
        if kind != "vault" and (run := telemetry.CORRELATION.get()):
            request.headers[telemetry.CORRELATION_HEADER] = run
        with telemetry.calling(request.method, request.url, kind) as call:
            answer = await super().send(request, **kwargs)
            call.answered(answer.status_code, answer.headers)
            return answer


def _kind(url: str) -> str:
    if "/providers/Microsoft.ResourceGraph/" in url:
        return "graph"
    return "arm" if "/subscriptions/" in url else "vault"


def open_session(cloud: Cloud) -> aiohttp.ClientSession:
    """The connection pool: one TLS context, connections kept, no cookies."""
    context = ssl.create_default_context()
    if cloud.ca_file:
        context.load_verify_locations(cafile=str(cloud.ca_file))
    connector = aiohttp.TCPConnector(ssl=context, limit=64, resolver=LoopbackNames())
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=120, connect=20),
    )


def open_pipeline(
    transport: AioHttpTransport, credential: AsyncTokenCredential, cloud: Cloud
) -> AsyncPipeline[HttpRequest, AsyncHttpResponse]:
    """The ARM pipeline that every management client shares."""
    return AsyncPipeline(
        transport,
        [
            RequestIdPolicy(),
            HeadersPolicy(),
            UserAgentPolicy(_USER_AGENT),
            ContentDecodePolicy(),
            ShortRetry(),
            AsyncARMChallengeAuthenticationPolicy(credential, f"{cloud.arm_audience.rstrip('/')}/.default"),
            CustomHookPolicy(),
        ],
    )


__all__ = ["SHORT", "ClockedTransport", "LoopbackNames", "ShortRetry", "open_pipeline", "open_session"]
