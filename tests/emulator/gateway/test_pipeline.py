"""The effective policy: what runs in which order, and what each element does to a call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.emulator.gateway.bench import BASE, FORWARD, Bench, running

HOST = "dev.azure-api.net"
OPERATIONS = [
    {"id": "list", "method": "GET", "url": "/", "name": "List"},
    {"id": "get", "method": "GET", "url": "/{id}", "name": "Get"},
]
SERVICE = {
    "name": "dev",
    "sku": "Developer",
    "hostnames": [{"host": HOST, "negotiate": True}],
    "named_values": [
        {"id": "n1", "name": "the-status", "value": "418"},
        {"id": "n2", "name": "the-test", "value": "context.Request.Certificate == null", "secret": True},
    ],
    "fragments": [
        {
            "id": "check",
            "policy": '<fragment><validate-client-certificate validate-trust="false" '
            'validate-revocation="false" /></fragment>',
        },
        {"id": "note", "policy": '<fragment><trace source="note"><message>x</message></trace></fragment>'},
    ],
    "apis": [
        {"id": "echo", "name": "Echo", "path": "echo", "subscription_required": False, "operations": OPERATIONS},
        {"id": "keyed", "name": "Keyed", "path": "keyed", "operations": OPERATIONS},
    ],
    "subscriptions": [{"id": "all", "scope": "/apis", "key": "k" * 32}],
}
CHECK = '<validate-client-certificate validate-trust="false" validate-revocation="false" />'
SCOPES = ("", "apis/echo", "apis/echo/operations/list", "apis/keyed")


def note(name: str) -> str:
    return f'<trace source="{name}"><message /></trace>'


def returning(status: int) -> str:
    return f'<return-response><set-status code="{status}" reason="So" /></return-response>'


@pytest.fixture(scope="module")
def running_bench() -> Iterator[Bench]:
    with running([SERVICE]) as bench:
        yield bench


@pytest.fixture
def bench(running_bench: Bench) -> Iterator[Bench]:
    """
    A bench without any policy but the default, and nothing remembered.
    """
    for scope in SCOPES:
        running_bench.policy("dev", scope, "")
    running_bench.recorded()
    running_bench.reached()
    yield running_bench


def ran(bench: Bench) -> list[str]:
    bench.call(HOST, "/echo/")
    return [record.name for record in bench.recorded()]


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(BASE + note("b"), ["a", "b"], id="base-first"),
        pytest.param(note("b") + BASE, ["b", "a"], id="base-last"),
        pytest.param(note("b"), ["b"], id="no-base"),
        pytest.param(BASE + '<include-fragment fragment-id="note" />', ["a", "note"], id="fragment"),
        pytest.param(f"<choose><when condition='true'>{BASE}</when></choose>", ["a"], id="base-inside-choose"),
    ],
)
def test_base_stands_for_the_outer_scope(bench: Bench, inner: str, expected: list[str]) -> None:
    """
    Outer policies run where `<base />` stands, and not at all without it.
    """
    bench.inbound("dev", "", note("a"))
    bench.inbound("dev", "apis/echo", inner)

    assert expected == ran(bench)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(f"<policies>{FORWARD}</policies>", [], id="missing"),
        pytest.param(f"<policies><inbound />{FORWARD}</policies>", [], id="empty"),
        pytest.param(f"<policies><inbound>{BASE}</inbound></policies>", ["a"], id="no-backend"),
    ],
)
def test_missing_sections(bench: Bench, document: str, expected: list[str]) -> None:
    """
    An inbound that is missing or empty shuts the outer scopes out; a missing backend still forwards.
    """
    bench.inbound("dev", "", note("a"))
    bench.policy("dev", "apis/echo", document)

    assert (expected, 1) == (ran(bench), bench.reached())


def test_a_check_is_bypassed_by_an_inner_scope_without_base(bench: Bench) -> None:
    """
    The global check guards what splices it in, and nothing else.
    """
    bench.inbound("dev", "", CHECK)
    before = bench.call(HOST, "/echo/").status
    bench.inbound("dev", "apis/echo/operations/list", note("x"))

    assert [401, 200, 401] == [before, *(bench.call(HOST, path).status for path in ("/echo/", "/echo/5"))]


def test_a_check_may_stand_in_a_fragment(bench: Bench) -> None:
    """
    A fragment's elements run as if they stood in the document.
    """
    bench.inbound("dev", "", '<include-fragment fragment-id="check" />')

    assert [401, 200] == bench.statuses(HOST, "/echo/", None, "stranger")


@pytest.mark.parametrize(
    ("on_error", "expected"),
    [
        pytest.param("", 401, id="nothing"),
        pytest.param(note("e"), 401, id="record"),
        pytest.param(returning(200), 200, id="hole"),
        pytest.param(returning(403), 403, id="other-refusal"),
        pytest.param('<set-status code="404" reason="x" />', 404, id="set-status"),
        pytest.param(
            '<choose><when condition="@(context.LastError.Source == &quot;validate-client-certificate&quot;)">'
            + returning(200)
            + "</when></choose>",
            200,
            id="on-condition",
        ),
    ],
)
def test_on_error_can_turn_a_refusal_into_success(bench: Bench, on_error: str, expected: int) -> None:
    """
    What on-error returns is what the caller sees, though nothing reached a backend.
    """
    bench.inbound("dev", "", CHECK, on_error=on_error)

    assert (expected, 0) == (bench.call(HOST, "/echo/").status, bench.reached())


def test_on_error_may_call_out(bench: Bench) -> None:
    """
    A `send-request` in on-error reaches out for a caller who was refused.
    """
    bench.inbound("dev", "", CHECK, on_error="<send-request><set-url>https://x.test/</set-url></send-request>")

    assert (401, 1) == (bench.call(HOST, "/echo/").status, bench.reached())


@pytest.mark.parametrize(("path", "expected"), [("/keyed/", 401), ("/keyed/a/b", 404), ("/nowhere", 404)])
def test_on_error_runs_for_refusals_before_the_policies(bench: Bench, path: str, expected: int) -> None:
    """
    A missing key and an unknown operation go through on-error too.
    """
    plain = bench.call(HOST, path).status
    bench.inbound("dev", "", "", on_error=returning(299))

    assert [expected, 299] == [plain, bench.call(HOST, path).status]


def test_a_response_ends_the_call(bench: Bench) -> None:
    """
    Behind a `return-response` nothing runs, in this scope or in an inner one.
    """
    response = '<return-response><set-status code="418" reason="Teapot" /><set-header name="X-A"><value>b</value>'
    bench.inbound("dev", "", note("a") + response + "</set-header><set-body>short</set-body></return-response>")
    bench.inbound("dev", "apis/echo", BASE + note("b"))

    answer = bench.call(HOST, "/echo/")

    assert (418, "b", "short") == (answer.status, answer.headers["X-A"], answer.text)
    assert (["a"], 0) == ([record.name for record in bench.recorded()], bench.reached())


@pytest.mark.parametrize(
    ("inbound", "expected"),
    [
        pytest.param('<mock-response status-code="203" />', 203, id="mock"),
        pytest.param('<ip-filter action="allow"><address>10.0.0.1</address></ip-filter>', 403, id="not-allowed"),
        pytest.param(
            '<ip-filter action="allow"><address-range from="127.0.0.0" to="127.0.0.9" /></ip-filter>', 200, id="allowed"
        ),
        pytest.param('<ip-filter action="forbid"><address>127.0.0.1</address></ip-filter>', 403, id="forbidden"),
        pytest.param('<check-header name="x-a" failed-check-httpcode="409" />', 409, id="header-missing"),
        pytest.param('<check-header name="host"><value>x</value></check-header>', 401, id="header-wrong"),
        pytest.param(
            f'<check-header name="host" ignore-case="true"><value>{HOST.upper()}</value></check-header>',
            200,
            id="header-right",
        ),
        pytest.param("<validate-jwt />", 401, id="no-token"),
        pytest.param('<rate-limit calls="1" renewal-period="9" /><rate-limit calls="1" />', 200, id="rate-limit"),
        pytest.param("<choose><otherwise>" + returning(202) + "</otherwise></choose>", 202, id="otherwise"),
        pytest.param(
            f"<choose><when condition='@(false)'>{returning(201)}</when><when condition='@(true)'>{returning(202)}"
            f"</when><otherwise>{returning(203)}</otherwise></choose>",
            202,
            id="second-when",
        ),
        pytest.param(
            '<return-response><set-status code="{{the-status}}" reason="" /></return-response>', 418, id="named-value"
        ),
        pytest.param(
            f'<choose><when condition="@({{{{the-test}}}})">{returning(403)}</when></choose>', 403, id="secret-value"
        ),
        pytest.param('<include-fragment fragment-id="gone" />', 500, id="missing-fragment"),
    ],
)
def test_what_the_elements_do(bench: Bench, inbound: str, expected: int) -> None:
    """
    Each element lets the call go on or ends it, as documented.
    """
    bench.inbound("dev", "", inbound)

    assert expected == bench.call(HOST, "/echo/").status


def test_without_forward_request_nothing_is_forwarded(bench: Bench) -> None:
    """
    An empty backend section answers 200 by itself.
    """
    bench.policy("dev", "", "<policies><inbound /><backend /></policies>")

    assert (200, 0) == (bench.call(HOST, "/echo/").status, bench.reached())


@pytest.mark.parametrize(
    ("inbound", "expected"),
    [
        ('<set-backend-service base-url="https://other.test/x" />', "https://other.test/x/5"),
        ('<rewrite-uri template="/new/{id}/" />', "https://service.test/new/5/"),
        ('<set-backend-service base-url="@(context.Request.Url)" />', "https://service.test/5"),
    ],
    ids=["base-url", "rewrite", "expression"],
)
def test_where_a_call_goes(bench: Bench, inbound: str, expected: str) -> None:
    """
    Policies may send a call elsewhere; an address given by an expression is not computed.
    """
    api = f"{bench.service('dev').id}/apis/echo"
    found = bench.azure.store.get(api)
    assert found is not None
    bench.azure.store.put(found.with_properties(serviceUrl="https://service.test"))
    bench.inbound("dev", "apis/echo", inbound)

    assert expected == bench.call(HOST, "/echo/5").json["url"]


def test_records_tell_of_whom_they_are(bench: Bench) -> None:
    """
    A trace or metric keeps what was written and who called which operation.
    """
    metric = '<emit-metric name="would-refuse" value="1"><dimension name="API ID" /></emit-metric>'
    bench.inbound("dev", "", metric)

    bench.call(HOST, "/echo/5", "client")
    (record,) = bench.recorded()

    assert ("emit-metric", "would-refuse", "echo", "get") == (record.kind, record.name, record.api, record.operation)
    assert bench.who("client").thumbprint == record.thumbprint


CORS = (
    '<cors terminate-unmatched-request="{}"><allowed-origins><origin>https://a.test</origin></allowed-origins>'
    "<allowed-methods><method>GET</method></allowed-methods>"
    "<allowed-headers><header>x-a</header></allowed-headers></cors>"
)


def preflight(bench: Bench, origin: str, method: str = "GET") -> tuple[int, bool]:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "X-A"}
    answer = bench.call(HOST, "/echo/", method="OPTIONS", headers=asked)
    return answer.status, "Access-Control-Allow-Origin" in answer.headers


def test_a_preflight_is_answered_before_any_check(bench: Bench) -> None:
    """
    Browsers ask without a certificate: of the policies only `cors` runs, wherever it stands.
    """
    bench.inbound("dev", "", CHECK + CORS.format("true"))

    assert [(200, True), (200, False), (404, False)] == [
        preflight(bench, "https://a.test"),
        preflight(bench, "https://b.test"),
        preflight(bench, "https://a.test", "POST"),
    ]
    assert 0 == bench.reached()


@pytest.mark.parametrize(("terminates", "known"), [("true", False), ("false", True)], ids=["ends", "goes-on"])
def test_a_further_cors_may_know_the_origin(bench: Bench, terminates: str, known: bool) -> None:
    """
    An inner policy is asked only where the outer one lets unknown origins through.
    """
    bench.inbound("dev", "", CORS.format(terminates).replace("a.test", "other.test"))
    bench.inbound("dev", "apis/echo", BASE + CORS.format("true"))

    assert (200, known) == preflight(bench, "https://a.test")


def test_a_preflight_without_cors_is_no_operation(bench: Bench) -> None:
    """
    Where no policy has a `cors`, OPTIONS is a method like any other.
    """
    assert (404, False) == preflight(bench, "https://a.test")


@pytest.mark.parametrize(
    ("terminates", "origin", "reached"),
    [("true", "https://a.test", 1), ("true", "https://b.test", 0), ("false", "https://b.test", 1)],
    ids=["known", "unknown", "let-through"],
)
def test_a_cross_origin_call(bench: Bench, terminates: str, origin: str, reached: int) -> None:
    """
    A GET from an unknown origin ends with an empty 200 unless `terminate-unmatched-request` is false.
    """
    bench.inbound("dev", "", CORS.format(terminates))

    answer = bench.call(HOST, "/echo/", headers={"Origin": origin})

    assert (200, reached) == (answer.status, bench.reached())
    assert (origin == "https://a.test") == ("Access-Control-Allow-Origin" in answer.headers)


def test_a_cache_before_a_check_answers_anybody(bench: Bench) -> None:
    """
    What an allowed caller fetched, the cache gives to one without a certificate, until it is too old.
    """
    document = "<policies><inbound>{}</inbound>{}<outbound><cache-store duration='60' /></outbound></policies>"
    bench.policy("dev", "", document.format(f"<cache-lookup />{CHECK}", FORWARD))

    early, warm, late = (bench.statuses(HOST, "/echo/7", *who) for who in ([None], ["client"], [None]))
    bench.passes(timedelta(minutes=2))

    assert [[401], [200], [200], [401]] == [early, warm, late, bench.statuses(HOST, "/echo/7", None)]


@pytest.mark.parametrize(
    ("inbound", "named"),
    [
        pytest.param("<dance />", "dance", id="element"),
        pytest.param("<choose><perhaps /></choose>", "perhaps", id="branch"),
        pytest.param("<choose><when condition='@(context.User == null)' /></choose>", "context.User", id="condition"),
        pytest.param('<return-response><set-status code="@(4)" /></return-response>', "code=@(4)", id="status"),
        pytest.param('<set-backend-service backend-id="nobody" />', "nobody", id="backend"),
        pytest.param('<ip-filter action="allow"><address>@(1)</address></ip-filter>', "ip-filter", id="address"),
    ],
)
def test_what_is_not_played_is_said_and_remembered(bench: Bench, inbound: str, named: str) -> None:
    """
    An unknown element or condition answers 500, and is kept for whoever wants none.
    """
    bench.inbound("dev", "", inbound, on_error=returning(200))

    answer = bench.call(HOST, "/echo/")
    (remembered,) = bench.gateway.not_emulated
    bench.gateway.not_emulated.clear()

    assert (500, f"not emulated: {remembered}") == (answer.status, answer.text)
    assert named in remembered
