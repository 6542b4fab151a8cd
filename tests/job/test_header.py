"""
Behind an Application Gateway that ends TLS: the certificate in its header is checked only where it can be believed.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote

import pytest

from apimend.policy import Document, same_policy
from demo.world import TENANTS, World, open_world
from emulator.tenant import Tenant, load_tenant
from tests.job.conftest import HOST, INSTANCE, desired
from tests.job.test_policies import newest, put, text_of
from tests.job.test_tiers import codes, replayed

GLOBAL = f"{INSTANCE}/policies/policy"
NAME = "X-Client-Certificate"
FRONT = {
    "id": f"{INSTANCE.partition('/providers/')[0]}/providers/Microsoft.Network/applicationGateways/front",
    "type": "Microsoft.Network/applicationGateways",
    "location": "westeurope",
    "properties": {"backendAddressPools": [{"properties": {"backendAddresses": [{"fqdn": HOST}]}}]},
}
BEHIND = f"""\
    header: {{name: {NAME}, restriction: The subnet's NSG admits the Application Gateway only.}}
"""


def behind(
    check: str = "{action: enforce}", *, network: str = "Internal", front: bool = True, restricted: bool = True
) -> AbstractAsyncContextManager[World]:
    """The small tenant behind a proxy, so far as it is."""
    content = dict(load_tenant(TENANTS / "small.yaml").content)
    (service,) = content["services"]
    content["services"] = [{**service, "properties": {"virtualNetworkType": network}}]
    content["resources"] = [FRONT] if front else []
    text = desired(check=check, more=BEHIND).replace("arrives: direct", "arrives: header")
    return open_world(Tenant.of(content), desired=text)


def key(world: World) -> dict[str, str]:
    """The key of all access."""
    master = world.azure.store.get(f"{INSTANCE}/subscriptions/master")
    assert master is not None
    return {"Ocp-Apim-Subscription-Key": str(master.hidden["primaryKey"])}


def shown(world: World, name: str) -> dict[str, str]:
    """A certificate as the proxy hands it on."""
    return {NAME: quote(world.azure.certificate(name).pem, safe="")}


async def test_the_header_is_checked_and_nothing_asks_for_certificates() -> None:
    """
    The check goes in at once: no handshake is changed, the declared client gets in, others don't, and it is covered.
    """
    async with behind() as world:
        run = await replayed(world, INSTANCE)
        service = world.azure.store.get(INSTANCE)
        ally, stranger, nobody = [
            (await world.call(HOST, "/echo/", headers={**key(world), **each})).status
            for each in (shown(world, "partner-a"), shown(world, "stranger"), {})
        ]

        assert 100 == run["coverage"]["before"]["percent"]
        assert (200, 403, 403) == (ally, stranger, nobody)
        assert service is not None
        assert not any(entry["negotiateClientCertificate"] for entry in service.properties["hostnameConfigurations"])
        assert set() == codes(run) & {"forwarded_header_check", "arrives_by_header", "check_refused"}


DOUBTS = {
    "no proxy in sight": {"front": False},
    "open to everybody": {"network": "None"},
}


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
async def test_where_the_header_can_be_forged_no_check_goes_in(doubt: dict[str, Any]) -> None:
    """
    One finding says why; nothing is written, and nothing counts as covered.
    """
    async with behind(**doubt) as world:
        mark = world.mark()
        run = await replayed(world, INSTANCE)

        assert ["arrives_by_header"] == [f["code"] for f in run["findings"] if f["remediator"].endswith("unchecked")]
        assert 0 == run["coverage"]["before"]["percent"]
        assert [] == [entry.path for entry in world.writes(mark) if entry.path.endswith("/policies/policy")]


async def test_a_check_is_no_longer_believed_when_front_door_comes_in_front() -> None:
    """
    A policy that asks for Front Door's id tells that it is there: what was covered isn't, and it is said.
    """
    async with behind() as world:
        await replayed(world, INSTANCE)
        owner = f"{INSTANCE}/products/starter"
        asks = '<base /><check-header name="X-Azure-FDID" failed-check-httpcode="403" />'
        sections = "<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error>"
        await put(world, owner, f"<policies><inbound>{asks}</inbound>{sections}</policies>")
        run = await replayed(world, INSTANCE)

        assert {"arrives_by_header", "forwarded_header_check"} <= codes(run)
        assert 0 == run["coverage"]["before"]["percent"]


async def test_observed_first_then_enforced_then_taken_out() -> None:
    """
    Each step changes our check in place, and `state: absent` leaves the policy that was there.
    """
    async with behind("{action: observe}") as world:
        found = text_of(world, GLOBAL)
        await replayed(world, INSTANCE)
        observing = text_of(world, GLOBAL)
        for check in ("{action: enforce}", "{state: absent}"):
            text = world.desired_file.read_text()
            line = next(each for each in text.splitlines() if each.strip().startswith("check:"))
            world.desired_file.write_text(text.replace(line, f"    check: {check}"))
            await replayed(world, INSTANCE)
            assert (check == "{action: enforce}") is ("X509Certificate2" in text_of(world, GLOBAL))

        assert "<trace" in observing
        assert same_policy(Document.parse(found), Document.parse(text_of(world, GLOBAL)))
        assert "converged" == (await newest(world))["result"]
