"""The gateway decides a fixed list of C# conditions, and says so of any other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.gateway.expressions import ExpressionFailed, compiled, holds
from emulator.gateway.members import MEMBERS
from emulator.gateway.outcome import NotEmulated

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CERTIFICATE = {
    "Thumbprint": "AB12",
    "Issuer": 'CN=Root, O="Contoso, Inc."',
    "SubjectName": {"Name": "CN=app"},
    "NotAfter": NOW.replace(year=2027),
    "NotBefore": NOW.replace(year=2025),
    "Verify()": lambda: False,
    "VerifyNoRevocation()": lambda: True,
}
ME = "context.Request.Certificate"


def scope(certificate: dict[str, Any] | None = CERTIFICATE, *, product: str | None = None) -> dict[str, Any]:
    context = {
        "Request": {"Certificate": certificate, "OriginalUrl": {"Host": "api.contoso.com"}, "Method": "GET"},
        "Deployment": {"Gateway": {"Id": "managed"}, "Certificates": [{"Thumbprint": "AB12"}]},
        "Api": {"Id": "orders"},
        "Operation": {"Id": "get"},
        "Product": {"Id": product} if product else None,
    }
    return {"context": context, "DateTime": {"Now": NOW}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("true", True),
        ("False", False),
        (f"@({ME} == null)", False),
        (f"@({ME} != null)", True),
        (f"@(!{ME}.Verify())", True),
        (f"@({ME}.VerifyNoRevocation())", True),
        (f'@({ME}.Thumbprint != "AB12")', False),
        (f'@({ME}.Thumbprint == "ab12")', False),
        (f'@({ME}.Issuer == "CN=Root, O=\\"Contoso, Inc.\\"")', True),
        (f'@({ME}.Issuer == @"CN=Root, O=""Contoso, Inc.""")', True),
        (f'@({ME}.SubjectName.Name != "CN=app")', False),
        (f"@({ME}.NotAfter < DateTime.Now)", False),
        (f"@({ME}.NotBefore > DateTime.Now || {ME}.NotAfter <= DateTime.Now)", False),
        (f"@(context.Deployment.Certificates.Any(c => c.Value.Thumbprint == {ME}.Thumbprint))", True),
        (f"@(!context.Deployment.Certificates.Any(x => x.Value.Thumbprint != {ME}.Thumbprint))", True),
        ('@(context.Api.Id == "orders" && context.Operation.Id != "get")', False),
        ('@(context.Api.Id == "a" || (context.Api.Id == "orders" && context.Operation.Id == "get"))', True),
        ('@(new [] { "a", "orders" }.Contains(context.Api.Id))', True),
        ('@(!new string[] {"a"}.Contains(context.Api.Id))', True),
        ('@(context.Product?.Id == "gold")', False),
        ("@(context.Product == null)", True),
        ('@(context.Deployment.Gateway.Id == "managed")', True),
        ('@(context.Request.OriginalUrl.Host == "api.contoso.com")', True),
        (f'@({ME}.SubjectName.Name.Contains("app"))', True),
        ('@(context.Request.OriginalUrl.Host.StartsWith("api.") && !context.Api.Id.EndsWith("x"))', True),
        (f"@(/* first */ {ME} == null // last\n || false)", False),
    ],
)
def test_listed_conditions_are_decided(expression: str, expected: bool) -> None:
    """
    Every listed form is decided as C# would.
    """
    found = holds(expression, scope())

    assert expected == found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"@({ME} == null || {ME}.Verify())", True),
        (f"@({ME} != null && {ME}.Verify())", False),
        (f'@({ME}?.Thumbprint == "AB12")', False),
    ],
    ids=["or", "and", "careful"],
)
def test_null_is_not_looked_into_when_the_answer_is_known(expression: str, expected: bool) -> None:
    """
    Terms stop where the answer is settled, so a null test guards what follows.
    """
    found = holds(expression, scope(None))

    assert expected == found


@pytest.mark.parametrize(
    "expression",
    [f'@({ME}.Thumbprint == "AB12")', f"@({ME}.Verify() || {ME} == null)", '@(context.Product.Id == "a")'],
    ids=["member", "null-test-last", "product"],
)
def test_a_member_of_null_fails(expression: str) -> None:
    """
    Without a certificate, a member of it is an error and no answer.
    """
    with pytest.raises(ExpressionFailed):
        holds(expression, scope(None))


@pytest.mark.parametrize(
    "expression",
    [
        "@{ while (true) { } }",
        "@{ var x = context.User; return true; }",
        "@{ return true; } more",
        "@(new X509Certificate2(context.Variables))",
        '@(context.Variables.ContainsKey("x"))',
        f"@({ME}.Subject.Contains(context.Api.Id))",
        f'@({ME}.Subject.IndexOf("app") > 0)',
        f'@({ME}.Thumbprint.ToUpper() == "AB12")',
        f'@({ME} == null || context.Request.Headers.GetValueOrDefault("x","").Length == 1)',
        '@(context.Deployment.Certificates.ContainsKey("a"))',
        "@(context.Deployment.Certificates.Any(c => c.Value.Verify()))",
        "@(1 + 1 == 2)",
        "maybe",
        "@(context.Api.Id == )",
        '@(context.Api.Id == "a" "b")',
        "@(context.User.Id)",
    ],
)
def test_anything_else_is_not_emulated(expression: str) -> None:
    """
    What is not listed is refused, also where it would not be reached.
    """
    with pytest.raises(NotEmulated):
        holds(expression, scope(None))


@pytest.mark.parametrize("expression", ["@(context.Api.Id)", "@(!context.Api.Id)", '@("a" < "b")'])
def test_what_is_no_condition_fails(expression: str) -> None:
    """
    A value that is not true or false is an error.
    """
    with pytest.raises(ExpressionFailed):
        holds(expression, scope())


@pytest.mark.parametrize("member", sorted(MEMBERS))
def test_every_listed_member_compiles(member: str) -> None:
    """
    The list is what the compiler knows.
    """
    assert callable(compiled(f"@({member} == null)"))
