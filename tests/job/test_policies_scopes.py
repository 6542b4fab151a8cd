"""
Checks end to end: scopes of their own, waivers, forms, observing, and taking out, as callers of the gateway see them.
"""

import textwrap
from base64 import b64encode
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from apimend.policy import Document, same_policy
from apimend.policy.rehearsal import thumbprint
from demo.world import World
from emulator.faults import Fault
from tests.job.conftest import HOST, INSTANCE, desired, opened, touch

POLICY = f"{INSTANCE}/policies/policy"
ORDERS = f"{INSTANCE}/apis/orders"
WAIVER = """\
waivers:
  - id: W-1
    instances: contoso-dev
    scope: apis/orders
    controls: [client_certificate_unchecked]
    category: waiver
    owner: team-orders
    reason: Migrating.
    ticket: T-1
    expires: {expires}
"""
CALLERS = ("", "stranger", "partner-a")


async def statuses(world: World, api: str = "orders") -> tuple[int, ...]:
    """What a caller without a certificate, a stranger and the declared client get from an API."""
    path = {"orders": "/orders/orders", "echo": "/echo/"}[api]
    key = (await world.arm("POST", f"{INSTANCE}/subscriptions/all/listSecrets"))["primaryKey"]
    headers = {"Ocp-Apim-Subscription-Key": key}
    return tuple([(await world.call(HOST, path, certificate=who, headers=headers)).status for who in CALLERS])


async def declared(world: World, text: str) -> dict[str, Any]:
    """The newest run once this is the desired state and all has settled."""
    world.desired_file.write_text(text)
    await world.arm("PUT", f"{INSTANCE}/subscriptions/all", {"properties": {"scope": "/apis", "displayName": "all"}})
    await touch(world)
    await world.http("POST", "/api/replay", {"instance": INSTANCE})
    await world.settle()
    return await newest(world)


async def newest(world: World) -> dict[str, Any]:
    """The newest run in full."""
    _, run = await world.http("GET", (await world.runs())[0]["detail"])
    found: dict[str, Any] = run
    return found


async def text_of(world: World, path: str) -> str | None:
    """A policy document as it is now; None where there is none."""
    try:
        found: str = (await world.arm("GET", f"{path}"))["properties"]["value"]
    except RuntimeError:
        return None
    return found


def codes(run: dict[str, Any]) -> set[str]:
    """The codes of a run's findings."""
    return {finding["code"] for finding in run["findings"]}


def with_stranger(world: World, text: str) -> str:
    """The desired state with the stranger as a client too."""
    pem = textwrap.indent(world.azure.certificate("stranger").pem, "      ")
    return text.replace("clients:\n", f"clients:\n  stranger:\n    pem: |\n{pem}\n", 1)


async def test_a_scope_lets_in_its_own_clients_alone() -> None:
    """
    Below a scope with clients of its own these get in, and nobody else; everywhere else it is as before.
    """
    async with opened() as world:
        text = with_stranger(world, desired(more="    scopes: {apis/orders: {clients: [stranger]}}\n"))
        run = await declared(world, text)

        assert ("converged", set()) == (run["result"], codes(run))
        assert ((401, 200, 401), (401, 401, 200)) == (await statuses(world), await statuses(world, "echo"))


async def test_a_waiver_spares_its_scope_and_nothing_else() -> None:
    """
    The one global check is guarded: what is waived stays open, what is not is closed.
    """
    async with opened() as world:
        before = await text_of(world, f"{ORDERS}/policies/policy")
        await declared(world, desired(more=WAIVER.format(expires="2026-12-24")))

        assert ((200, 200, 200), (401, 401, 200)) == (await statuses(world), await statuses(world, "echo"))
        assert before == await text_of(world, f"{ORDERS}/policies/policy")


async def test_an_expired_waiver_asks_even_where_the_mode_enforces() -> None:
    """
    Time alone closes no door: what is due to the end of a waiver waits for an approval.
    """
    async with opened() as world:
        await declared(world, desired(more=WAIVER.format(expires="2026-11-23")))
        await world.settle(3 * 86400)
        await touch(world)
        run = await newest(world)

        assert "asked" == run["result"]
        assert "W-1" in run["changes"][0]["outcome"]["why"]
        assert (200, 200, 200) == await statuses(world)


async def test_absent_takes_out_what_we_put_in_and_leaves_the_rest() -> None:
    """
    The document is what it was, and a document that we created is gone.
    """
    async with opened() as world:
        more = "    scopes: {apis/echo: {clients: [stranger]}}\n"
        before = await text_of(world, POLICY)
        await declared(world, with_stranger(world, desired(more=more)))
        between = await text_of(world, f"{INSTANCE}/apis/echo/policies/policy")
        run = await declared(world, desired(check="{state: absent}"))

        after = await text_of(world, POLICY)

        assert between is not None
        assert await text_of(world, f"{INSTANCE}/apis/echo/policies/policy") is None
        assert same_policy(Document.parse(before or ""), Document.parse(after or ""))
        assert ("converged", (200, 200, 200)) == (run["result"], await statuses(world))


