"""
The certificate check as data: what a `validate-client-certificate` element says, or a condition in its place.

Values are as Azure documents them: https://learn.microsoft.com/azure/api-management/validate-client-certificate-policy
"""

from dataclasses import dataclass, fields
from enum import Enum
from functools import cached_property

MAX_IDENTITIES = 10
"""At most so many `identity` elements in one check, by the same page."""


class Form(Enum):
    """
    How a check is written: as the policy made for it, as a condition on one certificate, as a condition that
    looks for the certificate among those attached to the service, or as one on the header of a proxy in front (R16).
    """

    ELEMENT = "element"
    EXPRESSION = "expression"
    ATTACHED = "attached"
    HEADER = "header"


class Record(Enum):
    """Where a check that only observes writes down who calls: into the diagnostics, or as a custom metric."""

    TRACE = "trace"
    METRIC = "emit-metric"


@dataclass(frozen=True, kw_only=True)
class ClientIdentity:
    """
    One `identity` element: every claim that is given must hold.

    Thumbprints are upper-case hexadecimal SHA-1; `subject` and `issuer_subject` are in .NET form
    (`CN=a, O="Contoso, Inc."`); `issuer_certificate_id` names a CA certificate entity of the service.
    """

    thumbprint: str | None = None
    serial_number: str | None = None
    common_name: str | None = None
    subject: str | None = None
    dns_name: str | None = None
    issuer_subject: str | None = None
    issuer_thumbprint: str | None = None
    issuer_certificate_id: str | None = None

    @property
    def claims(self) -> tuple[tuple[str, str], ...]:
        """The claims that are given, as (attribute name of the policy, value), in Azure's order."""
        given = ((f.name.replace("_", "-"), getattr(self, f.name)) for f in fields(self))
        return tuple((name, value) for name, value in given if value is not None)


@dataclass(frozen=True, kw_only=True)
class ClientCertificateCheck:
    """
    One check. `ignore_error` lets a caller through who fails it: `observe`.

    Several identities: one of them has to match. None at all: any valid certificate passes. A condition judges
    dates along with the chain, so there they are switches of their own only where trust isn't checked. `header` is
    the one that a forwarded certificate stands in; empty for the other forms.
    """

    validate_revocation: bool = True
    validate_trust: bool = True
    validate_not_before: bool = True
    validate_not_after: bool = True
    ignore_error: bool = False
    identities: tuple[ClientIdentity, ...] = ()
    form: Form = Form.ELEMENT
    header: str = ""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Checks are looked up again and again, by the same few objects."""
        return hash((*(getattr(self, field.name) for field in fields(self)),))
