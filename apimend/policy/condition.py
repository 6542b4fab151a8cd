"""
A certificate check written as a condition: the documented expressions, from and into a ClientCertificateCheck.

Called by check.py and change.py. It writes only what expression_check.py reads back (R14), so whatever goes in is
recognised and judged. It must not choose the form: that is declared.
https://learn.microsoft.com/azure/api-management/api-management-howto-mutual-certificates-for-clients
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form, Record
from apimend.policy.expression_check import ExpressionCheck
from apimend.policy.forwarded_check import forwarded_condition, forwarded_thumbprint
from apimend.policy.layout import Lines
from apimend.policy.record import PRESENTED, record_lines

_CERTIFICATE = "context.Request.Certificate"
_PLAIN = re.compile(r'[^"\\{}\r\n]+')
_CLAIMS = {"thumbprint": "Thumbprint", "subject": "SubjectName.Name", "issuer_subject": "Issuer"}
"""The claims that have a documented term, and the member that it compares."""

_REFUSAL: Lines = (
    (0, "<return-response>"),
    (1, '<set-status code="403" reason="Invalid client certificate" />'),
    (0, "</return-response>"),
)


def condition_of(check: ClientCertificateCheck) -> str:
    """The condition that is true for a caller who is to be refused. Raises ValueError where there is none."""
    if check.form is Form.HEADER:
        return forwarded_condition(check)
    return f"@({' || '.join(_terms(check))})"


def body_lines(check: ClientCertificateCheck, record: Record | None) -> Lines:
    """What happens to a caller for whom the condition is true."""
    if not check.ignore_error:
        return _REFUSAL
    presented = forwarded_thumbprint(check.header) if check.form is Form.HEADER else PRESENTED
    return record_lines(record or Record.TRACE, presented)


def condition_lines(check: ClientCertificateCheck, record: Record | None) -> Lines:
    """The whole `choose` as lines. Raises ValueError where the check has no documented condition."""
    return (
        (0, "<choose>"),
        (1, f'<when condition="{condition_of(check)}">'),
        *((depth + 2, line) for depth, line in body_lines(check, record)),
        (1, "</when>"),
        (0, "</choose>"),
    )


def read_condition_check(found: ExpressionCheck) -> tuple[ClientCertificateCheck, tuple[str, ...]]:
    """What a condition says as a check, and what of it a check can't say."""
    many = [claim for claim in (found.thumbprints, found.issuers, found.subjects) if len(claim) > 1]
    claims = {
        "thumbprint": next(iter(found.thumbprints), None),
        "issuer_subject": next(iter(found.issuers), None),
        "subject": next(iter(found.subjects), None),
    }
    mixed = found.attached and any(claims.values())
    check = ClientCertificateCheck(
        form=Form.ATTACHED if found.attached else Form.EXPRESSION,
        validate_trust=found.verifies,
        validate_revocation=found.asks_revocation,
        validate_not_before=found.verifies or found.not_before,
        validate_not_after=found.verifies or found.not_after,
        ignore_error=found.observes,
        identities=(ClientIdentity(**claims),) if any(claims.values()) else (),
    )
    return check, ("more than one claim of a kind in a condition",) if many or mixed else ()


def normal_condition_check(check: ClientCertificateCheck) -> ClientCertificateCheck:
    """The same check with what a condition can't tell apart: the chain is verified with its dates, or not at all."""
    trusts = check.validate_trust and check.form is not Form.HEADER
    return replace(
        check,
        validate_trust=trusts,
        header=check.header.casefold(),
        validate_revocation=trusts and check.validate_revocation,
        validate_not_before=trusts or check.validate_not_before,
        validate_not_after=trusts or check.validate_not_after,
        identities=() if check.form is Form.ATTACHED else check.identities,
    )


def _terms(check: ClientCertificateCheck) -> Iterator[str]:
    yield f"{_CERTIFICATE} == null"
    if check.validate_trust:
        yield f"!{_CERTIFICATE}.Verify{'' if check.validate_revocation else 'NoRevocation'}()"
    else:
        if check.validate_not_before:
            yield f"{_CERTIFICATE}.NotBefore > DateTime.Now"
        if check.validate_not_after:
            yield f"DateTime.Now > {_CERTIFICATE}.NotAfter"
    if check.form is Form.ATTACHED:
        yield (f"!context.Deployment.Certificates.Any(c => c.Value.Thumbprint == {_CERTIFICATE}.Thumbprint)")
        return
    if len(check.identities) > 1:
        raise ValueError("a condition takes one client")
    yield from (_comparison(identity) for identity in check.identities)


def _comparison(identity: ClientIdentity) -> str:
    terms = []
    for name, value in identity.claims:
        member = _CLAIMS.get(name.replace("-", "_"))
        if member is None:
            raise ValueError(f"`{name}` has no documented condition")
        if not _PLAIN.fullmatch(value):
            raise ValueError(f"`{value}` can't stand in a condition")
        terms.append(f'{_CERTIFICATE}.{member} != "{value}"')
    return " || ".join(terms)
