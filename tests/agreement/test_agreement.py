"""
The proof and the gateway agree, call by call.

The tenants are generated, read through Resource Manager as the product reads them, judged, and called over TLS by
an allowed client, the holder of another certificate, a forger with the right names, and nobody.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from apimend.policy import Judgement, Verdict, judge_calls
from tests.agreement.calls import Way, disagreement, try_way, ways
from tests.agreement.matrix import Cell, cell, empty, rendered
from tests.agreement.stand import Stand, generated

SEEDS = range(4)


async def judged(stand: Stand) -> AsyncIterator[tuple[str, Judgement, Verdict]]:
    """Every judgement on the tenant, with the verdict that it would be without waivers."""
    for service in stand.texts:
        found, standards = await stand.read(service)
        bare = replace(standards, waivers=frozenset())
        both = zip(judge_calls(found.topology, standards), judge_calls(found.topology, bare), strict=True)
        for judgement, unwaived in both:
            yield service, judgement, unwaived.verdict


async def compared(stand: Stand, way: Way, verdict: Verdict) -> str:
    """
    What is wrong with one verdict, if anything.

    Whether outer scopes run where an inner document has no inbound section is not documented. What is locked out by
    one of the two readings is said to be so, so the gateway plays both.
    """
    wrong = disagreement(way, verdict, await try_way(stand, way))
    if wrong and verdict is Verdict.LOCKED_OUT:
        options = stand.azure.options
        stand.azure.options = replace(options, missing_inbound_inherits=not options.missing_inbound_inherits)
        wrong = disagreement(way, verdict, await try_way(stand, way))
        stand.azure.options = options
    return wrong


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_call_goes_as_the_verdict_says(seed: int) -> None:
    """
    In every context and at every host the callers get what the verdict promises, and nobody gets more.
    """
    disagreements = []
    async with generated(seed, missing_inbound_inherits=bool(seed % 2)) as stand:
        async for service, judgement, verdict in judged(stand):
            for way in ways(stand, service, judgement):
                disagreements.append(await compared(stand, way, verdict))
        assert stand.calls > 1_000

    assert [] == [each for each in disagreements if each]


async def test_every_verdict_is_called_in_every_context_at_every_gateway() -> None:
    """
    The generated tenants leave no cell of the matrix empty, and hold every verdict at least 50 times.
    """
    cells: Counter[Cell] = Counter()
    revisions: Counter[tuple[Verdict, str]] = Counter()
    verdicts: Counter[Verdict] = Counter()
    for seed in SEEDS:
        async with generated(seed) as stand:
            async for service, judgement, _ in judged(stand):
                verdicts[judgement.verdict] += 1
                for way in ways(stand, service, judgement):
                    cells[cell(way)] += 1
                    revisions[judgement.verdict, "revision" if ";rev=" in judgement.api else "current"] += 1
    print(rendered(cells, revisions))  # noqa: T201  # shown with -s or on failure

    assert [] == empty(cells)
    assert all(revisions[verdict, kind] for verdict in Verdict for kind in ("current", "revision"))
    assert all(verdicts[verdict] >= 50 for verdict in Verdict), verdicts
