"""
Beyond the instance itself: its workspaces and their gateways, what stands in front, and what is behind a condition.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from apimend.model.desired import Waiver
from apimend.model.posture import Verdict
from apimend.model.runs import Progress
from tests.posture.stand import DESIRED, INSTANCE, Stand, standing
from tests.posture.tenant import FLOW, GROUP, INNER, NET, NOW, NSG, SERVICE, Edit, policy, tenant

TEAM = f"{SERVICE}/workspaces/team"
SHARED = f"{GROUP}/providers/Microsoft.ApiManagement/gateways/shared"
CDN = f"{GROUP}/providers/Microsoft.Cdn/profiles/edge"
ORIGIN = f"{CDN}/originGroups/apim/origins/apim"
DOOR_WAF = f"{NET}/frontDoorWebApplicationFirewallPolicies/edge"
CLASSIC = f"{NET}/frontDoors/old"

WORKSPACE = (Edit(TEAM, "properties/displayName", "Team"),)
LINKED = (
    *WORKSPACE,
    Edit(SHARED, "location", "westeurope"),
    Edit(SHARED, "sku", {"name": "WorkspaceGatewayPremium"}),
    Edit(f"{SHARED}/configConnections/team", "properties/sourceId", TEAM),
)
OPEN_TO_ALL = (
    Edit(SERVICE, "properties/publicNetworkAccess", "Enabled"),
    Edit(SERVICE, "properties/privateEndpointConnections", None),
    Edit(NSG, "properties/securityRules/0/properties/destinationPortRange", "443"),
    Edit(NSG, "properties/securityRules/0/properties/sourceAddressPrefix", "Internet"),
)
SWITCHES = {"enabledState": "Enabled", "mode": "Prevention", "requestBodyCheck": "Enabled"}
BOTS = {"managedRuleSets": [{"ruleSetType": "Microsoft_BotManagerRuleSet"}]}
DOOR = (
    *OPEN_TO_ALL,
    Edit(CDN, "location", "global"),
    Edit(CDN, "sku", {"name": "Premium_AzureFrontDoor"}),
    Edit(f"{CDN}/originGroups/apim", "properties", {}),
    Edit(ORIGIN, "properties", {"hostName": "contoso-prod.azure-api.net"}),
    Edit(f"{CDN}/securityPolicies/waf", "properties", {"parameters": {"wafPolicy": {"id": DOOR_WAF}}}),
    Edit(DOOR_WAF, "location", "global"),
    Edit(DOOR_WAF, "properties", {"policySettings": SWITCHES, "managedRules": BOTS}),
)
CLASSIC_DOOR = (
    *OPEN_TO_ALL,
    Edit(CLASSIC, "location", "global"),
    Edit(
        CLASSIC,
        "properties",
        {
            "backendPools": [{"properties": {"backends": [{"address": "contoso-prod.azure-api.net"}]}}],
            "frontendEndpoints": [{"properties": {"webApplicationFirewallPolicyLink": {"id": DOOR_WAF}}}],
        },
    ),
    *DOOR[-2:],
)
GLOBAL = """<policies><inbound>{}
  <rate-limit calls="1" renewal-period="1" />
