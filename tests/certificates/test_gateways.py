"""
Self-hosted gateways: their hosts are told to ask, and they get authorities of their own.
"""

from collections.abc import Callable

import pytest

from tests.certificates.conftest import (
    Content,
    desired,
    get,
    look,
    of_authorities,
    opened,
    planned,
    steps,
    told,
    writes_of_another_look,
)

ASKS = "gateway_negotiation_disabled"
TRUSTS = "gateway_authority_missing"
HALL = "gateways/hall/hostnameConfigurations/h"


async def test_a_host_is_told_to_ask_and_nothing_else_of_it_changes() -> None:
    """
    The PUT replaces, so everything comes back as it was but for the one flag.
    """
    async with opened(desired(negotiate=True), alter=lambda c: c["services"][0].pop("hostnames")) as world:
        before = await get(world, HALL)
        await look(world)

        assert {**before, "negotiateClientCertificate": True} == await get(world, HALL)
        assert 0 == await writes_of_another_look(world)


async def test_a_gateway_without_a_host_is_told() -> None:
    """
    Which host it serves only its operators know: the call is told, with the gateway's name filled in.
    """
    async with opened(desired(mode="report", negotiate=True)) as world:
        run = await look(world)

        assert ["gateway_without_hostname"] == told(run, by=ASKS)
        assert "gateways/bare/hostnameConfigurations/HOST-ID" in steps(run, by=ASKS)


def asking(content: Content) -> None:
    content["services"][0]["gateways"][0]["hostnames"][0]["negotiate"] = True


@pytest.mark.parametrize(
    ("alter", "more", "negotiate"),
    [
        (asking, "", True),
        (lambda content: None, "gateways: {hall: {guard: true}}", True),
        (lambda content: None, "gateways: {hall: {negotiates: true}}", True),
        (lambda content: None, "hosts: {hall.contoso.example: plain}", True),
        (lambda content: None, "", False),
    ],
    ids=["it asks", "guarded", "the operator's word", "declared plain", "negotiation is not wanted"],
)
async def test_hosts_are_left_alone(alter: Callable[[Content], None], more: str, negotiate: bool) -> None:
    """
    A host that asks, that is declared plain, or whose gateway the check leaves alone, is left alone.
    """
    async with opened(desired(more, mode="report", negotiate=negotiate), alter=alter) as world:
        assert [] == planned(await look(world), by=ASKS)


def with_trust(names: str, catalogue: str, *, mode: str = "enforce") -> str:
    return desired(f"gateways: {{hall: {{trust: [{names}]}}}}", catalogue=catalogue, mode=mode)


async def test_authorities_are_uploaded_and_named_in_their_role() -> None:
    """
    A root is trusted, an intermediate builds chains; both are attached without a key, and all is done in one visit.
    """
    async with opened(desired()) as world:
        text = with_trust("root, issuing", of_authorities(world, "root", "issuing"))
        world.desired_file.write_text(text, encoding="utf-8")
        await look(world)
        roles = [
            (await get(world, f"gateways/hall/certificateAuthorities/{name}"))["isTrusted"]
            for name in ("root", "issuing")
        ]
        attached = await get(world, "certificates/root")

        assert ([True, False], False) == (roles, attached["hasPrivateKey"])
        assert 0 == await writes_of_another_look(world)


async def test_an_attached_authority_is_used_by_the_name_it_has() -> None:
    """
    An authority that is attached under another name is not uploaded a second time.
    """
    attached = {"id": "our-root", "uploaded": "root", "public_only": True}
    async with opened(desired(), alter=lambda c: c["services"][0].update(certificates=[attached])) as world:
        await world.arm("DELETE", _below("gateways/hall/hostnameConfigurations/h"), **{"If-Match": "*"})
        world.desired_file.write_text(with_trust("root", of_authorities(world, "root")), encoding="utf-8")
        run = await look(world)

        assert (await get(world, "gateways/hall/certificateAuthorities/our-root"))["isTrusted"]
        assert [] == [change for change in run["changes"] if "/certificates/root" in change["target"]]


def _below(path: str) -> str:
    return (
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim"
        f"/providers/Microsoft.ApiManagement/service/contoso-map/{path}"
    )


async def test_what_azure_can_not_do_is_handed_over() -> None:
    """
    Where the gateway runs a person has to act: the snippet has the names of this gateway, service and authority.
    """
    async with opened(desired()) as world:
        text = with_trust("root", of_authorities(world, "root"), mode="report")
        world.desired_file.write_text(text, encoding="utf-8")
        run = await look(world)
        snippet = next(c["handOff"] for c in run["changes"] if c["kind"] == "gateway certificate authority")

        assert "kubectl create configmap hall-authorities --from-file=root.crt" in snippet
        assert "config.service.endpoint=contoso-map.configuration.azure-api.net" in snippet


def trusting(content: Content) -> None:
    """The gateway has its authority already."""
    service = content["services"][0]
    service["certificates"].append({"id": "root", "uploaded": "root", "public_only": True})
    service["gateways"][0]["authorities"] = [{"certificate": "root", "trusted": True}]


async def test_a_root_in_the_role_of_an_intermediate_is_put_right() -> None:
    """
    A root that the gateway has without trusting it ends no chain.
    """

    def untrusting(content: Content) -> None:
        trusting(content)
        content["services"][0]["gateways"][0]["authorities"][0]["trusted"] = False

    async with opened(desired(), alter=untrusting) as world:
        world.desired_file.write_text(with_trust("root", of_authorities(world, "root")), encoding="utf-8")
        await look(world)

        assert (await get(world, "gateways/hall/certificateAuthorities/root"))["isTrusted"]


async def test_an_authority_that_is_there_is_left_alone() -> None:
    """
    Nothing is written where the gateway trusts what is declared.
    """
    async with opened(desired(), alter=trusting) as world:
        world.desired_file.write_text(with_trust("root", of_authorities(world, "root")), encoding="utf-8")

        assert 0 == await writes_of_another_look(world)


async def test_a_gateway_that_is_not_there_is_told() -> None:
    """
    A declared name that no gateway has is a finding, and nothing is made.
    """
    said = "certificates: [partner]\ngateways: {nowhere: {authorities: [partner]}}"
    async with opened(desired(said, mode="report")) as world:
        assert ["gateway_absent"] == told(await look(world), by=TRUSTS)
