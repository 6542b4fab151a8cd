"""Which API, operation and product a call is for, and which policies it therefore runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.gateway.bench import BASE, Bench, running

HOST = "dev.azure-api.net"
READ = [
    {"id": "list", "method": "GET", "url": "/", "name": "List"},
    {"id": "get", "method": "GET", "url": "/{id}", "name": "Get"},
    {"id": "latest", "method": "GET", "url": "/latest", "name": "Latest"},
    {"id": "files", "method": "GET", "url": "/files/{*path}", "name": "Files"},
    {"id": "send", "method": "POST", "url": "/", "name": "Send"},
]
GOLD, SILVER, ORDERS, ALL, OTHER, SUSPENDED = (letter * 32 for letter in "gsoaxz")


def api(name: str, **more: object) -> dict[str, object]:
    return {"id": name, "name": name, "path": name, "service_url": "https://b.test", "operations": READ, **more}


SERVICE = {
    "name": "dev",
    "sku": "Developer",
    "apis": [
        api("orders"),
        api("orders;rev=2", path="orders"),
        api("orders;rev=3", path="orders", properties={"isOnline": False}),
        api("news", subscription_required=False),
        api("shared"),
        api(
            "chat",
            type="websocket",
            service_url="wss://b.test",
            subscription_required=False,
            operations=[{"id": "onHandshake", "method": "GET", "url": "/", "name": "onHandshake"}],
        ),
        api("graph", type="graphql", subscription_required=False, operations=[]),
        api("tools", type="mcp", subscription_required=False),
        api("deep", path="orders/deep", subscription_required=False),
        api(
            "v1",
            path="versioned",
            subscription_required=False,
            properties={"apiVersion": "v1", "apiVersionSetId": "/apiVersionSets/segment"},
        ),
        api(
            "v2",
            path="versioned",
            subscription_required=False,
            properties={"apiVersion": "v2", "apiVersionSetId": "/apiVersionSets/segment"},
        ),
        api(
            "q1",
            path="query",
            subscription_required=False,
            properties={"apiVersion": "1", "apiVersionSetId": "/apiVersionSets/query"},
        ),
        api(
            "q2",
            path="query",
            subscription_required=False,
            properties={"apiVersion": "2", "apiVersionSetId": "/apiVersionSets/query"},
        ),
        api(
            "h1",
            path="header",
            subscription_required=False,
            properties={"apiVersion": "1", "apiVersionSetId": "/apiVersionSets/header"},
        ),
    ],
    "products": [
        {"id": "gold", "name": "Gold", "apis": ["orders", "shared", "news"]},
        {"id": "silver", "name": "Silver", "apis": ["shared"]},
        {"id": "open", "name": "Open", "subscription_required": False, "apis": ["shared"]},
    ],
    "subscriptions": [
        {"id": "gold", "scope": "/products/gold", "key": GOLD},
        {"id": "silver", "scope": "/products/silver", "key": SILVER},
        {"id": "orders", "scope": "/apis/orders", "key": ORDERS},
        {"id": "all", "scope": "/apis", "key": ALL},
        {"id": "late", "scope": "/products/gold", "key": SUSPENDED, "state": "suspended"},
    ],
    "version_sets": [
        {"id": "segment", "properties": {"versioningScheme": "Segment"}},
        {"id": "query", "properties": {"versioningScheme": "Query", "versionQueryName": "api-version"}},
        {"id": "header", "properties": {"versioningScheme": "Header", "versionHeaderName": "x-version"}},
    ],
    "workspaces": [
        {"id": "team", "apis": [api("ledger", subscription_required=False)], "products": []},
    ],
}
SCOPES = [
    "",
    "products/gold",
    "products/silver",
    "products/open",
    "apis/orders",
    "apis/orders;rev=2",
    "apis/news",
    "apis/shared",
    "apis/orders/operations/get",
    "workspaces/team",
    "workspaces/team/apis/ledger",
]


@pytest.fixture(scope="module")
def running_bench() -> Iterator[Bench]:
    with running([SERVICE]) as bench:
        for scope in SCOPES:
            trace = f'<trace source="{scope or "global"}"><message>here</message></trace>'
            bench.inbound("dev", scope, BASE + trace if scope else trace)
        yield bench


@pytest.fixture
def bench(running_bench: Bench) -> Bench:
    """
    The running bench with nothing remembered.
    """
    running_bench.recorded()
    running_bench.reached()
    return running_bench


def ran(bench: Bench) -> list[str]:
    return [record.name for record in bench.recorded()]


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        pytest.param("orders/", GOLD, ["global", "products/gold", "apis/orders"], id="product-key"),
        pytest.param("orders/", ORDERS, ["global", "apis/orders"], id="api-key"),
        pytest.param("orders/", ALL, ["global", "apis/orders"], id="all-apis-key"),
        pytest.param("orders/", "master", ["global", "apis/orders"], id="all-access-key"),
        pytest.param("orders/7", ALL, ["global", "apis/orders", "apis/orders/operations/get"], id="operation"),
        pytest.param("shared/", SILVER, ["global", "products/silver", "apis/shared"], id="other-product-key"),
        pytest.param("shared/", "", ["global", "products/open", "apis/shared"], id="open-product"),
        pytest.param("shared/", OTHER, ["global", "products/open", "apis/shared"], id="bad-key-at-open-product"),
        pytest.param("news/", "", ["global", "apis/news"], id="no-key-needed"),
        pytest.param("news/", GOLD, ["global", "products/gold", "apis/news"], id="key-not-needed"),
        pytest.param("news/", SILVER, ["global", "apis/news"], id="foreign-key-not-needed"),
        pytest.param("orders;rev=2/", GOLD, ["global", "products/gold", "apis/orders;rev=2"], id="revision"),
        pytest.param("orders/7;rev=2", ALL, ["global", "apis/orders;rev=2"], id="revision-at-the-end"),
        pytest.param("orders;rev=1/", ALL, ["global", "apis/orders"], id="current-revision-by-number"),
        pytest.param("ledger/", "", ["global", "workspaces/team", "workspaces/team/apis/ledger"], id="workspace"),
    ],
)
def test_the_key_and_the_path_choose_the_policies(bench: Bench, path: str, key: str, expected: list[str]) -> None:
    """
    A product's policy runs with a key of that product or without a key in the open one; other keys bring none.
    """
    real = bench.master_key("dev") if key == "master" else key

    answer = bench.call(HOST, f"/{path}", key=real)

    assert (200, expected) == (answer.status, ran(bench))


@pytest.mark.parametrize(
    ("path", "key", "message"),
    [
        pytest.param("/orders/", "", "missing subscription key", id="none"),
        pytest.param("/orders/", OTHER, "invalid subscription key", id="unknown"),
        pytest.param("/orders/", SILVER, "invalid subscription key", id="other-product"),
        pytest.param("/orders/", SUSPENDED, "invalid subscription key", id="suspended"),
    ],
)
def test_a_needed_key_is_insisted_on(bench: Bench, path: str, key: str, message: str) -> None:
    """
    Without a key that fits, an API that requires a subscription answers 401 and reaches nobody.
    """
    answer = bench.call(HOST, path, key=key)

    assert (401, True, 0) == (answer.status, message in answer.text, bench.reached())


def test_the_key_may_stand_in_the_query(bench: Bench) -> None:
    """
    The query parameter does as well as the header.
    """
    assert 200 == bench.call(HOST, f"/orders/?subscription-key={GOLD}").status


@pytest.mark.parametrize(
    "path",
    [
        "/nothing/",
        "/orders/a/b",
        "/ordersx/",
        "/orders;rev=9/",
        "/orders;rev=3/",
        "/query/?api-version=3",
        "/versioned/",
    ],
    ids=["no-api", "no-operation", "longer-name", "no-revision", "offline-revision", "no-version", "no-segment"],
)
def test_what_does_not_exist_is_not_found(bench: Bench, path: str) -> None:
    """
    Without a matching API, version, online revision and operation the answer is 404.
    """
    answer = bench.call(HOST, path, key=ALL)

    assert (404, "Resource not found") == (answer.status, answer.json["message"])


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        pytest.param("/versioned/v1/", {}, "v1", id="segment"),
        pytest.param("/versioned/v2/", {}, "v2", id="other-segment"),
        pytest.param("/query/?api-version=2", {}, "q2", id="query"),
        pytest.param("/header/", {"x-version": "1"}, "h1", id="header"),
        pytest.param("/ORDERS/Deep/", {}, "deep", id="longest-path"),
    ],
)
def test_versions_and_paths_choose_the_api(bench: Bench, path: str, headers: dict[str, str], expected: str) -> None:
    """
    The longest matching path wins; a version is found in the path, the query or a header.
    """
    bench.inbound("dev", f"apis/{expected}", f'{BASE}<trace source="{expected}"><message /></trace>')

    bench.call(HOST, path, headers=headers)

    assert ["global", expected] == ran(bench)


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/news/", "list"),
        ("GET", "/news", "list"),
        ("POST", "/news", "send"),
        ("GET", "/news/5", "get"),
        ("GET", "/news/latest", "latest"),
        ("GET", "/news/files/a/b/c", "files"),
        ("GET", "/chat/", "onHandshake"),
        ("POST", "/graph/", ""),
    ],
)
def test_the_operation_is_found_by_method_and_template(bench: Bench, method: str, path: str, operation: str) -> None:
    """
    Literal segments win over placeholders; WebSocket has its handshake, GraphQL no operation.
    """
    bench.call(HOST, path, method=method)

    assert {operation} == {record.operation for record in bench.recorded()}


def test_a_kind_of_api_that_is_not_played_is_said_so(bench: Bench) -> None:
    """
    An MCP or A2A API is not guessed at.
    """
    answer = bench.call(HOST, "/tools/")
    told = list(bench.gateway.not_emulated)
    bench.gateway.not_emulated.clear()

    assert (500, ["an API of type mcp"]) == (answer.status, told)


def test_the_backend_gets_the_rest_of_the_path(bench: Bench) -> None:
    """
    The API's own address is extended by what follows its path, query included.
    """
    answer = bench.call(HOST, "/news/5?x=1")

    assert "https://b.test/5?x=1" == answer.json["url"]
