"""
What stands in the policies of the generated tenants: checks good and bad, what stands around them, and guards.

Written out as authors write it, not by the product's own writer, so that a mistake there can't hide. `Who` holds the
certificates that the texts name. Every check has the verdict in mind that it is there for; what it really gets
depends on where it ends up, and is for the proof and the gateway to agree on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CERTIFICATE = "context.Request.Certificate"
REFUSAL = '<return-response><set-status code="403" reason="Invalid client certificate" /></return-response>'
SIDE = "https://side.test/hook"
"""Where policies send requests of their own."""

SEND = f'<send-request mode="new" response-variable-name="r"><set-url>{SIDE}</set-url></send-request>'
ANSWER = '<return-response><set-status code="200" reason="OK" /></return-response>'
IS_GET = '@(context.Request.Method == "GET")'
CORS = "<cors><allowed-origins><origin>https://shop.test</origin></allowed-origins></cors>"

HARMLESS = (
    '<set-variable name="v" value="1" />',
    '<set-header name="X-Set" exists-action="override"><value>1</value></set-header>',
    '<rate-limit calls="100000" renewal-period="60" />',
    '<ip-filter action="allow"><address>127.0.0.1</address></ip-filter>',
    '<check-header name="X-Agreement" failed-check-httpcode="400" failed-check-error-message="no">'
    "<value>yes</value></check-header>",
    '<validate-jwt header-name="Authorization" failed-validation-httpcode="401" />',
    '<trace source="agreement"><message>seen</message></trace>',
)
ESCAPES = (
    SEND,
    ANSWER,
    '<mock-response status-code="200" />',
    f'<choose><when condition="{IS_GET}">{ANSWER}</when></choose>',
)
ON_ERROR_HOLES = (ANSWER, '<set-status code="200" reason="OK" />', SEND)
ON_ERROR_CLOSED = (
    "<base />",
    "<base />",
    '<trace source="on-error"><message>failed</message></trace><base />',
    REFUSAL,
)


@dataclass(frozen=True, kw_only=True)
class Who:
    """What policies can name: thumbprints of callers and their issuer, and the names that forger and ally share."""

    ally: str
    second: str
    other: str
    issuer: str
    subject: str = "CN=client, O=Contoso"
    issuer_name: str = "CN=Issuing"
    dns_name: str = "client.contoso.com"


def element(identities: str = "", *, trust: bool = False, revocation: bool = False, ignore: bool = False) -> str:
    """One `validate-client-certificate`."""
    words = {True: "true", False: "false"}
    inside = f"<identities>{identities}</identities>" if identities else ""
    return (
        f'<validate-client-certificate validate-revocation="{words[revocation]}" validate-trust="{words[trust]}" '
        f'validate-not-before="true" validate-not-after="true" ignore-error="{words[ignore]}">{inside}'
        "</validate-client-certificate>"
    )


def pinned(*thumbprints: str, **switches: bool) -> str:
    """A check of thumbprints."""
    return element("".join(f'<identity thumbprint="{each}" />' for each in thumbprints), **switches)


def by_hand(*terms: str, refusal: str = REFUSAL) -> str:
    """A check in C#: null first, then the terms."""
    condition = " || ".join((f"{CERTIFICATE} == null", *terms))
    return f'<choose><when condition="@({condition})">{refusal}</when></choose>'


def covering(who: Who) -> Mapping[str, str]:
    """Checks that only allowed clients pass, where the gateway asks for certificates."""
    return {
        "pin": pinned(who.ally),
        "pins": pinned(who.second, who.ally),
        "trusted pin": pinned(who.ally, trust=True),
        "unrevoked pin": pinned(who.ally, trust=True, revocation=True),
        "pin by hand": by_hand(f'{CERTIFICATE}.Thumbprint != "{who.ally}"'),
        "dated pin by hand": by_hand(
            f"{CERTIFICATE}.NotAfter < DateTime.Now", f'{CERTIFICATE}.Thumbprint != "{who.ally}"'
        ),
        "verified pin by hand": by_hand(f"!{CERTIFICATE}.Verify()", f'{CERTIFICATE}.Thumbprint != "{who.ally}"'),
        "attached": by_hand(
            f"!context.Deployment.Certificates.Any(c => c.Value.Thumbprint == {CERTIFICATE}.Thumbprint)"
        ),
    }


