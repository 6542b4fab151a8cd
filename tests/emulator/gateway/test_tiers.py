"""Where a certificate is asked for: the switch of each tier and of each kind of gateway, as it is live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from emulator import Options
from emulator.gateway import NoConnection, self_hosted_name
from tests.emulator.gateway.bench import BASE, Bench, running

STATUS = "/status-0123456789abcdef"
CONSUMPTION_STATUS = "/internal-status-0123456789abcdef"
CHECK = '<validate-client-certificate validate-revocation="false" validate-trust="{}" />'


def open_api(name: str) -> dict[str, Any]:
    operations = [{"id": "list", "method": "GET", "url": "/", "name": "List"}]
    return {"id": name, "name": name, "path": name, "subscription_required": False, "operations": operations}


SERVICES: list[dict[str, Any]] = [
    {
        "name": "premium",
        "sku": "Premium",
        "ca_certificates": [
            {"authority": "root", "store": "Root"},
            {"authority": "issuing", "store": "CertificateAuthority"},
        ],
        "certificates": [{"id": "elsewhere", "uploaded": "elsewhere", "public_only": True}],
        "hostnames": [
            {"host": "asks.contoso.com", "uploaded": "client", "negotiate": True, "default": True},
            {"host": "plain.contoso.com", "uploaded": "client"},
            {"host": "*.wild.contoso.com", "uploaded": "client", "negotiate": True},
        ],
        "apis": [open_api("echo"), open_api("secret")],
        "gateways": [
            {
                "id": "site",
                "apis": ["echo"],
                "hostnames": [{"id": "h", "host": "site.contoso.com", "negotiate": True}],
                "authorities": [{"certificate": "elsewhere", "trusted": True}],
            },
            {"id": "bare", "apis": ["echo"]},
        ],
        "workspaces": [{"id": "team", "apis": [open_api("ledger")]}],
    },
    {"name": "edge", "sku": "Consumption", "apis": [open_api("echo")]},
    {"name": "modern", "sku": "StandardV2", "apis": [open_api("echo")]},
]
WORKSPACE_HOST = "team.shared.gateway.westeurope.azure-api.net"


def connect_workspace(bench: Bench) -> None:
    """
    Give the workspace a gateway of its own.
    """
    gateway = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/gateways/shared"
    workspace = f"{bench.service('premium').id}/workspaces/team"
    bench.resource(gateway, "Microsoft.ApiManagement/gateways", {}, location="West Europe")
    kind = "Microsoft.ApiManagement/gateways/configConnections"
    bench.resource(f"{gateway}/configConnections/team", kind, {"sourceId": workspace})


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with running(SERVICES) as bench:
        connect_workspace(bench)
        yield bench


def negotiates(bench: Bench, host: str) -> bool:
    return bench.call(host, STATUS, "client").asked_for_certificate


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("premium.azure-api.net", False),
        ("asks.contoso.com", True),
        ("plain.contoso.com", False),
        ("any.wild.contoso.com", True),
        ("site.contoso.com", True),
        (self_hosted_name("premium", "bare"), False),
        (WORKSPACE_HOST, False),
        ("modern.azure-api.net", False),
        ("edge.azure-api.net", False),
    ],
)
def test_each_host_has_its_own_switch(bench: Bench, host: str, expected: bool) -> None:
    """
    Classic and self-hosted gateways decide host by host; workspace gateways never ask.
    """
    assert expected == negotiates(bench, host)


@pytest.mark.parametrize("host", ["deep.any.wild.contoso.com", "wild.contoso.com", "edge.portal.azure-api.net"])
def test_a_host_that_is_no_gateway_is_not_served(bench: Bench, host: str) -> None:
    """
    A wildcard stands for one label, and only Proxy hosts are gateways.
    """
    with pytest.raises(NoConnection):
        bench.call(host, STATUS)


def test_v2_asks_on_all_hosts_by_one_switch(bench: Bench) -> None:
    """
    On v2 the service's own flag asks for a certificate and refuses nobody.
    """
    bench.change("modern", enableClientCertificate=True)

    answer = bench.call("modern.azure-api.net", "/echo/")

    assert (True, 200) == (answer.asked_for_certificate, answer.status)


@pytest.mark.parametrize("path", ["/echo/", CONSUMPTION_STATUS, "/nothing"], ids=["api", "health-probe", "unknown"])
def test_consumption_refuses_all_without_a_certificate(bench: Bench, path: str) -> None:
    """
    There the flag itself turns callers away before any policy, health probes included.
    """
    bench.change("edge", enableClientCertificate=True)
    bench.reached()

    statuses = bench.statuses("edge.azure-api.net", path, None, "stranger")
    bench.change("edge", enableClientCertificate=False)

    assert 403 == statuses[0]
    assert 403 != statuses[1]
    assert bench.reached() == (1 if path == "/echo/" else 0)


@pytest.mark.parametrize(
    ("host", "path"),
    [("premium.azure-api.net", STATUS), ("edge.azure-api.net", CONSUMPTION_STATUS), ("modern.azure-api.net", STATUS)],
)
def test_the_status_path_differs_by_tier(bench: Bench, host: str, path: str) -> None:
    """
    Each tier has one status path, which no policy guards; the other one does not exist there.
    """
    other = STATUS if path == CONSUMPTION_STATUS else CONSUMPTION_STATUS

    assert [200, 404] == [bench.call(host, one).status for one in (path, other)]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("asks.contoso.com", {"client": 200, "stranger": 401}, id="classic"),
        pytest.param("site.contoso.com", {"client": 401, "stranger": 200}, id="self-hosted"),
        pytest.param("modern.azure-api.net", {"client": 401, "stranger": 401}, id="v2"),
        pytest.param("edge.azure-api.net", {"client": 401, "stranger": 401}, id="consumption"),
    ],
)
def test_trust_is_the_gateways_own(bench: Bench, host: str, expected: dict[str, int]) -> None:
    """
    The service's authorities count on its managed gateway, a self-hosted one has its own, v2 and Consumption none.
    """
    for service in ("premium", "modern", "edge"):
        bench.inbound(service, "", CHECK.format("true"))
    for service in ("modern", "edge"):
        bench.change(service, enableClientCertificate=True)

    statuses = bench.statuses(host, "/echo/", *expected)
    for service in ("premium", "modern", "edge"):
        bench.inbound(service, "", "")

    assert list(expected.values()) == statuses


@pytest.mark.parametrize(("kept", "expected"), [(False, 401), (True, 200)], ids=["ignored", "kept"])
def test_authorities_on_v2_are_an_open_question(kept: bool, expected: int) -> None:
    """
    Whether a v2 instance's CA certificates count is an option; sources conflict.
    """
    authorities = [{"authority": "root"}, {"authority": "issuing", "store": "CertificateAuthority"}]
    service = {"name": "new", "sku": "BasicV2", "apis": [open_api("echo")], "ca_certificates": authorities}
    with running([service], Options(ca_certificates_on_v2=kept)) as bench:
        bench.change("new", enableClientCertificate=True)
        bench.inbound("new", "", CHECK.format("true"))

        assert expected == bench.call("new.azure-api.net", "/echo/", "client").status


def test_where_nothing_negotiates_a_check_locks_everybody_out(bench: Bench) -> None:
    """
    A check on a host that does not ask refuses the best certificate, and on the one that asks only the bad ones.
    """
    bench.inbound("premium", "", CHECK.format("false"))

    seen = {
        host: bench.statuses(host, "/echo/", None, "client")
        for host in ("plain.contoso.com", "asks.contoso.com", self_hosted_name("premium", "bare"))
    }
    bench.inbound("premium", "", "")

    assert {
        "plain.contoso.com": [401, 401],
        "asks.contoso.com": [401, 200],
        self_hosted_name("premium", "bare"): [401, 401],
    } == seen


def test_the_global_policy_runs_on_every_gateway(bench: Bench) -> None:
    """
    Self-hosted and workspace gateways run it too, and know themselves by their own id.
    """
    guard = '@(context.Deployment.Gateway.Id == "{}")'
    ids = ["managed", "site", "shared"]
    answer = "<return-response><set-status code='4{:02}' /></return-response>"
    whens = "".join(
        f"<when condition='{guard.format(one)}'>{answer.format(place)}</when>" for place, one in enumerate(ids, 10)
    )
    bench.inbound("premium", "", f"<choose>{whens}</choose>")

    seen = [
        bench.call(host, path).status
        for host, path in (("asks.contoso.com", "/echo/"), ("site.contoso.com", "/echo/"), (WORKSPACE_HOST, "/ledger/"))
    ]
    bench.inbound("premium", "", "")

    assert [410, 411, 412] == seen


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("asks.contoso.com", {"echo", "secret"}),
        ("site.contoso.com", {"echo"}),
        (WORKSPACE_HOST, {"ledger"}),
    ],
)
def test_each_gateway_serves_its_own_apis(bench: Bench, host: str, served: set[str]) -> None:
    """
    A self-hosted gateway has the APIs assigned to it, a workspace's gateway those of its workspace, the managed one
    the rest.
    """
    found = {name for name in ("echo", "secret", "ledger") if bench.call(host, f"/{name}/").status == 200}

    assert served == found


def test_an_update_counts_when_it_is_done(bench: Bench) -> None:
    """
    While ARM is still updating, the gateway goes on as before.
    """
    host = "premium.azure-api.net"
    bench.negotiate_by_arm("premium", host)

    early = negotiates(bench, host)
    bench.time[0] += timedelta(minutes=30)

    assert [False, True] == [early, negotiates(bench, host)]


@pytest.mark.parametrize(("follows", "expected"), [(True, True), (False, False)], ids=["follow", "never"])
def test_regional_hosts_are_an_open_question(follows: bool, expected: bool) -> None:
    """
    Whether a regional host asks as the default host does is an option.
    """
    hostnames = [{"host": "one.azure-api.net", "negotiate": True}]
    service = {"name": "one", "sku": "Developer", "location": "westus", "hostnames": hostnames}
    with running([service], Options(negotiate_on_regional_hosts=follows)) as bench:
        assert [True, expected] == [
            negotiates(bench, host) for host in ("one.azure-api.net", "one-westus-01.regional.azure-api.net")
        ]


def test_the_host_header_names_the_host_the_caller_claims(bench: Bench) -> None:
    """
    Whoever shakes hands with one host may claim another of the same gateway, which a guard by host believes; a host of
    another gateway does not exist there.
    """
    guard = '@(context.Request.OriginalUrl.Host != "plain.contoso.com")'
    check = CHECK.format("false")
    bench.inbound("premium", "", f"<choose><when condition='{guard}'>{check}</when></choose>{BASE}")

    claimed = [
        bench.call("asks.contoso.com", "/echo/", headers={"Host": name}).status
        for name in ("asks.contoso.com", "plain.contoso.com", "site.contoso.com", "other.example")
    ]
    bench.inbound("premium", "", "")

    assert [401, 200, 404, 404] == claimed
