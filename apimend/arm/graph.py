"""
Resource Graph: every instance we can see, and what stands in front of one.

These POSTs are reads; they are the only POSTs that a run in report mode makes.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from azure.mgmt.resourcegraph.aio import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

from apimend.arm.errors import translated
from apimend.model.ids import InstanceId, ResourceId
from apimend.ports import Clock

INSTANCES = "resources | where type =~ 'microsoft.apimanagement/service' | project id"
APPLICATION_GATEWAYS = (
    "resources | where type =~ 'microsoft.network/applicationgateways' "
    "| project id, pools = properties.backendAddressPools"
)
MANAGEMENT_GROUPS = (
    "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' "
    "| project subscriptionId, above = properties.managementGroupAncestorsChain"
)
SUBSCRIPTIONS = (
    "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' "
    "| project subscriptionId, state = properties.state"
)
VAULTS = "resources | where type =~ 'microsoft.keyvault/vaults' | project id, name"
_PAGE = 1000
_KEPT = timedelta(minutes=1)


class Graph:
    """Queries over all subscriptions that our identity can read."""

    def __init__(self, client: ResourceGraphClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: dict[tuple[str, ...], tuple[datetime, list[Mapping[str, Any]]]] = {}

    async def instances(self, subscriptions: frozenset[str]) -> tuple[InstanceId, ...]:
        """Every API Management instance, in these subscriptions or in all."""
        rows = [row async for row in self._rows(INSTANCES, sorted(subscriptions))]
        return tuple(InstanceId.of(str(row["id"])) for row in rows)

    async def subscriptions(self) -> dict[str, str]:
        """Every subscription that we can read, in lower case, with its state (`Enabled`, `Warned`, `Disabled` …)."""
        rows = [row async for row in self._rows(SUBSCRIPTIONS, [])]
        return {str(row["subscriptionId"]).casefold(): str(row.get("state") or "") for row in rows}

    async def management_groups(self, subscription: str) -> frozenset[str]:
        """The names of the management groups above a subscription."""
        found: set[str] = set()
        async for row in self._rows(MANAGEMENT_GROUPS, [subscription]):
            if str(row.get("subscriptionId")).casefold() == subscription.casefold():
                found.update(str(group.get("name")) for group in row.get("above") or ())
        return frozenset(found)

    async def proxies_of(self, subscription: str, names: frozenset[str]) -> tuple[str, ...]:
        """Ids of Application Gateways with a backend address among these hosts and addresses (lower case)."""
        found = []
        for row in await self.query(APPLICATION_GATEWAYS, []):
            if names & _addresses(row.get("pools")):
                found.append(str(row["id"]))
        return tuple(sorted(found))

    async def vault(self, name: str) -> ResourceId | None:
        """The id of the vault with this name, which is the only one in its cloud; None where we can't see it."""
        for row in await self.query(VAULTS, []):
            if str(row.get("name")).casefold() == name.casefold():
                return ResourceId.of(str(row["id"]))
        return None

    async def query(self, text: str, subscriptions: Sequence[str]) -> list[Mapping[str, Any]]:
        """
        The rows of any query, within these subscriptions or all.

        Kept for a minute: the visits of a sweep ask the same, and Resource Graph allows three queries a second.
        """
        now = self._clock.now()
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
        key = (text, *subscriptions)
        if key in self._kept:
            return self._kept[key][1]
        rows = [row async for row in self._rows(text, subscriptions)]
        self._kept[key] = (now + _KEPT, rows)
        return rows

    async def _rows(self, query: str, subscriptions: Sequence[str]) -> AsyncIterator[Mapping[str, Any]]:
        token: str | None = None
        while True:
            options = QueryRequestOptions(skip_token=token, top=_PAGE, result_format="objectArray")
            request = QueryRequest(query=query, subscriptions=list(subscriptions) or None, options=options)
            with translated("Resource Graph"):
                answer = await self._client.resources(request)
            rows: list[Mapping[str, Any]] = list(answer.data or ())  # type: ignore[arg-type]  # typed for the table form
            for row in rows:
                yield row
            token = answer.skip_token
            if not token:
                return


def _addresses(pools: object) -> frozenset[str]:
    """The backend addresses of an Application Gateway, in lower case."""
    found: set[str] = set()
    for pool in pools if isinstance(pools, list) else ():
        for address in ((pool or {}).get("properties") or {}).get("backendAddresses") or ():
            found.update(str(value).casefold() for value in address.values() if value)
    return frozenset(found)
