"""Where Azure's behaviour is unknown, the gateway plays each answer."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Options
from tests.emulator.gateway.bench import BASE, FORWARD, Bench, running

HOST = "dev.azure-api.net"
CHECK = '<validate-client-certificate validate-revocation="{}" />'
KEY = "k" * 32


def service() -> dict[str, Any]:
    operations = [{"id": "list", "method": "GET", "url": "/", "name": "List"}]
    api = {"id": "echo", "name": "Echo", "path": "echo", "subscription_required": False, "operations": operations}
    return {
        "name": "dev",
        "sku": "Developer",
        "hostnames": [{"host": HOST, "negotiate": True}],
        "ca_certificates": [{"authority": "root"}],
        "apis": [api],
        "products": [{"id": "gold", "name": "Gold", "apis": ["echo"]}],
        "subscriptions": [{"id": "gold", "scope": "/products/gold", "key": KEY}],
    }


def with_check(bench: Bench, *, revocation: bool = False) -> None:
    bench.inbound("dev", "", CHECK.format(str(revocation).lower()))


@pytest.mark.parametrize("status", [401, 403])
def test_the_status_of_a_refusal(status: int) -> None:
    """
    What a refused certificate is answered with is not documented.
    """
    with running([service()], Options(invalid_certificate_status=status)) as bench:
        with_check(bench)

        assert status == bench.call(HOST, "/echo/").status


@pytest.mark.parametrize(("help_", "expected"), [(False, 401), (True, 200)], ids=["ignored", "used"])
def test_issuers_that_a_caller_sends(help_: bool, expected: int) -> None:
    """
    Whether an intermediate that comes along in the handshake completes the chain is unknown.
    """
    with running([service()], Options(sent_issuers_help=help_)) as bench:
        with_check(bench)

        assert expected == bench.call(HOST, "/echo/", "client", with_issuers=True).status


@pytest.mark.parametrize(("counts", "expected"), [(True, 418), (False, 200)], ids=["counts", "ignored"])
def test_a_key_where_none_is_required(counts: bool, expected: int) -> None:
    """
    Whether a product's key brings its policy to an API that needs no key is unclear.
    """
    with running([service()], Options(keys_count_where_not_required=counts)) as bench:
        teapot = '<return-response><set-status code="418" /></return-response>'
        bench.inbound("dev", "products/gold", BASE + teapot)

        assert expected == bench.call(HOST, "/echo/", key=KEY).status


@pytest.mark.parametrize(("inherits", "expected"), [(False, 200), (True, 401)], ids=["shut-out", "inherited"])
def test_a_document_without_inbound(inherits: bool, expected: int) -> None:
    """
    Whether outer scopes run for a document that has no inbound section is unknown.
    """
    with running([service()], Options(missing_inbound_inherits=inherits)) as bench:
        with_check(bench)
        bench.policy("dev", "apis/echo", f"<policies>{FORWARD}</policies>")

        assert expected == bench.call(HOST, "/echo/").status


@pytest.mark.parametrize(("trusted", "expected"), [(True, 200), (False, 401)], ids=["trusted", "not trusted"])
def test_a_public_chain_that_nobody_uploaded(trusted: bool, expected: int) -> None:
    """
    Whether it passes `validate-trust` is not documented.
    """
    with running([service()], Options(public_clients_trusted=trusted)) as bench:
        with_check(bench)
        bench.gateway.world.public_authorities = (bench.who("elsewhere").certificate,)

        assert expected == bench.call(HOST, "/echo/", "stranger").status


def test_the_world_outside() -> None:
    """
    A public authority is trusted without being uploaded; revocation is known where a list can be reached.
    """
    with running([service()]) as bench:
        with_check(bench, revocation=True)
        elsewhere, stranger = bench.who("elsewhere"), bench.who("stranger").certificate
        seen = [bench.call(HOST, "/echo/", "stranger").status]
        bench.gateway.world.public_authorities = (elsewhere.certificate,)
        for revoked in ({}, {elsewhere.thumbprint: frozenset[int]()}, {elsewhere.thumbprint: {stranger.serial_number}}):
            bench.gateway.world.revocation = {issuer: frozenset(serials) for issuer, serials in revoked.items()}
            seen.append(bench.call(HOST, "/echo/", "stranger").status)

        assert [401, 401, 200, 401] == seen
