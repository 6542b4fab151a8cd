"""
What a desired state says of one instance: who is selected, which entry wins, and what the values become.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time

import pytest

from apimend.documents import DesiredState, load
from apimend.model.azure import Service
from apimend.model.check import Form
from apimend.model.desired import (
    Action,
    Arrives,
    DeclaredBackend,
    DeclaredCertificate,
    DeclaredGateway,
    Limits,
    Mode,
    Route,
    State,
    VaultObject,
    Window,
)
from apimend.model.errors import BadInput
from apimend.model.ids import InstanceId
from apimend.model.tiers import tier

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
ALL = 'name: all, match: {name: "*"}'


def service(name: str = "contoso-prod", sku: str = "Premium", tags: Mapping[str, str] | None = None) -> Service:
    id = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-prod/providers/Microsoft.ApiManagement/service/{name}"
    return Service(
        id=InstanceId.of(id),
        name=name,
        location="West Europe",
        tier=tier(sku),
        etag="e",
        provisioning_state="Succeeded",
        target_state="",
        hostnames=(),
        enable_client_certificate=None,
        tags={"Env": "prod"} if tags is None else tags,
    )


def state(text: str) -> DesiredState:
    return load(f"version: 1\n{text}", "d.yaml")


def selected(match: str, groups: frozenset[str] = frozenset()) -> bool:
    return state(f"instances: [{{name: a, match: {match}}}]").resolve(service(), groups) is not None


@pytest.mark.parametrize(
    "match",
    [
        pytest.param("{name: contoso-prod}", id="name"),
        pytest.param("{name: CONTOSO-Prod}", id="name in another case"),
        pytest.param('{name: "contoso-*"}', id="pattern"),
        pytest.param('{name: "*o?o*pr?d"}', id="pattern with both wildcards"),
        pytest.param("{name: [other, contoso-prod]}", id="one of a list"),
        pytest.param('{resourceGroup: "RG-*"}', id="resource group"),
        pytest.param(f"{{subscription: {SUBSCRIPTION}}}", id="subscription"),
        pytest.param("{managementGroup: Platform}", id="management group"),
        pytest.param("{tags: {env: prod}}", id="tag, its name in another case"),
        pytest.param("{tags: {env: [test, prod]}}", id="one of a tag's values"),
        pytest.param('{tags: {env: "*"}}', id="any value of a tag"),
        pytest.param("{sku: [Developer, Premium]}", id="tier"),
        pytest.param('{name: "*", tags: {env: prod}, sku: Premium}', id="all keys hold"),
    ],
)
def test_a_match_selects(match: str) -> None:
    """
    An instance is selected when every key of the match holds.
    """
    assert selected(match, frozenset({"platform", "root"}))


@pytest.mark.parametrize(
    "match",
    [
        pytest.param("{name: contoso}", id="part of a name"),
        pytest.param('{name: "contoso-?"}', id="pattern too short"),
        pytest.param('{resourceGroup: "rg"}', id="resource group"),
        pytest.param("{subscription: 11111111-1111-1111-1111-222222222222}", id="subscription"),
        pytest.param("{managementGroup: other}", id="management group"),
        pytest.param("{tags: {env: Prod}}", id="tag value in another case"),
        pytest.param("{tags: {team: a}}", id="tag that is not there"),
        pytest.param("{sku: Developer}", id="tier"),
        pytest.param('{name: "*", sku: Developer}', id="one key does not hold"),
    ],
)
def test_a_match_leaves_alone(match: str) -> None:
    """
    An instance for which one key doesn't hold is not selected: nothing is declared for it.
    """
    assert not selected(match, frozenset({"platform"}))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        pytest.param('{name: "contoso-*"}', "{name: contoso-prod}", id="name over pattern"),
        pytest.param("{resourceGroup: rg-prod}", '{name: "contoso-*"}', id="pattern over resource group"),
        pytest.param(f"{{subscription: {SUBSCRIPTION}}}", "{resourceGroup: rg-prod}", id="group over subscription"),
        pytest.param("{managementGroup: root}", f"{{subscription: {SUBSCRIPTION}}}", id="subscription over management"),
        pytest.param("{tags: {env: prod}}", "{managementGroup: root}", id="management group over tag"),
        pytest.param("{sku: Premium}", "{tags: {env: prod}}", id="tag over tier"),
        pytest.param("{name: contoso-prod}", "{name: contoso-prod, sku: Premium}", id="more of the same"),
        pytest.param("{name: contoso-prod}", "{name: [contoso-prod]}", id="equal: the later one"),
    ],
)
def test_the_narrower_entry_wins(wide: str, narrow: str) -> None:
    """
    What the narrowest entry says wins.
    """
    entries = f"{{name: wide, match: {wide}, mode: report}}, {{name: narrow, match: {narrow}, mode: ask}}"
    desired = state(f"instances: [{entries}]").resolve(service(), frozenset({"root"}))

    assert desired is not None
    assert ("narrow", Mode.ASK) == (desired.name, desired.mode)


def test_the_narrower_entry_wins_from_above() -> None:
    """
    The narrowest entry wins over a wider one that stands below it.
    """
    desired = state(
        f"instances: [{{name: narrow, match: {{name: contoso-prod}}, mode: ask}}, {{{ALL}, mode: report}}]"
    ).resolve(service())

    assert desired is not None
    assert ("narrow", Mode.ASK) == (desired.name, desired.mode)


def test_mappings_merge_and_lists_replace() -> None:
    """
    An entry changes one limit and keeps the rest; a list that it gives is the whole list.
    """
    desired = state(
        f"clients: {{a: {{thumbprint: {THUMBPRINT}}}, b: {{thumbprint: {THUMBPRINT}}}}}\n"
        "defaults: {limits: {writesPerDay: 5, rounds: 2}, clients: [a], mode: ask}\n"
        f"instances: [{{{ALL}, limits: {{writesPerDay: 7}}, clients: [b]}}]"
    ).resolve(service())

    assert desired is not None
    assert Limits(writes_a_day=7, rounds=2) == desired.limits
    assert (["b"], Mode.ASK) == ([client.name for client in desired.clients], desired.mode)


def test_every_value_gets_where_rules_read_it() -> None:
    """
    Each word of the language becomes the value that rules read.
    """
    desired = state(f"""
