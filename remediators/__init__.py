"""
The rules: one file for one fault, named for the fault. `ALL` is the explicit list of them.

A rule observes through a reader and plans purely; it never writes, never knows another rule, and never
touches an HTTP or Azure library.
"""

from typing import Any

from apimend.ports import Remediator
from remediators.backend_certificate_missing import BackendCertificateMissing
from remediators.backend_tls_unvalidated import BackendTlsUnvalidated
from remediators.ca_certificate_missing import CaCertificateMissing
from remediators.certificate_expiring import CertificateExpiring
from remediators.client_certificate_missing import ClientCertificateMissing
from remediators.client_certificate_unchecked import ClientCertificateUnchecked
from remediators.gateway_authority_missing import GatewayAuthorityMissing
from remediators.gateway_negotiation_disabled import GatewayNegotiationDisabled
from remediators.negotiation_disabled import NegotiationDisabled
from remediators.posture import BaselineUnmet
from remediators.vault_access_missing import VaultAccessMissing

ALL: tuple[Remediator[Any], ...] = (
    VaultAccessMissing(),
    ClientCertificateMissing(),
    CaCertificateMissing(),
    GatewayAuthorityMissing(),
    BackendCertificateMissing(),
    BackendTlsUnvalidated(),
    NegotiationDisabled(),
    GatewayNegotiationDisabled(),
    ClientCertificateUnchecked(),
    CertificateExpiring(),
    BaselineUnmet(),
)
