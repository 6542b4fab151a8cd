"""Every way to judge a caller's certificate, called for real with the right one, a wrong one and none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.gateway.bench import Bench, running

HOST = "dev.azure-api.net"
SERVICE = {
    "name": "dev",
    "sku": "Developer",
    "hostnames": [{"host": HOST, "negotiate": True}],
    "ca_certificates": [
        {"authority": "root", "store": "Root"},
        {"authority": "issuing", "store": "CertificateAuthority"},
    ],
    "certificates": [
        {"id": "client", "uploaded": "client", "public_only": True},
        {"id": "issuing", "uploaded": "issuing", "public_only": True},
    ],
    "apis": [
        {
            "id": "echo",
            "name": "Echo",
            "path": "echo",
            "subscription_required": False,
            "operations": [{"id": "list", "method": "GET", "url": "/", "name": "List"}],
        }
    ],
}
CALLERS = (None, "client", "second", "stranger", "expired")
WITH_ONE = {"client", "second", "stranger", "expired"}
NULL = "context.Request.Certificate == null"
ME = "context.Request.Certificate"


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with running([SERVICE]) as bench:
        yield bench


def admitted(bench: Bench) -> set[str]:
    """
    Who reaches the backend; whoever does not gets one of the two refusals.
    """
    bench.reached()
    statuses = dict(zip(CALLERS, bench.statuses(HOST, "/echo/", *CALLERS), strict=True))
    inside = {str(who) for who, status in statuses.items() if status == 200}

    assert {200, 401, 403} >= set(statuses.values())
    assert len(inside) == bench.reached()
    return inside


def filled(bench: Bench, text: str) -> str:
    client, issuing = bench.who("client"), bench.who("issuing")
    return (
        text.replace("{thumbprint}", client.thumbprint)
        .replace("{serial}", client.serial_number)
        .replace("{issuer}", issuing.thumbprint)
    )


@pytest.mark.parametrize(
    ("identity", "switches", "expected"),
    [
        pytest.param("", "", {"client", "second"}, id="trust-and-dates"),
        pytest.param("", 'validate-not-after="false"', {"client", "second", "expired"}, id="expired-allowed"),
        pytest.param("", 'validate-trust="false"', {"client", "second", "stranger"}, id="any-in-its-dates"),
        pytest.param('thumbprint="{thumbprint}"', 'validate-trust="false"', {"client"}, id="thumbprint"),
        pytest.param('serial-number="{serial}"', "", {"client"}, id="serial-number"),
        pytest.param('common-name="client"', "", {"client"}, id="common-name"),
        pytest.param('common-name="client"', 'validate-trust="false"', {"client", "stranger"}, id="name-forged"),
        pytest.param('subject="CN=second, O=Contoso"', "", {"second"}, id="subject"),
        pytest.param('dns-name="client.contoso.com"', "", {"client"}, id="dns-name"),
        pytest.param('issuer-subject="CN=Issuing"', "", {"client", "second"}, id="issuer-subject"),
        pytest.param('issuer-thumbprint="{issuer}"', "", {"client", "second"}, id="issuer-thumbprint"),
        pytest.param('issuer-certificate-id="issuing"', "", {"client", "second"}, id="issuer-certificate-id"),
        pytest.param('issuer-certificate-id="client"', "", set(), id="issuer-certificate-id-of-a-leaf"),
        pytest.param('common-name="client" issuer-subject="CN=Root"', "", set(), id="both-claims"),
        pytest.param('common-name="x" /><identity common-name="second"', "", {"second"}, id="either-identity"),
        pytest.param("", 'validate-revocation="true"', set(), id="revocation-of-a-private-authority"),
        pytest.param("", 'ignore-error="true"', {"None", "client", "second", "stranger", "expired"}, id="observe"),
    ],
)
def test_the_policy_admits(bench: Bench, identity: str, switches: str, expected: set[str]) -> None:
    """
    `validate-client-certificate` lets in exactly those that its switches and identities allow.
    """
    inner = f"<identities><identity {filled(bench, identity)} /></identities>" if identity else ""
    quiet = "" if "revocation" in switches else 'validate-revocation="false"'
    element = f"<validate-client-certificate {quiet} {switches}>{inner}</validate-client-certificate>"
    bench.inbound("dev", "", element)

    assert expected == admitted(bench)


@pytest.mark.parametrize(
    ("refuse", "expected"),
    [
        pytest.param(NULL, WITH_ONE, id="presence"),
        pytest.param(f"{NULL} || !{ME}.Verify()", set(), id="verify"),
        pytest.param(f"{NULL} || !{ME}.VerifyNoRevocation()", {"client", "second"}, id="verify-no-revocation"),
        pytest.param(f'{NULL} || {ME}.Thumbprint != "{{thumbprint}}"', {"client"}, id="thumbprint"),
        pytest.param(
            f"{NULL} || {ME}.NotAfter < DateTime.Now", {"client", "second", "stranger"}, id="not-after"
        ),
        pytest.param(f"{NULL} || {ME}.NotBefore > DateTime.Now || {ME}.NotAfter > DateTime.Now", {"expired"}, id="old"),
        pytest.param(f'{NULL} || {ME}.Issuer != "CN=Elsewhere"', {"stranger"}, id="issuer"),
        pytest.param(
            f'{NULL} || !{ME}.VerifyNoRevocation() || {ME}.SubjectName.Name != "CN=client, O=Contoso"',
            {"client"},
            id="trusted-name",
        ),
        pytest.param(
            f"{NULL} || !context.Deployment.Certificates.Any(c => c.Value.Thumbprint == {ME}.Thumbprint)",
            {"client"},
            id="attached",
        ),
        pytest.param(f'context.Api.Id == "echo" && {NULL}', WITH_ONE, id="api-guard"),
        pytest.param(f'context.Operation.Id != "list" && {NULL}', WITH_ONE | {"None"}, id="operation-guard"),
        pytest.param(f'context.Product != null || {ME}?.Thumbprint != "{{thumbprint}}"', {"client"}, id="no-product"),
        pytest.param(f'context.Deployment.Gateway.Id == "managed" && {NULL}', WITH_ONE, id="gateway-guard"),
        pytest.param(f'context.Request.OriginalUrl.Host == "{HOST}" && {NULL}', WITH_ONE, id="host-guard"),
    ],
)  # fmt: skip
def test_a_condition_refuses(bench: Bench, refuse: str, expected: set[str]) -> None:
    """
    A hand-written `choose` that returns 403 lets in exactly those whom its condition spares.
    """
    condition = f"@({filled(bench, refuse)})"
    answer = '<return-response><set-status code="403" reason="Invalid client certificate" /></return-response>'
    bench.inbound("dev", "", f'<choose><when condition="{condition}">{answer}</when></choose>')

    assert expected == admitted(bench)


def test_a_member_of_no_certificate_is_an_error(bench: Bench) -> None:
    """
    Without the null test first, a caller without a certificate meets 500 and reaches nobody.
    """
    answer = '<return-response><set-status code="403" /></return-response>'
    bench.inbound("dev", "", f'<choose><when condition="@(!{ME}.Verify())">{answer}</when></choose>')
    bench.reached()

    assert [500, 403] == bench.statuses(HOST, "/echo/", None, "stranger")
    assert 0 == bench.reached()


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_the_version_of_tls_makes_no_difference(bench: Bench, tls: str) -> None:
    """
    A check sees the certificate over TLS 1.2 as over 1.3.
    """
    bench.inbound("dev", "", '<validate-client-certificate validate-revocation="false" />')

    assert [401, 200, 401] == bench.statuses(HOST, "/echo/", None, "client", "stranger", tls=tls)


def test_the_answer_is_in_azures_form(bench: Bench) -> None:
    """
    A refusal is JSON with status and message.
    """
    bench.inbound("dev", "", "<validate-client-certificate />")

    answer = bench.call(HOST, "/echo/")

    assert {"statusCode": 401, "message": "Client certificate is missing."} == answer.json
