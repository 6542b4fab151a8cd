"""
What a placement promises comes true: on the way no operation loses its check, and in the end the calls show it.

The edits go in one by one through Resource Manager, as the engine would write them.
"""

from dataclasses import replace
from typing import Any

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import (
    Cause,
    Coverage,
    Document,
    Placement,
    Standards,
    Topology,
    Verdict,
    Wish,
    is_bare,
    judge,
    judge_calls,
    place,
    same_policy,
    take_out,
)
from apimend.policy.topology import read_documents
from tests.agreement.calls import ways
from tests.agreement.stand import Stand, generated
from tests.agreement.tenants import PLAIN
from tests.agreement.test_agreement import compared
from tests.policy.tenants import noted

SERVICES = ("broad", "strict", "modern", "calls")


def wish(stand: Stand, **more: Any) -> Wish:
    """Both declared clients, one of them alone at one API, at every gateway that is known to ask for certificates."""
    both, alone = check(stand.who.ally, stand.who.second), check(stand.who.ally)
    gateways, scopes = frozenset({"managed", "site"}), {"apis/api-1": alone}
    return replace(Wish(check=both, scopes=scopes, plain_hosts=frozenset({PLAIN}), only_gateways=gateways), **more)


def check(*pins: str) -> ClientCertificateCheck:
    """A check of thumbprints."""
    identities = tuple(ClientIdentity(thumbprint=pin) for pin in pins)
    return ClientCertificateCheck(validate_revocation=False, validate_trust=False, identities=identities)


def covered(coverage: Coverage) -> set[tuple[str, str]]:
    """The operations that are covered."""
    return {(each.api, each.operation) for each in coverage.judgements if each.verdict is Verdict.COVERED}


def covered_calls(topology: Topology, standards: Standards) -> set[tuple[str, str, str, str]]:
    """The calls that are covered."""
    judged = judge_calls(topology, standards)
    return {(j.api, j.operation, j.product, j.host) for j in judged if j.verdict is Verdict.COVERED}


async def applied(stand: Stand, service: str) -> tuple[Placement, list[str]]:
    """The placement of the wish, written edit by edit; and what lost its check on the way."""
    found, standards = await stand.read(service)
    placement = place(found.topology, standards, wish(stand))
    topology, lost = found.topology, []
    before = covered_calls(topology, standards)
    for edit in placement.edits:
        etag = found.texts[edit.scope].etag if edit.scope in found.texts else ""
        await stand.write(service, edit.scope, edit.after, etag=etag)
        topology = replace(topology, documents={**topology.documents, **read_documents({edit.scope: edit.after})})
        now = covered_calls(topology, standards)
        lost += [f"{edit.scope or 'global'}: {call}" for call in sorted(before - now)]
        before = now
    return placement, lost


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("seed", "unchecked"), [(0, True), (1, True), (0, False)])
async def test_the_promised_coverage_comes_true(seed: int, unchecked: bool, service: str) -> None:
    """
    No call loses its check at any step, the tenant reads as promised afterwards, and callers meet what is judged.
    """
    disagreements = []
    async with generated(seed, unchecked=unchecked, only=service) as stand:
        placement, lost = await applied(stand, service)
        found, standards = await stand.read(service)
        bare = replace(standards, waivers=frozenset())
        for judgement in judge_calls(found.topology, bare):
            for way in list(ways(stand, service, judgement))[:1]:
                disagreements.append(await compared(stand, way, judgement.verdict))

    assert [] == lost
    assert placement.after.figures.verdicts == judge(found.topology, standards).figures.verdicts
    assert covered(placement.before) <= covered(placement.after)
    assert [] == [each for each in disagreements if each]


@pytest.mark.parametrize("service", ["strict", "calls"])
async def test_nothing_is_left_where_nobody_was_before(service: str) -> None:
    """
    Where there is no check yet, every operation that is not waived, and whose documents can be read, is covered.
    """
    async with generated(3, unchecked=True, only=service) as stand:
        await applied(stand, service)
        found, standards = await stand.read(service)
        left = judge(found.topology, standards).uncovered()

    assert [] == [each for each in left if each.cause is not Cause.ON_ERROR and each.cause is not Cause.NOT_READ]


