"""
A check of the chain where no CA certificate is uploaded: whom the gateway lets in then is not documented.

The local Azure plays both answers. The proof says that it doesn't know, and is right under either.
"""

from dataclasses import replace
from typing import Any

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import Verdict, judge_calls, place
from apimend.policy.wish import Wish
from tests.agreement.calls import try_way, ways
from tests.agreement.recipes import element, pinned, policy
from tests.agreement.stand import Seen, Stand
from tests.agreement.tenants import CA, TRUSTED
from tests.agreement.test_found import HOST, api, small

NO_CA: dict[str, Any] = {"ca_certificates": []}
SITE = "site.broad.test"


async def told(stand: Stand, text: str) -> tuple[set[Verdict], dict[str, Seen]]:
    """What the proof says of an API with this policy, and what each caller gets."""
    await stand.write("strict", "apis/orders", text)
    found, standards = await stand.read("strict")
    judgements = [each for each in judge_calls(found.topology, standards) if each.host == HOST]
    way = next(iter(ways(stand, "strict", judgements[0])))
    return {each.verdict for each in judgements}, await try_way(stand, way)


@pytest.mark.parametrize("public", [True, False], ids=["public chains pass", "no chain passes"])
async def test_without_a_ca_nobody_knows(public: bool) -> None:
    """
    A pinned client with a public chain passes or doesn't, one with a private chain never does; others never get in.
    """
    async with small(api(), **NO_CA) as stand:
        stand.azure.options = replace(stand.azure.options, public_clients_trusted=public)
        text = policy(pinned(stand.who.ally, trust=True))
        verdicts, private = await told(stand, text)
        stand.gateway.world.public_authorities = tuple(
            stand.azure.certificate(name).certificate for name in ("root", "issuing")
        )
        _, seen = await told(stand, text)

        assert {Verdict.NOT_UNDERSTOOD} == verdicts
        assert [False] * 4 == [each.got_something for each in private.values()]
        assert public is seen["ally"].got_something
        assert not any(seen[who].got_something for who in ("other", "stranger", ""))


async def test_what_is_worse_is_said_all_the_same() -> None:
    """
    A check that would let in anybody of a trusted CA is weaker, whatever the gateway trusts.
    """
    async with small(api(), **NO_CA) as stand:
        verdicts, _ = await told(stand, policy(element(trust=True)))

    assert {Verdict.WEAKER} == verdicts


@pytest.mark.parametrize(("authorities", "placed"), [([], False), (CA, True)], ids=["no CA", "a CA"])
async def test_a_check_of_the_chain_waits_for_a_ca(authorities: list[Any], placed: bool) -> None:
    """
    Where it might refuse everybody it is not put in.
    """
    async with small(api(), ca_certificates=authorities) as stand:
        found, standards = await stand.read("strict")
        check = ClientCertificateCheck(
            validate_revocation=False, identities=(ClientIdentity(thumbprint=stand.who.ally),)
        )
        placement = place(found.topology, standards, Wish(check=check))

    assert placed is bool(placement.edits)
    assert placed is not any(each.blocks for each in placement.unplaced)


@pytest.mark.parametrize(("authorities", "served"), [([], False), (TRUSTED, True)], ids=["no CA", "a CA"])
async def test_a_self_hosted_gateway_has_a_store_of_its_own(authorities: list[Any], served: bool) -> None:
    """
    The service's CA certificates are not its own: without any, the proof doesn't know, and the gateway refuses.
    """
    site = {"id": "site", "hostnames": [{"id": "h", "host": SITE, "negotiate": True}], "apis": ["orders"]}
    attached = [{"id": name, "uploaded": name, "public_only": True} for name in ("root", "issuing")]
    async with small(api(), gateways=[{**site, "authorities": authorities}], certificates=attached) as stand:
        await stand.write("strict", "apis/orders", policy(pinned(stand.who.ally, trust=True)))
        found, standards = await stand.read("strict")
        verdicts = {each.verdict for each in judge_calls(found.topology, standards) if each.host == SITE}
        seen = await stand.call(SITE, "ally", "/orders/get", "")

        assert {Verdict.COVERED if served else Verdict.NOT_UNDERSTOOD} == verdicts
        assert served is seen.got_something
