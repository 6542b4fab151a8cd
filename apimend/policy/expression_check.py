"""
Certificate checks that people write by hand: `choose` with a C# condition and a refusal.

Called by recognise.py. Only the form that Microsoft documents is read (R14): one `when`, an `||` of known terms
with the test for null first, a `return-response` of 4xx and no `otherwise`. Anything else might let somebody pass
whom a quick reader would think refused, so it is no check at all for us.
https://learn.microsoft.com/azure/api-management/api-management-howto-mutual-certificates-for-clients
"""

import re
from dataclasses import dataclass, replace

from apimend.policy.document import Element
from apimend.policy.record import read_record

_CERTIFICATE = r"context\.Request\.Certificate"
_STRING = r'"([^"\\{}]*)"'
_NULL = re.compile(rf"{_CERTIFICATE}==null")
_TERMS = {
    "verify": re.compile(rf"!{_CERTIFICATE}\.(Verify|VerifyNoRevocation)\(\)"),
    "thumbprint": re.compile(rf"{_CERTIFICATE}\.Thumbprint!={_STRING}"),
    "issuer": re.compile(rf"{_CERTIFICATE}\.(?:Issuer|IssuerName\.Name)!={_STRING}"),
    "subject": re.compile(rf"{_CERTIFICATE}\.(?:Subject|SubjectName\.Name)!={_STRING}"),
    "after": re.compile(rf"{_CERTIFICATE}\.NotAfter<DateTime\.Now|DateTime\.Now>{_CERTIFICATE}\.NotAfter"),
    "before": re.compile(rf"{_CERTIFICATE}\.NotBefore>DateTime\.Now|DateTime\.Now<{_CERTIFICATE}\.NotBefore"),
    "attached": re.compile(
        r"!context\.Deployment\.Certificates\.Any\((?P<c>[A-Za-z_]\w*)=>"
        rf"(?:(?P=c)\.Value\.Thumbprint=={_CERTIFICATE}\.Thumbprint"
        rf"|{_CERTIFICATE}\.Thumbprint==(?P=c)\.Value\.Thumbprint)\)"
    ),
}
"""The documented terms, each true for a caller who is to be refused, without blanks."""

_TOKEN = re.compile(r'\s*+(?:("[^"\\\r\n]*+")|(=>|==|!=|\|\||[<>!().])|([A-Za-z_]\w*+))')
_IN_RESPONSE = frozenset({"set-status", "set-header", "set-body"})


@dataclass(frozen=True, kw_only=True)
class ExpressionCheck:
    """
    What a hand-written check demands of a caller, all of it at once, besides having a certificate.

    `verifies`: its chain; `asks_revocation`: its CA's list as well. `observes`: a caller who fails is recorded by a
    record of ours, and let in.
    """

    thumbprints: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    attached: bool = False
    verifies: bool = False
    asks_revocation: bool = False
    not_before: bool = False
    not_after: bool = False
    observes: bool = False

    @property
    def names(self) -> bool:
        """Whether it looks at names."""
        return bool(self.issuers or self.subjects)


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from one condition: a refusal, or, where it `observes`, a record of ours and nothing else."""

    condition: str
    observes: bool


def read_expression_check(choose: Element) -> ExpressionCheck | None:
    """What a `choose` demands, where it is a check in the documented form; else None."""
    read = read_consequence(choose)
    found = read_condition(read.condition) if read is not None else None
    return replace(found, observes=read.observes) if read is not None and found is not None else None


def read_consequence(choose: Element) -> Consequence | None:
    """The condition of a `choose` that does nothing but refuse, or record, whomever it is true for; else None."""
    if choose.name != "choose":
        return None
    children = choose.children
    if choose.attributes or choose.own_text.strip() or len(children) != 1:
        return None
    when = children[0]
    if when.name != "when" or set(when.attributes) != {"condition"} or when.own_text.strip():
        return None
    inside = when.children
    if len(inside) != 1:
        return None
    observes = read_record(inside[0]) is not None
    if not observes and not (inside[0].name == "return-response" and is_refusal(inside[0])):
        return None
    return Consequence(when.attributes["condition"].value, observes)


def read_condition(condition: str) -> ExpressionCheck | None:
    """What a condition demands; None where it is anything but the documented terms joined by `||`."""
    terms = _terms(condition.strip())
    if terms is None or not _NULL.fullmatch(terms[0]):
        return None
    found: dict[str, list[str]] = {name: [] for name in _TERMS}
    for term in terms[1:]:
        name, match = next(
            ((name, m) for name, pattern in _TERMS.items() if (m := pattern.fullmatch(term))), ("", None)
        )
        if match is None:
            return None
        found[name].append(match.group(match.lastindex or 0))
    return ExpressionCheck(
        thumbprints=tuple(found["thumbprint"]),
        issuers=tuple(found["issuer"]),
        subjects=tuple(found["subject"]),
        attached=bool(found["attached"]),
        verifies=bool(found["verify"]),
        asks_revocation="Verify" in found["verify"],
        not_before=bool(found["before"]),
        not_after=bool(found["after"]),
    )


def is_refusal(response: Element) -> bool:
    """Whether a `return-response` refuses for certain: a literal status of 4xx, and nothing unknown in it."""
    statuses = [child for child in response.children if child.name == "set-status"]
    known = all(child.name in _IN_RESPONSE for child in response.children) and not response.own_text.strip()
    if len(statuses) != 1 or not known or "response-variable-name" in response.attributes:
        return False
    return is_refusing_status(statuses[0].value("code"))


def is_refusing_status(code: str | None) -> bool:
    """Whether a status is a literal 4xx."""
    return code is not None and re.fullmatch(r"4\d\d", code.strip()) is not None


def _terms(condition: str) -> list[str] | None:
    """The operands of `||` without blanks; None where a token is not one of the few that the terms are made of."""
    if not (condition.startswith("@(") and condition.endswith(")")):
        return None
    terms, after_name, position = [""], False, 2
    while position < len(condition) - 1:
        token = _TOKEN.match(condition, position, len(condition) - 1)
        if token is None:
            return terms if not condition[position:-1].strip() else None
        string, sign, name = token.groups()
        if name and after_name:
            return None
        if sign == "||":
            terms.append("")
        else:
            terms[-1] += string or sign or name
        after_name, position = bool(name), token.end()
    return terms
