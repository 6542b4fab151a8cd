"""
Worlds for the tests of the main job: the small tenant, one Developer instance with two APIs.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

from demo.world import World, open_world

INSTANCE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim-dev"
    "/providers/Microsoft.ApiManagement/service/contoso-dev"
)
HOST = "contoso-dev.azure-api.net"
KEY = {"Ocp-Apim-Subscription-Key": ""}


def desired(mode: str = "enforce", *, more: str = "", check: str = "{action: enforce, validateTrust: false}") -> str:
    """A desired state for the small tenant."""
    return f"""\
version: 1
certificates:
  partner-a: {{vault: kv-contoso-dev, certificate: partner-a}}
clients:
  partner-a: {{certificate: partner-a}}
instances:
  - name: development
    match: {{name: contoso-dev}}
    mode: {mode}
    arrives: direct
    certificates: [partner-a]
    clients: [partner-a]
    check: {check}
{more}"""


def opened(text: str | None = None, **more: Any) -> AbstractAsyncContextManager[World]:
    """A world on the small tenant."""
    return open_world("small", desired=text or desired(), **more)


async def touch(world: World) -> None:
    """Somebody writes to the instance, and all that follows happens."""
    await world.arm("PATCH", INSTANCE, {"tags": {"touched": str(world.clock.now())}})
    await world.settle()
