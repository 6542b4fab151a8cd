"""What stands below a service: APIs with revisions, products, subscriptions, named values, gateways, workspaces."""

from __future__ import annotations

import base64
import struct
from datetime import timedelta
from typing import Any

import pytest

from tests.emulator.stand import Stand, running, service_id, tenant_with

DESCRIBED: dict[str, Any] = {
    "apis": {"displayName": "A", "path": "a", "protocols": ["https"]},
    "products": {"displayName": "P"},
    "subscriptions": {"displayName": "S", "scope": "/apis"},
    "backends": {"url": "https://b.example", "protocol": "http"},
    "gateways": {"locationData": {"name": "here"}},
    "workspaces": {"displayName": "W"},
    "loggers": {"loggerType": "applicationInsights"},
    "tags": {"displayName": "T"},
    "apiVersionSets": {"displayName": "V", "versioningScheme": "Header"},
}

NAMED = ("subscriptions", "workspaces", "tags")


def put(stand: Stand, path: str, /, **properties: Any) -> Any:
    return stand.arm("PUT", path, {"properties": properties})


def names(stand: Stand, path: str, where: str = "") -> list[str]:
    query = {"$filter": where} if where else {}
    return [one["name"] for one in stand.arm("GET", path, None, headers={}, **query).json["value"]]


@pytest.mark.parametrize("segment", DESCRIBED)
def test_the_life_of_an_entity(stand: Stand, segment: str) -> None:
    """
    Created 201, again 200, found by GET, HEAD and list, changed by PATCH, deleted once, then 204 and 404.
    """
    path = f"/{segment}/x"
    made, again = put(stand, path, **DESCRIBED[segment]), put(stand, path, **DESCRIBED[segment])
    found, head = stand.arm("GET", path), stand.arm("HEAD", path)
    change = {"properties": {"displayName": "x"} if segment in NAMED else {"description": "d"}}
    patched = stand.arm("PATCH", path, change, headers={"If-Match": "*"})
    listed = "x" in names(stand, f"/{segment}")
    gone = [stand.arm("DELETE", path, headers={"If-Match": "*"}).status for _ in range(2)]
    deleted = 202 if segment == "apis" else 200

    assert (201, 200, 200, 200) == (made.status, again.status, found.status, head.status)
    assert (f"{service_id()}{path}", found.etag) == (found.json["id"], head.etag)
    assert patched.status in (200, 204)
    assert (True, [deleted, 204], 404) == (listed, gone, stand.arm("GET", path).status)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_stale_etag_is_refused(stand: Stand, method: str) -> None:
    """
    An If-Match that is not the current etag answers 412 and changes nothing.
    """
    etag = put(stand, "/backends/b", **DESCRIBED["backends"]).etag
    body = None if method == "DELETE" else {"properties": DESCRIBED["backends"]}
    refused = stand.arm(method, "/backends/b", body, headers={"If-Match": '"AAAAAAAAAAA="'})

    assert (412, "PreconditionFailed") == (refused.status, refused.error["code"])
    assert etag == stand.arm("GET", "/backends/b").etag


def test_a_patch_keeps_what_it_leaves_out(stand: Stand) -> None:
    """
    A PATCH of a backend lays its members over those that are there.
    """
    put(stand, "/backends/b", **DESCRIBED["backends"])
    patched = stand.arm("PATCH", "/backends/b", {"properties": {"description": "d"}}, headers={"If-Match": "*"})

    assert {"title": None, "description": "d", "url": "https://b.example", "protocol": "http"} == patched.json[
        "properties"
    ]


def test_an_api_by_put_get_and_list(stand: Stand) -> None:
    """
    PUT, GET and list show an API's authentication and parameter names differently.
    """
    made = put(stand, "/apis/a", displayName="A", path="/a/").json["properties"]
    found = stand.arm("GET", "/apis/a").json["properties"]
    listed = stand.arm("GET", "/apis").json["value"][-1]["properties"]

    assert ("a", "1", True, True) == (
        made["path"],
        made["apiRevision"],
        made["isCurrent"],
        made["subscriptionRequired"],
    )
    assert {"oAuth2": None, "openid": None} == made["authenticationSettings"]
    assert [] == found["authenticationSettings"]["openidAuthenticationSettings"]
    assert (None, None) == (listed["authenticationSettings"], listed["subscriptionKeyParameterNames"])


def test_a_revision_copies_its_source(stand: Stand) -> None:
    """
    A revision made from an API has its operations and policies, and isn't listed among the APIs.
    """
    stand.put_policy("/apis/echo", "<policies />")
    made = put(
        stand, "/apis/echo;rev=2", path="echo", sourceApiId=f"{service_id()}/apis/echo", apiRevisionDescription="next"
    )

    assert (201, "echo;rev=2", "2") == (made.status, made.json["name"], made.json["properties"]["apiRevision"])
    assert "isCurrent" not in made.json["properties"]
    assert (["get"], ["echo"]) == (names(stand, "/apis/echo;rev=2/operations"), names(stand, "/apis"))
    assert 200 == stand.arm("GET", "/apis/echo%3Brev%3D2/policies/policy").status
    assert ["1", "2"] == [one["apiRevision"] for one in stand.arm("GET", "/apis/echo/revisions").json["value"]]