async def test_absent_leaves_a_check_that_is_not_ours() -> None:
    """
    What somebody else put in is not taken out by our declaration.
    """
    theirs = "<policies><inbound><base /><validate-client-certificate /></inbound></policies>"
    async with opened() as world:
        await world.arm("PUT", f"{ORDERS}/policies/policy", {"properties": {"format": "rawxml", "value": theirs}})
        before = await text_of(world, f"{ORDERS}/policies/policy")
        await declared(world, desired())
        await declared(world, desired(check="{state: absent}"))

        assert before == await text_of(world, f"{ORDERS}/policies/policy")


async def test_a_foreign_check_is_named() -> None:
    """
    A check of somebody else is left, and the finding says where it stands.
    """
    theirs = "<policies><inbound>\n<validate-client-certificate /></inbound></policies>"
    async with opened() as world:
        await world.arm("PUT", f"{ORDERS}/policies/policy", {"properties": {"format": "rawxml", "value": theirs}})
        run = await declared(world, desired())
        foreign = next(finding for finding in run["findings"] if finding["code"] == "foreign_check")

        assert f"{ORDERS}" == foreign["target"]
        assert foreign["message"].startswith("apis/orders, line 3, column 3:")


@pytest.mark.parametrize("form", ["expression", "attached"])
async def test_a_condition_does_what_the_element_does(form: str) -> None:
    """
    Written as a documented condition, the check lets in whom the element lets in.
    """
    async with opened() as world:
        check = f"{{action: enforce, validateTrust: false, form: {form}}}"
        run = await declared(world, desired(check=check))

        assert ("converged", set()) == (run["result"], codes(run))
        assert (403, 403, 200) == await statuses(world)
        run = await declared(world, desired(check="{state: absent}"))
        assert (200, 200, 200) == await statuses(world)


async def test_nobody_gets_in_by_a_certificate_that_is_attached_for_something_else() -> None:
    """
    While the instance holds a certificate of no declared client, no check against all of them goes in.
    """
    async with opened() as world:
        other = world.azure.certificate("stranger")
        data = b64encode(other.certificate.public_bytes(Encoding.DER)).decode()
        body = {"properties": {"data": data, "password": ""}}
        await world.arm("PUT", f"{INSTANCE}/certificates/backend", body)
        run = await declared(world, desired(check="{action: enforce, validateTrust: false, form: attached}"))
        refusal = next(finding for finding in run["findings"] if finding["code"] == "attached_admits_others")

        assert "backend" in refusal["message"]
        assert refusal["steps"]
        assert (200, 200, 200) == await statuses(world)


@pytest.mark.parametrize("form", ["element", "expression"])
async def test_observing_lets_everybody_in_and_says_how_to_go_on(form: str) -> None:
    """
    Whom it would refuse is unknown, not nobody: the run hands out the query, and enforcing stays a declared step.
    """
    async with opened() as world:
        check = f"validateTrust: false, form: {form}, observeDays: 3"
        run = await declared(world, desired(check=f"{{action: observe, {check}}}"))
        observed = await statuses(world)
        (finding,) = run["findings"]
        pin = thumbprint(x509.load_pem_x509_certificate(world.azure.certificate("partner-a").pem.encode()))
        written = await text_of(world, POLICY)

        assert ((200, 200, 200), "check_observes") == (observed, finding["code"])
        assert "unknown" in finding["message"]
        assert "contoso-dev" in finding["steps"][0]
        assert written is not None and 'source="apimend"' in written
        assert (pin in finding["steps"][0]) is (form == "element")

        await declared(world, desired(check=f"{{action: enforce, {check}}}"))

        assert 200 == (await statuses(world))[2]
        assert 200 not in (await statuses(world))[:2]


async def test_an_api_that_goes_while_we_write_is_no_failure() -> None:
    """
    What is no longer there is looked at again, and the rest is done.
    """
    async with opened() as world:
        await world.arm(
            "PUT",
            f"{ORDERS}/policies/policy",
            {"properties": {"format": "rawxml", "value": "<policies><inbound /></policies>"}},
        )
        gone = {"error": {"code": "ResourceNotFound", "message": "API not found."}}
        world.azure.faults.add(
            Fault(method="PUT", path="*/apis/orders/policies/policy", place="arm", status=404, body=gone)
        )
        run = await declared(world, desired())

        assert "converged" == run["result"]
        assert (401, 401, 200) == await statuses(world)


async def test_a_document_that_cannot_be_read_is_left_with_line_and_column() -> None:
    """
    It is never edited, and the finding says where reading ended.
    """
    value = "@{\n#if X\nreturn 1;\n#endif\nreturn 2; }"
    odd = f'<policies>\n<inbound><set-variable name="a" value="{value}" /></inbound></policies>'
    async with opened() as world:
        await world.arm("PUT", f"{ORDERS}/policies/policy", {"properties": {"format": "rawxml", "value": odd}})
        before = await text_of(world, f"{ORDERS}/policies/policy")
        run = await declared(world, desired())

        assert "policy_not_understood" in codes(run)
        assert before == await text_of(world, f"{ORDERS}/policies/policy")
