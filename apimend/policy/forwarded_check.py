"""
The check of a certificate that a proxy forwards in a header: written, and read back to the letter (R16).

Called by condition.py, change.py and recognise.py. The proxy ends the callers' TLS, so it is the one that checks
their chains; here the certificate that it hands on, PEM and URL-encoded as Application Gateway writes it, has to be
one of the pinned ones. Whether the header can be believed at all is not for this module to say: grade.py does.
https://learn.microsoft.com/azure/application-gateway/mutual-authentication-server-variables
"""

import re
from dataclasses import dataclass

from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form
from apimend.policy.document import Element
from apimend.policy.expression_check import read_consequence

HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_PIN = re.compile(r"[0-9A-Za-z]+")
_SENT = 'context.Request.Headers.GetValueOrDefault("{header}", "")'
_TAKEN = (
    "new X509Certificate2(Convert.FromBase64String(System.Net.WebUtility.UrlDecode({sent})"
    '.Replace("-----BEGIN CERTIFICATE-----", "").Replace("-----END CERTIFICATE-----", "")))'
)
_NOT_BEFORE = "certificate.NotBefore > DateTime.Now || "
_NOT_AFTER = "DateTime.Now > certificate.NotAfter || "
_OTHER = 'certificate.Thumbprint != "{pin}"'
_CONDITION = "@{{ try {{ var certificate = {taken}; return {dates}({others}); }} catch {{ return true; }} }}"
"""What is no certificate at all is refused like a wrong one, so `catch` returns true: a failing policy would too."""


def _pattern() -> "re.Pattern[str]":
    """The same text with holes for what differs."""
    taken = _TAKEN.format(sent=_SENT.format(header="HEADER"))
    text = re.escape(_CONDITION.format(taken=taken, dates="DATES", others="OTHERS"))
    other = re.escape(_OTHER.format(pin="PIN")).replace("PIN", _PIN.pattern)
    dates = f"(?P<before>{re.escape(_NOT_BEFORE)})?(?P<after>{re.escape(_NOT_AFTER)})?"
    text = text.replace("HEADER", f"(?P<header>{HEADER_NAME.pattern})").replace("DATES", dates)
    return re.compile(text.replace("OTHERS", f"(?P<others>{other}(?: && {other})*)"))


_FORM = _pattern()
_PINS = re.compile(f'"({_PIN.pattern})"')


@dataclass(frozen=True, kw_only=True)
class ForwardedCheck:
    """What a check of a header demands: one of these thumbprints, and its dates."""

    header: str
    thumbprints: tuple[str, ...]
    not_before: bool = False
    not_after: bool = False
    observes: bool = False

    @property
    def check(self) -> ClientCertificateCheck:
        """The same as a check."""
        return ClientCertificateCheck(
            form=Form.HEADER,
            header=self.header,
            validate_trust=False,
            validate_revocation=False,
            validate_not_before=self.not_before,
            validate_not_after=self.not_after,
            ignore_error=self.observes,
            identities=tuple(ClientIdentity(thumbprint=pin) for pin in self.thumbprints),
        )


def forwarded_condition(check: ClientCertificateCheck) -> str:
    """The condition that is true for a caller who is to be refused. Raises ValueError where it can't be written."""
    pins = [identity.thumbprint for identity in check.identities]
    if not pins or any(identity.claims[1:] or not identity.thumbprint for identity in check.identities):
        raise ValueError("a header is checked by thumbprints alone")
    dates = _NOT_BEFORE * check.validate_not_before + _NOT_AFTER * check.validate_not_after
    others = " && ".join(_OTHER.format(pin=pin) for pin in pins)
    return _CONDITION.format(taken=_taken(check.header), dates=dates, others=others)


def forwarded_thumbprint(header: str) -> str:
    """The thumbprint that came in a header as an expression, for the record of a check that observes."""
    return f'@{{ try {{ return {_taken(header)}.Thumbprint; }} catch {{ return "none"; }} }}'


def read_forwarded_check(choose: Element) -> ForwardedCheck | None:
    """What a `choose` demands of a header, where it has the form that we write; else None."""
    read = read_consequence(choose)
    found = _FORM.fullmatch(" ".join(read.condition.split())) if read is not None else None
    if read is None or found is None:
        return None
    return ForwardedCheck(
        header=found["header"],
        thumbprints=tuple(_PINS.findall(found["others"])),
        not_before=found["before"] is not None,
        not_after=found["after"] is not None,
        observes=read.observes,
    )


def _taken(header: str) -> str:
    if not HEADER_NAME.fullmatch(header):
        raise ValueError(f"`{header}` is no name of a header")
    return _TAKEN.format(sent=_SENT.format(header=header))
