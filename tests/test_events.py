"""
Events: what is read of them, what they ring, and that nothing well formed raises.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.events import Concern, ParsedEvent, Schema, parse_event, parse_events, to_trigger
from apimend.model.errors import BadInput
from apimend.model.ids import InstanceId

SAMPLES = Path(__file__).parent / "events"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SERVICE = (
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-apim-prod"
    "/providers/Microsoft.ApiManagement/service/contoso-prod"
)
ADA = "33333333-3333-3333-3333-333333333333"
ENVELOPE = {"id": "1", "eventType": "Microsoft.Resources.ResourceWriteSuccess", "subject": SERVICE, "data": {}}


def sample(name: str) -> ParsedEvent:
    return parse_event((SAMPLES / f"{name}.json").read_text())


def below(name: str) -> tuple[str | None, Concern, bool | None]:
    """What a sample touched below the instance, what it concerns, and how loud it rings."""
    event = sample(name)
    trigger = to_trigger(event, NOW)
    touched = event.touched.below_instance if event.instance and event.touched else None
    return touched, event.concern, None if trigger is None else trigger.urgent


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("arm-service-write", ("", Concern.INSTANCE, True), id="service write"),
        pytest.param("arm-service-write.cloud-events", ("", Concern.INSTANCE, True), id="service write, CloudEvents"),
        pytest.param("arm-service-create", ("", Concern.INSTANCE, True), id="create has no httpRequest"),
        pytest.param("arm-service-write-strings", ("", Concern.INSTANCE, True), id="old string fields"),
        pytest.param("arm-service-delete", ("", Concern.INSTANCE, True), id="delete"),
        pytest.param("arm-service-write-failure", ("", Concern.INSTANCE, False), id="a failed write rings low"),
        pytest.param(
            "arm-operation-policy-write",
            ("apis/orders;rev=2/operations/get-order/policies/policy", Concern.INSTANCE, True),
            id="policy of a revision's operation",
        ),
        pytest.param(
            "arm-logger-write", ("loggers/insights", Concern.INSTANCE, False), id="an unknown child rings low"
        ),
        pytest.param(
            "arm-refresh-secret", ("certificates/partner-a", Concern.INSTANCE, True), id="refreshSecret is a write"
        ),
        pytest.param("arm-list-value", ("namedValues/key", Concern.INSTANCE, None), id="a read by POST rings nothing"),
        pytest.param("apim-api-updated", ("apis/orders;Rev=1", Concern.INSTANCE, True), id="API Management source"),
        pytest.param(
            "apim-circuit-breaker-opened",
            ("backends/orders", Concern.INSTANCE, False),
            id="a circuit breaker rings low",
        ),
        pytest.param("arn-service-changed", ("", Concern.INSTANCE, True), id="Resource Notifications"),
        pytest.param("dead-letter", ("", Concern.INSTANCE, True), id="dead letter"),
        pytest.param("arm-workspace-gateway-write", (None, Concern.WORKSPACE_GATEWAY, None), id="workspace gateway"),
        pytest.param("arm-vault-firewall-write", (None, Concern.VAULT_ACCESS, None), id="vault firewall"),
        pytest.param("arm-vault-role-write", (None, Concern.VAULT_ACCESS, None), id="role on a vault"),
        pytest.param("kv-certificate-near-expiry", (None, Concern.VAULT_CERTIFICATE, None), id="Key Vault"),
        pytest.param("arm-deployment-write", (None, Concern.NOTHING, None), id="deployment noise"),
        pytest.param("handshake", (None, Concern.NOTHING, None), id="handshake"),
    ],
)
def test_what_an_event_touches_and_rings(name: str, expected: tuple[str | None, Concern, bool | None]) -> None:
    """
    Each kind of event names what it touched, what it concerns, and rings loud, low or not at all.
    """
    assert expected == below(name)


def test_both_schemas_say_the_same() -> None:
    """
    An event in the Event Grid schema and the same in CloudEvents differ in nothing but the schema.
    """
    grid, cloud = sample("arm-service-write"), sample("arm-service-write.cloud-events")

    assert [grid.schema, cloud.schema] == [Schema.EVENT_GRID, Schema.CLOUD_EVENTS]
    assert {**vars(grid), "schema": None} == {**vars(cloud), "schema": None}


def test_who_wrote_is_kept_for_the_log() -> None:
    """
    A trigger says who wrote, with which request id, and when it was read; older string fields included.
    """
    trigger = to_trigger(sample("arm-service-write-strings"), NOW)

    assert trigger is not None
    assert (
        trigger.by,
        trigger.client_request_id,
        trigger.at,
    ) == ("ada@contoso.example", "aaaaaaaa-0000-4000-8000-000000000004", NOW)


def test_our_own_echo_rings_low() -> None:
    """
    An event that our own identity caused rings, at low priority.
    """
    trigger = to_trigger(sample("arm-service-write"), NOW, own={ADA})

    assert trigger is not None
    assert not trigger.urgent


def test_a_vault_rings_the_instances_that_use_it() -> None:
    """
    A vault's event names the certificate, and rings the instance that the caller knows to use it.
    """
    event = sample("kv-certificate-near-expiry")
    trigger = to_trigger(event, NOW, instance=InstanceId.of(SERVICE))

    assert (event.vault, event.vault_object) == ("kv-contoso", "partner-a")
    assert trigger is not None
    assert InstanceId.of(SERVICE.upper().replace("/SUBSCRIPTIONS", "/subscriptions")) == trigger.instance


def test_a_dead_letter_says_why() -> None:
    """
    An entry of a dead-letter blob keeps why Event Grid gave up on it.
    """
    assert [event.dead_letter for event in parse_events((SAMPLES / "dead-letter.json").read_text())] == [
        "MaxDeliveryAttemptsExceeded"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "line 1, column 1: It is no JSON: Expecting value.", id="nothing"),
        pytest.param('[{"id":', "line 1, column 8: It is no JSON: Expecting value.", id="cut off"),
        pytest.param("[" * 100_000, "It is no JSON that can be read", id="nested without end"),
        pytest.param("9" * 5000, "It is no JSON that can be read", id="a number without end"),
        pytest.param("7", "It is no event but a number. An event is a JSON object.", id="a number"),
        pytest.param("[null]", "[0]: It is no event but null. An event is a JSON object.", id="null in a batch"),
        pytest.param("{}", "It has the form of neither schema.", id="an empty object"),
        pytest.param('{"eventType": "x", "subject": ""}', "id: id is missing or no text.", id="without id"),
        pytest.param(
            json.dumps([ENVELOPE, ENVELOPE | {"eventTime": "soon"}]),
            "[1].eventTime: 'soon' is no time. Write it as 2026-11-21T10:11:12Z.",
            id="no time",
        ),
        pytest.param(json.dumps([ENVELOPE] * 5001), "There are 5001 events in it.", id="too many"),
        pytest.param(
            json.dumps(ENVELOPE | {"data": {"x": "y" * 1_100_000}}), "It is larger than any event", id="too large"
        ),
    ],
)
def test_what_is_no_event_is_refused(text: str, expected: str) -> None:
    """
    What is no event is refused with the place and the way out.
    """
    with pytest.raises(BadInput) as caught:
        parse_events(text)

    assert str(caught.value).startswith(expected)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"eventType": "Contoso.Painted"}, "No source that Apimend listens to sends this type.", id="type"),
        pytest.param({"subject": "not an id"}, "It names no resource.", id="subject"),
        pytest.param(
            {"subject": "/subscriptions/x/resourceGroups/y"}, "It concerns no API Management instance.", id="group"
        ),
        pytest.param(
            {"eventType": "Microsoft.KeyVault.SecretNewVersionCreated", "data": {"VaultName": "kv"}},
            "Only certificates and access concern Apimend.",
            id="secret",
        ),
    ],
)
def test_a_foreign_event_says_so(changed: dict[str, Any], reason: str) -> None:
    """
    A well-formed event that is none of ours is a value with the reason, never an error.
    """
    event = parse_event(json.dumps(ENVELOPE | changed))

    assert (False, reason, None) == (event.understood, event.reason, to_trigger(event, NOW))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(
    [
        "Microsoft.Resources.ResourceWriteSuccess",
        "Microsoft.ApiManagement.APICreated",
        "Microsoft.KeyVault.CertificateExpired",
        "Microsoft.ResourceNotifications.Resources.Deleted",
    ]
)
FIELDS = st.sampled_from(
    ["authorization", "claims", "httpRequest", "resourceUri", "operationName", "resourceInfo", "VaultName"]
)
EVENTS = st.fixed_dictionaries(
    {"id": st.text(min_size=1), "subject": st.text() | st.just(SERVICE), "data": st.dictionaries(FIELDS, JSON) | JSON},
    optional={"topic": JSON, "source": st.text(min_size=1), "specversion": JSON, "time": JSON, "eventTime": JSON},
)


@given(EVENTS | JSON, TYPES)
def test_any_json_is_events_or_bad_input(event: Any, kind: str) -> None:
    """
    Whatever JSON comes in, the answer is events that can be rung and written, or a list of faults.
    """
    whole = event | {"type": kind, "eventType": kind} if isinstance(event, dict) else event
    try:
        answer: object = [repr((e, to_trigger(e, NOW))).encode() for e in parse_events(json.dumps(whole))]
    except BadInput as fault:
        answer = fault.faults

    assert answer is not None


def test_every_documented_sample_is_read() -> None:
    """
    Every event of the documentation and of the made samples is read, and none raises.
    """
    material = os.environ.get("APIMEND_MATERIAL")
    if not material:
        pytest.skip("APIMEND_MATERIAL is not set: the samples of Azure's documentation are not here")
    files = [f for f in sorted(Path(material, "events").glob("*/*.json")) if not f.name.startswith("storage-queue")]
    events = [event for file in files for event in parse_events(file.read_text())]

    assert len(files) <= len(events)
    assert all(event.id and event.type for event in events)
    assert {"arm", "apim", "kv", "arn"} <= {file.name.split(".")[0] for file in files}
