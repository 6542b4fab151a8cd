"""
The check, run locally: would this certificate pass this element? Before a check goes in, every declared client
has to.

Called by remediators with what they read; pure. It never says yes to what it can't tell: a claim about an issuer
needs the issuer's certificate, trust needs the whole chain, and revocation can't be told from here at all.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA1

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy.check import plain_thumbprint

_KEYS = {
    x509.NameOID.COMMON_NAME: "CN",
    x509.NameOID.SURNAME: "SN",
    x509.NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    x509.NameOID.COUNTRY_NAME: "C",
    x509.NameOID.LOCALITY_NAME: "L",
    x509.NameOID.STATE_OR_PROVINCE_NAME: "S",
    x509.NameOID.STREET_ADDRESS: "STREET",
    x509.NameOID.ORGANIZATION_NAME: "O",
    x509.NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    x509.NameOID.TITLE: "T",
    x509.NameOID.GIVEN_NAME: "G",
    x509.NameOID.DOMAIN_COMPONENT: "DC",
    x509.NameOID.EMAIL_ADDRESS: "E",
}
_QUOTED = set(',+="\n<>#;')


def thumbprint(certificate: x509.Certificate) -> str:
    """The SHA-1 thumbprint in upper-case hexadecimal, as API Management writes it."""
    return certificate.fingerprint(SHA1()).hex().upper()  # Azure names certificates by SHA-1


def dotnet_name(name: x509.Name) -> str:
    """A distinguished name as .NET prints it, which is the form that policies compare: `CN=a, O="Contoso, Inc."`."""
    return ", ".join(" + ".join(map(_part, relative)) for relative in reversed(name.rdns))


def _part(part: x509.NameAttribute[str | bytes]) -> str:
    value = part.value if isinstance(part.value, str) else part.value.hex()
    if not value or value != value.strip() or _QUOTED & set(value):
        value = '"' + value.replace('"', '""') + '"'
    return f"{_KEYS.get(part.oid, f'OID.{part.oid.dotted_string}')}={value}"


def rehearse(
    check: ClientCertificateCheck,
    certificate: x509.Certificate,
    *,
    now: datetime,
    authorities: Sequence[x509.Certificate] = (),
    trusted: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """
    Why this certificate would be refused; empty where it would pass.

    `authorities` are CA certificates that we hold and that are live in the gateway's trust store; `trusted` are the
    thumbprints of those in its Root store, because a chain has to end there: an intermediate is no anchor.
    """
    chain = list(_chain(certificate, authorities))
    return (*_dates(check, certificate, now), *_trust(check, chain, trusted, now), *_identities(check, chain))


def chains_to(
    certificate: x509.Certificate,
    *,
    now: datetime,
    authorities: Sequence[x509.Certificate],
    trusted: frozenset[str],
) -> bool:
    """Whether valid authorities lead from a certificate to a trusted root. Its own dates are not looked at."""
    return _is_trusted(list(_chain(certificate, authorities)), trusted, now)


def _chain(certificate: x509.Certificate, authorities: Sequence[x509.Certificate]) -> Iterator[x509.Certificate]:
    """The certificate and its issuers as far as we hold them, the root last."""
    seen: set[str] = set()
    current: x509.Certificate | None = certificate
    while current is not None and thumbprint(current) not in seen:
        seen.add(thumbprint(current))
        yield current
        current = next((issuer for issuer in authorities if _issued(current, issuer)), None)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _dates(check: ClientCertificateCheck, certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    if check.validate_not_before and now < certificate.not_valid_before_utc:
        yield f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    if check.validate_not_after and now > certificate.not_valid_after_utc:
        yield f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d}"


def _trust(
    check: ClientCertificateCheck, chain: Sequence[x509.Certificate], trusted: frozenset[str], now: datetime
) -> Iterator[str]:
    if check.validate_trust and not _is_trusted(chain, trusted, now):
        yield "its chain does not end in a certificate that is live in the Root store"


def _is_trusted(chain: Sequence[x509.Certificate], trusted: frozenset[str], now: datetime) -> bool:
    for position, link in enumerate(chain):
        if position and not (is_authority(link) and link.not_valid_before_utc <= now <= link.not_valid_after_utc):
            return False
        if thumbprint(link) in trusted:
            return True
    return False


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether a certificate may issue others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _identities(check: ClientCertificateCheck, chain: Sequence[x509.Certificate]) -> Iterator[str]:
    if check.identities and not any(_matches(identity, chain) for identity in check.identities):
        yield "it matches none of the identities"


def _matches(identity: ClientIdentity, chain: Sequence[x509.Certificate]) -> bool:
    certificate = chain[0]
    issuer = chain[1] if len(chain) > 1 else None
    told = {
        "thumbprint": thumbprint(certificate),
        "serial-number": f"{certificate.serial_number:X}",
        "subject": dotnet_name(certificate.subject),
        "issuer-subject": dotnet_name(certificate.issuer),
        "issuer-thumbprint": thumbprint(issuer) if issuer else "",
    }
    lists = {"common-name": _common_names(certificate), "dns-name": _dns_names(certificate)}
    return all(_same(name, value, lists.get(name, [told.get(name, "")])) for name, value in identity.claims)


def _same(name: str, wanted: str, found: Sequence[str]) -> bool:
    if name.endswith("thumbprint"):
        return plain_thumbprint(wanted) in found
    if name == "serial-number":
        return wanted.lstrip("0").upper() in [value.lstrip("0") for value in found]
    return wanted in found


def _common_names(certificate: x509.Certificate) -> list[str]:
    return [str(part.value) for part in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in names.get_values_for_type(x509.DNSName)]