def test_a_release_swaps_the_current_revision(stand: Stand) -> None:
    """
    After a release the short id means the other revision, policies included.
    """
    put(stand, "/apis/echo;rev=2", path="echo", sourceApiId=f"{service_id()}/apis/echo")
    stand.put_policy("/apis/echo;rev=2", "<policies><inbound /></policies>")
    put(stand, "/apis/echo/releases/r", apiId=f"{service_id()}/apis/echo;rev=2")
    current = stand.arm("GET", "/apis/echo").json["properties"]

    assert ("2", True) == (current["apiRevision"], current["isCurrent"])
    assert 200 == stand.arm("GET", "/apis/echo/policies/policy").status
    assert 404 == stand.arm("GET", "/apis/echo;rev=1/policies/policy").status


def test_two_apis_cant_share_a_path(stand: Stand) -> None:
    """
    A second API on the same path is a ValidationError.
    """
    refused = put(stand, "/apis/other", displayName="O", path="echo")

    assert (400, "path") == (refused.status, refused.error["details"][0]["target"])


def test_an_import_is_finished_a_moment_later(stand: Stand) -> None:
    """
    A PUT with a document answered 202 with a Location that gives the API with status 201.
    """
    document = {"format": "openapi", "value": "openapi: 3.0.1", "path": "i", "displayName": "I"}
    made = stand.arm("PUT", "/apis/imported", {"properties": document}, version="2022-08-01")
    polled = stand.follow(made.headers["Location"])

    assert (202, "", 201) == (made.status, made.text, polled.status)


def test_products_and_links(stand: Stand) -> None:
    """
    Both forms of a link stand for one fact; PUT shows groups that GET leaves out.
    """
    made = put(stand, "/products/p", displayName="P")
    first = stand.arm("PUT", "/products/p/apis/echo")
    again = stand.arm("PUT", "/products/p/apis/echo")
    links = stand.arm("GET", "/products/p/apiLinks").json["value"]

    assert ("groups" in made.json["properties"], "groups" in stand.arm("GET", "/products/p").json["properties"]) == (
        True,
        False,
    )
    assert (201, 200, first.etag) == (first.status, again.status, again.etag)
    assert [f"{service_id()}/apis/echo"] == [one["properties"]["apiId"] for one in links]
    assert ["echo"] == names(stand, "/products/p/apis")
    assert ["starter", "p"] == names(stand, "/apis/echo/products")
    assert 204 == stand.arm("HEAD", "/products/p/apis/echo").status


def test_keys_are_shown_on_request_only(stand: Stand) -> None:
    """
    A subscription's keys stand in the PUT's answer and in listSecrets; its scope becomes a full id.
    """
    made = put(stand, "/subscriptions/s", displayName="S", scope="/products/starter").json["properties"]
    found = stand.arm("GET", "/subscriptions/s").json["properties"]
    secrets = stand.arm("POST", "/subscriptions/s/listSecrets").json

    assert f"{service_id()}/products/starter" == found["scope"]
    assert "primaryKey" not in found
    assert {name: made[name] for name in ("primaryKey", "secondaryKey")} == secrets
    assert "master" in names(stand, "/subscriptions")


def test_named_values_by_version(stand: Stand) -> None:
    """
    A named value was 202 first and is a stub since 2023-05-01; a secret's value is revealed on request only.
    """
    body = {"properties": {"displayName": "n", "value": "hidden", "secret": True}}
    made = stand.arm("PUT", "/namedValues/n", body, version="2022-08-01")
    found = stand.arm("GET", "/namedValues/n").json["properties"]
    stub = put(stand, "/namedValues/m", displayName="m", value="x")
    status = stand.follow(stub.headers["Azure-AsyncOperation"])

    assert (202, "") == (made.status, made.text)
    assert "value" not in found
    assert {"value": "hidden"} == stand.arm("POST", "/namedValues/n/listValue").json
    assert (201, {"ProvisioningState": "InProgress"}) == (stub.status, stub.json["properties"])
    assert ({"status": "Succeeded"}, "private") == (status.json, status.headers["Cache-Control"])


