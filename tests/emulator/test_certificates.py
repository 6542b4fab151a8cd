"""The certificate workshop makes what the local Azure serves and accepts."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator.certificates import NotACertificate, Workshop, read

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORKSHOP = Workshop(lambda: NOW)
ROOT = WORKSHOP.authority("CN=Root")
INTERMEDIATE = WORKSHOP.authority("CN=Intermediate", issued_by=ROOT)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        pytest.param("CN=app, O=Contoso, C=NO", "CN=app, O=Contoso, C=NO", id="plain"),
        pytest.param(r"CN=app, O=Contoso\, Inc.", 'CN=app, O="Contoso, Inc."', id="comma"),
        pytest.param('CN=app, O="Contoso, Inc.", C=NO', 'CN=app, O="Contoso, Inc.", C=NO', id="quoted"),
        pytest.param('CN="a ""b"" c"', 'CN="a ""b"" c"', id="quotes"),
        pytest.param("CN=app, E=a@b.example, S=Oslo", "CN=app, E=a@b.example, S=Oslo", id="net-keys"),
        pytest.param("CN=app, OID.2.5.4.97=NTRNO-1", "CN=app, OID.2.5.4.97=NTRNO-1", id="unknown-key"),
    ],
)
def test_names_have_the_form_of_net(asked: str, shown: str) -> None:
    """
    A subject is shown in the order, with the keys and the quotes of .NET.
    """
    made = WORKSHOP.leaf(asked)

    assert shown == made.subject


@pytest.mark.parametrize("text", ["app", "CN", 'CN="app', "COLOUR=red"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """
    A text that is no distinguished name makes no certificate.
    """
    with pytest.raises(ValueError):
        WORKSHOP.leaf(text)


@pytest.mark.parametrize("password", ["", "secret"], ids=["open", "locked"])
@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_a_pfx_can_be_read_back(key: str, password: str) -> None:
    """
    A PFX holds the certificate, its key and its issuers.
    """
    made = WORKSHOP.leaf("CN=app", issued_by=INTERMEDIATE, key="rsa" if key == "rsa" else "ec")

    opened = read(made.pfx(password), password)

    assert (made.thumbprint, made.key_pem, key) == (opened.thumbprint, opened.key_pem, opened.kind)
    assert {ROOT.certificate, INTERMEDIATE.certificate} == set(opened.issuers)


def test_a_certificate_alone_has_no_key() -> None:
    """
    DER and PEM are read as a certificate without a key.
    """
    made = WORKSHOP.leaf("CN=app")

    assert [read(data).key for data in (made.der, made.pem.encode())] == [None, None]


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", WORKSHOP.leaf("CN=x").pfx("right")], ids=["empty", "text", "locked"]
)
def test_what_cannot_be_opened_is_said_so(data: bytes) -> None:
    """
    Bytes that are no certificate, or a PFX that the password does not open, are refused.
    """
    with pytest.raises(NotACertificate):
        read(data, "wrong")


def test_dates_follow_the_clock() -> None:
    """
    A certificate's dates are counted from the given clock.
    """
    made = WORKSHOP.leaf("CN=app", ends=timedelta(days=-1), starts=timedelta(days=-9))

    assert NOW - timedelta(days=1) == made.not_after