</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>"""
DOOR_ID = """<check-header name="X-Azure-FDID" failed-check-httpcode="403" failed-check-error-message="no"
  ignore-case="false"><value>11111111-2222-3333-4444-555555555555</value></check-header>"""


AUDIENCE = "<audiences><audience>x</audience></audiences>"
API = {"displayName": "Inner", "path": "inner", "apiRevision": "1", "isCurrent": True}
BARE = DESIRED.__class__(instance=DESIRED.instance)


def _delegated(url: str) -> tuple[Edit, ...]:
    """A portal that leaves sign-up to this page."""
    delegation = {"delegateRegistration": True, "delegateSubscription": False, "delegationUrl": url}
    return (Edit(f"{SERVICE}/portalconfigs/default", "properties/delegation", delegation),)


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    """The tenant in which all is well."""
    async with standing() as one:
        yield one


@pytest.mark.nonconforming("one gateway says null")
@pytest.mark.parametrize(
    ("mode", "declared", "verdict"),
    [
        ("Internal", "", Verdict.PASS),
        ("External", "", Verdict.FAIL),
        ("None", "", Verdict.FAIL),
        ("None", "public", Verdict.PASS),
        (None, "", Verdict.UNKNOWN),
    ],
    ids=["injected", "integrated", "no network", "declared public", "not shown"],
)
async def test_a_gateway_of_a_workspace_is_judged_by_its_own_network(
    stand: Stand, mode: str | None, declared: str, verdict: Verdict
) -> None:
    """
    An instance that is closed does not close the gateways of its workspaces.
    """
    desired = DESIRED.__class__(instance=DESIRED.instance, exposure=declared)
    found = await stand.look(*LINKED, Edit(SHARED, "properties/virtualNetworkType", mode), desired=desired)

    assert verdict is found["N1"].verdict, found["N1"].reason


@pytest.mark.nonconforming("a right is missing")
async def test_gateways_of_workspaces_that_can_not_be_seen_are_unknown(stand: Stand) -> None:
    """
    Without the right to look, a closed instance is no pass; one that is open fails all the same.
    """
    body = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    stand.azure.faults.add(path="*/workspaceLinks", status=403, times=None, body=body)
    closed, open_ = await stand.look(), await stand.look(*OPEN_TO_ALL)

    assert (Verdict.UNKNOWN, Verdict.FAIL) == (closed["N1"].verdict, open_["N1"].verdict)
    assert "workspaceLinks/read" in closed["N1"].reason


@pytest.mark.parametrize("door", [DOOR, CLASSIC_DOOR], ids=["Premium", "classic"])
async def test_a_front_door_is_a_front(stand: Stand, door: tuple[Edit, ...]) -> None:
    """
    With a firewall that prevents, and the id of the Front Door checked for every call, nothing is open.
    """
    found = await stand.look(*door, policy(GLOBAL.format(DOOR_ID), ""))

    assert [Verdict.PASS] * 3 == [found[id].verdict for id in ("N1", "N6", "N7")], found["N7"].reason


@pytest.mark.parametrize(
    ("more", "bad"),
    [
        ((policy(GLOBAL.format(""), ""),), {"N1", "N7"}),
        ((policy(GLOBAL.format(DOOR_ID.replace("X-Azure-FDID", "X-Anything")), ""),), {"N1", "N7"}),
        (
            (policy(GLOBAL.format(f'<choose><when condition="@(true)">{DOOR_ID}</when></choose>'), ""),),
            {"N1", "N7"},
        ),
        (
            (policy(GLOBAL.format(DOOR_ID), ""), policy(INNER.replace("<inbound><base />", "<inbound>"))),
            {"N1", "N7"},
        ),
        (
            (policy(GLOBAL.format(DOOR_ID), ""), Edit(DOOR_WAF, "properties/policySettings/mode", "Detection")),
            {"N1", "N6"},
        ),
        ((policy(GLOBAL.format(DOOR_ID), ""), Edit(f"{CDN}/securityPolicies/waf")), {"N1", "N6"}),
    ],
    ids=["nothing checked", "another header", "under a condition", "skipped by an API", "only watching", "no firewall"],
)
async def test_a_front_door_that_can_be_gone_around(stand: Stand, more: tuple[Edit, ...], bad: set[str]) -> None:
    """
    Whatever leaves a way past the firewall, or the firewall idle, is told.
    """
    found = await stand.look(*DOOR, *more, desired=BARE)

    assert bad == {id for id in ("N1", "N6", "N7") if found[id].verdict is Verdict.FAIL}


@pytest.mark.nonconforming("a right is missing")
async def test_front_doors_that_can_not_be_read_are_unknown(stand: Stand) -> None:
    """
    An open gateway with a Front Door that we may not look into is not said to be without a firewall.
    """
    body = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    stand.azure.faults.add(path="*/originGroups", status=403, times=None, body=body)
    found = await stand.look(*DOOR)

    assert [Verdict.UNKNOWN] * 3 == [found[id].verdict for id in ("N1", "N6", "N7")]


@pytest.mark.parametrize(
    ("edits", "control"),
    [
        ((Edit(f"{TEAM}/apis/inner", "properties", {**API, "protocols": ["http"]}),), "D3"),
        ((Edit(f"{TEAM}/backends/inner", "properties", {"url": "http://inner.test", "protocol": "http"}),), "D4"),
        ((Edit(f"{TEAM}/backends/inner", "properties", {"tls": {"validateCertificateChain": False}}),), "D5"),
        ((Edit(f"{TEAM}/certificates/inner", "properties", {"expirationDate": "2026-12-01T00:00:00Z"}),), "D7"),
        ((Edit(f"{TEAM}/subscriptions/inner", "properties", {"scope": f"{TEAM}/apis", "state": "active"}),), "I6"),
        ((Edit(f"{TEAM}/products/inner", "properties", {"state": "published", "subscriptionRequired": False}),), "I8"),
        (
            (Edit(f"{TEAM}/diagnostics/inner", "properties", {"frontend": {"request": {"headers": ["Cookie"]}}}),),
            "S5",
        ),
    ],
    ids=["API", "plain backend", "unchecked backend", "certificate", "key", "product", "diagnostic"],
)
@pytest.mark.nonconforming("what is edited is left bare")
async def test_workspaces_are_part_of_the_instance(stand: Stand, edits: tuple[Edit, ...], control: str) -> None:
    """
    What is wrong in a workspace fails the control, with the place in the workspace.
    """
    found = (await stand.look(*WORKSPACE, *edits))[control]

    assert Verdict.FAIL is found.verdict, found.reason
    assert [TEAM] == sorted(
        {each.subject.partition("/team")[0] + "/team" for each in found.evidence if each.ok is False}
    )


async def test_named_values_of_workspaces_are_looked_at() -> None:
    """
    A plain value that looks like a secret is told wherever it lies.
    """
    values = [{"id": "inner", "name": "api-key", "value": "s3cret-0ne"}]
    async with standing(tenant(workspaces=[{"id": "team", "named_values": values}])) as stand:
        found = (await stand.look())["S2"]

    assert [f"{TEAM}/namedValues/inner"] == [each.subject for each in found.evidence if each.ok is False]


@pytest.mark.nonconforming("what is edited is left bare")
async def test_uploaded_is_the_only_way_in_a_workspace(stand: Stand) -> None:
    """
    Workspaces have no Key Vault: nobody is blamed for an uploaded certificate or a secret there.
    """
    before = await stand.look()
    found = await stand.look(
        *WORKSPACE,
        Edit(f"{TEAM}/certificates/inner", "properties", {"expirationDate": "2028-12-01T00:00:00Z"}),
        Edit(f"{TEAM}/namedValues/inner", "properties", {"displayName": "api-key", "secret": True}),
    )

    assert {before[id].verdict for id in ("D8", "S1")} == {found[id].verdict for id in ("D8", "S1")} == {Verdict.PASS}


async def test_a_waiver_reaches_into_a_workspace(stand: Stand) -> None:
    """
    A waiver for a place in a workspace spares that place.
    """
    waiver = Waiver(
        id="w", category="waiver", owner="ada", reason="So.", ticket="SEC-1", scope="workspaces/team",
        controls=("D5",), expires=NOW.replace(year=2027),
    )  # fmt: skip
    desired = DESIRED.__class__(instance=DESIRED.instance, waivers=(waiver,))
    backend = {"url": "https://inner.test", "protocol": "http", "tls": {"validateCertificateChain": False}}
    found = await stand.look(*WORKSPACE, Edit(f"{TEAM}/backends/inner", "properties", backend), desired=desired)

    assert Verdict.WAIVED is found["D5"].verdict


@pytest.mark.nonconforming("the specification that is kept is of an older version")
@pytest.mark.parametrize(
    ("shown", "verdict"),
    [(True, Verdict.PASS), (False, Verdict.FAIL), (None, Verdict.UNKNOWN)],
    ids=["redundant", "in one zone", "not shown"],
)
async def test_the_v2_tiers_say_whether_they_lie_in_several_zones(
    stand: Stand, shown: bool | None, verdict: Verdict
) -> None:
    """
    The newer api-version that says so is asked for these tiers, and for them alone.
    """
    v2 = Edit(SERVICE, "sku/name", "StandardV2")
    found = await stand.look(v2, Edit(SERVICE, "properties/zoneRedundant", shown))

    assert verdict is found["C7"].verdict, found["C7"].reason


@pytest.mark.nonconforming("a cloud that does not know the version")
async def test_a_cloud_without_the_newer_version_leaves_it_unknown(stand: Stand) -> None:
    """
    Where the preview is not answered, nothing is concluded.
    """
    body = {"error": {"code": "NoRegisteredProviderFound", "message": "no"}}
    stand.azure.faults.add(path=SERVICE, nth=2, status=400, times=None, body=body)
    found = await stand.look(Edit(SERVICE, "sku/name", "StandardV2"))

    assert Verdict.UNKNOWN is found["C7"].verdict


def within(text: str) -> str:
    """A policy of an API that has this under a condition."""
    return INNER.replace("<base />\n", f'<choose><when condition="@(true)">{text}</when></choose>\n', 1)


@pytest.mark.parametrize(
    ("edits", "control"),
    [
        (
            (
                policy(within('<validate-jwt header-name="Authorization" />')),
                Edit(f"{SERVICE}/apis/orders", "properties/subscriptionRequired", False),
            ),
            "I7",
        ),
        ((policy(within('<rate-limit calls="1" renewal-period="1" />')),), "P4"),
        ((policy(within("<validate-parameters />")),), "P5"),
    ],
    ids=["a check", "a limit", "validation"],
)
async def test_what_runs_under_a_condition_only_proves_nothing(
    stand: Stand, edits: tuple[Edit, ...], control: str
) -> None:
    """
    What stands in a `choose` runs for some calls: it is no pass.
    """
    found = (await stand.look(*edits))[control]

    assert (Verdict.UNKNOWN, True) == (found.verdict, "condition" in found.reason)


async def test_an_open_product_needs_no_key(stand: Stand) -> None:
    """
    An API that asks for a key can be called without one by a product that asks for none.
    """
    edits = (policy(GLOBAL.format(""), ""), Edit(f"{SERVICE}/products/gold", "properties/subscriptionRequired", False))
    before, found = await stand.look(edits[0]), await stand.look(*edits)

    assert (Verdict.PASS, Verdict.FAIL) == (before["I7"].verdict, found["I7"].verdict)


async def test_one_operation_without_a_limit_is_enough(stand: Stand) -> None:
    """
    The operation that fares worst decides for its API.
    """
    operations = f"{SERVICE}/apis/orders/operations"
    second: Any = {"displayName": "Other", "method": "GET", "urlTemplate": "/other", "templateParameters": []}
    text = INNER.replace("<base />\n", "", 1)
    found = await stand.look(
        Edit(f"{operations}/other", "properties", second), policy(text, "apis/orders/operations/other")
    )

    assert [Verdict.FAIL] * 2 == [found[id].verdict for id in ("P4", "P5")]
    assert any("other" in each.pointer for each in found["P4"].evidence if each.ok is False)


async def test_an_attribute_that_is_given_twice_crashes_nothing(stand: Stand) -> None:
    """
    What the reader of policies refuses to guess leaves its controls unknown, and the others go on.
    """
    found = await stand.look(policy(INNER.replace("<base />\n", '<base /><validate-jwt a="1" a="2" />\n', 1)))

    assert Verdict.UNKNOWN is found["P3"].verdict
    assert Verdict.PASS is found["D1"].verdict


async def test_apimend_compensates_only_where_it_hears_of_changes(stand: Stand) -> None:
    """
    Without an alert on the service, the look at events counts; where none has come yet, nothing is claimed.
    """
    before = await stand.look()
    found = await stand.look(progress=Progress(instance=INSTANCE))

    assert (Verdict.PASS, Verdict.UNKNOWN) == (before["L6"].verdict, found["L6"].verdict)
    assert "2026-11-22" in before["L6"].reason


@pytest.mark.nonconforming("what is edited is left bare")
async def test_logs_that_are_sampled_away_are_no_logs(stand: Stand) -> None:
    """
    A diagnostic of one API that lets nothing through to Azure Monitor empties its log, whatever is switched on.
    """
    sampling = {"loggerId": "/loggers/azuremonitor", "sampling": {"samplingType": "fixed", "percentage": 0}}
    found = await stand.look(Edit(f"{SERVICE}/apis/orders/diagnostics/azuremonitor", "properties", sampling))

    assert (Verdict.FAIL, "Gateway logs are sampled away.") == (found["L1"].verdict, found["L1"].reason)


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (
            '<validate-azure-ad-token tenant-id="contoso.example"><audiences><audience>x</audience></audiences>',
            Verdict.PASS,
        ),
        ('<validate-azure-ad-token tenant-id="common"><audiences><audience>x</audience></audiences>', Verdict.FAIL),
        ('<validate-azure-ad-token tenant-id="contoso.example">', Verdict.FAIL),
    ],
    ids=["bound", "any tenant", "any audience"],
)
async def test_tokens_of_entra_have_to_be_for_somebody(stand: Stand, check: str, verdict: Verdict) -> None:
    """
    A check that takes every token of a tenant, or those of any tenant, is weak.
    """
    found = await stand.look(policy(INNER.replace("<base />\n", f"<base />{check}</validate-azure-ad-token>\n", 1)))

    assert verdict is found["P3"].verdict, found["P3"].reason


@pytest.mark.parametrize(
    ("control", "unseen", "seen"),
    [
        ("N6", OPEN_TO_ALL, (*DOOR, Edit(DOOR_WAF, "properties/policySettings/mode", "Detection"))),
        ("I5", _delegated("https://join.contoso.example"), _delegated("http://join.contoso.example")),
    ],
    ids=["a firewall", "a delegation page"],
)
async def test_nobody_vouches_for_what_can_be_seen_to_be_wrong(
    stand: Stand, control: str, unseen: tuple[Edit, ...], seen: tuple[Edit, ...]
) -> None:
    """
    An attestation stands in for what Azure does not show, not for what it shows.
    """
    vouched, found = await stand.look(*unseen), await stand.look(*seen)

    assert (Verdict.ATTESTED, Verdict.FAIL) == (vouched[control].verdict, found[control].verdict)


@pytest.mark.parametrize(
    ("now", "verdict"), [(NOW, Verdict.PASS), (NOW.replace(year=2027), Verdict.FAIL)], ids=["today", "in a year"]
)
async def test_flow_logs_of_groups_count_while_there_are_any(stand: Stand, now: datetime, verdict: Verdict) -> None:
    """
    A flow log of the network security group records the subnet until Azure ends such logs.
    """
    found = await stand.look(Edit(FLOW, "properties/targetResourceId", NSG), now=now)

    assert verdict is found["N5"].verdict
