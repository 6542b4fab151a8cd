"""
Waivers, attestations, severity, score and trend: what becomes of what was found.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from apimend.model.desired import Waiver
from apimend.model.errors import Unreadable
from apimend.model.plan import Severity
from apimend.model.posture import Assessment, Evidence, Verdict
from apimend.model.tiers import tier
from apimend.posture.control import Control, Family, Statement
from apimend.posture.credentials import credentials_in, masked
from apimend.posture.estate import Estate
from apimend.posture.judge import assess, attest, reminders
from apimend.posture.reads import look
from apimend.posture.record import Posture, dumped, loaded, merged
from apimend.posture.score import figures, raising, score
from tests.posture.stand import DESIRED, INSTANCE, Stand, context, standing, until
from tests.posture.tenant import FAILING, NOW, SERVICE

STATEMENT = Statement(id="A8", name="key_rotation", title="Keys are rotated", days=90)
ESTATE = Estate(instance=INSTANCE, tier=tier("Premium"), desired=DESIRED, now=NOW, readings={})


def evidence(ok: bool | None, below: str = "/apis/orders", **more: object) -> Evidence:
    """A piece of evidence about an API."""
    made = Evidence(subject=f"{SERVICE}{below}", pointer="/x", observed="y", expected="z", ok=ok, read=NOW, why="so")
    return replace(made, **more)  # type: ignore[arg-type]  # fields by name


def control(*found: Evidence, severity: Severity = Severity.HIGH, exposed: bool = False) -> Control:
    """A control that finds this."""
    return Control(
        id="X1", name="something_wrong", family=Family.NETWORK, title="Wrong", severity=severity, needs=(), why="w",
        mend="m", judge=lambda _estate: iter(found), exposed=exposed,
    )  # fmt: skip


def waiver(*, scope: str = "", days: int = 30, name: str = "something_wrong") -> Waiver:
    """A waiver for the control."""
    return Waiver(
        id="w", category="waiver", owner="ada", reason="A reason.", ticket="SEC-1", scope=scope, controls=(name,),
        expires=NOW + timedelta(days=days),
    )  # fmt: skip


def with_(**more: object) -> Estate:
    """The estate with something else declared."""
    return replace(ESTATE, desired=replace(DESIRED, **more))  # type: ignore[arg-type]  # fields by name


def assessment(id: str, verdict: Verdict, severity: Severity = Severity.MEDIUM) -> Assessment:
    """What a control came to."""
    return Assessment(
        control=id, name=id.lower(), family="Network", title=id, verdict=verdict, severity=severity, reason="", read=NOW
    )


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    """The tenant in which all is well."""
    async with standing() as one:
        yield one


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((), Verdict.NOT_APPLICABLE),
        ((True,), Verdict.PASS),
        ((True, None), Verdict.UNKNOWN),
        ((True, None, False), Verdict.FAIL),
    ],
    ids=["nothing", "good", "unsure", "bad"],
)
def test_the_worst_evidence_decides(found: tuple[bool | None, ...], verdict: Verdict) -> None:
    """
    One bad piece fails, one that can't be judged leaves it unknown, and nothing at all is no pass.
    """
    assert verdict == assess(control(*map(evidence, found)), ESTATE).verdict


def test_the_worst_evidence_is_the_reason() -> None:
    """
    Evidence of the control's own severity counts more than what is said to be low, in whatever order they come.
    """
    low = evidence(False, why="small", severity=Severity.LOW)
    found = assess(control(low, evidence(False, why="large")), ESTATE)

    assert "large (2 in all)" == found.reason


def test_a_control_that_stumbles_is_unknown() -> None:
    """
    A form that nobody foresaw breaks one control, and that one says so.
    """
    known: dict[str, bool] = {}
    found = assess(replace(control(), judge=lambda _: (evidence(known[name]) for name in "x")), ESTATE)

    assert (Verdict.UNKNOWN, "What was read has an unknown form (KeyError).") == (found.verdict, found.reason)


def test_what_could_not_be_read_is_the_reason() -> None:
    """
    An unknown control says what could not be read.
    """
    asks = replace(control(), judge=lambda estate: (row.found(True, "") for row in estate.rows("namedValues")))

    assert "namedValues was not read." == assess(asks, ESTATE).reason


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (waiver(), Verdict.WAIVED),
        (waiver(name="x1"), Verdict.WAIVED),
        (waiver(name="X1"), Verdict.WAIVED),
        (waiver(scope="apis/orders"), Verdict.WAIVED),
        (waiver(scope="apis/ord"), Verdict.FAIL),
        (waiver(scope="apis/other"), Verdict.FAIL),
        (waiver(name="something_else"), Verdict.FAIL),
        (waiver(days=-1), Verdict.FAIL),
    ],
    ids=["all", "by id", "id in capitals", "its scope", "half a name", "another scope", "another control", "ended"],
)
def test_a_waiver_spares_what_it_names(given: Waiver, verdict: Verdict) -> None:
    """
    A live waiver for the control, and for all it fails for, spares it; no other does.
    """
    assert verdict == assess(control(evidence(False)), with_(waivers=(given,))).verdict


def test_a_waiver_for_one_api_leaves_another_failing() -> None:
    """
    What a waiver doesn't cover still fails.
    """
    found = assess(control(evidence(False), evidence(False, "/apis/b")), with_(waivers=(waiver(scope="apis/orders"),)))

    assert Verdict.FAIL is found.verdict


def test_a_waiver_that_has_ended_is_said_to_have() -> None:
    """
    The reason tells when the waiver ended.
    """
    found = assess(control(evidence(False)), with_(waivers=(waiver(days=-1),)))

    assert "Its waiver ended on 2026-11-21." in found.reason


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({}, Severity.HIGH),
        ({"environment": "test"}, Severity.MEDIUM),
        ({"exposure": "internal"}, Severity.MEDIUM),
        ({"environment": "test", "exposure": "private"}, Severity.LOW),
        ({"exposure": "public"}, Severity.HIGH),
    ],
    ids=["nothing said", "test", "internal", "both", "public"],
)
def test_severity_follows_environment_and_exposure(more: dict[str, str], severity: Severity) -> None:
    """
    It matters less where it is not production, and less behind a closed network.
    """
    assert severity == assess(control(evidence(False), exposed=True), with_(**more)).severity


@pytest.mark.parametrize(
    ("expires", "verdict"),
    [
        (NOW + timedelta(days=60), Verdict.ATTESTED),
        (NOW - timedelta(seconds=1), Verdict.ATTESTATION_EXPIRED),
        (NOW + timedelta(days=400), Verdict.ATTESTATION_EXPIRED),
    ],
    ids=["live", "ended", "too long"],
)
def test_an_attestation_holds_for_its_time(expires: datetime, verdict: Verdict) -> None:
    """
    It holds until its end, and for no longer than it may.
    """
    assert verdict == attest(STATEMENT, with_(attestations=until(expires))).verdict


def test_an_attestation_that_nobody_gave_is_missing() -> None:
    """
    Without one, somebody is missing who vouches.
    """
    assert Verdict.ATTESTATION_MISSING == attest(STATEMENT, with_(attestations=())).verdict


def test_an_attestation_reminds_before_its_end() -> None:
    """
    In its last month it asks to be renewed.
    """
    assert "renew" in attest(STATEMENT, with_(attestations=until(NOW + timedelta(days=9)))).reason


def test_people_are_reminded_of_their_attestations() -> None:
    """
    One that ends soon is to be renewed, and a name that nobody knows is told with the one that was meant.
    """
    soon, slip = replace(until(NOW)[7], expires=NOW + timedelta(days=9)), replace(until(NOW)[7], control="key_rotatio")
    told = list(reminders((STATEMENT,), with_(attestations=(soon, slip))))

    assert "The attestation key_rotation of ada ends on 2026-12-01: renew it." == told[0]
    assert "no attestation is called key_rotatio" in told[1]
    assert "key_rotation" in told[1]


def test_unknown_counts_like_a_fail() -> None:
    """
    A missing permission is not rewarded, and what can't apply or is waived is left out.
    """
    found = [assessment("N1", Verdict.PASS), assessment("N2", Verdict.UNKNOWN), assessment("N3", Verdict.WAIVED)]

    assert 50 == score([*found, assessment("N4", Verdict.NOT_APPLICABLE)])


def test_the_heaviest_raises_most() -> None:
    """
    What would raise the score most stands first, with its points.
    """
    found = [assessment("N1", Verdict.FAIL), assessment("N2", Verdict.FAIL, Severity.CRITICAL)]

    assert [("N2", 77), ("N1", 24)] == [(each.control, points) for each, points in raising(found)]


def test_figures_say_what_is_new_and_what_is_mended() -> None:
    """
    Against the posture before, they name what newly fails and what no longer does.
    """
    before = [assessment("N1", Verdict.FAIL), assessment("N2", Verdict.PASS)]
    found = figures([assessment("N1", Verdict.PASS), assessment("N2", Verdict.FAIL)], before)

    assert (("N2 N2",), ("N1 N1",)) == (found.failing, found.mended)


def test_a_partial_look_keeps_the_rest() -> None:
    """
    What a visit did not look at stays as it was judged last.
    """
    before = merged(Posture(instance=INSTANCE), [assessment("N1", Verdict.FAIL), assessment("N2", Verdict.PASS)],
                    now=NOW, whole=True)  # fmt: skip
    after = merged(before, [assessment("N1", Verdict.PASS)], now=NOW + timedelta(hours=1), whole=False)

    assert [Verdict.PASS, Verdict.PASS] == [each.verdict for each in after.assessments]
    assert NOW == after.looked


def test_an_update_on_its_way_makes_nothing_news() -> None:
    """
    What can't be told for a moment keeps its last verdict, so that it does not fail anew afterwards.
    """
    before = merged(Posture(instance=INSTANCE), [assessment("N1", Verdict.FAIL)], now=NOW, whole=True)
    during = merged(before, [assessment("N1", Verdict.UNKNOWN)], now=NOW, whole=False)
    seen = figures([assessment("N1", Verdict.FAIL)], [assessment("N1", Verdict.UNKNOWN)])

    assert Verdict.FAIL is during.assessments[0].verdict
    assert () == seen.failing


def test_a_note_reads_as_it_was_written() -> None:
    """
    The ledger's note of a posture gives back every assessment, its evidence and the trend.
    """
    found = replace(assessment("N1", Verdict.FAIL), evidence=(evidence(False),), until=NOW)
    posture = merged(Posture(instance=INSTANCE), [found], now=NOW, whole=True)

    assert posture == loaded(INSTANCE, dumped(posture))
    assert (("2026-11-22", 0),) == posture.trend


@pytest.mark.parametrize("text", ["{", '{"v": 2}', '{"v": 1}', "[]"], ids=["cut", "newer", "empty", "a list"])
def test_a_note_of_another_form_is_refused(text: str) -> None:
    """
    A note that this version can't read is never guessed at.
    """
    with pytest.raises(Unreadable):
        loaded(INSTANCE, text)


CREDENTIALS = {
    "basic-literal": '<authentication-basic username="a" password="hunter2" />',
    "auth-header-literal": '<set-header name="Authorization"><value>Basic QWxhZGRpbjpvcGVu</value></set-header>',
    "key-header-literal": '<set-header name="x-functions-key"><value>a1b2c3d4e5f6a7b8c9d0</value></set-header>',
    "function-code": "<set-url>https://f.example/api?code=AbCdEfGhIjKlMnOpQrStUvWx12==</set-url>",
    "sas": "https://s.example/x?sv=2024&amp;sig=AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "storage-or-bus-key": "AccountKey=AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMn==",
    "client-secret": "<set-body>grant_type=x&amp;client_secret=AbC~123456789</set-body>",
    "jwt-key": "<issuer-signing-keys><key>AbCdEfGhIjKlMnOpQrSt</key></issuer-signing-keys>",
    "pem": "-----BEGIN RSA PRIVATE KEY-----",
    "pfx-inline": '<authentication-certificate body="MIIK" password="x" />',
    "jwt-inline": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
}
HARMLESS = (
    '<authentication-basic username="a" password="{{nv}}" />',
    '<authentication-basic username="a" password="@(context.Variables[1])" />',
    '<set-header name="Authorization"><value>{{token}}</value></set-header>',
    '<set-header name="Authorization"><value>@("Bearer " + context.Variables["t"])</value></set-header>',
    "?code={code}&amp;client_secret={{secret}}",
    "client_secret={Uri.Escape(x)}",
    "<issuer-signing-keys><key>{{signing-key}}</key></issuer-signing-keys>",
    '<authentication-certificate certificate-id="partner" />',
)


@pytest.mark.parametrize("kind", CREDENTIALS, ids=list(CREDENTIALS))
def test_a_credential_is_told_by_its_form(kind: str) -> None:
    """
    Each kind of credential is found under its name, and masked wherever its text is shown.
    """
    text = f"<a>\n{CREDENTIALS[kind]}\n</a>"

    assert kind in [match.pattern for match in credentials_in(text)]
    assert kind in masked(text)


@pytest.mark.parametrize("text", HARMLESS, ids=range(len(HARMLESS)))
def test_what_names_a_secret_is_none(text: str) -> None:
    """
    Named values, expressions and placeholders are no literals.
    """
    assert [] == [match.pattern for match in credentials_in(text)]


def test_a_credential_in_a_comment_is_told_apart() -> None:
    """
    What stands in a comment doesn't run.
    """
    (match,) = credentials_in("<a>\n<!-- -----BEGIN PRIVATE KEY----- --></a>")

    assert (True, 2) == (match.in_comment, match.line)


async def test_a_plain_event_costs_no_call(stand: Stand) -> None:
    """
    Without a walk only the service is read, which the visit has read already; what needs no more is judged.
    """
    found = await stand.look(walk=False, thorough=False)

    assert [f"GET {SERVICE}"] == stand.calls
    assert {"D1", "C5", "I9"} <= set(found)
    assert not {"S1", "L1", "A1"} & set(found)


@pytest.mark.parametrize(
    ("touched", "controls", "more"),
    [("subscriptions", {"I6"}, 2), ("identityProviders", {"I3"}, 1), ("backends", {"D5"}, 2)],
    ids=["subscriptions", "providers", "backends"],
)
async def test_what_an_event_touched_is_looked_at(stand: Stand, touched: str, controls: set[str], more: int) -> None:
    """
    An event about one kind of thing costs one call more, and one for the workspaces where they can have the like; its
    controls are judged.
    """
    found = await stand.look(walk=False, thorough=False, touched=touched)

    assert 1 + more == len(stand.calls)
    assert controls <= set(found)


async def test_a_whole_look_stays_within_its_budget(stand: Stand) -> None:
    """
    About thirty calls an instance and four an API, each resource once.
    """
    await stand.look(*FAILING["D3"])
    gets = [call for call in stand.calls if call.startswith("GET")]

    assert len(stand.calls) <= 55
    assert len(set(gets)) >= len(gets) - 1


async def test_the_visits_of_a_sweep_share_what_resource_graph_says(stand: Stand) -> None:
    """
    Two looks within a minute ask Resource Graph once.
    """
    await stand.look()
    mark = stand.azure.log.mark()
    await look(stand.arm.reader(INSTANCE), DESIRED, context())

    assert [] == [entry.path for entry in stand.azure.log.since(mark) if entry.method == "POST"]
