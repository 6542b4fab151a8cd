"""
The same job on every kind of instance of the sample tenant.
"""

from typing import Any

import pytest

from demo.world import World, open_world
from emulator import Options, Uploaded

SERVICE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}"
)
EDGE = SERVICE.format("rg-edge", "contoso-edge")
PARTNERS = SERVICE.format("rg-partners", "contoso-partners")
PRODUCTION = SERVICE.format("rg-apim-prod", "contoso-prod")
EDGE_KEY = {"Ocp-Apim-Subscription-Key": "6a1b2c3d4e5f60718293a4b5c6d7e8f9"}
TRAVEL_KEY = {"Ocp-Apim-Subscription-Key": "7a1b2c3d4e5f60718293a4b5c6d7e8f9"}


def desired(name: str, more: str = "") -> str:
    """A desired state that enforces on one instance."""
    return f"""\
version: 1
certificates:
  partner-a: {{vault: kv-contoso-prod, certificate: partner-a}}
clients:
  partner-a: {{certificate: partner-a}}
instances:
  - name: the one
    match: {{name: {name}}}
    mode: enforce
    arrives: direct
    clients: [partner-a]
    check: {{action: enforce, validateTrust: false}}
{more}"""


def opened(name: str, more: str = "", options: Options | None = None) -> Any:
    """The sample tenant with this desired state."""
    return open_world("sample", desired=desired(name, more), options=options)


async def replayed(world: World, instance: str) -> dict[str, Any]:
    """Visit an instance until it settles; its newest run."""
    await world.http("POST", "/api/replay", {"instance": instance})
    await world.settle()
    await world.settle(5)
    await world.http("POST", "/api/replay", {"instance": instance})
    await world.settle()
    _, listed = await world.http("GET", f"/api/runs?instance={instance}")
    found: dict[str, Any] = (await world.http("GET", listed["runs"][0]["detail"]))[1]
    return found


def codes(run: dict[str, Any]) -> set[str]:
    """The codes of a run's findings."""
    return {finding["code"] for finding in run["findings"]}


async def test_consumption_is_left_alone_until_it_is_required() -> None:
    """
    R2: there the switch itself refuses callers, so it is a finding until `consumption: require` is declared.
    """
    async with opened("contoso-edge") as world:
        mark = world.mark()
        run = await replayed(world, EDGE)

        assert "consumption_not_required" in codes(run)
        assert [] == world.writes(mark)


async def test_consumption_takes_the_switch_before_the_check() -> None:
    """
    R2: where it is required, the switch goes first and the policies follow when it is live.
    """
    async with opened("contoso-edge", "    consumption: require\n") as world:
        mark = world.mark()
        run = await replayed(world, EDGE)
        methods = [entry.method for entry in world.writes(mark) if "contoso-edge" in entry.path]
        host = "contoso-edge.azure-api.net"
        got = [
            (await world.call(host, "/telemetry/1", certificate=who, headers=EDGE_KEY)).status
            for who in ("", "stranger", "allowed-client")
        ]

        assert "PATCH" == methods[0]
        assert {"PUT"} == set(methods[1:])
        assert ("converged", [403, 401, 200]) == (run["result"], got)


async def test_v2_asks_by_its_own_switch() -> None:
    """
    On Standard v2 `enableClientCertificate` asks, and only the policies refuse.
    """
    async with opened("contoso-partners") as world:
        await replayed(world, PARTNERS)
        host = "contoso-partners.azure-api.net"
        got = [
            (await world.call(host, "/offers/1", certificate=who, headers=TRAVEL_KEY)).status
            for who in ("", "stranger", "allowed-client")
        ]

        assert [401, 401, 200] == got


async def test_an_uploaded_certificate_is_not_sent_back() -> None:
    """
    R18: by default a host list with an uploaded certificate is a finding with the manual step.
    """
    async with opened("contoso-prod") as world:
        mark = world.mark()
        run = await replayed(world, PRODUCTION)

        assert "uploaded_certificate" in codes(run)
        assert [] == [entry for entry in world.writes(mark) if entry.method == "PATCH"]


@pytest.mark.parametrize("kept", [Uploaded.ACCEPT, Uploaded.REFUSE], ids=["Azure keeps it", "Azure refuses"])
async def test_resending_is_declared(kept: Uploaded) -> None:
    """
    R18: with `uploadedCertificates: resend` it is sent as it came; where Azure refuses, nothing has changed.
    """
    options = Options(uploaded_certificates=kept)
    async with opened("contoso-prod", "    uploadedCertificates: resend\n", options) as world:
        before = await world.arm("GET", PRODUCTION)
        await replayed(world, PRODUCTION)
        after = await world.arm("GET", PRODUCTION)
        thumbprints = [
            [(host["hostName"], (host["certificate"] or {}).get("thumbprint")) for host in hosts]
            for hosts in (before["properties"]["hostnameConfigurations"], after["properties"]["hostnameConfigurations"])
        ]
        asks = {host["negotiateClientCertificate"] for host in after["properties"]["hostnameConfigurations"]}

        assert thumbprints[0] == thumbprints[1]
        assert (kept is Uploaded.ACCEPT) == (True in asks)


async def test_a_global_check_waits_for_gateways_that_are_not_known() -> None:
    """
    R1: a self-hosted gateway that nobody vouches for, and a workspace, forbid the check; negotiation goes on.
    """
    more = "    uploadedCertificates: resend\n"
    async with opened("contoso-prod", more) as world:
        mark = world.mark()
        run = await replayed(world, PRODUCTION)

        assert "check_refused" in codes(run)
        assert [] == [entry for entry in world.writes(mark) if "/policies/" in entry.path]
        assert [] != [entry for entry in world.writes(mark) if entry.method == "PATCH"]


async def test_a_host_whose_certificate_is_gone_blocks_the_update() -> None:
    """
    R17: a service update would fetch it again, so nothing is sent while it can't be fetched.
    """
    more = "    uploadedCertificates: resend\n"
    async with opened("contoso-prod", more) as world:
        world.azure.vaults.switch("kv-contoso-prod", "api-host", enabled=False)
        run = await replayed(world, PRODUCTION)

        assert "hostname_certificate_unfetchable" in codes(run)
