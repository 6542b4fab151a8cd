"""
What the tests of the engine do to the world of the main job: order, look at the gateway's side, fail updates.
"""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from apimend.model.ids import InstanceId
from apimend.model.runs import Order, OrderKind
from demo.world import World
from emulator import Options
from tests.job import conftest as job
from tests.job.conftest import INSTANCE, touch

ID = InstanceId.of(INSTANCE)
POLICY = f"{INSTANCE}/policies/policy"

__all__ = ["ID", "INSTANCE", "POLICY", "checks", "codes", "negotiates", "opened", "order", "results", "switch", "touch"]


def opened(text: str | None = None, **more: Any) -> AbstractAsyncContextManager[World]:
    """A world in which updates are short, unless told otherwise."""
    return job.opened(text, **{"options": replace(Options(), update_duration=timedelta(minutes=3)), **more})


async def order(world: World, kind: OrderKind, *, run: str = "", lasts: timedelta | None = None) -> Order:
    """A person orders something, and all that follows within a minute happens."""
    desk = (await world.app.door.wired()).orders
    await desk.check([ID])
    placed = await desk.place(kind, ID, by="ada", run=run, lasts=lasts)
    await world.settle(60)
    return placed


async def checks(world: World) -> str:
    """What the global policy does to a caller who fails the check: refuse, observe or nothing."""
    text = (await world.arm("GET", POLICY))["properties"]["value"]
    if "<validate-client-certificate" not in text:
        return "nothing"
    return "observe" if 'ignore-error="true"' in text else "refuse"


async def negotiates(world: World) -> bool:
    """Whether the instance's own host asks for certificates."""
    hosts = (await world.arm("GET", INSTANCE))["properties"]["hostnameConfigurations"]
    return bool(hosts[0]["negotiateClientCertificate"])


async def switch(world: World, *, on: bool) -> None:
    """Somebody else switches negotiation on the instance's own host; the update is over when this returns."""
    hosts = (await world.arm("GET", INSTANCE))["properties"]["hostnameConfigurations"]
    less_nulls = [{key: value for key, value in host.items() if value is not None} for host in hosts]
    body = {"properties": {"hostnameConfigurations": [{**h, "negotiateClientCertificate": on} for h in less_nulls]}}
    await world.arm("PATCH", INSTANCE, body)


async def results(world: World) -> set[str]:
    """How the app's visits ended."""
    return {run["result"] for run in await world.runs()}


async def codes(world: World) -> set[str]:
    """The codes of all findings so far."""
    found = [(await world.http("GET", run["detail"]))[1] for run in await world.runs()]
    return {finding["code"] for detail in found for finding in detail["findings"]}
