"""
Whether a certificate chains to a root that one gateway trusts, and whether that can be known to be unrevoked.

Expressions (`Verify()`) and `validate-client-certificate` ask; the backend's server certificate is judged here too.
As in Azure the store decides: issuers that the caller merely sends along help only where the store says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from emulator.certificates import thumbprint

LONGEST_CHAIN = 8


@dataclass(frozen=True, kw_only=True)
class TrustStore:
    """
    Roots and intermediates of one gateway. `supported` is False on tiers that take no CA certificates: nothing
    chains there. `revocation` has an entry for each issuer (by thumbprint) whose list can be reached: the serial
    numbers it revokes.
    """

    roots: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()
    supported: bool = True
    revocation: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def trusts(self, certificate: x509.Certificate, now: datetime, sent: Iterable[x509.Certificate] = ()) -> bool:
        """
        Whether a chain of valid issuers leads to a trusted root. The certificate's own dates are not looked at.
        """
        if not self.supported:
            return False
        current, further = certificate, (*self.intermediates, *sent)
        for _ in range(LONGEST_CHAIN):
            if current in self.roots:
                return True
            above = issuer_of(current, (*self.roots, *further))
            if above is None or not _may_issue(above) or not valid_at(above, now):
                return False
            current = above
        return False

    def unrevoked(self, certificate: x509.Certificate, sent: Iterable[x509.Certificate] = ()) -> bool:
        """
        Whether a reachable list says so. A private authority without one leaves it unknown, which is not enough.
        """
        above = issuer_of(certificate, (*self.roots, *self.intermediates, *sent))
        if above is None or thumbprint(above) not in self.revocation:
            return False
        return certificate.serial_number not in self.revocation[thumbprint(above)]


def issuer_of(certificate: x509.Certificate, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    return next((one for one in candidates if one != certificate and issued(one, certificate)), None)


def issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def valid_at(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
