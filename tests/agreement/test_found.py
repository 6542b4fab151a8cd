"""
Where proof and gateway once disagreed, or well might: one small tenant each, called and judged.

Each docstring says which of the two was wrong.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from apimend.policy import Verdict, judge_calls
from tests.agreement.calls import disagreement, try_way, ways
from tests.agreement.recipes import ANSWER, ON_ERROR_HOLES, SEND, by_hand, element, pinned, policy
from tests.agreement.stand import Stand, standing
from tests.agreement.tenants import ALLOWED, AUTHORITIES, BACKEND, CA, CERTIFICATES

HOST = "strict.azure-api.net"
OPERATION = {"id": "get", "name": "get", "method": "GET", "url": "/get"}


def api(name: str = "orders", **more: Any) -> dict[str, Any]:
    """An API that needs no key."""
    common = {"service_url": BACKEND, "operations": [OPERATION], "subscription_required": False}
    return {"id": name, "name": name, "path": name, **common, **more}


@asynccontextmanager
async def small(*apis: Mapping[str, Any], **more: Any) -> AsyncIterator[Stand]:
    """One host that asks for certificates, and the APIs."""
    service = {
        "name": "strict",
        "sku": "Premium",
        "apis": [*apis],
        "hostnames": [{"host": HOST, "negotiate": True}],
        "certificates": ALLOWED,
        "ca_certificates": CA,
        **more,
    }
    async with standing({"authorities": AUTHORITIES, "certificates": CERTIFICATES, "services": [service]}) as stand:
        yield stand


async def outcome(stand: Stand) -> tuple[set[Verdict], list[str]]:
    """The verdicts at the one host, and where the gateway disagrees."""
    found, standards = await stand.read("strict")
    verdicts, wrong = set(), []
    for judgement in judge_calls(found.topology, standards):
        for way in ways(stand, "strict", judgement):
            if way.key != stand.master_key("strict"):
                continue
            verdicts.add(judgement.verdict)
            wrong.append(disagreement(way, judgement.verdict, await try_way(stand, way)))
    return verdicts, [each for each in wrong if each]


async def written(inbound: str, *, on_error: str = "<base />") -> tuple[set[Verdict], list[str]]:
    """The same for one API with this policy; `ALLY`, `SECOND` and `ISSUER` stand for thumbprints."""
    async with small(api()) as stand:
        text = policy(inbound, on_error=on_error)
        for name, pin in (("ALLY", stand.who.ally), ("SECOND", stand.who.second), ("ISSUER", stand.who.issuer)):
            text = text.replace(name, pin)
        await stand.write("strict", "apis/orders", text)
        return await outcome(stand)


ISSUER = '<identity subject="CN=client, O=Contoso" issuer-thumbprint="ISSUER" />'
FOUND = {
    "two checks that pin different clients": (pinned("ALLY") + pinned("SECOND"), Verdict.LOCKED_OUT),
    "a name and its issuer beside declared clients": (element(ISSUER, trust=True), Verdict.WEAKER),
    "a request behind a check of presence": (by_hand() + SEND + pinned("ALLY"), Verdict.WEAKER),
    "an answer behind a check of names": (
        element('<identity dns-name="client.contoso.com" />') + ANSWER,
        Verdict.FORGEABLE,
    ),
    "a fragment that isn't there before a request": (
        '<include-fragment fragment-id="gone" />' + SEND + pinned("ALLY"),
        Verdict.NOT_UNDERSTOOD,
    ),
    "a fragment that isn't there behind a check of presence": (
        by_hand() + '<include-fragment fragment-id="gone" />',
        Verdict.NOT_UNDERSTOOD,
    ),
}


@pytest.mark.parametrize(("inbound", "verdict"), FOUND.values(), ids=FOUND)
async def test_the_proof_was_wrong(inbound: str, verdict: Verdict) -> None:
    """
    The proof claimed more than it knew, or less: the gateway lets exactly those through whom the verdict now names.
    """
    assert ({verdict}, []) == await written(inbound)


async def test_a_refusal_in_on_error_ends_it() -> None:
    """
    The proof was wrong: what stands behind a refusal in `on-error` is never reached.
    """
    closed = '<return-response><set-status code="401" /></return-response>'

    assert ({Verdict.COVERED}, []) == await written(pinned("ALLY"), on_error=closed + SEND)


@pytest.mark.parametrize("hole", ON_ERROR_HOLES, ids=["an answer", "a status", "a request"])
async def test_on_error_counts_beside_a_check_by_hand(hole: str) -> None:
    """
    A refusal by `return-response` never gets to `on-error`, a call without a key does: the proof is right to count it.
    """
    async with small(api(subscription_required=True)) as stand:
        await stand.write("strict", "apis/orders", policy(by_hand(), on_error=hole))
        verdicts, wrong = await outcome(stand)
        seen = await stand.call(HOST, "", "/orders/get", "")

    assert ({Verdict.BYPASSED}, []) == (verdicts, wrong)
    assert seen.got_something


async def test_a_revision_that_is_not_online_does_not_count() -> None:
    """
    The emulator was wrong: its list of revisions said that all are online, and its gateway served only those that are.
    """
    async with small(api(), api("orders;rev=2", path="orders", properties={"isOnline": False})) as stand:
        found, _ = await stand.read("strict")
        seen = await stand.call(HOST, "ally", "/orders;rev=2/get", "")

    assert (["orders"], 404) == ([each.name for each in found.topology.apis], seen.status)


async def test_a_fragment_of_a_workspace_comes_first() -> None:
    """
    The proof was wrong: it took the service's fragment for the workspace's own of the same name, which checks nothing.
    """
    team = {"id": "team", "apis": [api("team-orders")]}
    async with small(workspaces=[team]) as stand:
        await stand.write("strict", "policyFragments/check", f"<fragment>{pinned(stand.who.ally)}</fragment>")
        nothing = '<fragment><set-variable name="a" value="b" /></fragment>'
        await stand.write("strict", "workspaces/team/policyFragments/check", nothing)
        include = policy('<include-fragment fragment-id="check" />')
        await stand.write("strict", "workspaces/team/apis/team-orders", include)
        verdicts, wrong = await outcome(stand)
        seen = await stand.call(HOST, "", "/team-orders/get", "")

    assert ({Verdict.NOT_UNDERSTOOD}, [], True) == (verdicts, wrong, seen.forwarded)


async def test_a_product_that_is_not_published_counts() -> None:
    """
    The proof was wrong: keys of a product that was unpublished may go on working, and bring its policy.
    """
    shelf = {"id": "gold", "apis": ["orders"], "state": "notPublished"}
    key = {"id": "to-gold", "scope": "/products/gold", "key": "g" * 32}
    async with small(api(), products=[shelf], subscriptions=[key]) as stand:
        await stand.write("strict", "", policy(pinned(stand.who.ally), is_global=True))
        await stand.write("strict", "products/gold", policy(""))
        found, standards = await stand.read("strict")
        verdicts = {each.product: each.verdict for each in judge_calls(found.topology, standards)}
        seen = await stand.call(HOST, "", "/orders/get", "g" * 32)

    assert ({"": Verdict.COVERED, "gold": Verdict.BYPASSED}, True) == (verdicts, seen.forwarded)


async def test_the_host_header_opens_no_door_of_a_guarded_check() -> None:
    """
    Both are right: a guard goes by the host that the caller writes, so a spared host uncovers its operations.
    """
    plain = {"host": "plain.contoso.test", "uploaded": "host"}
    asks = {"host": HOST, "negotiate": True}
    async with small(api(), hostnames=[asks, plain]) as stand:
        guard = '<choose><when condition="@(context.Request.OriginalUrl.Host != "plain.contoso.test")">'
        await stand.write("strict", "", policy(f"{guard}{pinned(stand.who.ally)}</when></choose>", is_global=True))
        found, standards = await stand.read("strict")
        verdicts = {each.host: each.verdict for each in judge_calls(found.topology, standards) if each.host}
        seen = await stand.call(HOST, "", "/orders/get", "", header="plain.contoso.test")

    assert {HOST: Verdict.COVERED, "plain.contoso.test": Verdict.BYPASSED} == verdicts
    assert seen.forwarded


CLAIMS = (Verdict.OBSERVED_ONLY, Verdict.WEAKER, Verdict.FORGEABLE, Verdict.BYPASSED, Verdict.LOCKED_OUT)


@pytest.mark.parametrize("claimed", CLAIMS, ids=[each.word for each in CLAIMS])
async def test_a_false_verdict_is_noticed(claimed: Verdict) -> None:
    """
    The comparison has teeth: of an operation that is covered, no other verdict agrees with what the callers get.
    """
    async with small(api()) as stand:
        await stand.write("strict", "apis/orders", policy(pinned(stand.who.ally)))
        found, standards = await stand.read("strict")
        judgement = next(each for each in judge_calls(found.topology, standards) if each.host)
        way = next(ways(stand, "strict", judgement))
        seen = await try_way(stand, way)

    assert ("", True) == (disagreement(way, Verdict.COVERED, seen), bool(disagreement(way, claimed, seen)))


async def test_a_false_claim_of_coverage_is_noticed() -> None:
    """
    Where nothing is checked, "covered" is refuted by whoever calls.
    """
    async with small(api()) as stand:
        found, standards = await stand.read("strict")
        judgement = next(each for each in judge_calls(found.topology, standards) if each.host)
        way = next(ways(stand, "strict", judgement))
        seen = await try_way(stand, way)

    assert "somebody else gets something" in disagreement(way, Verdict.COVERED, seen)
