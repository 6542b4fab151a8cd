"""
`python -m demo.serve`: keeps the local Azure and the app running in real time, as `make serve` does.

A service update takes half a minute here. Ctrl-C ends it.
"""

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from demo.front import Front
from demo.story import DEVELOPMENT
from demo.world import ROOT, World, open_world
from devhost.clock import RealClock
from emulator import Options

_UPDATE = timedelta(seconds=30)
_TICK = 0.2


async def serve() -> None:
    """Serve until cancelled, as SIGTERM does, so that the temporary folders go."""
    task = asyncio.current_task()
    if task is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    clock = RealClock()
    options = replace(Options(), update_duration=_UPDATE, update_duration_v2=_UPDATE / 2)
    desired = (ROOT / "demo" / "desired.yaml").read_text(encoding="utf-8")
    async with Front() as front:
        settings = {
            "APIMEND_SETTLE_SECONDS": "5",
            "APIMEND_SIGN_IN": "appservice",
            "APIMEND_PAGES_URL": front.url,
        }
        async with open_world("sample", desired=desired, options=options, clock=clock, settings=settings) as world:
            front.let_in(world)
            sys.stdout.write(welcome(world, front.url))
            sys.stdout.flush()
            async with asyncio.TaskGroup() as group:
                group.create_task(world.host.serve())
                group.create_task(_advance(world))


async def _advance(world: World) -> None:
    while True:
        await world.azure.advance()
        await world.clock.sleep(_TICK)


def settings_file(world: World) -> Path:
    """A local.settings.json with what the app has, and the identity that the local Azure gives: for `apimend`."""
    azure = world.azure.endpoints
    identity = {"IDENTITY_ENDPOINT": azure.identity, "IDENTITY_HEADER": azure.identity_header}
    path = world.folder / "local.settings.json"
    path.write_text(json.dumps({"IsEncrypted": False, "Values": {**world.environ, **identity}}), encoding="utf-8")
    return path


def welcome(world: World, front: str) -> str:
    """What there is, and what to try first."""
    azure = world.azure
    address, port = azure.endpoints.gateway
    ca = Path(azure.ca_file)
    gateway = "contoso-dev.azure-api.net"
    key = "Ocp-Apim-Subscription-Key: 2a1b2c3d4e5f60718293a4b5c6d7e8f9"
    return f"""\
The app and its local Azure are running. Ctrl-C ends them.

  the app's pages         {front}/runs (you are ada@contoso.example, who may approve)
  the app's API           {front}/api/health
  the desired state       {world.desired_file}
  Azure Resource Manager  {azure.endpoints.arm}
  the Teams channel       {azure.endpoints.control}/teams
  the gateway             https://{gateway}:{port} (on {address})
  the CA certificate      {ca}

Try it: who gets in now, and what would Apimend do?

  curl --cacert {ca} --resolve {gateway}:{port}:{address} -H '{key}' https://{gateway}:{port}/echo/1
  curl -X POST '{front}/api/replay' -d '{{"instance": "{DEVELOPMENT}"}}'
  curl '{front}/api/runs'
  {sys.executable} cli.py plan contoso-dev --settings {settings_file(world)}

Then set `mode: ask` for contoso-dev in the desired state, replay once more, approve it on the run's page, and ask the
gateway again in a minute.
"""


def main() -> None:
    """Serve until Ctrl-C, or until it is told to end."""
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(serve())


if __name__ == "__main__":
    main()
