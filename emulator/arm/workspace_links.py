"""
Which workspaces of a service run on which workspace gateways.

Read only: a link comes to be when a gateway is given a configConnection whose source is the workspace.
"""

from __future__ import annotations

from emulator.arm.bodies import page
from emulator.arm.entities import SERVICE_PATH
from emulator.arm.errors import provider_error
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource, key_of

CONNECTIONS = "Microsoft.ApiManagement/gateways/configConnections"
BASE = f"{SERVICE_PATH}/workspaceLinks"


class WorkspaceLinks:
    """
    The routes of workspace links.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=path, handler=handler, source=Source.SPECIFIED)
            for path, handler in ((BASE, self.list_all), (f"{BASE}/{{workspace}}", self.get))
        ]

    async def list_all(self, call: Call) -> Answer:
        service = self._provider.service_of(call)
        found = [self._link(service, one) for one in self._provider.store.children(service.id, "workspaces")]
        return page(self._provider, call, found, count=False)

    async def get(self, call: Call) -> Answer:
        service = self._provider.service_of(call)
        workspace = self._provider.store.get(f"{service.id}/workspaces/{call.params['workspace']}")
        if workspace is None:
            raise provider_error(404, "ResourceNotFound", "Workspace not found.")
        return Answer(body=self._link(service, workspace))

    def _link(self, service: Resource, workspace: Resource) -> Json:
        connections = self._provider.store.of_type(CONNECTIONS)
        mine = [one for one in connections if key_of(str(one.properties.get("sourceId"))) == key_of(workspace.id)]
        return {
            "id": f"{service.id}/workspaceLinks/{workspace.name}",
            "name": workspace.name,
            "type": "Microsoft.ApiManagement/service/workspaceLinks",
            "etag": workspace.etag.strip('"'),
            "properties": {
                "workspaceId": workspace.id,
                "gateways": [{"id": one.id.rpartition("/configConnections/")[0]} for one in mine],
            },
        }
