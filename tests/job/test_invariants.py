"""
The invariants I1, I3, I4, I5 and I11, asked of the local Azure: what reached it, and what callers got.
"""

import json
import logging

import pytest

from apimend.policy import Document, find_checks, same_policy, without_found
from demo.world import World
from emulator import LocalAzure
from emulator.events.event import Schema
from tests.job.conftest import HOST, INSTANCE, desired, opened, touch

POLICY = f"{INSTANCE}/policies/policy"


async def statuses(world: World) -> tuple[int, int, int]:
    """What a caller without a certificate, a stranger and the allowed client get from the same operation."""
    key = (await world.arm("POST", f"{INSTANCE}/subscriptions/partner-a-starter/listSecrets"))["primaryKey"]
    headers = {"Ocp-Apim-Subscription-Key": key}
    answers = [
        await world.call(HOST, "/echo/", certificate=who, headers=headers) for who in ("", "stranger", "partner-a")
    ]
    return answers[0].status, answers[1].status, answers[2].status


async def test_an_event_mends_the_instance() -> None:
    """
    After one event, callers without an allowed certificate are refused, and the allowed one gets in.
    """
    async with opened() as world:
        before = await statuses(world)
        await touch(world)

        assert ((200, 200, 200), (401, 401, 200)) == (before, await statuses(world))


async def test_cloud_events_ring_as_well() -> None:
    """
    The app understands the other schema too.
    """
    async with opened(schema=Schema.CLOUD_EVENTS) as world:
        await touch(world)

        assert (401, 401, 200) == await statuses(world)


async def test_nobody_is_locked_out_on_the_way() -> None:
    """
    I1: at every moment of the roll-out, the allowed client gets in.
    """
    async with opened() as world:
        await world.arm("PATCH", INSTANCE, {"tags": {"touched": "now"}})
        seen = set()
        for _ in range(20):
            await world.settle(120)
            seen.add((await statuses(world))[2])

        assert {200} == seen
        assert (401, 401, 200) == await statuses(world)


async def test_the_check_waits_until_negotiation_is_live() -> None:
    """
    I1: no policy is written before the update that switches negotiation on has ended and settled.
    """
    async with opened() as world:
        mark = world.mark()
        await touch(world)
        writes = [(entry.at, entry.method) for entry in world.writes(mark) if "/certificates/" not in entry.path]

        assert ["PATCH", "PUT"] == [method for _, method in writes]
        assert (writes[1][0] - writes[0][0]).total_seconds() > 120


async def test_a_patch_carries_entries_as_they_were_but_for_one_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    I3: the PATCH holds the host list and nothing else, less nulls, with no certificate field on the default host.
    """
    patches: list[bytes] = []
    monkeypatch.setattr(
        LocalAzure,
        "watchers",
        [
            lambda passed: patches.append(passed.call.body) if passed.call.method == "PATCH" else None,
            *LocalAzure.watchers,
        ],
    )
    async with opened() as world:
        await touch(world)

        assert {
            "properties": {
                "hostnameConfigurations": [
                    {
                        "type": "Proxy",
                        "hostName": HOST,
                        "negotiateClientCertificate": True,
                        "defaultSslBinding": True,
                        "certificateSource": "BuiltIn",
                    }
                ]
            }
        } == json.loads(patches[1])


@pytest.mark.parametrize(
    ("ceiling", "mode"), [("report", "enforce"), ("enforce", "report")], ids=["by ceiling", "by declaration"]
)
async def test_report_mode_writes_nothing(ceiling: str, mode: str) -> None:
    """
    I4: no PUT, PATCH or DELETE reaches Azure, and no POST outside of the reads.
    """
    async with opened(desired(mode), ceiling=ceiling) as world:
        mark = world.mark()
        await touch(world)

        assert [] == world.writes(mark)
        assert "planned" == (await world.runs())[0]["result"]


async def test_ask_mode_writes_nothing_before_an_approval() -> None:
    """
    I4: in ask mode a plan is asked for, not applied.
    """
    async with opened(desired("ask")) as world:
        mark = world.mark()
        await touch(world)

        assert ([], "asked") == (world.writes(mark), (await world.runs())[0]["result"])


async def test_reconciling_twice_writes_once() -> None:
    """
    I5: a converged instance costs reads only, whatever rings.
    """
    async with opened() as world:
        await touch(world)
        mark = world.mark()
        await touch(world)
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle()

        assert [] == world.writes(mark)
        assert "converged" == (await world.runs())[0]["result"]


async def test_the_text_around_the_check_stays() -> None:
    """
    I2: taking our check out of the document gives back the document that was there.
    """
    async with opened() as world:
        before = (await world.arm("GET", POLICY))["properties"]["value"]
        await touch(world)
        after = (await world.arm("GET", POLICY))["properties"]["value"]

        document = Document.parse(after)
        (ours,) = find_checks(document)

        assert same_policy(Document.parse(before), Document.parse(without_found(document, ours)))


async def test_secrets_stay_secret(caplog: pytest.LogCaptureFixture) -> None:
    """
    I11: neither logs nor cards nor runs hold a token, a webhook's signature or a function key.
    """
    caplog.set_level(logging.DEBUG)
    async with opened() as world:
        await touch(world)
        runs = [await world.http("GET", run["detail"]) for run in await world.runs()]
        said = caplog.text + json.dumps(runs) + json.dumps(world.teams.cards)
        secrets = [world.host.keys.host, world.host.keys.eventgrid, world.azure.endpoints.teams.split("sig=")[1], "eyJ"]

        assert [] == [secret for secret in secrets if secret in said]
