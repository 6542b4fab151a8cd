"""
A certificate in a header on the gateway: what our form lets in and refuses, as the proof says under either declaration.
"""

from dataclasses import replace

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form
from apimend.policy import Document, Verdict, judge_calls, place, with_check
from apimend.policy.wish import Wish
from tests.agreement.recipes import policy
from tests.agreement.stand import Seen, Stand
from tests.agreement.tenants import TRUSTED
from tests.agreement.test_found import HOST, api, small

NAME = "X-Client-Certificate"
SITE = "site.broad.test"
PLAIN_HOST = {"hostnames": [{"host": HOST, "negotiate": False}]}
GATEWAY = {
    "id": "site",
    "hostnames": [{"id": "h", "host": SITE, "negotiate": True}],
    "authorities": TRUSTED,
    "apis": ["orders"],
}


def check(*pins: str, observes: bool = False) -> ClientCertificateCheck:
    """Our form."""
    identities = tuple(ClientIdentity(thumbprint=pin) for pin in pins)
    template = ClientCertificateCheck(validate_trust=False, validate_revocation=False, form=Form.HEADER, header=NAME)
    return replace(template, identities=identities, ignore_error=observes)


async def verdicts(stand: Stand, *, believed: bool) -> set[Verdict]:
    """What the proof says of calls by the instance's own host."""
    found, standards = await stand.read("strict")
    measured = replace(standards, headers=frozenset({NAME.casefold()}) if believed else frozenset())
    return {each.verdict for each in judge_calls(found.topology, measured) if each.host == HOST}


async def called(stand: Stand, shown: str | None, host: str = HOST) -> Seen:
    """A call through the proxy, or around it, with this in the header."""
    return await stand.call(host, "", "/orders/get", "", more={} if shown is None else {NAME: shown})


async def test_who_comes_through_the_proxy_is_let_in_by_his_certificate() -> None:
    """
    Both pinned clients get in; another certificate, junk, a wrong encoding and no header at all don't.
    """
    async with small(api(), **PLAIN_HOST) as stand:
        ours = check(stand.who.ally, stand.who.second)
        found, standards = await stand.read("strict")
        believed = replace(standards, headers=frozenset({NAME.casefold()}))
        for edit in place(found.topology, believed, Wish(check=ours)).edits:
            await stand.write("strict", edit.scope, edit.after)
        passing = [stand.forwarded("ally"), stand.forwarded("second")]
        refused = [stand.forwarded("other"), "junk", "%2D" + passing[0], f"{passing[0]},{passing[0]}", "", None]

        assert [200, 200] == [(await called(stand, shown)).status for shown in passing]
        assert {403} == {(await called(stand, shown)).status for shown in refused}
        assert {Verdict.COVERED} == await verdicts(stand, believed=True)


async def test_who_goes_around_the_proxy_can_forge_it() -> None:
    """
    A certificate is public: whoever knows it writes it into the header. Without the declaration that is the verdict.
    """
    async with small(api(), **PLAIN_HOST) as stand:
        text = with_check(Document.parse("<policies><inbound /></policies>"), check(stand.who.ally), is_global=True)
        await stand.write("strict", "apis/orders", text)
        forger, nobody = await called(stand, stand.forwarded("ally")), await called(stand, None)

        assert (True, False) == (forger.got_something, nobody.got_something)
        assert {Verdict.FORGEABLE} == await verdicts(stand, believed=False)


async def test_an_observing_check_fails_nobody() -> None:
    """
    Junk in the header is recorded as no certificate, and let in.
    """
    async with small(api(), **PLAIN_HOST) as stand:
        observing = check(stand.who.ally, observes=True)
        text = with_check(Document.parse("<policies><inbound /></policies>"), observing, is_global=True)
        await stand.write("strict", "apis/orders", text)
        seen = [await called(stand, shown) for shown in ("junk", None, stand.forwarded("other"))]

        assert {200} == {each.status for each in seen}
        assert {Verdict.OBSERVED_ONLY} == await verdicts(stand, believed=True)


@pytest.mark.parametrize("guard", [False, True], ids=["for all gateways", "for its own alone"])
async def test_a_self_hosted_gateway_lies_elsewhere(guard: bool) -> None:
    """
    It stands behind no proxy of ours: nothing is placed while it is not left out, and then its callers are let in.
    """
    async with small(api(), gateways=[GATEWAY], **PLAIN_HOST) as stand:
        found, standards = await stand.read("strict")
        believed = replace(standards, headers=frozenset({NAME.casefold()}))
        gateways = frozenset({"managed"}) if guard else None
        placed = place(found.topology, believed, Wish(check=check(stand.who.ally), only_gateways=gateways))
        for edit in placed.edits:
            await stand.write("strict", edit.scope, edit.after)
        at_site, at_home = await called(stand, None, SITE), await called(stand, None)

        assert (200, 403 if guard else 200) == (at_site.status, at_home.status)
        assert guard is bool(placed.edits)


WRITTEN = {
    "before the check": ("{}<base />", Verdict.NOT_UNDERSTOOD, 200),
    "maybe before the check": (
        '<choose><when condition="@(context.Request.Method == &quot;GET&quot;)">{}</when></choose><base />',
        Verdict.NOT_UNDERSTOOD,
        200,
    ),
    "behind the check": ("<base />{}", Verdict.COVERED, 403),
}


@pytest.mark.parametrize(("inbound", "verdict", "status"), WRITTEN.values(), ids=WRITTEN)
async def test_a_policy_that_writes_the_header_forges_it(inbound: str, verdict: Verdict, status: int) -> None:
    """
    What an inner document writes before the global check runs is what the check sees; behind it, it does no harm.
    """
    async with small(api(), **PLAIN_HOST) as stand:
        ours = with_check(Document.parse("<policies><inbound /></policies>"), check(stand.who.ally), is_global=True)
        await stand.write("strict", "", policy("", is_global=True).replace("<inbound></inbound>", _inbound(ours)))
        forged = f'<set-header name="{NAME.lower()}"><value>{stand.forwarded("ally")}</value></set-header>'
        await stand.write("strict", "apis/orders", policy(inbound.format(forged)))

        assert {verdict} == await verdicts(stand, believed=True)
        assert status == (await called(stand, None)).status


def _inbound(text: str) -> str:
    return text.removeprefix("<policies>").removesuffix("</policies>")