certificates:
  a: {{vault: kv-one, certificate: cert-a, id: entity-a, identity: {SUBSCRIPTION}}}
  b: {{vault: kv-one, certificate: cert-b}}
clients: {{a: {{certificate: a}}, t: {{thumbprint: {THUMBPRINT.lower()}, also: [{THUMBPRINT}]}}}}
instances:
  - {ALL.replace(", ", chr(10) + "    ")}
    arrives: direct
    negotiate: true
    hosts: {{Kiosk.contoso.example: plain, onprem.contoso.example: negotiates}}
    consumption: require
    identity: 77777777-7777-7777-7777-777777777777
    certificates: [a, b]
    clients: [a, t]
    check: {{action: observe, form: attached, observeDays: 3, validateNotAfter: false}}
    scopes: {{apis/x: {{action: enforce, clients: [t]}}}}
    gateways: {{onprem: {{negotiates: true, authorities: [a], guard: true}}}}
    backends: {{erp: {{certificates: [a], validateTls: true}}}}
    window: {{days: [sat], from: 22:00, to: 04:00, zone: Europe/Amsterdam}}
    notify: [{{webhook: teams, severities: [high]}}]
    modes: {{some_rule: report}}
    mode: enforce
""").resolve(service())

    assert desired is not None
    assert (Arrives.DIRECT, True, True, Mode.REPORT) == (
        desired.arrives,
        desired.negotiate,
        desired.consumption_require,
        desired.mode_of("some_rule"),
    )
    assert [{"kiosk.contoso.example"}, {"onprem.contoso.example"}] == [
        set(desired.plain_hosts),
        set(desired.negotiating_hosts),
    ]
    assert (
        DeclaredCertificate(id="entity-a", source=VaultObject(vault="kv-one", name="cert-a"), identity=SUBSCRIPTION),
        DeclaredCertificate(
            id="b",
            source=VaultObject(vault="kv-one", name="cert-b"),
            identity="77777777-7777-7777-7777-777777777777",
        ),
    ) == desired.certificates
    assert [(VaultObject(vault="kv-one", name="cert-a"), None, ()), (None, THUMBPRINT, (THUMBPRINT,))] == [
        (client.source, client.thumbprint, client.also) for client in desired.clients
    ]
    assert desired.check is not None
    assert (Action.OBSERVE, Form.ATTACHED, 3, True, False, True) == (
        desired.check.action,
        desired.check.form,
        desired.check.observe_days,
        desired.check.template.ignore_error,
        desired.check.template.validate_not_after,
        desired.check.template.validate_trust,
    )
    assert [("apis/x", Action.ENFORCE, Form.ATTACHED, ["t"])] == [
        (scope.scope, scope.check.action, scope.check.form, [client.name for client in scope.clients])
        for scope in desired.scopes
    ]
    assert (
        DeclaredGateway(name="onprem", negotiates=True, authorities=("entity-a",), guarded=True),
    ) == desired.gateways
    assert (DeclaredBackend(name="erp", certificates=("entity-a",), validate=True),) == desired.backends
    assert Window(days=frozenset({5}), start=time(22), end=time(4), zone="Europe/Amsterdam") == desired.window
    assert (Route(webhook="teams", severities=frozenset({"high"})),) == desired.routes


def test_revocation_is_only_checked_where_declared() -> None:
    """
    The check asks for a revocation list only where the desired state says so.
    """
    found = [
        state(f"instances: [{{{ALL}, check: {text}}}]").resolve(service())
        for text in ("{}", "{validateRevocation: true}")
    ]

    assert [False, True] == [each.check.template.validate_revocation for each in found if each and each.check]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("stage: pilot, mode: enforce", Mode.ENFORCE, id="reached"),
        pytest.param("stage: rest, mode: enforce", Mode.REPORT, id="not reached"),
        pytest.param("mode: enforce", Mode.REPORT, id="no stage is the last one"),
        pytest.param("stage: pilot", Mode.REPORT, id="no mode is report"),
    ],
)
def test_the_roll_out_holds_back(given: str, expected: Mode) -> None:
    """
    An instance whose stage isn't reached stays in report mode.
    """
    desired = state(f"rollout: {{stages: [pilot, rest], reached: pilot}}\ninstances: [{{{ALL}, {given}}}]").resolve(
        service()
    )

    assert desired is not None
    assert expected == desired.mode


@pytest.mark.parametrize(
    ("text", "sku", "expected"),
    [
        pytest.param(
            f"instances: [{{{ALL}, check: {{action: observe}}}}]",
            "Consumption",
            "d.yaml:2:61: instances[0].check.action: On Consumption there is nothing to observe: the tier itself",
            id="observe on Consumption",
        ),
        pytest.param(
            f"instances:\n  - {{{ALL}, check: {{identities: [{{subject: CN=a}}]}}}}\n"
            "  - {name: one, match: {name: contoso-prod}, check: {validateTrust: false}}\n",
            "Premium",
            "d.yaml:3:58: instances[0].check.identities[0]: Anyone can make a certificate with these names",
            id="names without trust, from two entries",
        ),
    ],
)
def test_what_contradicts_on_one_instance_stops_that_one(text: str, sku: str, expected: str) -> None:
    """
    A contradiction that shows only on an instance is BadInput for that instance, with its place.
    """
    loaded = state(text)
    with pytest.raises(BadInput) as caught:
        loaded.resolve(service(sku=sku))

    assert expected == str(caught.value)[: len(expected)]


def test_waivers_and_attestations_are_for_named_instances() -> None:
    """
    Waivers and attestations come with the instances whose names they fit, expired or not.
    """
    rest = "controls: [x], category: waiver, owner: o, reason: r, ticket: t, expires: 2001-01-01"
    desired = state(
        f"instances: [{{{ALL}}}]\n"
        f"waivers: [{{id: a, instances: 'contoso-*', {rest}}}, {{id: b, instances: other, {rest}}}]\n"
        "attestations: [{control: A1, instances: [contoso-prod], owner: o, evidence: e, expires: 2027-01-31}]"
    ).resolve(service())

    assert desired is not None
    assert [("a", datetime(2001, 1, 2, tzinfo=UTC), "d.yaml:3")] == [
        (waiver.id, waiver.expires, str(waiver.place)) for waiver in desired.waivers
    ]
    assert [("A1", "d.yaml:4")] == [(each.control, str(each.place)) for each in desired.attestations]


def test_only_declared_subscriptions_are_allowed() -> None:
    """
    With subscriptions declared, an instance in another one is neither allowed nor selected.
    """
    text = "subscriptions: [11111111-1111-1111-1111-222222222222]\n" + f"instances: [{{{ALL}}}]"

    assert (False, None) == (state(text).allows(service().id), state(text).resolve(service()))
    assert state(f"instances: [{{{ALL}}}]").allows(service().id)


def test_absent_is_kept_as_declared() -> None:
    """
    A check is only declared absent where somebody wrote so, and its scopes don't inherit that.
    """
    desired = state(
        f"instances: [{{{ALL}, check: {{state: absent}}, scopes: {{apis/x: {{action: observe}}}}}}]"
    ).resolve(service())

    assert desired is not None
    assert desired.check is not None
    assert (State.ABSENT, State.PRESENT) == (desired.check.state, desired.scopes[0].check.state)


def test_explain_says_where_each_value_comes_from() -> None:
    """
    Each value is explained by its place and by why that place counts, built-in values included.
    """
    explained = state(
        "defaults: {mode: ask, limits: {rounds: 2}}\n"
        f"instances:\n  - {{{ALL}, mode: report}}\n  - {{name: one, match: {{sku: Premium}}, owner: a}}\n"
    ).explain(service())
    told = {line.field: (line.value, str(line.place), line.why) for line in explained}

    assert ("report", "d.yaml:4", "all: name *") == told["mode"]
    assert ("2", "d.yaml:2", "defaults") == told["limits.rounds"]
    assert ("a", "d.yaml:5", "one: sku Premium") == told["owner"]
    assert ("prod", "", "built in") == told["environment"]


def test_explain_says_that_the_roll_out_holds_back() -> None:
    """
    An instance that is held back is explained as such, whatever mode is written for it.
    """
    explained = state(f"rollout: {{stages: [one, two], reached: one}}\ninstances: [{{{ALL}, mode: enforce}}]").explain(
        service()
    )

    assert [("report", "d.yaml:2", "the roll-out has not come to it")] == [
        (line.value, str(line.place), line.why) for line in explained if line.field == "mode"
    ]


def test_nothing_is_explained_of_an_instance_that_nothing_selects() -> None:
    """
    An instance that no entry selects has nothing to explain, defaults or not.
    """
    assert () == state("defaults: {mode: ask}\ninstances: [{name: a, match: {name: other}}]").explain(service())
