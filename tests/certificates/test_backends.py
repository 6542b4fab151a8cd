"""
Backends: shown the declared certificate, and checked only where that is safe. One really demands mutual TLS.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from demo.world import World
from emulator import Options
from tests.certificates.conftest import (
    HOST,
    INSTANCE,
    Content,
    asked,
    desired,
    get,
    look,
    opened,
    planned,
    steps,
    told,
    writes_of_another_look,
)

SHOWN = "backend_certificate_missing"
CHECKED = "backend_tls_unvalidated"
SAID = "certificates: [outgoing]\nbackends: {partner: {certificates: [outgoing]}}"
ID = f"{INSTANCE}/certificates/outgoing"


def unchecked(content: Content) -> None:
    """The partner's certificate is not checked: its authority is private."""
    tls = {"validateCertificateChain": False, "validateCertificateName": False}
    content["services"][0]["backends"][0]["properties"] = {"tls": tls}


async def status(world: World) -> int:
    """What a caller gets who is sent on to the partner, which knows the gateway's certificate."""
    world.gateway.backends.guests = {world.azure.certificate("outgoing").thumbprint}
    return (await world.call(HOST, "/partner/")).status


async def test_the_partner_answers_403_before_and_200_after() -> None:
    """
    The gateway shows the partner the declared certificate, over TLS; a further visit writes nothing.
    """
    async with opened(desired(SAID), alter=unchecked) as world:
        before = await status(world)
        await look(world)

        assert (403, 200) == (before, await status(world))
        assert 0 == await writes_of_another_look(world)


async def test_where_ids_do_not_suffice_the_snippet_does() -> None:
    """
    The open question's other answer: the backend still refuses, until the policy's author takes what is handed over.
    """
    options = Options(backend_certificates_suffice=False)
    async with opened(desired(SAID), alter=unchecked, options=options) as world:
        await look(world)
        before = await status(world)
        changes = (await asked(world))["changes"]
        snippet = next(change["handOff"] for change in changes if change["kind"] == "backend").splitlines()[-1]
        await _put_into_policy(world, snippet)

        assert (403, 200) == (before, await status(world))
        assert 0 == await writes_of_another_look(world)


async def _put_into_policy(world: World, snippet: str) -> None:
    path = f"{INSTANCE}/apis/partner/policies/policy"
    policy = (await world.arm("GET", path))["properties"]["value"]
    value = policy.replace("</inbound>", f"{snippet}</inbound>")
    await world.arm("PUT", path, {"properties": {"format": "rawxml", "value": value}})


def secretive(content: Content) -> None:
    credentials = {"header": {"x-key": ["not-a-secret"]}, "certificateIds": [f"{INSTANCE}/certificates/by-hand"]}
    content["services"][0]["backends"][0]["properties"] = {
        "credentials": credentials,
        "tls": {"validateCertificateChain": False, "validateCertificateName": True},
    }


async def test_what_else_the_backend_has_stays() -> None:
    """
    Azure replaces what is nested whole: other credentials and both checks come back as they were, ours stands first.
    """
    async with opened(desired(SAID), alter=secretive) as world:
        before = await get(world, "backends/partner")
        await look(world)
        after = await get(world, "backends/partner")

        assert [ID, f"{INSTANCE}/certificates/by-hand"] == after["credentials"].pop("certificateIds")
        assert before["credentials"].pop("certificateIds")
        assert before == after


async def test_no_credential_shows_in_a_report() -> None:
    """
    The headers that a backend is sent are nobody's business.
    """
    async with opened(desired(SAID, mode="report"), alter=secretive) as world:
        assert "not-a-secret" not in json.dumps(await look(world))


def pooled(content: Content) -> None:
    members = [{"id": f"{INSTANCE}/backends/{name}"} for name in ("partner", "spare")]
    pool = {"id": "pool", "url": "https://pool.example", "properties": {"type": "Pool", "pool": {"services": members}}}
    content["services"][0]["backends"].append(pool)


async def test_the_members_of_a_pool_carry_the_certificate() -> None:
    """
    A declared pool means its members.
    """
    said = SAID.replace("{partner:", "{pool:")
    async with opened(desired(said), alter=pooled) as world:
        await look(world)
        shown = [(await get(world, f"backends/{name}"))["credentials"] for name in ("partner", "spare")]

        assert [{"certificateIds": [ID]}, {"certificateIds": [ID]}] == shown


