"""`validate-client-certificate` accepts and refuses as documented, claim by claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from emulator.certificates import Bundle, Workshop
from emulator.gateway.outcome import NotEmulated
from emulator.gateway.trust import TrustStore
from emulator.gateway.validation import Presented, ignores_errors, refusal, verify
from emulator.policytext import Element, parse

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORKSHOP = Workshop(lambda: NOW)
ROOT = WORKSHOP.authority("CN=Root")
ISSUING = WORKSHOP.authority("CN=Issuing, O=Contoso", issued_by=ROOT)
CLIENT = WORKSHOP.leaf(r"CN=app, O=Contoso\, Inc.", issued_by=ISSUING, dns_names=["app.contoso.com", "b.contoso.com"])
STRANGER = WORKSHOP.leaf("CN=app", issued_by=WORKSHOP.authority("CN=Issuing, O=Contoso"))
EXPIRED = WORKSHOP.leaf("CN=old", issued_by=ISSUING, starts=timedelta(days=-9), ends=timedelta(days=-1))
EARLY = WORKSHOP.leaf("CN=new", issued_by=ISSUING, starts=timedelta(days=1))
TRUST = TrustStore(
    roots=(ROOT.certificate,),
    intermediates=(ISSUING.certificate,),
    revocation={ISSUING.thumbprint: frozenset()},
)


def presented(bundle: Bundle | None = CLIENT, trust: TrustStore = TRUST) -> Presented:
    return Presented(
        certificate=bundle.certificate if bundle else None,
        sent=(),
        trust=trust,
        attached={"issuing": ISSUING.certificate, "client": CLIENT.certificate},
        now=NOW,
    )


def check(inside: str = "", **switches: str) -> Element:
    written = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in switches.items())
    return parse(f"<validate-client-certificate{written}>{inside}</validate-client-certificate>").root


def identity(*claims: str) -> Element:
    return check("<identities>" + "".join(f"<identity {claim} />" for claim in claims) + "</identities>")


def test_a_good_certificate_passes() -> None:
    """
    Trusted, in its dates, not revoked, no identities asked for: accepted.
    """
    assert "" == refusal(check(), presented())


@pytest.mark.parametrize(
    ("bundle", "switch"),
    [
        pytest.param(STRANGER, "validate_trust", id="trust"),
        pytest.param(EXPIRED, "validate_not_after", id="expired"),
        pytest.param(EARLY, "validate_not_before", id="early"),
    ],
)
def test_each_switch_guards_one_thing(bundle: Bundle, switch: str) -> None:
    """
    A fault is refused while its switch is on, and passes when it is off.
    """
    off = {switch: "false", "validate_revocation": "false"}

    assert ["refused", "passed"] == [
        "refused" if refusal(check(**switches), presented(bundle)) else "passed"
        for switches in ({"validate_revocation": "false"}, off)
    ]


@pytest.mark.parametrize(
    "revocation",
    [
        pytest.param({}, id="no-list"),
        pytest.param({ISSUING.thumbprint: frozenset({CLIENT.certificate.serial_number})}, id="revoked"),
    ],
)
def test_revocation_is_refused_unless_ruled_out(revocation: dict[str, frozenset[int]]) -> None:
    """
    A revoked certificate, and one whose list cannot be reached, is refused while the switch is on.
    """
    trust = replace(TRUST, revocation=revocation)

    assert refusal(check(), presented(trust=trust))
    assert not refusal(check(validate_revocation="false"), presented(trust=trust))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f'thumbprint="{CLIENT.thumbprint}"', f'thumbprint="{STRANGER.thumbprint}"'),
        (f'serial-number="{CLIENT.serial_number}"', 'serial-number="01"'),
        ('common-name="app"', 'common-name="other"'),
        ('subject="CN=app, O=&quot;Contoso, Inc.&quot;"', 'subject="CN=app"'),
        ('dns-name="B.contoso.com"', 'dns-name="contoso.com"'),
        ('issuer-subject="CN=Issuing, O=Contoso"', 'issuer-subject="CN=Root"'),
        (f'issuer-thumbprint="{ISSUING.thumbprint}"', f'issuer-thumbprint="{ROOT.thumbprint}"'),
        ('issuer-certificate-id="issuing"', 'issuer-certificate-id="client"'),
    ],
    ids=lambda claim: claim.partition("=")[0],
)
def test_each_claim_both_ways(right: str, wrong: str) -> None:
    """
    Each identity claim lets the right certificate in and keeps another out.
    """
    assert [True, False] == [refusal(identity(claim), presented()) == "" for claim in (right, wrong)]


@pytest.mark.parametrize(
    ("claims", "passes"),
    [
        pytest.param(['common-name="app" dns-name="app.contoso.com"'], True, id="all-of-one"),
        pytest.param(['common-name="app" dns-name="x"'], False, id="one-claim-wrong"),
        pytest.param(['common-name="x"', 'dns-name="app.contoso.com"'], True, id="one-of-several"),
        pytest.param(['common-name="app" thumbprint=""'], True, id="empty-claim-is-none"),
    ],
)
def test_claims_and_identities_combine(claims: list[str], passes: bool) -> None:
    """
    Within an identity all claims must hold; of several identities one suffices.
    """
    assert passes == (refusal(identity(*claims), presented()) == "")


def test_names_can_be_forged_without_trust() -> None:
    """
    A stranger with the right name passes when the chain is not looked at.
    """
    element = check(
        '<identities><identity common-name="app" issuer-subject="CN=Issuing, O=Contoso" /></identities>',
        validate_trust="false",
        validate_revocation="false",
    )

    assert "" == refusal(element, presented(STRANGER))


def test_nothing_is_trusted_where_authorities_are_not_supported() -> None:
    """
    On a tier without CA certificates validate-trust refuses everybody.
    """
    trust = replace(TRUST, supported=False)

    assert refusal(check(validate_revocation="false"), presented(trust=trust))
    assert not verify(presented(trust=trust), revocation=False)


@pytest.mark.parametrize("bundle", [None, STRANGER, EXPIRED], ids=["none", "stranger", "expired"])
def test_verify_is_chain_and_dates(bundle: Bundle | None) -> None:
    """
    Verify() and VerifyNoRevocation() are false without a valid chain and dates, true with them.
    """
    unknown = presented(trust=replace(TRUST, revocation={}))

    assert [False, False] == [verify(presented(bundle), revocation=revocation) for revocation in (True, False)]
    assert [False, True] == [verify(unknown, revocation=revocation) for revocation in (True, False)]


def test_a_chain_may_lack_no_link() -> None:
    """
    Without the intermediate in the store the root alone does not help, unless the caller's own issuers count.
    """
    bare = presented(trust=TrustStore(roots=(ROOT.certificate,)))
    helped = replace(bare, sent=(ISSUING.certificate,))

    assert [False, True] == [verify(one, revocation=False) for one in (bare, helped)]


def test_an_intermediate_without_its_root_is_no_trust() -> None:
    """
    A chain has to end at a root of the store.
    """
    trust = TrustStore(intermediates=(ISSUING.certificate,))

    assert not verify(presented(trust=trust), revocation=False)


@pytest.mark.parametrize(
    "above",
    [
        pytest.param(WORKSHOP.authority("CN=Old", issued_by=ROOT, ends=timedelta(hours=-1)), id="expired"),
        pytest.param(WORKSHOP.leaf("CN=No Authority", issued_by=ROOT), id="a-leaf"),
    ],
)
def test_an_issuer_has_to_be_a_valid_authority(above: Bundle) -> None:
    """
    A chain through an expired issuer, or through a certificate that may not issue, leads nowhere.
    """
    trust = TrustStore(roots=(ROOT.certificate,), intermediates=(above.certificate,))
    below = WORKSHOP.leaf("CN=below", issued_by=above)

    assert not verify(presented(below, trust), revocation=False)


def test_a_self_signed_certificate_can_be_its_own_root() -> None:
    """
    A self-signed client certificate that was put into the root store is trusted.
    """
    own = WORKSHOP.leaf("CN=alone")

    assert verify(presented(own, TrustStore(roots=(own.certificate,))), revocation=False)
    assert own.certificate.public_bytes(Encoding.DER) == own.der


@pytest.mark.parametrize(
    "element",
    [
        pytest.param(check(validate_everything="true"), id="attribute"),
        pytest.param(check(validate_trust="@(true)"), id="expression"),
        pytest.param(identity('colour="red"'), id="claim"),
        pytest.param(check("<certificates />"), id="child"),
        pytest.param(check("<identities><other /></identities>"), id="grandchild"),
    ],
)
def test_what_is_not_documented_is_not_emulated(element: Element) -> None:
    """
    An attribute, claim or child that the documentation does not name is not guessed at.
    """
    with pytest.raises(NotEmulated):
        refusal(element, presented())


@pytest.mark.parametrize(("switches", "ignores"), [({}, False), ({"ignore_error": "true"}, True)], ids=["no", "yes"])
def test_errors_are_ignored_only_when_asked(switches: dict[str, str], ignores: bool) -> None:
    """
    `ignore-error` is off unless it is written.
    """
    assert ignores == ignores_errors(check(**switches))