def forgeable(who: Who) -> Mapping[str, str]:
    """Checks that go by names nobody vouches for."""
    return {
        "subject": element(f'<identity subject="{who.subject}" />'),
        "dns name": element(f'<identity dns-name="{who.dns_name}" />'),
        "names": element(f'<identity subject="{who.subject}" issuer-subject="{who.issuer_name}" />'),
        "names by hand": by_hand(
            f'{CERTIFICATE}.Issuer != "{who.issuer_name}"', f'{CERTIFICATE}.SubjectName.Name != "{who.subject}"'
        ),
    }


def weaker(who: Who) -> Mapping[str, str]:
    """Checks that let in somebody who isn't declared."""
    return {
        "anybody": element(),
        "anybody trusted": element(trust=True),
        "trusted subject": element(f'<identity subject="{who.subject}" />', trust=True),
        "issuer": element(f'<identity issuer-thumbprint="{who.issuer}" />', trust=True),
        "undeclared pin": pinned(who.ally, who.other),
        "presence by hand": by_hand(),
        "verified by hand": by_hand(f"!{CERTIFICATE}.VerifyNoRevocation()"),
    }


def odd(who: Who) -> Mapping[str, str]:
    """Checks outside of the forms that are recognised; some hold, some don't."""
    good = f'{CERTIFICATE} != null && {CERTIFICATE}.Thumbprint == "{who.ally}"'
    bad = f'{CERTIFICATE} != null && {CERTIFICATE}.Thumbprint != "{who.ally}"'
    return {
        "otherwise": f'<choose><when condition="@({good})"></when><otherwise>{REFUSAL}</otherwise></choose>',
        "and": f'<choose><when condition="@({bad})">{REFUSAL}</when></choose>',
        "null last": f'<choose><when condition="@({CERTIFICATE}?.Thumbprint != "{who.ally}" || {CERTIFICATE} == null)">'
        f"{REFUSAL}</when></choose>",
        "starts with": by_hand(f'!{CERTIFICATE}.Thumbprint.StartsWith("{who.ally[:4]}")'),
        "only for GET": f'<choose><when condition="{IS_GET}">{pinned(who.ally)}</when></choose>',
        "only for POST": guarded('context.Request.Method == "POST"', pinned(who.ally)),
        "retried": f'<retry condition="@(false)" count="1" interval="1">{pinned(who.ally)}</retry>',
    }


def shut(who: Who) -> Mapping[str, str]:
    """Checks that nobody can pass, wherever they stand."""
    return {
        "lower case": by_hand(f'{CERTIFICATE}.Thumbprint != "{who.ally.lower()}"'),
        "two at once": by_hand(
            f'{CERTIFICATE}.Thumbprint != "{who.ally}"', f'{CERTIFICATE}.Thumbprint != "{who.second}"'
        ),
        "one after another": pinned(who.ally) + pinned(who.second),
    }


def observing(who: Who) -> Mapping[str, str]:
    """Checks that only look."""
    record = '<trace source="apimend" severity="information"><message>seen</message></trace>'
    return {
        "observed pin": pinned(who.ally, ignore=True),
        "observed": element(trust=True, ignore=True),
        "observed by hand": by_hand(f'{CERTIFICATE}.Thumbprint != "{who.ally}"', refusal=record),
    }


KINDS = {
    "covered": covering,
    "forgeable": forgeable,
    "weaker": weaker,
    "not understood": odd,
    "locked out": shut,
    "observed only": observing,
}


EVERYWHERE = (
    *("pin", "pins", "pin by hand", "dated pin by hand"),
    *("subject", "dns name", "names", "names by hand"),
    *("anybody", "undeclared pin", "presence by hand"),
    *("otherwise", "and", "only for GET", "only for POST", "retried"),
    *("one after another", "observed pin", "observed", "observed by hand"),
)
"""The checks whose verdict does not depend on what a gateway trusts, or on which certificates are attached."""


def guarded(condition: str, inside: str) -> str:
    """Elements for some calls only."""
    return f'<choose><when condition="@({condition})">{inside}</when></choose>'


def policy(inbound: str | None, *, on_error: str = "<base />", is_global: bool = False) -> str:
    """A document; without an inbound section where that is None."""
    section = "" if inbound is None else f"<inbound>{inbound}</inbound>"
    backend = "<forward-request />" if is_global else "<base />"
    outbound = "" if is_global else "<base />"
    error = on_error.replace("<base />", "") if is_global else on_error
    return (
        f"<policies>{section}<backend>{backend}</backend><outbound>{outbound}</outbound>"
        f"<on-error>{error}</on-error></policies>"
    )