@pytest.mark.parametrize("service", SERVICES)
async def test_placing_again_changes_nothing(service: str) -> None:
    """
    Once the edits are in, the same wish needs none.
    """
    async with generated(2, unchecked=True, only=service) as stand:
        first, _ = await applied(stand, service)
        found, standards = await stand.read(service)
        again = place(found.topology, standards, wish(stand))

    assert (True, ()) == (bool(first.edits), again.edits)


async def test_where_nothing_asks_for_certificates_nothing_is_placed() -> None:
    """
    A check would refuse everybody, so there is none, and a sentence why.
    """
    async with generated(0, only="idle") as stand:
        found, standards = await stand.read("idle")
        placement = place(found.topology, standards, wish(stand))

    assert ((), True) == (placement.edits, any(each.blocks for each in placement.unplaced))


async def test_observing_comes_before_enforcing() -> None:
    """
    What only observes lets everybody pass, and is turned into a check in the same documents, in place.

    The placement was wrong: it left what observes in documents without `<base />` as it was.
    """
    async with generated(0, unchecked=True, only="strict") as stand:
        final = wish(stand)
        assert final.check is not None
        scopes = {scope: replace(check, ignore_error=True) for scope, check in final.scopes.items()}
        observing = replace(final, check=replace(final.check, ignore_error=True), scopes=scopes)
        first = await put_in(stand, "strict", observing)
        seen = await verdicts(stand, "strict")
        second = await put_in(stand, "strict", replace(final, ours=noted(first)))

        assert {edit.scope for edit in first.edits} == {edit.scope for edit in second.edits}
        assert Verdict.OBSERVED_ONLY in seen
        assert Verdict.COVERED not in seen
        assert Verdict.COVERED in await verdicts(stand, "strict")


async def test_new_pins_get_everywhere() -> None:
    """
    When clients are added, every check of ours lets them in, below documents without `<base />` too.

    The placement was wrong: only the check at global scope got the new pins, so that a renewed client was refused.
    """
    async with generated(0, unchecked=True, only="strict") as stand:
        old = check(stand.who.second)
        first = await put_in(stand, "strict", wish(stand, check=old, scopes={}))
        await put_in(stand, "strict", wish(stand, scopes={}, ours=noted(first)))

        assert Verdict.COVERED in await verdicts(stand, "strict")


@pytest.mark.parametrize("service", SERVICES)
async def test_taking_out_leaves_what_was_there(service: str) -> None:
    """
    Every document means again what it meant before; those that were made for a check change nothing.
    """
    async with generated(1, unchecked=True, only=service) as stand:
        before, _ = await stand.read(service)
        placement = await put_in(stand, service, wish(stand))
        found, standards = await stand.read(service)
        removal = take_out(found.topology, standards, noted(placement))

    texts = {edit.scope: edit.after for edit in removal.edits}
    assert {edit.scope for edit in placement.edits} == set(texts)
    for scope, text in texts.items():
        if scope in before.texts:
            assert same_policy(Document.parse(before.texts[scope].text), Document.parse(text))
        else:
            assert is_bare(text)


async def put_in(stand: Stand, service: str, wished: Wish) -> Placement:
    """The placement of a wish, written."""
    found, standards = await stand.read(service)
    placement = place(found.topology, standards, wished)
    for edit in placement.edits:
        await stand.write(service, edit.scope, edit.after)
    return placement


async def verdicts(stand: Stand, service: str) -> set[Verdict]:
    """The verdicts on all calls, after what they say was seen."""
    found, standards = await stand.read(service)
    seen = set()
    for judgement in judge_calls(found.topology, standards):
        for way in list(ways(stand, service, judgement))[:1]:
            seen.add(judgement.verdict)
            assert not await compared(stand, way, judgement.verdict)
    return seen