def shown_already(content: Content) -> None:
    service = content["services"][0]
    service["certificates"].append({"id": "outgoing", "vault": "kv-certs/outgoing"})
    service["backends"][0]["properties"] = {"credentials": {"certificateIds": [ID.upper().replace("/", "/")]}}


async def test_a_backend_that_is_shown_it_is_left_alone() -> None:
    """
    Ids are compared without case, and nothing is written where nothing differs.
    """
    async with opened(desired(SAID), alter=shown_already) as world:
        assert 0 == await writes_of_another_look(world)


def by_expression(content: Content) -> None:
    api = content["services"][0]["apis"][0]
    api["policy"] = api["policy"].replace('backend-id="partner"', 'backend-id="@(context.Api.Id)"')


@pytest.mark.parametrize(
    ("alter", "backend", "expected"),
    [
        (lambda content: None, "partner", []),
        (lambda content: None, "spare", ["api_bypasses_backend", "backend_never_selected"]),
        (by_expression, "spare", []),
        (lambda content: None, "nowhere", ["backend_absent"]),
    ],
    ids=["selected", "never selected, and called past", "chosen at run time", "not there"],
)
async def test_a_backend_counts_where_a_policy_selects_it(
    alter: Callable[[Content], None], backend: str, expected: list[str]
) -> None:
    """
    A backend that no policy selects, and an API that calls its address past it, are findings.
    """
    said = SAID.replace("{partner:", f"{{{backend}:")
    async with opened(desired(said, mode="report"), alter=alter) as world:
        assert expected == told(await look(world), by=SHOWN)


VALIDATED = "backends: {partner: {validateTls: true}}"
PROBE = {"APIMEND_PROBE": "true"}


async def partner_ca(world: World, said: str = VALIDATED, mode: str = "enforce") -> str:
    """A desired state that trusts the partner's own authority."""
    text = json.dumps(world.gateway.backends.partner_authority.pem)
    return desired(f"{said}\ntrust: [partner-ca]", catalogue=f"authorities: {{partner-ca: {{pem: {text}}}}}", mode=mode)


async def tls(world: World) -> dict[str, Any]:
    found: dict[str, Any] = (await get(world, "backends/partner")).get("tls") or {}
    return found


def on_its_own(content: Content) -> None:
    """Its certificate is not checked, and no host of the instance was uploaded."""
    unchecked(content)
    content["services"][0].pop("hostnames")


async def test_validation_goes_on_once_the_authority_is_live_and_a_handshake_passes() -> None:
    """
    R10: first the authority, then a look at what the backend shows, then both checks; calls still get through.
    """
    both = SAID.replace("{certificates: [outgoing]}", "{certificates: [outgoing], validateTls: true}")
    async with opened(desired(SAID), alter=on_its_own, settings=PROBE) as world:
        world.desired_file.write_text(await partner_ca(world, both), encoding="utf-8")
        await look(world)
        await look(world)

        assert {"validateCertificateChain": True, "validateCertificateName": True} == await tls(world)
        assert 200 == await status(world)


async def test_a_certificate_that_would_not_pass_is_not_checked() -> None:
    """
    Without its authority the check would cut the traffic: it is told, with trusting the authority as the way out.
    """
    async with opened(desired(VALIDATED), alter=on_its_own, settings=PROBE) as world:
        mark = world.mark()
        run = await look(world)

        assert (["backend_would_fail"], []) == (told(run, by=CHECKED), world.writes(mark))
        assert "Trust its authority rather than leave the check off" in steps(run, by=CHECKED)


async def test_a_backend_that_can_not_be_seen_is_reported_only() -> None:
    """
    Without a look at what it shows nothing is switched on.
    """
    async with opened(desired(VALIDATED), alter=on_its_own) as world:
        mark = world.mark()
        run = await look(world)

        assert (["backend_unreachable"], []) == (told(run, by=CHECKED), world.writes(mark))
        assert "openssl s_client -connect partner.backend.test:443" in steps(run, by=CHECKED)


async def test_validation_that_nobody_declared_is_left_alone() -> None:
    """
    A check that is off is told; one that is on, or that nobody switched off, is not.
    """
    async with opened(desired(), alter=unchecked) as world:
        mark = world.mark()
        run = await look(world)

        assert ([CHECKED], [], []) == (told(run, by=CHECKED), planned(run, by=CHECKED), world.writes(mark))
