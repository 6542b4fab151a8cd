"""
Azure as the engine sees it: readers, writers, and the list of instances. Made once for each process.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.rest import HttpRequest
from azure.mgmt.apimanagement.aio import ApiManagementClient
from azure.mgmt.resourcegraph.aio import ResourceGraphClient

from apimend.arm.graph import Graph
from apimend.arm.reader import View
from apimend.arm.transport import ClockedTransport, open_pipeline, open_session
from apimend.arm.vault import Vaults
from apimend.arm.writer import Writer
from apimend.model.ids import InstanceId
from apimend.ports import Buckets, Clock, WalkMemory
from apimend.settings import Cloud

_AT_ONCE = 16
"""Calls under way at once for one visit."""


class ArmAzure:
    """Fulfils `ports.Azure`. `close` it at the end of the process."""

    def __init__(
        self,
        *,
        cloud: Cloud,
        credential: AsyncTokenCredential,
        clock: Clock,
        session: aiohttp.ClientSession,
        limits: Buckets | None = None,
    ) -> None:
        self._cloud = cloud
        self._credential = credential
        self._clock = clock
        self.session = session
        self._clients: dict[str, ApiManagementClient] = {}
        self.transport = ClockedTransport(session, clock, limits)
        self._pipeline = open_pipeline(self.transport, credential, cloud)
        self._arm: AsyncPipelineClient[Any, Any] = AsyncPipelineClient(cloud.arm_url, pipeline=self._pipeline)
        graph = ResourceGraphClient(
            credential,
            base_url=cloud.arm_url,
            credential_scopes=[f"{cloud.arm_audience.rstrip('/')}/.default"],
            pipeline=self._pipeline,
        )
        self._graph = Graph(graph, clock)
        self._vaults = Vaults(self.transport, credential, cloud)

    @classmethod
    def open(
        cls, *, cloud: Cloud, credential: AsyncTokenCredential, clock: Clock, limits: Buckets | None = None
    ) -> "ArmAzure":
        """With a connection pool of its own. Must be called inside a running loop."""
        return cls(cloud=cloud, credential=credential, clock=clock, session=open_session(cloud), limits=limits)

    def reader(self, instance: InstanceId, *, urgent: bool = True, walk: WalkMemory | None = None) -> View:
        """A fresh view for one visit."""
        return View(
            instance,
            client=self._client(instance.subscription),
            vaults=self._vaults,
            graph=self._graph,
            send=self._send,
            at_once=asyncio.Semaphore(_AT_ONCE),
            urgent=urgent,
            walk=walk,
        )

    def writer(self, instance: InstanceId) -> Writer:
        """A writer for one visit."""
        return Writer(instance, client=self._client(instance.subscription))

    async def instances(self, subscriptions: frozenset[str]) -> tuple[InstanceId, ...]:
        """Every instance that Resource Graph shows us."""
        return await self._graph.instances(subscriptions)

    async def management_groups(self, subscription: str) -> frozenset[str]:
        """The names of the management groups above a subscription."""
        return await self._graph.management_groups(subscription)

    async def subscriptions(self) -> Mapping[str, str]:
        """Every subscription that we can read, with its state."""
        return await self._graph.subscriptions()

    async def close(self) -> None:
        """Let the connections go."""
        await self.session.close()

    def _client(self, subscription: str) -> ApiManagementClient:
        key = subscription.casefold()
        if key not in self._clients:
            self._clients[key] = ApiManagementClient(
                self._credential,
                subscription,
                base_url=self._cloud.arm_url,
                credential_scopes=[f"{self._cloud.arm_audience.rstrip('/')}/.default"],
                pipeline=self._pipeline,
            )
        return self._clients[key]

    async def _send(self, request: HttpRequest) -> Any:
        request.url = self._arm.format_url(request.url)
        answer = await self._arm.send_request(request)
        answer.raise_for_status()
        return answer.json()
