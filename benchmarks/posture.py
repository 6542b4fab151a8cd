"""
What the security baseline costs: calls of a whole look and of events, reading, judging, and the size of what is kept.

On the tenant in which every control passes. Judging is also measured on many APIs, from readings that are made up:
there it is the policies that count.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from apimend.posture.control import Catalogue
from apimend.posture.estate import Estate
from apimend.posture.judge import judge
from apimend.posture.reads import look
from apimend.posture.record import Posture, dumped, loaded, merged
from apimend.report import posture_ocsf, posture_sarif
from apimend.report.posture import PostureView
from remediators import ALL
from remediators.posture import CONTROLS, STATEMENTS
from tests.posture.stand import DESIRED, INSTANCE, Stand, context, standing
from tests.posture.tenant import NOW

APIS = 200


def row(name: str, calls: str, seconds: float) -> None:
    """One line of the table."""
    print(f"{name:<36} {calls:>8} {seconds * 1000:>10.1f} ms")


def timed(work: Callable[[], Any], times: int = 5) -> float:
    """The best of some runs, in seconds."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


async def looked(stand: Stand, name: str, **more: Any) -> Estate:
    """One look, told."""
    mark, began = stand.azure.log.mark(), time.perf_counter()
    estate = await look(stand.arm.reader(INSTANCE), DESIRED, context(**more))
    calls = [entry for entry in stand.azure.log.since(mark) if entry.place == "arm"]
    row(name, str(len(calls)), time.perf_counter() - began)
    return estate


def grown(estate: Estate) -> Estate:
    """The same with many APIs, each with the same operation and policy."""
    assert estate.survey is not None
    topology = estate.survey.topology
    (api,) = topology.apis
    apis = tuple(replace(api, name=f"api-{number}") for number in range(APIS))
    documents = {**topology.documents, **{each.scope: topology.documents[api.scope] for each in apis}}
    rows = [
        {**estate.readings["apis"].value[0], "name": each.name, "id": f"{INSTANCE}/apis/{each.name}"} for each in apis
    ]
    readings = {**estate.readings, "apis": replace(estate.readings["apis"], value=rows)}
    survey = replace(estate.survey, topology=replace(topology, apis=apis, documents=documents))
    return replace(estate, survey=survey, readings=readings)


async def main() -> None:
    """Print the table."""
    print(f"{'':<36} {'ARM':>8} {'wall':>13}")
    async with standing() as stand:
        await looked(stand, "a whole look, first")
        estate = await looked(stand, "a whole look")
        await looked(stand, "a plain event", walk=False, thorough=False)
        await looked(stand, "an event on a logger", walk=False, thorough=False, touched="loggers")
    found = judge(CONTROLS, STATEMENTS, estate)
    posture = merged(Posture(instance=INSTANCE), found, now=NOW, whole=True)
    view = PostureView.of(posture, Catalogue.of(ALL))
    many = grown(estate)
    row("judging 79 controls", "0", timed(lambda: judge(CONTROLS, STATEMENTS, estate)))
    row(f"judging 79 controls, {APIS} APIs", "0", timed(lambda: judge(CONTROLS, STATEMENTS, many), times=3))
    row("the note, written and read", "0", timed(lambda: loaded(INSTANCE, dumped(posture))))
    row("SARIF", "0", timed(lambda: posture_sarif.render([view])))
    row("OCSF", "0", timed(lambda: posture_ocsf.render(view)))
    print(f"the note: {len(dumped(posture)) / 1024:.0f} KiB")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(main())
