"""
The certificate workshop of the local Azure: authorities, leaves, PFX bytes and thumbprints.

Callers: the vault (certificates it holds), ARM (what an uploaded file contains), the gateway (its server
certificates) and the tests. Dates come from the caller's clock, never from the machine's. RSA keys are drawn
from a small pool that is filled once per process, because a fresh one costs 40 ms: two RSA certificates may
share a key, never a thumbprint. Nothing made here is fit for anything but loopback.
"""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from emulator.distinguished import net_name, parse_net_name

KeyKind = Literal["ec", "rsa"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# Clients check a server's certificate against the machine's clock while the emulator lives on another one:
# such certificates are good on both.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
FOREVER = datetime(2099, 12, 31, tzinfo=UTC)


class NotACertificate(ValueError):
    """
    The bytes are neither a PFX that this password opens nor an X.509 certificate.
    """


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    A certificate, its private key if there is one, and its issuers up to the root.
    """

    certificate: x509.Certificate
    key: PrivateKey | None
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return pem(self.certificate)

    @property
    def chain_pem(self) -> str:
        return self.pem + "".join(map(pem, self.issuers))

    @property
    def key_pem(self) -> str:
        return self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @property
    def private_key(self) -> PrivateKey:
        if self.key is None:
            raise ValueError(f"{self.subject} came without its private key")
        return self.key

    @property
    def thumbprint(self) -> str:
        return thumbprint(self.certificate)

    @property
    def subject(self) -> str:
        return net_name(self.certificate.subject)

    @property
    def issuer(self) -> str:
        return net_name(self.certificate.issuer)

    @property
    def serial_number(self) -> str:
        return serial_number(self.certificate)

    @property
    def not_after(self) -> datetime:
        return self.certificate.not_valid_after_utc

    @property
    def kind(self) -> KeyKind:
        return "rsa" if isinstance(self.certificate.public_key(), rsa.RSAPublicKey) else "ec"

    def pfx(self, password: str = "") -> bytes:
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            lock = serialization.BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(
            None, self.private_key, self.certificate, self.issuers or None, lock
        )


class Workshop:
    """
    Makes certificates dated by one clock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def authority(
        self,
        subject: str,
        *,
        issued_by: Bundle | None = None,
        key: KeyKind = "ec",
        starts: datetime | timedelta = timedelta(days=-1),
        ends: datetime | timedelta = timedelta(days=3650),
    ) -> Bundle:
        """
        A root, or below `issued_by` an intermediate. `subject` is in .NET's form.
        """
        return self._issue(subject, issued_by, _new_key(key), starts, ends, [*AUTHORITY])

    def leaf(
        self,
        subject: str,
        *,
        issued_by: Bundle | None = None,
        dns_names: Sequence[str] = (),
        addresses: Sequence[str] = (),
        key: KeyKind | PrivateKey = "ec",
        starts: datetime | timedelta = timedelta(days=-1),
        ends: datetime | timedelta = timedelta(days=365),
    ) -> Bundle:
        """
        A client's or server's certificate; without `issued_by` it signs itself.
        """
        names = [
            *map(x509.DNSName, dns_names),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        ]
        extensions = [*LEAF, (x509.SubjectAlternativeName(names), False)] if names else [*LEAF]
        own = _new_key(key) if isinstance(key, str) else key
        return self._issue(subject, issued_by, own, starts, ends, extensions)

    def _issue(
        self,
        subject: str,
        issued_by: Bundle | None,
        key: PrivateKey,
        starts: datetime | timedelta,
        ends: datetime | timedelta,
        extensions: list[tuple[x509.ExtensionType, bool]],
    ) -> Bundle:
        name = parse_net_name(subject)
        signer = issued_by.private_key if issued_by else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issued_by.certificate.subject if issued_by else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._moment(starts))
            .not_valid_after(self._moment(ends))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        issuers = (issued_by.certificate, *issued_by.issuers) if issued_by else ()
        return Bundle(builder.sign(signer, hashes.SHA256()), key, issuers)

    def _moment(self, when: datetime | timedelta) -> datetime:
        return (when if isinstance(when, datetime) else self._now() + when).replace(microsecond=0)


def read(data: bytes, password: str = "") -> Bundle:
    """
    What an uploaded file holds: a PFX, or a certificate alone in DER or PEM.
    """
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except ValueError:
        return Bundle(_read_certificate(data), None)
    if certificate is None or not (key is None or isinstance(key, PrivateKey)):
        raise NotACertificate("the PFX holds no certificate with an RSA or EC key")
    return Bundle(certificate, key, tuple(others))


def thumbprint(certificate: x509.Certificate) -> str:
    """
    Upper-case hexadecimal SHA-1, as API Management shows it.
    """
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


def serial_number(certificate: x509.Certificate) -> str:
    """
    Upper-case hexadecimal, whole bytes, as .NET shows it.
    """
    digits = f"{certificate.serial_number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


def common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else ""


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _read_certificate(data: bytes) -> x509.Certificate:
    load = x509.load_pem_x509_certificate if b"-----BEGIN" in data else x509.load_der_x509_certificate
    try:
        return load(data)
    except ValueError as unreadable:
        raise NotACertificate("neither a PFX that the password opens nor a certificate") from unreadable


def _new_key(kind: KeyKind) -> PrivateKey:
    return next(_RSA) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


def _rsa_keys() -> Iterator[rsa.RSAPrivateKey]:
    pool: list[rsa.RSAPrivateKey] = []
    while len(pool) < RSA_POOL:
        pool.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        yield pool[-1]
    yield from cycle(pool)


RSA_POOL = 4
_RSA = _rsa_keys()
AUTHORITY: Sequence[tuple[x509.ExtensionType, bool]] = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (x509.KeyUsage(False, False, False, False, False, True, True, False, False), True),
)
LEAF: Sequence[tuple[x509.ExtensionType, bool]] = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.KeyUsage(True, False, True, False, False, False, False, False, False), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False),
)
