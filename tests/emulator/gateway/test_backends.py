"""Behind the gateway: which certificate it shows to a partner that demands mutual TLS."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Options
from emulator.gateway.backends import PARTNER_HOST
from tests.emulator.gateway.bench import BASE, Bench, running

HOST = "dev.azure-api.net"
URL = f"https://{PARTNER_HOST}/x"
UNCHECKED = {"tls": {"validateCertificateChain": False, "validateCertificateName": False}}


def service(**more: Any) -> dict[str, Any]:
    operations = [{"id": "list", "method": "GET", "url": "/", "name": "List"}]
    api = {"id": "echo", "name": "Echo", "path": "echo", "subscription_required": False, "operations": operations}
    return {
        "name": "dev",
        "sku": "Developer",
        "apis": [{**api, "service_url": URL}],
        "certificates": [{"id": "own", "uploaded": "client"}, {"id": "wrong", "uploaded": "second"}],
        "backends": [{"id": "bare", "url": URL, "properties": UNCHECKED}, {"id": "strict", "url": URL}],
        **more,
    }


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with running([service()]) as bench:
        welcome(bench)
        yield bench


def welcome(bench: Bench) -> None:
    """
    Let the partner know the gateway's right certificate, and make backends that name one.
    """
    bench.gateway.backends.guests = {bench.who("client").thumbprint}
    dev = bench.service("dev").id
    kind = "Microsoft.ApiManagement/service/backends"
    for name in ("own", "wrong"):
        credentials = {"certificateIds": [f"{dev}/certificates/{name}"]}
        bench.resource(f"{dev}/backends/{name}", kind, {"url": URL, "credentials": credentials, **UNCHECKED})
    shown = {"certificate": [bench.who("client").thumbprint]}
    bench.resource(f"{dev}/backends/pinned", kind, {"url": URL, "credentials": shown, **UNCHECKED})
    bench.resource(f"{dev}/backends/pool", kind, {"pool": {"services": [{"id": f"{dev}/backends/own"}]}})


def fares(bench: Bench, inbound: str) -> int:
    bench.inbound("dev", "apis/echo", BASE + inbound)
    return bench.call(HOST, "/echo/").status


def backend(name: str) -> str:
    return f'<set-backend-service backend-id="{name}" />'


def shown(name: str) -> str:
    return f'<authentication-certificate certificate-id="{name}" />'


@pytest.mark.parametrize(
    ("inbound", "expected"),
    [
        pytest.param(backend("bare"), 403, id="no-certificate"),
        pytest.param(backend("own"), 200, id="backend"),
        pytest.param(backend("pinned"), 200, id="by-thumbprint"),
        pytest.param(backend("pool"), 200, id="pool"),
        pytest.param(backend("wrong"), 403, id="wrong-one"),
        pytest.param(backend("bare") + shown("own"), 200, id="policy"),
        pytest.param(backend("bare") + shown("wrong"), 403, id="policy-wrong-one"),
    ],
)
def test_the_partner_lets_in_whom_it_knows(bench: Bench, inbound: str, expected: int) -> None:
    """
    A certificate named by the backend or by the policy is shown; without the right one the partner answers 403.
    """
    assert expected == fares(bench, inbound)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(Options(backend_certificates_suffice=False), [403, 200], id="policy-only"),
        pytest.param(Options(authentication_certificate_works=False), [200, 403], id="backend-only"),
    ],
)
def test_which_way_works_is_an_option(options: Options, expected: list[int]) -> None:
    """
    The sources disagree on which of the two ways works, so both answers can be played.
    """
    with running([service()], options) as bench:
        welcome(bench)

        assert expected == [fares(bench, one) for one in (backend("own"), backend("bare") + shown("own"))]


def test_the_partners_own_certificate_is_checked() -> None:
    """
    By default the chain must lead to an authority of the service: before it is there, calls fail.
    """
    with running([service()]) as bench:
        welcome(bench)
        inbound = backend("strict") + shown("own")
        before = fares(bench, inbound)
        trust(bench)

        assert [500, 200] == [before, fares(bench, inbound)]


def trust(bench: Bench) -> None:
    authority = bench.gateway.backends.partner_authority
    entry = {"storeName": "Root", "certificate": {"thumbprint": authority.thumbprint}}
    bench.change("dev", certificates=[entry])
    found = bench.service("dev")
    bench.azure.store.put(found.with_hidden(authorities={authority.thumbprint: authority}))


def test_the_backend_is_told_what_was_shown(bench: Bench) -> None:
    """
    Deliveries are kept with the thumbprint that the backend saw.
    """
    bench.reached()
    fares(bench, backend("own"))

    (delivery,) = bench.gateway.backends.deliveries

    assert (bench.who("client").thumbprint, f"{URL}/") == (delivery.thumbprint, delivery.url)


def test_a_body_goes_all_the_way(bench: Bench) -> None:
    """
    200 KB arrive at the partner as they left the caller.
    """
    dev = bench.service("dev").id
    operation = {"method": "POST", "urlTemplate": "/"}
    bench.resource(f"{dev}/apis/echo/operations/send", "Microsoft.ApiManagement/service/apis/operations", operation)
    bench.inbound("dev", "apis/echo", BASE + backend("own"))
    body = base64.b64encode(b"x" * 150_000)

    answer = bench.call(HOST, "/echo/", method="POST", body=body)

    assert (200, len(body)) == (answer.status, answer.json["bytes"])
