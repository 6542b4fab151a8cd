"""
A certificate as C# sees it: the members of X509Certificate2 that conditions may use.

`exchange` shows the caller's and the attached ones, `expressions` what a header held.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509

from emulator.certificates import serial_number, thumbprint
from emulator.distinguished import net_name
from emulator.gateway.validation import Presented, verify


def shown_certificate(
    certificate: x509.Certificate | None, presented: Presented | None = None
) -> dict[str, Any] | None:
    """
    An X509Certificate2. Only the caller's own can be verified: nothing asks it of the others.
    """
    if certificate is None:
        return None
    shown: dict[str, Any] = {
        "Thumbprint": thumbprint(certificate),
        "Subject": net_name(certificate.subject),
        "SubjectName": {"Name": net_name(certificate.subject)},
        "Issuer": net_name(certificate.issuer),
        "IssuerName": {"Name": net_name(certificate.issuer)},
        "SerialNumber": serial_number(certificate),
        "GetSerialNumberString()": lambda: serial_number(certificate),
        "NotBefore": certificate.not_valid_before_utc,
        "NotAfter": certificate.not_valid_after_utc,
    }
    if presented is not None:
        shown["Verify()"] = lambda: verify(presented, revocation=True)
        shown["VerifyNoRevocation()"] = lambda: verify(presented, revocation=False)
    return shown
