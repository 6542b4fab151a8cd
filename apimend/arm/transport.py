"""
One connection pool, one pipeline and one credential for all clients of a process.

A client per subscription costs a fraction of a millisecond when it shares the pipeline. The SDK's own pipeline
is not used: it registers resource providers by itself (a write), and sleeps any Retry-After.
"""

import socket
import ssl
from collections import Counter
from collections.abc import Mapping
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
from apimend.model.errors import Throttled
from apimend.ports import Buckets, Clock
from apimend.settings import Cloud

SHORT = 5.0
"""Seconds: a longer Retry-After is not slept but handed back, so that the bell's due time honours it."""

PATIENCE = 60.0
"""
Seconds that one call waits in all for its turn below Azure's limits. A large instance takes more reads than a full
bucket holds: a visit that gave up when it is empty would begin anew each time, and never end.
"""

CALLS: ContextVar[Counter[str] | None] = ContextVar("calls", default=None)
"""Who counts the calls made in this task: a visit's view sets it."""

URGENT: ContextVar[bool] = ContextVar("urgent", default=True)
"""Whether the calls of this task may take the last tokens below Azure's limits: a visit's view says so."""

_USER_AGENT = "apimend"
_NO_WORD = 10.0
"""Seconds that a 429 without Retry-After keeps everybody away."""

_QUOTA_LEFT, _QUOTA_RESETS = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"


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
    """
    The aiohttp transport with injected time, counting what it sends.

    Each call to a subscription takes a token of the shared buckets first, and a 429 empties the bucket for everybody:
    who comes too early waits here for a short while, or learns it here, as Throttled, and not from Azure.
    """

    def __init__(self, session: aiohttp.ClientSession, clock: Clock, limits: Buckets | None = None) -> None:
        super().__init__(session=session, session_owner=False)
        self._clock = clock
        self._limits = limits

    async def sleep(self, duration: float) -> None:
        """Used between retries."""
        await self._clock.sleep(duration)

    async def send(self, request: Any, **kwargs: Any) -> Any:
        """One request on the wire. Raises Throttled where our share of Azure's limit is used up."""
        kind = _kind(request.url)
        bucket = _bucket(kind, request.method, request.url)
        if self._limits is not None and bucket is not None:
            await self._turn(self._limits, *bucket)
        if (calls := CALLS.get()) is not None:
            calls[kind] += 1
        if kind != "vault" and (run := telemetry.CORRELATION.get()):
            request.headers[telemetry.CORRELATION_HEADER] = run
        with telemetry.calling(request.method, request.url, kind) as call:
            answer = await super().send(request, **kwargs)
            call.answered(answer.status_code, answer.headers)
        if self._limits is not None and bucket is not None:
            after = _stay_away(answer.status_code, answer.headers)
            if after is not None:
                await self._limits.drain(*bucket, after=after)
        return answer

    async def _turn(self, limits: Buckets, subscription: str, kind: str) -> None:
        """
        Wait for a token, in short steps. Raises Throttled where that would take long.

        Writes never wait here: what they were planned on would grow old meanwhile.
        """
        waited = 0.0
        while True:
            try:
                await limits.take(subscription, kind, urgent=URGENT.get())
            except Throttled as error:
                after = _NO_WORD if error.after is None else error.after
                if kind not in ("reads", "graph") or after > SHORT or waited + after > PATIENCE:
                    raise
                await self._clock.sleep(after)
                waited += after
            else:
                return


def _kind(url: str) -> str:
    if "/providers/Microsoft.ResourceGraph/" in url:
        return "graph"
    return "arm" if "/subscriptions/" in url else "vault"


def _bucket(kind: str, method: str, url: str) -> tuple[str, str] | None:
    """
    The subscription and the kind of call, by which Azure Resource Manager counts. Resource Graph counts for an
    identity in the whole tenant, and a vault by itself.
    """
    if kind == "graph":
        return "tenant", "graph"
    if kind != "arm":
        return None
    subscription = url.partition("/subscriptions/")[2].partition("/")[0].partition("?")[0]
    kinds = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
    return subscription, kinds.get(method.upper(), "writes")


def _stay_away(status: int, headers: Mapping[str, str]) -> float | None:
    """How long nobody of us should call: after a 429, or where the quota that Resource Graph tells is used up."""
    resets = _span(headers.get(_QUOTA_RESETS, ""))
    if status == 429:
        told = headers.get("Retry-After", "")
        return float(told) if told.isdigit() else resets or _NO_WORD
    return resets if headers.get(_QUOTA_LEFT, "") == "0" else None


def _span(text: str) -> float | None:
    """Seconds in `hh:mm:ss`, as Resource Graph writes them."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    hours, minutes, seconds = map(int, parts)
    return hours * 3600.0 + minutes * 60 + seconds


def open_session(cloud: Cloud) -> aiohttp.ClientSession:
    """The connection pool: one TLS context, connections kept, no cookies."""
    context = ssl.create_default_context()
    if cloud.ca_file:
        context.load_verify_locations(cafile=str(cloud.ca_file))
    connector = aiohttp.TCPConnector(ssl=context, limit=64, resolver=LoopbackNames())
    session = aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=120, connect=20),
    )
    # aiohttp repeats a PUT whose connection broke by itself, and has no public switch. What may be sent again is up to
    # the pipeline, which knows which writes have a condition.
    session._retry_connection = False
    return session


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


__all__ = ["SHORT", "URGENT", "ClockedTransport", "LoopbackNames", "ShortRetry", "open_pipeline", "open_session"]
