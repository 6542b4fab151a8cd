"""
The rules: one file for one fault, named for the fault. `ALL` is the explicit list of them.

A rule observes through a reader and plans purely; it never writes, never knows another rule, and never
touches an HTTP or Azure library.
"""

from typing import Any

from apimend.ports import Remediator
from remediators.client_certificate_missing import ClientCertificateMissing
from remediators.client_certificate_unchecked import ClientCertificateUnchecked
from remediators.negotiation_disabled import NegotiationDisabled

ALL: tuple[Remediator[Any], ...] = (
    NegotiationDisabled(),
    ClientCertificateMissing(),
    ClientCertificateUnchecked(),
)
