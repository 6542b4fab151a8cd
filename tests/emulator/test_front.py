"""What every call to ARM passes: token, version, roles, throttling, headers, paging, faults, the log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from emulator import Throttle, When, Write
from tests.emulator.stand import GROUP, SUBSCRIPTION, Stand, running, service_id, tenant_with

TWO = [
    {"name": "apimend", "object_id": "11111111-0000-4000-8000-000000000001"},
    {"name": "guest", "object_id": "11111111-0000-4000-8000-000000000002"},
]


def test_a_call_needs_a_token(stand: Stand) -> None:
    """
    Without a token, with a strange one or with one for another audience a call is a 401.
    """
    stand.token = "nonsense"
    strange = stand.arm("GET", "")
    stand.token = stand.azure.identity.token("https://vault.azure.net")
    elsewhere = stand.arm("GET", "")

    assert (401, "InvalidAuthenticationToken") == (strange.status, strange.error["code"])
    assert (401, "InvalidAuthenticationTokenAudience") == (elsewhere.status, elsewhere.error["code"])


def test_the_identity_endpoint_asks_for_its_header(stand: Stand) -> None:
    """
    Tokens are given for the App Service header and a resource only.
    """
    endpoints = stand.azure.endpoints
    query = {"api-version": "2019-08-01", "resource": "https://management.azure.com"}
    header = {"X-IDENTITY-HEADER": endpoints.identity_header}
    granted = stand.call("GET", endpoints.identity, None, header, query)
    stand.token = granted.json["access_token"]

    assert 401 == stand.call("GET", endpoints.identity, None, {}, query).status
    assert 200 == stand.arm("GET", "").status


@pytest.mark.parametrize(
    ("version", "code"),
    [("", "MissingApiVersionParameter"), ("2019-01-01", "NoRegisteredProviderFound")],
    ids=["none", "retired"],
)
def test_the_version_has_to_be_known(stand: Stand, version: str, code: str) -> None:
    """
    A call without api-version, or with a retired one, is a 400.
    """
    refused = stand.arm("GET", "", version=version)

    assert (400, code) == (refused.status, refused.error["code"])


def test_headers_of_every_answer(stand: Stand) -> None:
    """
    Errors and successes carry ARM's request ids and its transport headers; the client's id only on request.
    """
    headers = {"x-ms-client-request-id": "mine", "x-ms-return-client-request-id": "true"}
    answers = [stand.arm("GET", ""), stand.arm("GET", "/apis/none"), stand.arm("GET", service_id("none"))]
    asked = stand.arm("GET", "", headers=headers)

    for answer in answers:
        assert {"x-ms-request-id", "x-ms-correlation-request-id", "x-ms-routing-request-id"} <= set(answer.headers)
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert "x-ms-client-request-id" not in answer.headers
    assert "mine" == asked.headers["x-ms-client-request-id"]


def test_the_envelopes_of_three_back_ends(stand: Stand) -> None:
    """
    The provider writes details and innerError, the management API details alone, ARM neither.
    """
    provider = stand.arm("GET", service_id("none"))
    management = stand.arm("GET", "/apis/none")
    arm = stand.arm("GET", f"{service_id('none')}/apis")

    assert {"code", "message", "details", "innerError"} == set(provider.error)
    assert {"code", "message", "details"} == set(management.error)
    assert ({"code", "message"}, "gateway") == (set(arm.error), arm.headers["x-ms-failure-cause"])
    assert ("Server" in management.headers, "Server" in arm.headers) == (True, False)


def test_json_is_compact_above_and_indented_below_a_service(stand: Stand) -> None:
    """
    The service itself is compact JSON, what is below it is indented with CRLF, its errors are compact.
    """
    assert stand.arm("GET", "").text.startswith('{"etag":"')
    assert stand.arm("GET", "/apis/echo").text.startswith('{\r\n  "id": "')
    assert stand.arm("GET", "/apis/none").text.startswith('{"error":{')


def test_a_missing_group_and_a_wrong_verb(stand: Stand) -> None:
    """
    A missing resource group is ARM's own 404, a wrong verb a 405 that lists the right ones.
    """
    missing = stand.arm("GET", service_id().replace("rg-apim", "rg-none"))
    wrong = stand.arm("GET", "/products/starter/apis/echo")

    assert (404, "ResourceGroupNotFound") == (missing.status, missing.error["code"])
    assert (405, "HEAD,PUT,DELETE") == (wrong.status, wrong.headers["Allow"])
    assert {"Message": "The requested resource does not support http method 'GET'."} == wrong.json


def test_ids_are_compared_without_case(stand: Stand) -> None:
    """
    A path in another case finds the same resource, whose id stays as it was created.
    """
    found = stand.arm("GET", f"{service_id().upper().replace('/SUBSCRIPTIONS', '/subscriptions')}/APIS/Echo")

    assert f"{service_id()}/apis/echo" == found.json["id"]


def test_roles_decide_where_they_are_declared() -> None:
    """
    A principal with a reader's role may read and not write; one without any role declared may do all.
    """
    roles = [{"principal": "guest", "role": "Reader", "scope": "subscription"}]
    with running(tenant_with(principals=TWO, roles=roles)) as stand:
        free = stand.put_policy("", "<policies />").status
        stand.token = stand.azure.identity.token("https://management.azure.com", "guest")
        refused = stand.put_policy("", "<policies />")

        assert (200, 200) == (free, stand.arm("GET", "").status)
        assert (403, "AuthorizationFailed") == (refused.status, refused.error["code"])


def test_a_new_role_takes_effect_later() -> None:
    """
    By option a role assignment works only after its propagation time.
    """
    with running(tenant_with(roles=[]), role_propagation=timedelta(minutes=5)) as stand:
        vault = stand.azure.vaults.resource("kv-apim")
        assert vault is not None
        principal = stand.arm("GET", "").json["identity"]["principalId"]
        role = "/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6"
        stand.arm(
            "PUT",
            f"{vault.id}/providers/Microsoft.Authorization/roleAssignments/11111111-0000-4000-8000-000000000009",
            {"properties": {"roleDefinitionId": role, "principalId": principal}},
        )
        url = stand.azure.vaults.secret_url("kv-apim", "client")
        body = {"properties": {"keyVault": {"secretIdentifier": url}}}
        early = stand.arm("PUT", "/certificates/c", body).status
        stand.wait(timedelta(minutes=5))

        assert (400, 201) == (early, stand.arm("PUT", "/certificates/c", body).status)


def test_a_bucket_runs_dry_and_fills_again() -> None:
    """
    Reads beyond the bucket are 429 with Retry-After; time refills it, and the headers count down.
    """
    with running(reads=Throttle(size=2, per_second=0.5)) as stand:
        left = [stand.arm("GET", "").headers["x-ms-ratelimit-remaining-subscription-reads"] for _ in range(2)]
        dry = stand.arm("GET", "")
        stand.wait(timedelta(seconds=int(dry.headers["Retry-After"])))

        assert (["1", "0"], 429, "2") == (left, dry.status, dry.headers["Retry-After"])
        assert 200 == stand.arm("GET", "").status


def test_lists_come_in_pages() -> None:
    """
    A page holds as many items as the option says, counts all, and links to the next one.
    """
    named = [{"id": f"n{i}", "value": "x"} for i in range(5)]
    with running(tenant_with({"named_values": named}), page_size=2) as stand:
        first = stand.arm("GET", "/namedValues").json
        second = stand.follow(first["nextLink"]).json
        third = stand.follow(second["nextLink"]).json

        assert (5, 2, 2, 1) == (first["count"], *(len(one["value"]) for one in (first, second, third)))
        assert "nextLink" not in third


def test_a_scripted_fault_strikes_the_nth_call(stand: Stand) -> None:
    """
    A fault answers the second matching call with its status and body, and the log says so.
    """
    stand.azure.faults.add(
        method="GET", path="*/apis", status=503, body={"error": {}}, headers={"Retry-After": "7"}, nth=2
    )
    answers = [stand.arm("GET", "/apis") for _ in range(3)]

    assert [200, 503, 200] == [one.status for one in answers]
    assert "7" == answers[1].headers["Retry-After"]
    assert ["", "*/apis", ""] == [one.fault for one in stand.azure.log.entries]


def test_a_fault_after_the_effect(stand: Stand) -> None:
    """
    A write that took effect can still be answered with an error, or with nothing at all.
    """
    stand.azure.faults.add(method="PUT", path="*/policies/policy", status=500, when=When.AFTER)
    stand.put_policy("/apis/echo", "<policies />")
    stand.azure.faults.add(method="DELETE", path="*/policies/policy", reset=True, when=When.AFTER, times=None)

    assert 200 == stand.arm("GET", "/apis/echo/policies/policy").status
    with pytest.raises(aiohttp.ClientConnectionError):
        stand.arm("DELETE", "/apis/echo/policies/policy")
    assert 404 == stand.arm("GET", "/apis/echo/policies/policy").status


def test_a_stale_read_shows_what_was_before(stand: Stand) -> None:
    """
    A read told to be stale sees the resource before its last change.
    """
    before = stand.arm("GET", "/policies/policy").etag
    stand.put_policy("", "<policies />")
    stand.azure.faults.add(method="GET", path="*/policies/policy", stale=True)

    assert before == stand.arm("GET", "/policies/policy").etag
    assert before != stand.arm("GET", "/policies/policy").etag


def test_reads_may_lag_behind_writes() -> None:
    """
    By option a GET right after a write shows the past: 404, then the old document, then the new one.
    """
    with running(consistency_lag=timedelta(seconds=30)) as stand:
        stand.put_policy("/apis/echo", "<policies />")
        early = stand.arm("GET", "/apis/echo/policies/policy").status
        stand.wait(timedelta(seconds=31))

        assert (404, 200) == (early, stand.arm("GET", "/apis/echo/policies/policy").status)


def test_what_is_declared_has_always_been_there() -> None:
    """
    Only what was written since is read late.
    """
    with running(consistency_lag=timedelta(seconds=30)) as stand:
        assert 200 == stand.arm("GET", "/apis/echo").status


def test_chance_is_seeded() -> None:
    """
    Faults by chance strike the same calls in every run with the same seed.
    """
    runs = []
    for _ in range(2):
        with running(seed=7) as stand:
            stand.azure.faults.add(method="GET", path="*", status=500, chance=0.5, times=None)
            runs.append([stand.arm("GET", "").status for _ in range(8)])

    assert runs[0] == runs[1]
    assert {200, 500} == set(runs[0])


def test_the_log_counts_writes_by_what_they_ask(stand: Stand) -> None:
    """
    Reads by POST count as reads; every other POST, PUT, PATCH and DELETE is a write, refused or not.
    """
    stand.arm("GET", "")
    stand.arm("POST", "/subscriptions/master/listSecrets")
    stand.arm("POST", "/providers/Microsoft.ResourceGraph/resources", {"query": "resources"})
    stand.put_policy("", "no policy")

    assert [("PUT", 400)] == [(one.method, one.status) for one in stand.azure.log.writes()]
    assert stand.azure.identity.default.object_id == stand.azure.log.entries[0].object_id


def test_writes_are_announced_with_their_caller(stand: Stand) -> None:
    """
    A listener hears of each write when it is done: a long update at its end, a failed write as failed, reads never.
    """
    heard: list[Write] = []
    stand.azure.store.subscribe(heard.append)
    stand.put_policy("/apis/echo", "<policies />")
    stand.put_policy("/apis/echo", "nonsense")
    host = {"type": "Proxy", "hostName": "apim.azure-api.net", "negotiateClientCertificate": True}
    body = {"properties": {"hostnameConfigurations": [host]}}
    stand.arm("PATCH", "", body, headers={"x-ms-client-request-id": "mine"})
    during = len(heard)
    stand.wait(timedelta(minutes=30))

    policy = "Microsoft.ApiManagement/service/apis/policies/write"
    assert [(policy, "Succeeded", True), (policy, "Failed", False)] == [
        (one.operation_name, one.status.value, one.created) for one in heard[:2]
    ]
    assert (2, "Microsoft.ApiManagement/service/write", "mine", stand.now) == (
        during,
        heard[2].operation_name,
        heard[2].client_request_id,
        heard[2].at,
    )


def test_control_over_http(stand: Stand) -> None:
    """
    Health, faults, clock, log and failing operations can be had from another process.
    """
    health = stand.control("GET", "/health").json
    stand.control("POST", "/faults", {"path": "*/apis", "status": 418, "delay_seconds": 0})
    struck = stand.arm("GET", "/apis").status
    moved = stand.control("POST", "/clock", {"seconds": 60}).json
    stand.control("POST", "/operations/fail", {"service": service_id()})

    assert (stand.azure.endpoints.arm, 418) == (health["arm"], struck)
    assert "2026-11-22T08:01:00+00:00" == moved["now"]
    assert 418 == stand.control("GET", "/log").json["value"][0]["status"]
    assert 400 == stand.control("POST", "/faults", {"nonsense": 1}).status


def query(stand: Stand, text: str, **options: Any) -> Any:
    body = {"query": text, "subscriptions": [SUBSCRIPTION], "options": options}
    return stand.arm("POST", "/providers/Microsoft.ResourceGraph/resources", body, version="2022-10-01")


GATEWAYS = [
    {
        "id": f"{GROUP}/providers/Microsoft.Network/applicationGateways/{name}",
        "type": "Microsoft.Network/applicationGateways",
        "location": "westeurope",
        "properties": {"backendAddressPools": [{"properties": {"backendAddresses": [{"fqdn": fqdn}]}}]},
    }
    for name, fqdn in (("edge", "apim.azure-api.net"), ("other", "elsewhere.example"))
]


def test_resource_graph_shows_what_is_tracked() -> None:
    """
    Queries with where and project find services, vaults and declared resources, in pages.
    """
    with running(tenant_with(resources=GATEWAYS)) as stand:
        services = query(
            stand, "resources | where type =~ 'Microsoft.ApiManagement/service' | project id, sku=sku.name"
        )
        gateways = query(
            stand, "Resources\n| where type == 'microsoft.network/applicationgateways' and name in~ ('EDGE', 'x')"
        ).json
        first = query(stand, "resources | project name | order by name asc", **{"$top": 2}).json
        second = query(
            stand, "resources | project name | order by name asc", **{"$skipToken": first["$skipToken"]}
        ).json

        assert [{"id": service_id(), "sku": "Developer"}] == services.json["data"]
        assert ["edge"] == [row["name"] for row in gateways["data"]]
        assert ["apim", "edge", "kv-apim", "other"] == [row["name"] for row in first["data"] + second["data"]]
        assert 400 == query(stand, "resources | summarize count() by type").status


def test_resources_without_a_module_are_listed_by_type() -> None:
    """
    Whatever the tenant declares can be listed by its type, in the subscription and in its group.
    """
    with running(tenant_with(resources=GATEWAYS)) as stand:
        tail = "providers/Microsoft.Network/applicationGateways"
        found = stand.arm("GET", f"/subscriptions/{SUBSCRIPTION}/{tail}").json["value"]

        assert ["edge", "other"] == [one["name"] for one in found]
        assert 2 == len(stand.arm("GET", f"{GROUP}/{tail}").json["value"])


@pytest.mark.parametrize(
    ("level", "deleted", "written"), [("CanNotDelete", 409, 200), ("ReadOnly", 409, 409)], ids=["delete", "all"]
)
def test_a_lock_refuses_what_it_says(level: str, deleted: int, written: int) -> None:
    """
    A lock on the group refuses deletes, or every write, below it; reads go on.
    """
    lock = {
        "id": f"{GROUP}/providers/Microsoft.Authorization/locks/keep",
        "type": "Microsoft.Authorization/locks",
        "properties": {"level": level},
    }
    with running(tenant_with(resources=[lock])) as stand:
        put, delete = stand.put_policy("", "<policies />"), stand.arm("DELETE", "/policies/policy")

        assert (written, deleted, "ScopeLocked") == (put.status, delete.status, delete.error["code"])
        assert 200 == stand.arm("GET", "/policies/policy").status


def denial(stand_scope: str, **properties: Any) -> dict[str, Any]:
    return {
        "id": f"{stand_scope}/providers/Microsoft.Authorization/denyAssignments/one",
        "type": "Microsoft.Authorization/denyAssignments",
        "properties": {
            "denyAssignmentName": "managed by somebody else",
            "permissions": [{"actions": ["*/write"], "notActions": ["Microsoft.ApiManagement/service/backends/write"]}],
            "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
            **properties,
        },
    }


@pytest.mark.parametrize(
    ("properties", "written", "backend"),
    [
        pytest.param({}, 403, 201, id="everybody"),
        pytest.param({"excludePrincipals": [{"id": TWO[0]["object_id"]}]}, 200, 201, id="but one"),
        pytest.param({"principals": [{"id": TWO[1]["object_id"]}]}, 200, 201, id="another"),
        pytest.param({"doNotApplyToChildScopes": True}, 200, 201, id="not below"),
        pytest.param({"permissions": [{"actions": ["*"]}]}, 403, 403, id="all actions"),
    ],
)
def test_a_deny_assignment_goes_before_roles(properties: dict[str, Any], written: int, backend: int) -> None:
    """
    What it forbids is a 403 of its own code, and no role helps.
    """
    tenant = tenant_with(principals=TWO, resources=[denial(GROUP, **properties)])
    with running(tenant) as stand:
        put = stand.put_policy("", "<policies />")
        other = stand.arm("PUT", "/backends/b", {"properties": {"url": "https://b.example", "protocol": "http"}})

        assert (written, backend) == (put.status, other.status)
        assert {"DenyAssignmentAuthorizationFailed"} >= {one.error["code"] for one in (put, other) if one.status == 403}


def test_deny_assignments_are_listed() -> None:
    """
    As declared, at their scope.
    """
    with running(tenant_with(resources=[denial(service_id())])) as stand:
        listed = stand.arm("GET", f"{service_id()}/providers/Microsoft.Authorization/denyAssignments").json["value"]

        assert ["managed by somebody else"] == [one["properties"]["denyAssignmentName"] for one in listed]


def test_ids_may_come_in_other_cases() -> None:
    """
    By option a list writes ids in another case than GET does.
    """
    with running(mixed_case=True) as stand:
        listed = stand.arm("GET", "/apis").json["value"][0]["id"]
        found = stand.arm("GET", "/apis/echo").json["id"]

        assert listed != found
        assert listed.casefold() == found.casefold()
        assert 200 == stand.arm("GET", "/apis/echo/revisions").status


def test_a_call_can_be_held_up_in_virtual_time(stand: Stand) -> None:
    """
    A delayed call waits until the emulator's clock reaches its moment, and is not counted as in flight meanwhile.
    """
    stand.azure.faults.add(method="GET", path="*/apis", delay=timedelta(minutes=2))

    status, due, busy = stand.held_up("GET", "/apis", timedelta(minutes=2))

    assert (200, stand.now, 0) == (status, due, busy)
