"""
The coverage that runs, cards and the JSON tell: the same figures as the proof, of the sample tenant.
"""

from typing import Any

import pytest

from demo.world import World, open_world
from tests.job.test_tiers import EDGE, PRODUCTION, desired


async def planned(world: World, instance: str) -> dict[str, Any]:
    """The newest run of an instance, which only plans."""
    await world.http("POST", "/api/replay", {"instance": instance, "mode": "report"})
    await world.settle()
    _, listed = await world.http("GET", f"/api/runs?instance={instance}")
    found: dict[str, Any] = (await world.http("GET", listed["runs"][0]["detail"]))[1]
    return found


@pytest.mark.parametrize(
    ("name", "instance"),
    [("contoso-prod", PRODUCTION), ("contoso-edge", EDGE)],
    ids=["production", "consumption"],
)
async def test_figures_agree_with_the_proof(name: str, instance: str) -> None:
    """
    Every operation is counted once: in the whole, in its API, and in one verdict; what is worst is told with its place.
    """
    async with open_world("sample", desired=desired(name)) as world:
        run = await planned(world, instance)
        coverage, apis = run["coverage"]["before"], run["apis"]

        assert coverage["total"] == sum(api["total"] for api in apis) == sum(coverage["verdicts"].values())
        assert coverage["covered"] == sum(api["covered"] for api in apis) == coverage["verdicts"].get("covered", 0)
        assert coverage["total"] - coverage["covered"] - coverage["verdicts"].get("waived", 0) >= sum(
            each["operations"] for each in run["uncovered"]
        )
        assert all(each["reason"] and each["operation"] for each in run["uncovered"])
        assert run["uncovered"]
