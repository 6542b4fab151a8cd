"""
Resource Graph: the small part of its query language that inventories use.

`resources | where … | project … | order by … | take n`, pages by skip token. Vaults, services and whatever the tenant
declares are rows; what isn't understood is refused as Azure refuses a query, never answered with too much.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from emulator.arm import service_body
from emulator.arm.bodies import body_of
from emulator.arm.errors import arm_error
from emulator.arm.provider import SERVICE, Provider
from emulator.arm.query import NotUnderstood, Row, run
from emulator.arm.resources import GROUPS, SUBSCRIPTIONS, is_tracked
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource

MOST_ROWS = 1000
# Before, a table was what one got without asking.
OBJECTS_SINCE = "2020-04-01-preview"
TRACKED_CHILDREN = frozenset({"microsoft.network/networkwatchers/flowlogs"})
TABLES = {
    "microsoft.authorization/roleassignments": "authorizationresources",
    "microsoft.authorization/roledefinitions": "authorizationresources",
    "microsoft.authorization/policyassignments": "policyresources",
    "microsoft.authorization/policyexemptions": "policyresources",
    "microsoft.policyinsights/policystates": "policyresources",
    "microsoft.security/assessments": "securityresources",
    "microsoft.advisor/recommendations": "advisorresources",
}
"""The tables beside `resources`, by type of resource."""


class Graph:
    """
    The one route of Resource Graph.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        return [
            Route(
                method="POST",
                path="/providers/Microsoft.ResourceGraph/resources",
                handler=self.query,
                source=Source.RECORDED,
                note="a subset of the query language; the objectArray form is specified, the table form recorded",
            )
        ]

    async def query(self, call: Call) -> Answer:
        sent = body_of(call)
        options = sent.get("options") or {}
        try:
            rows = run(str(sent.get("query", "")), self._tables(call, sent))
        except NotUnderstood as wrong:
            raise arm_error(400, "BadRequest", f"Please provide below info when asking for support: {wrong}") from wrong
        token = options.get("$skipToken")
        skip = int(base64.b64decode(token).decode()) if token else int(options.get("$skip", 0))
        top = min(int(options.get("$top", MOST_ROWS)), MOST_ROWS, self._provider.options.graph_page_size)
        shown = rows[skip : skip + top]
        form = options.get("resultFormat") or ("table" if call.api_version < OBJECTS_SINCE else "objectArray")
        body: Json = {
            "totalRecords": len(rows),
            "count": len(shown),
            "data": shown if form == "objectArray" else _table(shown),
            "facets": [],
            "resultTruncated": "false",
        }
        if skip + top < len(rows):
            body["$skipToken"] = base64.b64encode(str(skip + top).encode()).decode()
        answer = Answer(body=body)
        answer.headers["x-ms-user-quota-remaining"] = "14"
        answer.headers["x-ms-user-quota-resets-after"] = "00:00:05"
        return answer

    def _tables(self, call: Call, sent: Mapping[str, Any]) -> dict[str, list[Row]]:
        wanted = {str(one).casefold() for one in sent.get("subscriptions") or []}
        access = self._provider.access
        tracked, containers = [], []
        others: dict[str, list[Row]] = {table: [] for table in TABLES.values()}
        for one in self._provider.store.all():
            subscription = one.id.split("/")[2].casefold() if one.id.count("/") >= 2 else ""
            if wanted and subscription not in wanted:
                continue
            if not access.arm_allows(call.claims, f"{one.type}/read", one.id):
                continue
            table = TABLES.get(one.type.casefold())
            if table is not None:
                others[table].append(self._row(one))
            elif is_tracked(one) or one.type.casefold() in TRACKED_CHILDREN:
                tracked.append(self._row(one))
            elif one.type in (GROUPS, SUBSCRIPTIONS):
                containers.append(self._row(one))
        return {"resources": tracked, "resourcecontainers": containers, **others}

    def _row(self, resource: Resource) -> Row:
        body = service_body.shown(resource) if resource.type == SERVICE else resource.body
        parts = resource.id.split("/")
        return {
            "type": resource.type.casefold(),
            "id": resource.id,
            "sku": body.get("sku"),
            "name": resource.name,
            "kind": "",
            "plan": None,
            "tags": body.get("tags"),
            "location": str(body.get("location", "")).replace(" ", "").casefold(),
            "properties": {"state": body["state"]} if resource.type == SUBSCRIPTIONS else body.get("properties"),
            "resourceGroup": parts[4].casefold() if len(parts) > 4 else "",
            "subscriptionId": parts[2] if len(parts) > 2 else "",
            "managedBy": "",
            "identity": body.get("identity"),
            "zones": body.get("zones"),
            "tenantId": self._provider.azure.tenant.id,
        }


def _table(rows: list[Row]) -> Json:
    names = list(rows[0]) if rows else []
    columns = [{"name": name, "type": _kind(rows[0][name])} for name in names]
    return {"columns": columns, "rows": [[row.get(name) for name in names] for row in rows]}


def _kind(value: Any) -> str:
    return "object" if isinstance(value, (dict, list)) or value is None else "string"
