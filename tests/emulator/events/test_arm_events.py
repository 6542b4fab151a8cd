"""
The events of Azure Resource Manager.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from emulator.events import Event, Quirks, Schema
from emulator.events.resource_manager import resource_event
from emulator.store import Write, WriteStatus
from tests.emulator.events.grid_harness import CLAIMS, SERVICE, SUBSCRIPTION, write

MATERIAL = os.environ.get("APIMEND_MATERIAL")


def event_of(told: Write, **further: Any) -> Event:
    found = resource_event(told, "id-1", **further)
    assert found is not None
    return found


def test_the_event_grid_form_has_the_documented_envelope() -> None:
    """
    An event in the Event Grid schema says what, who and when, with seven digits of a second.
    """
    rendered = event_of(write()).rendered(Schema.EVENT_GRID)
    rendered.pop("data")

    assert {
        "id": "id-1",
        "topic": f"/subscriptions/{SUBSCRIPTION}",
        "subject": SERVICE,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2026-11-21T10:00:00.1234560Z",
        "dataVersion": "2",
        "metadataVersion": "1",
    } == rendered


def test_the_cloud_event_has_the_same_data_under_other_names() -> None:
    """
    In CloudEvents 1.0 topic, type and time change their names, and the versions are gone.
    """
    event = event_of(write())
    grid, cloud = event.rendered(Schema.EVENT_GRID), event.rendered(Schema.CLOUD_EVENTS)

    assert {
        "specversion": "1.0",
        "id": grid["id"],
        "source": grid["topic"],
        "subject": grid["subject"],
        "type": grid["eventType"],
        "time": grid["eventTime"],
        "data": grid["data"],
    } == cloud


@pytest.mark.parametrize(
    ("child", "operation", "name", "kind"),
    [
        pytest.param("", "write", "service/write", "Write", id="service"),
        pytest.param("apis/orders", "write", "service/apis/write", "Write", id="api"),
        pytest.param("apis/orders/policies/policy", "write", "service/apis/policies/write", "Write", id="policy"),
        pytest.param("certificates/ca", "delete", "service/certificates/delete", "Delete", id="delete"),
        pytest.param(
            "certificates/ca",
            "refreshSecret/action",
            "service/certificates/refreshSecret/action",
            "Action",
            id="action",
        ),
        pytest.param(
            "namedValues/x", "listValue/action", "service/namedValues/listValue/action", "Action", id="a read by POST"
        ),
    ],
)
def test_each_operation_has_its_name_and_type(child: str, operation: str, name: str, kind: str) -> None:
    """
    The operation's name is that of the permission; PUT and PATCH are writes, every POST is an action.
    """
    event = event_of(write(child, operation))

    assert (f"Microsoft.ApiManagement/{name}", f"Microsoft.Resources.Resource{kind}Success") == (
        event.data["operationName"],
        event.type,
    )


def test_a_creation_has_no_http_request() -> None:
    """
    Resource Manager leaves the HTTP request out when it creates.
    """
    created, updated = event_of(write(created=True)), event_of(write())

    assert ("httpRequest" in created.data, "httpRequest" in updated.data) == (False, True)


def test_the_client_request_id_comes_back() -> None:
    """
    The caller finds its own request id in the event.
    """
    event = event_of(write(client_request_id="mine"))

    assert event.data["httpRequest"]["clientRequestId"] == "mine"


def test_a_failed_write_is_told_as_failure() -> None:
    """
    A write that failed raises ResourceWriteFailure with status Failed.
    """
    event = event_of(write(status=WriteStatus.FAILED))

    assert (event.type, event.data["status"]) == ("Microsoft.Resources.ResourceWriteFailure", "Failed")


def test_claims_take_their_long_names_and_are_text() -> None:
    """
    Claims stand under the names that Resource Manager gives them, numbers as text.
    """
    claims = event_of(write()).data["claims"]

    assert (CLAIMS["oid"], CLAIMS["tid"], CLAIMS["appid"], "1795250000") == (
        claims["http://schemas.microsoft.com/identity/claims/objectidentifier"],
        claims["http://schemas.microsoft.com/identity/claims/tenantid"],
        claims["appid"],
        claims["iat"],
    )


def test_the_old_form_has_strings_for_objects() -> None:
    """
    On demand authorization, claims and httpRequest are JSON in a string, as data version 1 had them.
    """
    event = event_of(write(), quirks=Quirks(strings=True))

    assert (
        event.data_version,
        json.loads(event.data["authorization"])["action"],
    ) == ("1", "Microsoft.ApiManagement/service/write")


def test_ids_can_come_in_another_case() -> None:
    """
    On demand the id in the event has another case than the resource's own.
    """
    event = event_of(write(), quirks=Quirks(lower_case_groups=True))

    assert (SERVICE.replace("resourceGroups", "resourcegroups"), True) == (
        event.subject,
        event.subject == event.data["resourceUri"],
    )


def test_a_resource_outside_subscriptions_raises_nothing() -> None:
    """
    No topic covers what lies in no subscription.
    """
    told = write(resource_id="/providers/Microsoft.Management/managementGroups/root")

    assert resource_event(told, "id-1") is None


@pytest.mark.skipif(MATERIAL is None, reason="APIMEND_MATERIAL is not set: no event samples to compare with")
@pytest.mark.parametrize(
    ("sample", "told"),
    [
        pytest.param("arm.service-write.by-user-patch", write(method="PATCH"), id="patch"),
        pytest.param("arm.service-write.create-no-httprequest", write(created=True), id="create"),
        pytest.param("arm.service-write-failure", write(status=WriteStatus.FAILED), id="failure"),
        pytest.param("arm.child-delete.certificates_client-ca", write("certificates/ca", "delete"), id="delete"),
        pytest.param(
            "arm.action.certificates_refreshSecret", write("certificates/ca", "refreshSecret/action"), id="action"
        ),
    ],
)
@pytest.mark.parametrize("schema", [Schema.EVENT_GRID, Schema.CLOUD_EVENTS], ids=["event-grid", "cloud-events"])
def test_events_have_the_members_of_the_samples(sample: str, told: Write, schema: Schema) -> None:
    """
    Apart from claims and evidence, which depend on the caller, an event has exactly the members of its sample.
    """
    form = {Schema.EVENT_GRID: "event-grid", Schema.CLOUD_EVENTS: "cloud-events"}[schema]
    wanted = json.loads((Path(MATERIAL or "") / "events" / "derived" / f"{sample}.{form}.json").read_text())

    assert members(wanted) == members(event_of(told).rendered(schema))


def members(event: Any) -> Any:
    if not isinstance(event, dict):
        return type(event).__name__
    return {key: members(value) for key, value in event.items() if key not in {"claims", "evidence"}}