def test_gateways_and_their_hostnames(stand: Stand) -> None:
    """
    Etags are little-endian, a linked API moves the gateway's, and a hostname has the documented defaults.
    """
    put(stand, "/gateways/g", **DESCRIBED["gateways"])
    before = stand.arm("GET", "/gateways/g")
    host = put(stand, "/gateways/g/hostnameConfigurations/h", hostname="x.contoso.com").json["properties"]
    middle = stand.arm("GET", "/gateways/g").etag
    stand.arm("PUT", "/gateways/g/apis/echo", {"properties": {"provisioningState": "created"}})

    assert [] == before.json["properties"]["heartbeat"]
    assert struct.unpack("<Q", base64.b64decode(before.etag.strip('"')))[0] < 2**32
    assert (before.etag, False) == (middle, stand.arm("GET", "/gateways/g").etag == middle)
    assert (False, False, False, True) == tuple(
        host[name] for name in ("negotiateClientCertificate", "tls10Enabled", "tls11Enabled", "http2Enabled")
    )


def test_a_child_of_a_missing_gateway(stand: Stand) -> None:
    """
    A child of a missing gateway is a 400 with target gwid, while the gateway itself is a 204 on DELETE.
    """
    child = stand.arm("DELETE", "/gateways/no/hostnameConfigurations/h")

    assert (400, [{"code": "ValidationError", "target": "gwid", "message": "Gateway not found"}]) == (
        child.status,
        child.error["details"],
    )
    assert 204 == stand.arm("DELETE", "/gateways/no").status


def test_gateways_need_developer_or_premium() -> None:
    """
    A Standard service has no self-hosted gateways.
    """
    with running(tenant_with({"sku": "Standard"})) as stand:
        assert 400 == put(stand, "/gateways/g", **DESCRIBED["gateways"]).status


def test_a_workspace_has_entities_of_its_own(stand: Stand) -> None:
    """
    APIs, products and policies in a workspace have ids and types of their own and stay out of the service's lists.
    """
    put(stand, "/workspaces/w", displayName="W")
    api = put(stand, "/workspaces/w/apis/a", displayName="A", path="wa")
    operation = put(stand, "/workspaces/w/apis/a/operations/o", displayName="O", method="GET", urlTemplate="/")
    policy = stand.put_policy("/workspaces/w/apis/a/operations/o", "<policies />")

    assert ("Microsoft.ApiManagement/service/workspaces/apis", 201) == (api.json["type"], operation.status)
    assert "Microsoft.ApiManagement/service/workspaces/apis/operations/policies" == policy.json["type"]
    assert ["echo"] == names(stand, "/apis")
    assert 404 == stand.arm("GET", "/workspaces/none/apis").status


def test_filters_pick_by_field(stand: Stand) -> None:
    """
    Lists take the common filters: eq, contains, startswith.
    """
    for name in ("alpha", "beta"):
        put(stand, f"/backends/{name}", url=f"https://{name}.example", protocol="http")
    found = [
        names(stand, "/backends", text) for text in ("name eq 'alpha'", "contains(url,'beta')", "startswith(name,'a')")
    ]

    assert [["alpha"], ["beta"], ["alpha"]] == found


@pytest.mark.parametrize(
    ("method", "path", "version", "body", "first", "last"),
    [
        pytest.param(
            "PUT", "/namedValues/n", "2022-08-01", {"displayName": "n", "value": "v"}, 202, 201, id="by the resource"
        ),
        pytest.param(
            "PUT", "/policyFragments/f", "2022-08-01", {"value": "<fragment />"}, 202, 201, id="a fragment's own"
        ),
        pytest.param("DELETE", "/apis/echo", "2024-05-01", None, 202, 204, id="by what is gone"),
    ],
)
def test_a_write_that_takes_a_moment_is_polled_until_it_ends(
    method: str, path: str, version: str, body: Any, first: int, last: int
) -> None:
    """
    Polls of an unfinished write answer 202 and the way back; afterwards the code that was announced.
    """
    with running(child_duration=timedelta(minutes=1)) as stand:
        accepted = stand.arm(method, path, body and {"properties": body}, version=version)
        meanwhile = stand.follow(accepted.headers["Location"])
        due = stand.azure.next_due()
        stand.wait(timedelta(minutes=1))

        assert (first, 202, "") == (accepted.status, meanwhile.status, meanwhile.text)
        assert accepted.headers["Location"] == meanwhile.headers["Location"]
        assert (stand.now, last) == (due, stand.follow(accepted.headers["Location"]).status)


def test_the_status_of_such_a_write_moves_on() -> None:
    """
    The newer style has a status document, which says InProgress until the end.
    """
    with running(child_duration=timedelta(minutes=1)) as stand:
        accepted = stand.arm("PUT", "/namedValues/n", {"properties": {"displayName": "n", "value": "v"}})
        status = [stand.follow(accepted.headers["Azure-AsyncOperation"]).json["status"]]
        stand.wait(timedelta(minutes=1))
        status.append(stand.follow(accepted.headers["Azure-AsyncOperation"]).json["status"])

        assert ["InProgress", "Succeeded"] == status
