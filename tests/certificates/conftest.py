"""
Worlds for the tests of the certificate map: one Premium instance with a vault, two self-hosted gateways and backends
of which one demands mutual TLS. Every test says in a few lines what differs.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from demo.world import World, open_world
from emulator import LocalAzure
from emulator.tenant import Tenant

TENANT = Path(__file__).parent / "tenants" / "estate.yaml"
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim"
INSTANCE = f"{GROUP}/providers/Microsoft.ApiManagement/service/contoso-map"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-certs"
HOST = "contoso-map.azure-api.net"

Content = dict[str, Any]


def desired(body: str = "", *, mode: str = "enforce", catalogue: str = "", negotiate: bool = False) -> str:
    """A desired state for the instance; `body` is what is said of it, one key a line."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"""\
version: 1
certificates:
  partner: {{vault: kv-certs, certificate: partner}}
  outgoing: {{vault: kv-certs, certificate: outgoing}}
  elliptic: {{vault: kv-certs, certificate: elliptic}}
  sealed: {{vault: kv-certs, certificate: sealed}}
  switched-off: {{vault: kv-certs, certificate: switched-off}}
  nowhere: {{vault: kv-certs, certificate: nowhere}}
{catalogue}
instances:
  - name: map
    match: {{name: contoso-map}}
    mode: {mode}
    negotiate: {str(negotiate).lower()}
{lines}
"""


def of_authorities(world: World, *names: str, store: str = "Root") -> str:
    """The `authorities` of a desired state: certificates of the tenant, as text."""
    return "authorities:\n" + "".join(
        f"  {name}: {{store: {store}, pem: {json.dumps(pem(world.azure, name))}}}\n" for name in names
    )


@asynccontextmanager
async def opened(text: str, *, alter: Callable[[Content], None] | None = None, **more: Any) -> AsyncIterator[World]:
    """A world on the tenant of this folder, altered."""
    content = YAML(typ="safe").load(TENANT.read_text("utf-8"))
    if alter is not None:
        alter(content)
    async with open_world(Tenant.of(content), desired=text, **more) as world:
        await world.events.subscribe(world.host.webhook("on_resource_change"), source=VAULT)
        yield world


async def look(world: World) -> Mapping[str, Any]:
    """Replay the instance until nothing is left to do: the newest run, whole."""
    status, body = await world.http("POST", "/api/replay", {"instance": INSTANCE})
    assert status < 300, body
    await world.settle()
    return await newest(world)


async def newest(world: World) -> Mapping[str, Any]:
    """The newest run, whole."""
    _, body = await world.http("GET", (await world.runs())[0]["detail"])
    found: Mapping[str, Any] = body
    return found


async def asked(world: World) -> Mapping[str, Any]:
    """The newest run that a replay made, not one of those that followed it by themselves."""
    for row in await world.runs():
        _, body = await world.http("GET", row["detail"])
        if body["trigger"]["cause"] == "replay":
            found: Mapping[str, Any] = body
            return found
    raise LookupError("no replay was answered")


def told(run: Mapping[str, Any], *, by: str) -> list[str]:
    """The codes of a rule's findings in a run, sorted."""
    return sorted({finding["code"] for finding in run["findings"] if finding["remediator"] == by})


def steps(run: Mapping[str, Any], *, by: str) -> str:
    """All steps that a rule's findings tell to take."""
    return "\n".join(step for finding in run["findings"] if finding["remediator"] == by for step in finding["steps"])


def planned(run: Mapping[str, Any], *, by: str) -> list[str]:
    """The kinds of a rule's changes in a run."""
    return [change["kind"] for change in run["changes"] if change["remediator"] == by]


async def get(world: World, below: str = "") -> Mapping[str, Any]:
    """The properties of the instance, or of something below it."""
    body = await world.arm("GET", f"{INSTANCE}/{below}" if below else INSTANCE)
    found: Mapping[str, Any] = body["properties"]
    return found


def pem(azure: LocalAzure, name: str) -> str:
    """A certificate of the tenant, as the text that an operator pastes."""
    return azure.certificate(name).pem


async def writes_of_another_look(world: World) -> int:
    """How many writes a further visit makes."""
    mark = world.mark()
    await look(world)
    return len(world.writes(mark))
