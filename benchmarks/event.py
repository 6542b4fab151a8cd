"""
What one event costs: calls, wall time, memory, and the import of the function app.

Drift and no drift, dry run and enforce, on the small tenant. Virtual time: waiting costs nothing, so the wall time
is what Apimend, the local Azure and the loopback take together. Import and memory are those of a fresh interpreter
that holds the app and nothing else; APIMEND_BENCH_PYTHON names one with the deployed packages alone.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from demo.world import TENANTS, World, environment, identity_of, open_world
from devhost.clock import RealClock
from emulator import LocalAzure, load_tenant
from emulator.events.part import EventGrid
from emulator.gateway import Gateway
from emulator.parts import Part
from emulator.teams import TeamsInbox

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim-dev"
    "/providers/Microsoft.ApiManagement/service/contoso-dev"
)
DESIRED = """\
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
    check: {{action: enforce, validateTrust: false}}
"""
EVENT = {
    "id": "5b8c0f6e-0000-0000-0000-000000000001",
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "eventTime": "2026-11-22T09:00:00Z",
    "subject": INSTANCE,
    "topic": "/subscriptions/11111111-1111-1111-1111-111111111111",
    "data": {"resourceUri": INSTANCE, "operationName": "Microsoft.ApiManagement/service/write", "status": "Succeeded"},
    "dataVersion": "2",
    "metadataVersion": "1",
}
PYTHON = os.environ.get("APIMEND_BENCH_PYTHON", sys.executable)
IMPORT = """
import time
began, spent = time.perf_counter(), time.process_time()
import function_app
print(time.perf_counter() - began, time.process_time() - spent)
"""
ALONE = """
import asyncio, json, logging, sys, time
from datetime import UTC, datetime
from pathlib import Path

logging.disable(logging.CRITICAL)
import function_app
from apimend.storage.sqlite import SqliteQueue

def resident():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024

async def main(given):
    report = {"import": resident()}
    app = function_app.create(environ=given["environ"])
    for name in given["also"]:
        __import__(name)
    began = time.perf_counter()
    await app.door.wired()
    report["wiring_ms"] = round((time.perf_counter() - began) * 1000)
    queue = SqliteQueue(given["database"], function_app.SystemClock())
    await app.door.event(given["event"])
    (message,) = queue.receive(function_app.VISITS_QUEUE, now=datetime.now(UTC), count=1)
    await app.door.visit(message.body.decode())
    report["event"] = resident()
    (run,) = await (await app.door.wired()).storage.ledger.runs()
    report["result"] = run.result.value
    queue.close()
    await app.door.close()
    print(json.dumps(report))

asyncio.run(main(json.loads(sys.stdin.read())))
"""


async def event(world: World) -> tuple[Counter[str], float]:
    """One event and all that follows: calls by place and kind, and seconds."""
    mark, began = world.mark(), time.perf_counter()
    await world.arm("PATCH", INSTANCE, {"tags": {"touched": str(world.clock.now())}})
    await world.settle()
    seconds = time.perf_counter() - began
    calls = Counter(f"{entry.place} {'write' if entry.is_write else 'read'}" for entry in world.ours(mark))
    return calls, seconds


def row(name: str, calls: Counter[str], seconds: float) -> None:
    """One line of the table."""
    reads = calls["arm read"]
    print(f"{name:<28} {reads:>8} {calls['arm write']:>9} {calls['vault read']:>8} {seconds * 1000:>9.0f} ms")


async def main() -> None:
    """Print the table."""
    print(f"{'':<28} {'ARM read':>8} {'ARM write':>9} {'vault':>8} {'wall':>12}")
    async with open_world("small", desired=DESIRED.format(mode="report")) as world:
        row("dry run, drift, first", *await event(world))
        row("dry run, drift", *await event(world))
    async with open_world("small", desired=DESIRED.format(mode="enforce")) as world:
        row("enforce, drift, all visits", *await event(world))
        row("enforce, no drift", *await event(world))
        row("enforce, no drift again", *await event(world))


async def alone(*also: str) -> Mapping[str, int | str]:
    """One event, answered by an app in a process of its own, which has loaded these modules besides."""
    parts: list[Callable[[LocalAzure], Part]] = [EventGrid, Gateway, TeamsInbox]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "desired.yaml").write_text(DESIRED.format(mode="report"), encoding="utf-8")
        async with LocalAzure(load_tenant(TENANTS / "small.yaml"), now=RealClock().now, parts=parts) as azure:
            with identity_of(azure):
                given = {
                    "environ": environment(azure, folder, "report"),
                    "database": str(folder / "apimend.db"),
                    "event": json.dumps(EVENT),
                    "also": also,
                }
                child = await asyncio.create_subprocess_exec(
                    PYTHON, "-c", ALONE, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
                out, _ = await child.communicate(json.dumps(given).encode())
    found: Mapping[str, int | str] = json.loads(out)
    return found


def imported() -> tuple[float, float]:
    """Importing the function app in a fresh interpreter: wall and processor time, in milliseconds."""
    done = subprocess.run([PYTHON, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, check=True)
    wall, processor = map(float, done.stdout.split())
    return wall * 1000, processor * 1000


def of_one_process() -> None:
    """Print what a fresh interpreter with the app alone takes."""
    times = [imported() for _ in range(15)]
    print(f"import of function_app, best of 15: {min(t[0] for t in times):.0f} ms")
    print(f"  of which processor: {min(t[1] for t in times):.0f} ms")
    for name, also in (("SQLite", ()), ("the storage SDKs too", ("apimend.storage.azure.deadletters",))):
        told = asyncio.run(alone(*also))
        print(f"with {name}: first wiring {told['wiring_ms']} ms; resident after import {told['import']} MB,", end=" ")
        print(f"after one event ({told['result']}) {told['event']} MB")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main())
    of_one_process()
    print(json.dumps({"python": subprocess.check_output([PYTHON, "--version"], text=True).split()[1]}))
