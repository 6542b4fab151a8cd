"""
Hand-offs at every door: JSON, text, page and card; and of what the engine itself finds.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from demo.world import World
from tests.engine.conftest import opened as in_the_engine
from tests.engine.conftest import switch
from tests.engine.test_long_work import fought
from tests.web.stand import APPROVERS, GROUP, INSTANCE, ask, desired, opened, principal, touch

CERTIFICATE = 'resource "azurerm_api_management_certificate" "partner_a" {'


async def findings(world: World) -> list[Mapping[str, Any]]:
    """The findings of all runs, the newest first."""
    runs = [(await world.http("GET", run["detail"]))[1] for run in await world.runs()]
    return [finding for run in runs for finding in run["findings"]]


async def test_what_is_fought_over_is_handed_off() -> None:
    """
    R25: whoever takes our check back is shown how to declare it in their own code.
    """
    async with opened() as world:
        await fought(world, echoed=False)
        found = next(each for each in await findings(world) if each["code"] == "fight_detected")

        assert "# APIOps, policy.xml" in found["handOff"]
        assert "<validate-client-certificate " in found["handOff"]


async def test_lost_negotiation_is_handed_off() -> None:
    """
    The host that no longer asks is declared as one that does.
    """
    async with in_the_engine() as world:
        await touch(world)
        await switch(world, on=False)
        await world.settle(240)
        found = next(each for each in await findings(world) if each["code"] == "negotiation_lost")

        assert "negotiateClientCertificate: true" in found["handOff"]
        assert "contoso-dev.azure-api.net" in found["handOff"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/runs/{}", CERTIFICATE.replace('"', '\\"')),
        ("/api/runs/{}?format=card", "/runs/{}#changes"),
        ("/runs/{}", CERTIFICATE.replace('"', "&#34;")),
    ],
    ids=["JSON", "card", "page"],
)
async def test_every_door_shows_it(path: str, words: str) -> None:
    """
    The same snippet for programs and on the page, to which the card leads.
    """
    async with opened(desired("report", more=APPROVERS), settings={"APIMEND_SIGN_IN": "appservice"}) as world:
        person = principal(world, GROUP)
        await ask(world, "POST", "/api/replay", {"instance": INSTANCE}, headers=person, key=False)
        await world.settle(60)
        run = (await ask(world, "GET", "/api/runs", headers=person, key=False)).json["runs"][0]["run"]
        answer = await ask(world, "GET", path.format(run), headers=person, key=False)

        assert words.replace("{}", run) in answer.text
