"""What a check in a document says, and what of it is not understood."""

from dataclasses import replace

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import Document, read_check, same_check
from apimend.policy.guard import Guard, GuardedCall, condition, read_condition

ONE = '<identities><identity thumbprint="AB" /></identities>'
UNCLEAR = {
    "unknown attribute": ('x="y"', ONE),
    "switch that is no boolean": ('validate-trust="{{t}}"', ONE),
    "named value": ("", '<identities><identity thumbprint="{{t}}" /></identities>'),
    "expression": ("", '<identities><identity subject="@(x)" /></identities>'),
    "empty claim": ("", '<identities><identity thumbprint="" /></identities>'),
    "no claim": ("", "<identities><identity /></identities>"),
    "unknown claim": ("", '<identities><identity x="y" /></identities>'),
    "no identity": ("", "<identities />"),
    "identities twice": ("", f"{ONE}{ONE}"),
    "another element": ("", "<choose />"),
    "text": ("", "{{more}}"),
    "text among identities": ("", '<identities>x<identity thumbprint="AB" /></identities>'),
}


def _read(element: str) -> tuple[ClientCertificateCheck, tuple[str, ...]]:
    read = read_check(Document.parse(f"<fragment>{element}</fragment>").root.children[0])
    return read.check, read.not_understood


@pytest.mark.parametrize(("attributes", "inside"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_is_not_understood_is_named(attributes: str, inside: str) -> None:
    """
    A check with anything strange in it is never taken for one without.
    """
    _, unclear = _read(f"<validate-client-certificate {attributes}>{inside}</validate-client-certificate>")

    assert 1 == len(unclear)


def test_defaults_are_those_of_azure() -> None:
    """
    An element without attributes validates everything and ignores nothing.
    """
    assert (ClientCertificateCheck(), ()) == _read("<validate-client-certificate />")


def test_every_claim_is_read() -> None:
    """
    Claims of one identity are read together, thumbprints and serial numbers without separators.
    """
    claims = (
        'thumbprint="a1 b2" serial-number="0f:01" common-name="c" subject="CN=s" dns-name="d" issuer-subject="CN=i"'
        ' issuer-thumbprint="c3-d4" issuer-certificate-id="ca"'
    )
    identity = ClientIdentity(
        thumbprint="A1B2",
        serial_number="0F01",
        common_name="c",
        subject="CN=s",
        dns_name="d",
        issuer_subject="CN=i",
        issuer_thumbprint="C3D4",
        issuer_certificate_id="ca",
    )
    check, unclear = _read(
        f"<validate-client-certificate><identities><identity {claims} /></identities></validate-client-certificate>"
    )

    assert ((identity,), ()) == (check.identities, unclear)


def test_checks_are_equal_by_meaning() -> None:
    """
    Order, repetition and the spelling of thumbprints make no difference; a switch does.
    """
    a, b = ClientIdentity(thumbprint="ab:01"), ClientIdentity(common_name="b")
    one = ClientCertificateCheck(identities=(a, b))

    assert same_check(one, ClientCertificateCheck(identities=(b, ClientIdentity(thumbprint="AB01"), b)))
    assert not same_check(one, ClientCertificateCheck(identities=(a, b), validate_trust=False))


GUARDS = {
    "apis": Guard(except_apis=frozenset({"a", "b;rev=2"})),
    "operations": Guard(except_operations=frozenset({("a", "o"), ("a", "p")})),
    "hosts": Guard(except_hosts=frozenset({"plain.example.com"})),
    "products and workspaces": Guard(except_products=frozenset({"p", "q"}), except_workspaces=frozenset({"w"})),
    "gateways": Guard(only_gateways=frozenset({"managed", "edge"})),
    "all": Guard(
        except_apis=frozenset({"a"}),
        except_operations=frozenset({("b", "o")}),
        except_products=frozenset({"p"}),
        except_workspaces=frozenset({"w"}),
        except_hosts=frozenset({"h"}),
        only_gateways=frozenset({"managed"}),
    ),
}


@pytest.mark.parametrize("guard", GUARDS.values(), ids=GUARDS)
def test_a_guard_is_read_as_it_was_written(guard: Guard) -> None:
    """
    The condition that we write is the condition that we recognise.
    """
    assert guard == read_condition(condition(guard))


@pytest.mark.parametrize(
    "text",
    [
        "@(true)",
        '@(context.Api.Id == "a")',
        '@(context.Api.Id != "a" || context.Api.Id != "b")',
        '@(context.Api.Id != "{{a}}")',
        '@(context.Api.Id != "a" && true)',
        '@(context.Request.OriginalUrl.Host != "Upper")',
        '@((context.Deployment.Gateway.Id == "a") && (context.Deployment.Gateway.Id == "b"))',
        "@()",
    ],
    ids=["true", "equal", "or", "named value", "more", "upper case host", "two gateways", "nothing"],
)
def test_another_condition_is_not_recognised(text: str) -> None:
    """
    Only the fixed form is a guard.
    """
    assert read_condition(text) is None


def test_a_guard_says_which_calls_meet_the_check() -> None:
    """
    What is excepted is spared, and only the gateways that are named are reached.
    """
    guard = GUARDS["all"]
    call = GuardedCall(api="x", operation="o", host="www", gateway="managed")
    others = ({"api": "a"}, {"api": "b"}, {"host": "H"}, {"gateway": "edge"}, {"product": "p"}, {"workspace": "w"})

    assert guard.applies(call)
    assert not any(guard.applies(replace(call, **other)) for other in others)
