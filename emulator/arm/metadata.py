"""
What a cloud says of itself before anybody signs in: Azure CLI asks for it when a cloud is registered.

Open to everybody, so it stands beside the sign-in routes and not behind ARM's door.
"""

from __future__ import annotations

from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Place, Route, Source


class Metadata:
    """
    The route of the cloud's endpoints.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/metadata/endpoints",
                handler=self.get,
                place=Place.LOGIN,
                source=Source.INFERRED,
                note="as far as Azure CLI reads it",
            )
        ]

    async def get(self, call: Call) -> Answer:
        endpoints = self._provider.azure.endpoints
        return Answer(
            body={
                "name": "LocalAzure",
                "portal": endpoints.arm,
                "resourceManager": endpoints.arm,
                "authentication": {
                    "loginEndpoint": endpoints.login,
                    "audiences": ["https://management.azure.com/", "https://management.core.windows.net/"],
                    "tenant": self._provider.azure.tenant.id,
                    "identityProvider": "AAD",
                },
                "suffixes": {"keyVaultDns": endpoints.vault_suffix.removeprefix(".")},
            }
        )
