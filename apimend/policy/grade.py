"""
How good one certificate check is: whom it lets in who should not be.

Called by coverage.py. R11: where the chain isn't checked, names prove nothing. R12: `Certificates.Any` admits the
holder of every attached certificate. R16: a header proves something only where nobody but the proxy can write it. It
sees one check at one host, not what stands around it.
"""

import re
from dataclasses import dataclass, replace
from enum import IntEnum

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import check as checks
from apimend.policy.expression_check import ExpressionCheck
from apimend.policy.forwarded_check import ForwardedCheck
from apimend.policy.topology import MANAGED, Host, Standards

CheckSeen = checks.CheckRead | ExpressionCheck | ForwardedCheck
"""A check in any of the forms that are recognised."""


class Verdict(IntEnum):
    """What becomes of a caller without an allowed certificate; the higher, the worse (R13)."""

    COVERED = 0
    WAIVED = 1
    OBSERVED_ONLY = 2
    NOT_UNDERSTOOD = 3
    WEAKER = 4
    FORGEABLE = 5
    BYPASSED = 6
    LOCKED_OUT = 7

    @property
    def word(self) -> str:
        """As it is written in reports."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Grade:
    """A verdict on one check, with its reason. `admits`: the only thumbprints that pass it; None: others may."""

    verdict: Verdict
    reason: str
    admits: frozenset[str] | None = None


_UPPER_HEX = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


def grade(read: CheckSeen, host: Host, standards: Standards) -> Grade:
    """The verdict on a check for calls that come in at a host."""
    if isinstance(read, checks.CheckRead):
        return _policy(read, host, standards)
    if read.observes:
        return Grade(Verdict.OBSERVED_ONLY, "the condition records who fails, and lets everybody pass")
    if isinstance(read, ForwardedCheck):
        return _forwarded(read, host, standards)
    return _expression(read, host, standards)


def _policy(read: checks.CheckRead, host: Host, standards: Standards) -> Grade:
    if read.not_understood:
        return Grade(Verdict.NOT_UNDERSTOOD, f"the check has {', '.join(read.not_understood)}")
    if read.check.ignore_error:
        return Grade(Verdict.OBSERVED_ONLY, 'the check lets everybody pass (`ignore-error="true"`)')
    admitted = [identity.thumbprint for identity in read.check.identities]
    admits = frozenset(pin for pin in admitted if pin) if all(admitted) and admitted else None
    trusting = read.check.validate_trust
    found = _at_host(host, trusting=trusting) or _if_trusted(host, _element(read.check, standards), trusting=trusting)
    return replace(found, admits=admits)


def _at_host(host: Host, *, trusting: bool) -> Grade | None:
    """What the host makes of any check: without a certificate to look at, it refuses everybody."""
    name = host.name or host.gateway
    if host.negotiates is False:
        return Grade(Verdict.LOCKED_OUT, f"{name} never asks for a certificate, so the check refuses everybody")
    if trusting and host.trusts is False:
        return Grade(Verdict.LOCKED_OUT, f"{name} does not trust the clients' chain, so the check refuses everybody")
    if host.negotiates is None:
        return Grade(Verdict.NOT_UNDERSTOOD, f"whether {name} asks for a certificate is not known")
    return None


def _if_trusted(host: Host, found: Grade, *, trusting: bool) -> Grade:
    """
    What remains of a verdict where it isn't known whose chains the host trusts.

    Whether a gateway without any CA certificate trusts public ones is not documented: it may refuse everybody.
    """
    if not trusting or host.trusts is not None:
        return found
    name = host.name or host.gateway
    reason = f"no CA certificate is in the Root store of {name}, and whom the check lets in then is not documented"
    return max(found, Grade(Verdict.NOT_UNDERSTOOD, reason), key=lambda each: each.verdict)


def _element(check: ClientCertificateCheck, standards: Standards) -> Grade:
    if not check.identities:
        trusted = "any certificate of a trusted CA" if check.validate_trust else "any certificate at all"
        return Grade(Verdict.WEAKER, f"the check lets {trusted} pass")
    grades = (_identity(identity, standards, trusting=check.validate_trust) for identity in check.identities)
    return max(grades, key=lambda each: each.verdict)


def _identity(identity: ClientIdentity, standards: Standards, *, trusting: bool) -> Grade:
    if identity.thumbprint is not None:
        return _thumbprints((identity.thumbprint,), standards)
    if not trusting:
        return Grade(Verdict.FORGEABLE, "the check goes by names, and anybody can make a certificate with them")
    if not _is_declared(identity, standards):
        return Grade(Verdict.WEAKER, "the check goes by names, and lets in others than the declared clients")
    if identity.issuer_thumbprint is None and identity.issuer_certificate_id is None:
        return Grade(Verdict.WEAKER, "the check goes by names without pinning their issuer")
    return Grade(Verdict.COVERED, "the check pins the issuer")


def _is_declared(identity: ClientIdentity, standards: Standards) -> bool:
    """Names mean declared clients only where they were declared so: of thumbprints nobody can tell their names."""
    if standards.identities is None:
        return standards.thumbprints is None
    return checks.normal_identity(identity) in {checks.normal_identity(each) for each in standards.identities}


def _declared_pins(standards: Standards) -> frozenset[str] | None:
    """The thumbprints of all declared clients; None where nobody declared any."""
    if standards.thumbprints is None and standards.identities is None:
        return None
    named = (checks.normal_identity(each).thumbprint for each in standards.identities or ())
    return (standards.thumbprints or frozenset()) | frozenset(pin for pin in named if pin)


def _thumbprints(thumbprints: tuple[str, ...], standards: Standards) -> Grade:
    pins = _declared_pins(standards)
    declared = frozenset(thumbprints) if pins is None else pins
    strangers = sorted(set(thumbprints) - declared)
    if strangers:
        return Grade(Verdict.WEAKER, f"the check lets in {', '.join(strangers)}, which is not declared")
    return Grade(Verdict.COVERED, "the check pins the declared clients")


def _expression(check: ExpressionCheck, host: Host, standards: Standards) -> Grade:
    """All that a condition demands holds at once, so the best of it counts."""
    found = (
        _at_host(host, trusting=check.verifies)
        or _unreachable(check)
        or _if_trusted(host, min(_demands(check, standards), key=lambda each: each.verdict), trusting=check.verifies)
    )
    return replace(found, admits=frozenset(check.thumbprints) or None)


def _forwarded(check: ForwardedCheck, host: Host, standards: Standards) -> Grade:
    """Whether the host asks for a certificate makes no difference here: the proxy has asked for it."""
    possible = tuple(value for value in check.thumbprints if _UPPER_HEX.fullmatch(value))
    if not possible:
        return Grade(Verdict.LOCKED_OUT, "the condition refuses everybody: no thumbprint is as .NET writes it")
    if host.gateway != MANAGED:
        what = f"{host.name or host.gateway} does not lie behind the declared proxy, so anybody can write the header"
        return Grade(Verdict.FORGEABLE, f"{what} {check.header}")
    if check.header.casefold() not in standards.headers:
        return Grade(Verdict.FORGEABLE, f"whoever goes around the proxy can write the header {check.header}")
    return replace(_thumbprints(possible, standards), admits=frozenset(possible))


def _unreachable(check: ExpressionCheck) -> Grade | None:
    """A thumbprint that no certificate can have, because .NET writes them in upper case and compares case."""
    wrong = [value for value in check.thumbprints if not _UPPER_HEX.fullmatch(value)]
    if wrong or len(set(check.thumbprints)) > 1:
        what = f'"{wrong[0]}" is no thumbprint as .NET writes it' if wrong else "no certificate has two thumbprints"
        return Grade(Verdict.LOCKED_OUT, f"the condition refuses everybody: {what}")
    return None


def _demands(check: ExpressionCheck, standards: Standards) -> list[Grade]:
    whose = "goes by names without pinning their issuer" if check.names else "demands a certificate, but not whose"
    grades = [Grade(Verdict.WEAKER, f"the condition {whose}")]
    if check.thumbprints:
        grades.append(_thumbprints(check.thumbprints, standards))
    if check.attached:
        grades.append(_attached(standards))
    if check.names and not check.verifies and not check.thumbprints and not check.attached:
        return [Grade(Verdict.FORGEABLE, "the condition goes by names, and anybody can make a certificate with them")]
    return grades


def _attached(standards: Standards) -> Grade:
    pins = _declared_pins(standards)
    if pins is None:
        return Grade(Verdict.COVERED, "the condition lets in the attached certificates")
    strangers = sorted(standards.attached - pins)
    if strangers:
        return Grade(
            Verdict.WEAKER, f"the holder of attached {', '.join(strangers)} gets in, who is no declared client"
        )
    return Grade(Verdict.COVERED, "the condition lets in the attached certificates, all of declared clients")
