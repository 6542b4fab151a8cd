"""The life cycle of service updates: what is seen, locked and polled until they are done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emulator import Polling
from tests.emulator.stand import GROUP, Stand, running, service_id, tenant_with

UPDATE = timedelta(minutes=25)


def negotiate(stand: Stand, *, on: bool = True) -> Any:
    entries = stand.arm("GET", "").json["properties"]["hostnameConfigurations"]
    kept = [{name: value for name, value in entry.items() if value is not None} for entry in entries]
    kept[0]["negotiateClientCertificate"] = on
    return {"properties": {"hostnameConfigurations": kept}}


def states(stand: Stand) -> tuple[str, str, bool]:
    properties = stand.arm("GET", "").json["properties"]
    first = properties["hostnameConfigurations"][0]
    return (
        properties["provisioningState"],
        properties["targetProvisioningState"],
        first["negotiateClientCertificate"],
    )


def test_an_update_shows_the_old_values_until_it_is_done(stand: Stand) -> None:
    """
    While a classic service updates, provisioningState still says Succeeded and the old flag is shown.
    """
    accepted = stand.arm("PATCH", "", negotiate(stand))
    during = states(stand)
    stand.wait(UPDATE)

    assert 202 == accepted.status
    assert ("Succeeded", "Updating", False) == during
    assert ("Succeeded", "", True) == states(stand)


def test_a_v2_service_says_updating_in_both_members() -> None:
    """
    On v2 tiers both states say Updating while an update runs.
    """
    with running(tenant_with({"sku": "StandardV2"})) as stand:
        stand.arm("PATCH", "", {"properties": {"enableClientCertificate": True}})

        assert ("Updating", "Updating", False) == states(stand)


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_service_writes_are_locked_out_meanwhile(stand: Stand, method: str) -> None:
    """
    A service write during an update is a 409 ServiceLocked without Retry-After.
    """
    body = negotiate(stand)
    stand.arm("PATCH", "", body)
    refused = stand.arm(method, "", None if method == "DELETE" else {**body, "sku": {"name": "Developer"}})

    assert (409, "ServiceLocked") == (refused.status, refused.error["code"])
    assert "is transitioning at this time" in refused.error["message"]
    assert "Retry-After" not in refused.headers


def test_what_is_below_the_service_stays_writable(stand: Stand) -> None:
    """
    Policies can be written while the service updates.
    """
    stand.arm("PATCH", "", negotiate(stand))

    assert 200 == stand.put_policy("", "<policies><inbound /></policies>").status


def test_an_update_moves_the_etag_twice(stand: Stand) -> None:
    """
    The etag moves when an update is accepted and again when it is done; body and header agree.
    """
    before = stand.arm("GET", "")
    accepted = stand.arm("PATCH", "", negotiate(stand))
    stand.wait(UPDATE)
    after = stand.arm("GET", "")

    assert 3 == len({before.etag, accepted.etag, after.etag})
    assert after.etag == f'"{after.json["etag"]}"'


def test_an_update_that_changes_nothing_is_done_at_once(stand: Stand) -> None:
    """
    A PATCH of what is there already answers 200 with the same etag and no operation.
    """
    before = stand.arm("GET", "")
    same = stand.arm("PATCH", "", negotiate(stand, on=False))

    assert (200, before.etag) == (same.status, same.etag)
    assert "Location" not in same.headers


def test_tags_are_changed_at_once(stand: Stand) -> None:
    """
    A change of tags alone is no long-running operation.
    """
    changed = stand.arm("PATCH", "", {"tags": {"env": "dev"}})

    assert (200, {"env": "dev"}) == (changed.status, changed.json["tags"])


def test_the_time_of_change_is_that_of_the_request(stand: Stand) -> None:
    """
    lastModifiedAt keeps its old value in the 202 answer and shows the PATCH's time afterwards.
    """
    body = negotiate(stand)
    stand.wait(timedelta(hours=1))
    accepted = stand.arm("PATCH", "", body).json["systemData"]["lastModifiedAt"]
    stand.wait(UPDATE)

    assert accepted.startswith("2026-11-22T08:00")
    assert stand.arm("GET", "").json["systemData"]["lastModifiedAt"].startswith("2026-11-22T09:00")


def test_polling_by_location_alone() -> None:
    """
    In the style of 2021 the poll is 202 and empty until it is 200 with the service.
    """
    with running(polling=Polling.LOCATION) as stand:
        accepted = stand.arm("PATCH", "", negotiate(stand))
        during = stand.follow(accepted.headers["Location"])
        stand.wait(UPDATE)
        done = stand.follow(accepted.headers["Location"])

        assert "Azure-AsyncOperation" not in accepted.headers
        assert (202, "", "60") == (during.status, during.text, during.headers["Retry-After"])
        assert (200, service_id()) == (done.status, done.json["id"])


@pytest.mark.parametrize("style", [Polling.BOTH, Polling.LOCATIONS])
def test_polling_by_a_status_document(style: Polling) -> None:
    """
    In the later styles the status document holds the status alone, and the first URL keeps working.
    """
    with running(polling=style) as stand:
        accepted = stand.arm("PATCH", "", negotiate(stand))
        url = accepted.headers["Azure-AsyncOperation"]
        during = stand.follow(url)
        stand.wait(UPDATE)

        assert {"status": "InProgress"} == during.json
        assert during.headers["Azure-AsyncOperation"] != url
        assert {"status": "Succeeded"} == stand.follow(url).json
        assert (style is Polling.BOTH) == (accepted.headers["Location"] == url)


def test_the_style_follows_the_api_version(stand: Stand) -> None:
    """
    Unless an option says otherwise, 2021-08-01 answers Location only and 2024-05-01 two URLs.
    """
    old = stand.arm("PATCH", "", negotiate(stand), version="2021-08-01")
    stand.wait(UPDATE)
    new = stand.arm("PATCH", "", negotiate(stand, on=False))

    assert "operationresults" in old.headers["Location"]
    assert "Azure-AsyncOperation" not in old.headers
    assert "/operationsStatuses/" in new.headers["Azure-AsyncOperation"]


def test_a_failed_update_leaves_the_old_values() -> None:
    """
    A failing operation answers 400 at its Location, and the service is idle with its old settings.
    """
    with running(polling=Polling.LOCATION) as stand:
        stand.azure.provider.operations.fail_next(service_id())
        accepted = stand.arm("PATCH", "", negotiate(stand))
        stand.wait(UPDATE)
        polled = stand.follow(accepted.headers["Location"])

        assert (400, "ActivationFailed") == (polled.status, polled.error["code"])
        assert ("Succeeded", "", False) == states(stand)


def test_a_new_service_is_activated(stand: Stand) -> None:
    """
    A PUT of a new service answers 201 and Activating; later it is idle and has a global policy.
    """
    path = service_id("fresh")
    owner = {"publisherEmail": "api@contoso.example", "publisherName": "Contoso"}
    created = stand.arm(
        "PUT", path, {"location": "westeurope", "sku": {"name": "Developer", "capacity": 1}, "properties": owner}
    )
    stand.wait(timedelta(minutes=40))

    assert (201, "Activating") == (created.status, created.json["properties"]["targetProvisioningState"])
    assert "" == stand.arm("GET", path).json["properties"]["targetProvisioningState"]
    assert 200 == stand.arm("GET", f"{path}/policies/policy").status


def test_a_deleted_name_stays_taken(stand: Stand) -> None:
    """
    DELETE shows Deleting, then the service is gone and its name is soft-deleted for two days.
    """
    leaving = stand.arm("DELETE", "")
    stand.wait(timedelta(minutes=3))
    again = stand.arm("PUT", "", {"location": "westeurope", "sku": {"name": "Developer"}, "properties": {}})

    assert (202, "Deleting") == (leaving.status, leaving.json["properties"]["targetProvisioningState"])
    assert "ETag" not in leaving.headers
    assert "ServiceNotFound" == stand.arm("GET", "").error["code"]
    assert "ServiceAlreadyExistsInSoftDeletedState" == again.error["code"]


def gone(stand: Stand) -> str:
    """
    Delete the service; the id of its record.
    """
    stand.arm("DELETE", "")
    stand.wait(timedelta(minutes=3))
    subscription = GROUP.partition("/resourceGroups")[0]
    listed = stand.arm("GET", f"{subscription}/providers/Microsoft.ApiManagement/deletedservices").json["value"]
    return str(listed[0]["id"])


NEW: dict[str, Any] = {
    "location": "westeurope",
    "sku": {"name": "Developer", "capacity": 1},
    "properties": {"publisherEmail": "a@contoso.com", "publisherName": "Contoso"},
}


def test_a_deleted_service_can_be_restored(stand: Stand) -> None:
    """
    A PUT that asks to restore brings the service back with its APIs.
    """
    gone(stand)
    body = {**NEW, "properties": {**NEW["properties"], "restore": True}}
    status = stand.arm("PUT", "", body).status
    stand.wait(timedelta(minutes=40))

    assert (201, 200) == (status, stand.arm("GET", "/apis/echo").status)


def test_a_purged_name_is_free_again(stand: Stand) -> None:
    """
    Purging the record of a deleted service frees its name at once; otherwise two days do.
    """
    stand.arm("DELETE", gone(stand))

    assert 201 == stand.arm("PUT", "", NEW).status


def test_a_service_can_be_read_stale(stand: Stand) -> None:
    """
    A stale read of the service shows it before its last change.
    """
    stand.arm("PATCH", "", {"tags": {"a": "b"}})
    stand.azure.faults.add(method="GET", path=f"*{service_id()}", stale=True)

    assert [{}, {"a": "b"}] == [stand.arm("GET", "").json["tags"] for _ in range(2)]


def test_custom_properties_are_merged_without_case(stand: Stand) -> None:
    """
    A PATCH of one custom property keeps the others, and a value that differs in case changes nothing.
    """
    name = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security.Protocols.Tls10"
    same = stand.arm("PATCH", "", {"properties": {"customProperties": {name: "false"}}})
    stand.arm("PATCH", "", {"properties": {"customProperties": {name: "True"}}})
    stand.wait(UPDATE)
    kept = stand.arm("GET", "").json["properties"]["customProperties"]

    assert 200 == same.status
    assert ("False", "True", 8) == (same.json["properties"]["customProperties"][name], kept[name], len(kept))


@pytest.mark.parametrize(("sku", "kept"), [("Developer", None), ("Consumption", True), ("StandardV2", True)], ids=str)
def test_the_client_certificate_switch_by_tier(sku: str, kept: bool | None) -> None:
    """
    enableClientCertificate is dropped in silence on classic tiers and kept on the others.
    """
    with running(tenant_with({"sku": sku})) as stand:
        stand.arm("PATCH", "", {"properties": {"enableClientCertificate": True}})
        stand.wait(UPDATE)

        assert kept == stand.arm("GET", "").json["properties"].get("enableClientCertificate")


def test_lists_of_services(stand: Stand) -> None:
    """
    Services are listed by subscription and by group, without a count.
    """
    everywhere = stand.arm("GET", f"{GROUP.rpartition('/resourceGroups')[0]}/providers/Microsoft.ApiManagement/service")
    in_group = stand.arm("GET", f"{GROUP}/providers/Microsoft.ApiManagement/service")

    assert ["value"] == list(everywhere.json)
    assert [service_id()] == [one["id"] for one in in_group.json["value"]]


def test_a_put_that_changes_something_is_long() -> None:
    """
    A PUT over a service answers 200 with polling URLs, and 202 in the versions up to 2021-08-01.
    """
    for version, status in (("2024-05-01", 200), ("2021-08-01", 202)):
        with running() as stand:
            body = {**NEW, "sku": {"name": "Developer", "capacity": 1}, "identity": {"type": "None"}}
            answer = stand.arm("PUT", "", body, version=version)

            assert (status, True) == (answer.status, "Location" in answer.headers)


def test_nulls_left_out_change_nothing(stand: Stand) -> None:
    """
    A PATCH with an object whose members were null in the answer is no change.
    """
    same = stand.arm("PATCH", "", {"properties": {"apiVersionConstraint": {}, "virtualNetworkType": "None"}})

    assert (200, {"minApiVersion": None}) == (same.status, same.json["properties"]["apiVersionConstraint"])
