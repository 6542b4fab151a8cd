"""
A renewal without an outage: old and new are accepted, from the new version's first moment to the old one's last.
"""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apimend.policy import Document, find_checks
from apimend.policy.rotation import only_accepts_more
from demo.world import World
from emulator import Options
from tests.certificates.conftest import INSTANCE, Content, desired, look, newest, opened, planned

TICK = 45 * 60.0
TICKS = 7
SAID = "certificates: [partner]\nclients: [partner]\narrives: direct\ncheck: {action: enforce, validateTrust: false}"
CLIENTS = "clients: {partner: {certificate: partner}}"


def simple(content: Content) -> None:
    """No self-hosted gateways: the check stands on the instance alone. The old certificate ends in seven hours."""
    service = content["services"][0]
    del service["gateways"]
    service["hostnames"] = [{"host": "contoso-map.azure-api.net", "negotiate": True}]
    service["apis"] = [
        {
            "id": "echo",
            "path": "echo",
            "subscription_required": False,
            "service_url": "https://echo.example",
            "operations": [{"id": "get", "method": "GET", "url": "/"}],
        }
    ]
    content["certificates"]["partner"] |= {"starts": "-300d", "ends": "7h"}


def pinned(text: str) -> set[str]:
    """The thumbprints that the checks of a document accept."""
    return {
        identity.thumbprint or "" for found in find_checks(Document.parse(text)) for identity in found.check.identities
    }


async def accepted(world: World) -> list[str]:
    """Which of the two certificates the live check accepts, by name."""
    policy = await world.arm("GET", f"{INSTANCE}/policies/policy")
    pins = pinned(policy["properties"]["value"])
    return [name for name in ("partner", "partner-next") if world.azure.certificate(name).thumbprint in pins]


async def renew(world: World) -> None:
    """The vault gets a new version, and says so."""
    world.azure.vaults.put("kv-certs", "partner", world.azure.certificate("partner-next"))
    await world.settle(60)


async def status(world: World, certificate: str) -> int:
    return (await world.call("contoso-map.azure-api.net", "/echo/", certificate=certificate)).status


async def live(world: World) -> None:
    """The declared check is in force for the old certificate."""
    await look(world)
    assert (["partner"], 200, 401) == (
        await accepted(world),
        await status(world, "partner"),
        await status(world, "stranger"),
    )


@settings(max_examples=6)
@given(
    switches=st.integers(min_value=0, max_value=TICKS - 1),
    refreshed_after=st.integers(min_value=1, max_value=240),
    on_demand=st.booleans(),
)
async def test_no_call_is_refused(switches: int, refreshed_after: int, on_demand: bool) -> None:
    """
    The client switches at any tick, the service fetches the new version when it likes within four hours, or is asked
    to: not one call is refused, on either side of the switch, and a stranger never gets in.
    """
    options = Options(rotation_delay=timedelta(minutes=refreshed_after))
    modes = "" if on_demand else "\nmodes: {client_certificate_missing: report}"
    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=simple, options=options) as world:
        await live(world)
        world.desired_file.write_text(desired(SAID + modes, catalogue=CLIENTS, negotiate=True), encoding="utf-8")
        await renew(world)
        seen = set()
        for tick in range(TICKS):
            seen.add(await status(world, "partner" if tick < switches else "partner-next"))
            await world.settle(TICK)

        assert ({200}, 401) == (seen, await status(world, "stranger"))


async def test_old_and_new_are_accepted_until_the_old_ends() -> None:
    """
    The new version is pinned beside the old one; when the old one has ended, its pin goes.
    """
    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=simple) as world:
        await live(world)
        await renew(world)
        both = await accepted(world)
        await world.settle(6 * 3600.0)
        still = await accepted(world)
        await world.settle(2 * 3600.0)
        await look(world)

        assert (["partner", "partner-next"], ["partner", "partner-next"], ["partner-next"]) == (
            both,
            still,
            await accepted(world),
        )


