"""
`validate-client-certificate`: why a caller's certificate is refused, or that it is not.

The policy runner calls `refusal` with the element as written. Within one `identity` all claims must hold, among
several one suffices; an empty claim is none. The element's own `ignore-error` is the runner's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509

from emulator.certificates import common_name, serial_number, thumbprint
from emulator.distinguished import net_name
from emulator.gateway.outcome import NotEmulated
from emulator.gateway.trust import TrustStore, issuer_of, valid_at
from emulator.policytext import Element

SWITCHES = frozenset(
    {"validate-revocation", "validate-trust", "validate-not-before", "validate-not-after", "ignore-error"}
)


@dataclass(frozen=True, kw_only=True)
class Presented:
    """
    What the gateway has at hand to judge a caller: the certificate, what came with it, the trust of this gateway,
    the certificates attached to the service by id, and the time. `backends` is what it trusts of servers.
    """

    certificate: x509.Certificate | None
    sent: tuple[x509.Certificate, ...]
    trust: TrustStore
    backends: TrustStore = field(default_factory=TrustStore)
    attached: Mapping[str, x509.Certificate]
    now: datetime

    @property
    def issuer(self) -> x509.Certificate | None:
        known = (*self.trust.roots, *self.trust.intermediates, *self.attached.values(), *self.sent)
        return issuer_of(self.certificate, known) if self.certificate else None


def ignores_errors(element: Element) -> bool:
    return _switch(element, "ignore-error", otherwise=False)


def refusal(element: Element, presented: Presented) -> str:
    """
    Why the certificate is refused; empty when it is accepted.
    """
    unknown = set(element.attributes) - SWITCHES
    if unknown:
        raise NotEmulated(f"validate-client-certificate with {', '.join(sorted(unknown))}")
    identities = _identities(element)
    certificate = presented.certificate
    if certificate is None:
        return "Client certificate is missing."
    checks: Mapping[str, tuple[Callable[[], bool], str]] = {
        "validate-not-before": (
            lambda: certificate.not_valid_before_utc <= presented.now,
            "Client certificate is not valid yet.",
        ),
        "validate-not-after": (
            lambda: presented.now <= certificate.not_valid_after_utc,
            "Client certificate has expired.",
        ),
        "validate-trust": (
            lambda: presented.trust.trusts(certificate, presented.now, presented.sent),
            "Client certificate is not trusted.",
        ),
        "validate-revocation": (
            lambda: presented.trust.unrevoked(certificate, presented.sent),
            "Revocation of the client certificate could not be ruled out.",
        ),
    }
    for switch, (passes, reason) in checks.items():
        if _switch(element, switch, otherwise=True) and not passes():
            return reason
    if identities and not any(_matches(identity, certificate, presented) for identity in identities):
        return "Client certificate has none of the expected identities."
    return ""


def verify(presented: Presented, *, revocation: bool) -> bool:
    """
    `Verify()` and `VerifyNoRevocation()`: chain and dates, and for the former revocation too.
    """
    certificate = presented.certificate
    if certificate is None or not valid_at(certificate, presented.now):
        return False
    trusted = presented.trust.trusts(certificate, presented.now, presented.sent)
    return trusted and (not revocation or presented.trust.unrevoked(certificate, presented.sent))


def _switch(element: Element, name: str, *, otherwise: bool) -> bool:
    value = element.attributes.get(name, str(otherwise)).casefold()
    if value not in ("true", "false"):
        raise NotEmulated(f"{name}={value} of validate-client-certificate")
    return value == "true"


def _identities(element: Element) -> list[dict[str, str]]:
    found = []
    for group in element.elements:
        odd = group.name if group.name != "identities" else _odd_child(group)
        if odd:
            raise NotEmulated(f"{odd} inside validate-client-certificate")
        found += [{name: value for name, value in one.attributes.items() if value} for one in group.elements]
    for claims in found:
        if not claims.keys() <= CLAIMS.keys():
            raise NotEmulated(f"an identity with {', '.join(sorted(claims.keys() - CLAIMS.keys()))}")
    return found


def _odd_child(group: Element) -> str:
    return next((one.name for one in group.elements if one.name != "identity"), "")


def _matches(claims: Mapping[str, str], certificate: x509.Certificate, presented: Presented) -> bool:
    return all(CLAIMS[name](expected, certificate, presented) for name, expected in claims.items())


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name.casefold() for name in names.get_values_for_type(x509.DNSName)]


def _issued_by(expected: str, presented: Presented) -> bool:
    issuer = presented.issuer
    return issuer is not None and thumbprint(issuer) == expected.upper()


def _issued_by_attached(certificate_id: str, presented: Presented) -> bool:
    attached = {name.casefold(): one for name, one in presented.attached.items()}
    named = attached.get(certificate_id.casefold())
    return named is not None and _issued_by(thumbprint(named), presented)


Claim = Callable[[str, x509.Certificate, Presented], bool]
CLAIMS: Mapping[str, Claim] = {
    "thumbprint": lambda expected, one, _: thumbprint(one) == expected.upper(),
    "serial-number": lambda expected, one, _: serial_number(one) == expected.upper(),
    "common-name": lambda expected, one, _: common_name(one) == expected,
    "subject": lambda expected, one, _: net_name(one.subject) == expected,
    "dns-name": lambda expected, one, _: expected.casefold() in _dns_names(one),
    "issuer-subject": lambda expected, one, _: net_name(one.issuer) == expected,
    "issuer-thumbprint": lambda expected, _, presented: _issued_by(expected, presented),
    "issuer-certificate-id": lambda expected, _, presented: _issued_by_attached(expected, presented),
}
