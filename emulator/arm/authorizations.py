"""
Authorizations of credential providers, as far as was recorded: what deleting one answers whose provider is gone.

Nothing here keeps providers, so theirs is always gone. Clients that tidy up meet this answer.
"""

from __future__ import annotations

from emulator.arm.entities import SERVICE_PATH
from emulator.arm.errors import provider_error
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source


class Authorizations:
    """
    The one route.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        path = f"{SERVICE_PATH}/authorizationProviders/{{name}}/authorizations/{{authorization}}"
        note = "providers are not kept, so theirs is gone"
        return [Route(method="DELETE", path=path, handler=self.delete, source=Source.RECORDED, note=note)]

    async def delete(self, call: Call) -> Answer:
        self._provider.service_of(call)
        name = call.params["name"]
        raise provider_error(404, "AuthorizationGatewayNotFoundException", f"Cannot find api with name {name}.")