async def test_a_confirmation_gives_the_old_one_up() -> None:
    """
    Where it is declared that nobody shows the old certificate any more, its pin goes before it ends.
    """
    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=simple) as world:
        await live(world)
        await renew(world)
        old = world.azure.certificate("partner").thumbprint
        confirmed = f"clients: {{partner: {{certificate: partner, retired: [{old}]}}}}"
        world.desired_file.write_text(desired(SAID, catalogue=confirmed, negotiate=True), encoding="utf-8")
        await look(world)

        assert ["partner-next"] == await accepted(world)


async def test_disabling_the_old_version_refuses_nobody() -> None:
    """
    What is pinned is given up by its end or by a declaration, not by a switch in the vault.
    """
    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=simple) as world:
        await live(world)
        world.azure.vaults.switch("kv-certs", "partner", enabled=False)
        await renew(world)

        assert ["partner", "partner-next"] == await accepted(world)


async def test_a_renewal_waits_for_nothing() -> None:
    """
    What forbids new checks (here: nothing says how certificates arrive) does not keep a live one from its renewal.
    """
    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=simple) as world:
        await live(world)
        doubt = SAID.replace("\narrives: direct", "")
        world.desired_file.write_text(desired(doubt, catalogue=CLIENTS, negotiate=True), encoding="utf-8")
        await renew(world)

        assert ["partner", "partner-next"] == await accepted(world)
        assert "arrival_undeclared" in [finding["code"] for finding in (await newest(world))["findings"]]


async def test_a_version_that_is_not_valid_yet_locks_nobody_out() -> None:
    """
    A successor whose time has not come is pinned, and the check stays in force for the one that callers show.
    """

    def later(content: Content) -> None:
        simple(content)
        content["certificates"]["partner-next"] |= {"starts": "1d"}

    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=later) as world:
        await live(world)
        await renew(world)
        run = await look(world)

        assert (["partner", "partner-next"], 200) == (await accepted(world), await status(world, "partner"))
        assert [] == planned(run, by="client_certificate_unchecked")


async def test_a_converged_renewal_is_left_alone() -> None:
    """
    Once both are accepted, further visits write nothing.
    """
    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=simple) as world:
        await live(world)
        await renew(world)
        await world.settle(5 * 3600.0)
        mark = world.mark()
        await look(world)

        assert [] == world.writes(mark)


async def test_every_run_says_until_when_access_depends_on_us() -> None:
    """
    Pins make Apimend a dependency, and a run says until when.
    """
    async with opened(desired(SAID, catalogue=CLIENTS, negotiate=True), alter=simple) as world:
        notes: Any = (await look(world))["notes"]

        assert any(note.startswith("Access depends on Apimend until 2026-11-22") for note in notes), notes


POLICY = """<policies><inbound><base /><validate-client-certificate validate-trust="false"><identities>\
{}</identities></validate-client-certificate></inbound></policies>"""
ONE, TWO = (f'<identity thumbprint="{digit * 40}" />' for digit in "AB")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (POLICY.format(ONE), POLICY.format(ONE + TWO), True),
        (POLICY.format(ONE + TWO), POLICY.format(ONE), False),
        (POLICY.format(ONE), POLICY.format(TWO), False),
        (POLICY.format(ONE), POLICY.format(ONE + TWO).replace("false", "true"), False),
        (POLICY.format(ONE), POLICY.format(ONE + TWO).replace("<base />", ""), False),
        (POLICY.format(ONE), POLICY.format(""), False),
        (None, POLICY.format(ONE), False),
        (POLICY.format(ONE), None, False),
        ("<policies><inbound /></policies>", POLICY.format(ONE), False),
        ("<policies>", POLICY.format(ONE), False),
    ],
    ids=[
        "a pin more",
        "a pin less",
        "another pin",
        "a switch as well",
        "something else as well",
        "no identity: that is everybody",
        "a new document",
        "a document that goes",
        "a new check",
        "one that can't be read",
    ],
)
def test_only_a_wider_check_is_a_renewal(before: str | None, after: str | None, expected: bool) -> None:
    """
    An edit counts as a renewal only where it accepts more and differs in nothing else.
    """
    assert expected == only_accepts_more(before, after)
