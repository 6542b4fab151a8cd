"""
`python -m devhost`: serves the function_app.py of this folder in real time, with its host.json.

For trying the app without Core Tools. Settings come from the environment and, where that has none, from
local.settings.json, as under `func start`. Messages come from the embedded queue; with APIMEND_STORAGE=azure they lie
in Azure Storage or Azurite, and `func start` is what runs the app.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import azure.functions as func

from apimend.storage.sqlite import SqliteQueue
from devhost.clock import RealClock
from devhost.functions import EventGridTrigger, Function, HttpTrigger
from devhost.host import Host
from devhost.hostjson import HostJson
from devhost.keys import Access, Keys

DEFAULT_STORAGE = "sqlite:.apimend/apimend.db"


def load_settings(path: Path) -> None:
    """Fill the environment from a local.settings.json, where it has nothing yet."""
    if path.exists():
        values: dict[str, str] = json.loads(path.read_text(encoding="utf-8")).get("Values", {})
        for name, value in values.items():
            os.environ.setdefault(name, value)


def database(storage: str) -> Path:
    """The file of the embedded queue, in a folder that is there."""
    kind, _, path = storage.partition(":")
    if kind != "sqlite" or not path:
        raise SystemExit(
            f"APIMEND_STORAGE is {kind!r}: the local host takes its messages from the embedded queue only. "
            "Leave it out, or run the app with `func start` and Azurite."
        )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)


def described(host: Host, function: Function) -> str:
    """A function and how to reach it. Keys are shown: they live as long as this process, on loopback."""
    trigger = function.trigger
    if isinstance(trigger, HttpTrigger):
        key = "" if trigger.access is Access.ANONYMOUS else f"?code={host.keys.host}"
        if trigger.access is Access.ADMIN:
            key = f"?code={host.keys.master}"
        return f"{function.name}: {','.join(sorted(trigger.methods))} {host.address(trigger)}{key}"
    if isinstance(trigger, EventGridTrigger):
        return f"{function.name}: Event Grid {host.webhook(function.name)}"
    return f"{function.name}: {type(trigger).__name__.removesuffix('Trigger').lower()}"


async def serve(app: func.FunctionApp, queue: Path, port: int) -> None:
    clock = RealClock()
    source = SqliteQueue(queue, clock)
    settings = HostJson.read(Path("host.json"))
    try:
        async with Host(app, queues=source, clock=clock, keys=Keys.generate(), host_json=settings, port=port) as host:
            lines = [f"Serving on {host.url}", *(described(host, each) for each in host.functions)]
            sys.stdout.write("\n  ".join(lines) + "\n")
            sys.stdout.flush()
            await host.serve()
    finally:
        source.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m devhost", description="Serve function_app.py on loopback.")
    parser.add_argument("--port", type=int, default=7071, help="the port to listen on; 0 takes a free one")
    options = parser.parse_args(arguments)
    load_settings(Path("local.settings.json"))
    queue = database(os.environ.get("APIMEND_STORAGE") or DEFAULT_STORAGE)
    app = importlib.import_module("function_app").app  # by name: the app reads its settings while it is imported
    logging.basicConfig(level=logging.INFO)  # does nothing where the app has set up its logs
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(app, queue, options.port))


if __name__ == "__main__":
    main()
