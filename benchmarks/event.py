"""
What one event costs: calls, wall time, memory, and the import of the function app.

Drift and no drift, dry run and enforce, on the small tenant. Virtual time: waiting costs nothing, so the wall time
is what Apimend, the local Azure and the loopback take together.
"""

import asyncio
import json
import logging
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from demo.world import World, open_world

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
IMPORT = "import time; t = time.perf_counter(); import function_app; print(time.perf_counter() - t)"
RESIDENT = """
import asyncio, json, logging, resource
logging.disable(logging.CRITICAL)
import function_app
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
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


def measured(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main())
    print(f"import of function_app: best of 9 {min(float(measured(IMPORT)) for _ in range(9)) * 1000:.0f} ms")
    print(f"resident after import: {measured(RESIDENT)} MB")
    print(f"resident here, local Azure included: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    print(json.dumps({"python": sys.version.split()[0]}))
