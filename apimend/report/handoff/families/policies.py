"""
Hand-offs of the controls P1 to P5: what policies leave out.

The elements are our own words; nothing of the owner's policy is repeated.
"""

from apimend.mends import PolicyMend, policy_of
from apimend.report.handoff.spot import Entry, Spot, Table

_TOKEN = {
    "a signature demanded": '<validate-jwt require-signed-tokens="true">',
    "an expiry demanded": '<validate-jwt require-expiration-time="true">',
    "audiences or claims": "<audiences><audience>AUDIENCE</audience></audiences>",
    "issuers or openid-config": '<openid-config url="https://login.microsoftonline.com/TENANT/v2.0/'
    '.well-known/openid-configuration" />',
}
_SECTIONS = ("inbound", "backend", "outbound", "on-error")


def _with_base(spot: Spot) -> PolicyMend | None:
    section = spot.evidence.observed
    if section not in _SECTIONS:
        return None
    xml = f"<{section}>\n  <base />\n  <!-- what is there -->\n</{section}>"
    return PolicyMend(target=spot.subject, xml=xml, note="the base first")


def _token(spot: Spot) -> PolicyMend | None:
    xml = _TOKEN.get(spot.evidence.expected)
    return PolicyMend(target=spot.subject, xml=xml, note=f"{_line(spot)}in the validate-jwt") if xml else None


def _limit(spot: Spot) -> PolicyMend | None:
    xml = (
        '<rate-limit-by-key calls="300" renewal-period="60"\n'
        '                   counter-key="@(context.Subscription?.Id ?? context.Request.IpAddress)" />'
    )
    return _inbound(spot, xml, "after <base />; the number is yours")


def _looked_at(spot: Spot) -> PolicyMend | None:
    xml = (
        '<validate-parameters specified-parameter-action="detect" unspecified-parameter-action="detect"\n'
        '                     errors-variable-name="faults" />'
    )
    return _inbound(spot, xml, "after <base />; once nobody is found out who should pass, write prevent")


def _inbound(spot: Spot, xml: str, note: str) -> PolicyMend | None:
    parts = spot.subject.below_instance.split("/")
    if len(parts) != 2 or parts[0].casefold() != "apis":
        return None
    return PolicyMend(target=policy_of(spot.instance, spot.subject.below_instance), xml=xml, note=note)


def _line(spot: Spot) -> str:
    line = spot.evidence.pointer.partition(":")[0]
    return f"{line}, " if line.startswith("line ") else ""


TABLE: Table = {
    "P1": Entry(make=_with_base, otherwise="What can't be read is put right by its author."),
    "P2": "Which origins, methods and headers are meant, only the author of the policy knows.",
    "P3": Entry(make=_token, otherwise="An expression decides; what it is to say, its author knows."),
    "P4": Entry(make=_limit),
    "P5": Entry(make=_looked_at, otherwise="What Azure calls non-compliant, it tells in its own words."),
}
