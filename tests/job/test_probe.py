"""
The look from outside, at hosts that really speak TLS.
"""

import pytest

from apimend.model.runs import Handshake
from apimend.probe import TlsProber
from demo.world import World
from tests.job.conftest import HOST, INSTANCE, desired, opened, touch


def prober(world: World) -> TlsProber:
    """A prober that connects to the local gateway, whatever the host's name."""
    host, port = world.azure.endpoints.gateway
    return TlsProber(address=f"{host}:{port}")


async def test_it_sees_whether_a_host_asks() -> None:
    """
    Before negotiation is on no certificate is asked for, afterwards it is, in both TLS versions.
    """
    async with opened() as world:
        before = await prober(world).shake_hands(HOST)
        await touch(world)
        after = await prober(world).shake_hands(HOST)

    assert (False, True) == (before.asks, after.asks)
    assert ("TLS 1.2", "TLS 1.3") == after.versions


async def test_a_canary_is_refused_without_a_certificate() -> None:
    """
    The canary's status shows whether the check works.
    """
    async with opened() as world:
        before = await prober(world).shake_hands(HOST, canary_path="/status-0123456789abcdef")
        await touch(world)
        after = await prober(world).shake_hands(HOST, canary_path="/echo/")

    assert (200, 401) == (before.canary, after.canary)


async def test_what_cant_be_reached_is_neither_good_nor_bad() -> None:
    """
    A host that nobody serves, and a port where nobody listens, are said to be out of reach.
    """
    async with opened(desired("report")) as world:
        unknown = await prober(world).shake_hands("nobody.example")
        closed = await TlsProber(address="127.0.0.1:9").shake_hands(HOST)

    assert (None, None) == (unknown.asks, closed.asks)
    assert unknown.why
    assert closed.why


async def test_what_is_seen_from_outside_stands_in_the_run_and_the_card() -> None:
    """
    A replay looks from outside where the setting says so, and tells it everywhere.
    """
    async with opened(settings={"APIMEND_PROBE": "true"}) as world:
        await touch(world)
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle()
        _, run = await world.http("GET", (await world.runs())[0]["detail"])

        seen, region = run["observed"]
        assert (HOST, True, ["TLS 1.2", "TLS 1.3"]) == (seen["host"], seen["asks"], seen["versions"])
        assert ("contoso-dev-westeurope-01.regional.azure-api.net", True) == (region["host"], region["asks"])


async def test_a_host_that_does_not_do_as_it_says_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A host that is set to ask and does not, as behind a proxy, is reported, and no check goes in.
    """

    async def silent(self: TlsProber, host: str, *, canary_path: str = "") -> Handshake:
        return Handshake(host=host, asks=False, versions=("TLS 1.3",))

    monkeypatch.setattr(TlsProber, "shake_hands", silent)
    async with opened(settings={"APIMEND_PROBE": "true"}) as world:
        mark = world.mark()
        await touch(world)
        await world.settle(5)
        await world.http("POST", "/api/replay", {"instance": INSTANCE})
        await world.settle()
        _, run = await world.http("GET", (await world.runs())[0]["detail"])

        assert not [entry for entry in world.writes(mark) if "/policies/" in entry.path]
        assert "negotiation_not_observed" in [finding["code"] for finding in run["findings"]]
