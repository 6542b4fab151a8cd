"""
Policies that let more through than their authors meant.

What it finds: documents that drop what outer scopes ask for, wildcards in CORS, token checks with holes, calls without
a limit, input that nobody looks at.
Why it matters: the gateway does what the effective policy says, not what the outermost one promises.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/mitigate-owasp-api-threats
"""

from collections.abc import Callable, Iterator

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.policy import Element
from apimend.posture import documents
from apimend.posture.control import Control, Family
from apimend.posture.documents import Written
from apimend.posture.estate import Estate
from apimend.posture.table import APIM

_SECTIONS = ("inbound", "backend", "outbound", "on-error")
_LIMITS = ("rate-limit", "quota", "llm-token-limit", "azure-openai-token-limit")
_ANY_TENANT = frozenset({"", "common", "organizations", "consumers"})
_RANKS = (False, None, True)
_VALIDATES = frozenset({"validate-content", "validate-parameters", "validate-headers", "validate-graphql-request"})


def outer_policy_bypassed(estate: Estate) -> Iterator[Evidence]:
    yield from documents.unreadable(estate)
    for written in documents.documents(estate):
        if not written.is_inner:
            continue
        for name in _SECTIONS:
            section = written.document.section(name)
            if section is None:
                continue
            runs = any(child.name == "base" for child in section.children)
            severity = Severity.INFO if name == "inbound" or runs else Severity.LOW
            why = "" if runs else f"Its {name} runs none of the outer policies."
            yield documents.found(estate, written, section, runs, "<base />", why, severity=severity)


def cors_wildcard(estate: Estate) -> Iterator[Evidence]:
    for written, cors in _all(estate, "cors"):
        with_credentials = (cors.value("allow-credentials") or "").casefold() == "true"
        for kind, bad in (("origin", Severity.INFO), ("method", Severity.LOW), ("header", Severity.LOW)):
            listed = [each for each in cors.descendants if each.name == kind]
            wild = any(each.own_text.strip() == "*" for each in listed)
            severity = (
                Severity.CRITICAL if wild and kind == "origin" and with_credentials else bad if wild else Severity.INFO
            )
            why = f"Every {kind} is allowed{', with credentials' if with_credentials else ''}." if wild else ""
            if listed:
                yield documents.found(estate, written, cors, not wild, f"no {kind} *", why, severity=severity)


def token_check_weak(estate: Estate) -> Iterator[Evidence]:
    for written, check in _all(estate, "validate-jwt"):
        children = {child.name for child in check.children}
        asked = {
            "an expiry": (check.value("require-expiration-time") or "true"),
            "a signature": (check.value("require-signed-tokens") or "true"),
        }
        for what, value in asked.items():
            known: bool | None = None if value.startswith("@") else value.casefold() != "false"
            why = "" if known else "Decided by an expression." if known is None else f"Tokens without {what} pass."
            yield documents.found(estate, written, check, known, f"{what} demanded", why)
        audience = bool(children & {"audiences", "required-claims"})
        yield documents.found(
            estate, written, check, audience, "audiences or claims", "" if audience else "Tokens for others pass."
        )
        issuer = bool(children & {"issuers", "openid-config"})
        yield documents.found(
            estate, written, check, issuer, "issuers or openid-config", "" if issuer else "Tokens of any issuer pass."
        )
    yield from _entra_tokens(estate)


def _entra_tokens(estate: Estate) -> Iterator[Evidence]:
    """Entra signs and ends its tokens; whose they are, and for whom, the policy has to say."""
    for written, check in _all(estate, "validate-azure-ad-token"):
        children = {child.name for child in check.children}
        bound = bool(children & {"audiences", "client-application-ids", "backend-application-ids", "required-claims"})
        why = "" if bound else "Every token of the tenant passes."
        yield documents.found(estate, written, check, bound, "audiences, applications or claims", why)
        tenant = (check.value("tenant-id") or "").strip()
        known: bool | None = None if tenant.startswith("@") else tenant.casefold() not in _ANY_TENANT
        why = "" if known else "Decided by an expression." if known is None else "Tokens of any tenant pass."
        yield documents.found(estate, written, check, known, "one tenant", why)


def no_throttling(estate: Estate) -> Iterator[Evidence]:
    yield from _for_calls(
        estate,
        lambda element: element.name.startswith(_LIMITS),
        "rate-limit or quota",
        "Nobody limits the calls of {}.",
        "The calls of {} are limited under a condition only.",
    )


def input_loose(estate: Estate) -> Iterator[Evidence]:
    yield from _for_calls(
        estate,
        lambda element: element.name in _VALIDATES,
        "validate-content or validate-parameters",
        "Nothing looks at what callers of {} send.",
        "What callers of {} send is looked at under a condition only.",
    )
    for row in estate.rows("allPolicies"):
        state = row.prop("complianceState")
        if state.text:
            fine = state.word != "noncompliant"
            yield state.found(fine, "not NonCompliant", "" if fine else "Azure calls a policy non-compliant.")


def _for_calls(
    estate: Estate, wanted: Callable[[Element], bool], expected: str, missing: str, unsure: str
) -> Iterator[Evidence]:
    """One piece of evidence for each API: the operation that fares worst."""
    survey = estate.surveyed
    worst: dict[str, tuple[int, str, str]] = {}
    for api, operation, chain in documents.calls(survey):
        rank = _RANKS.index(documents.in_effect(survey, chain, wanted))
        worst[api.scope] = min(worst.get(api.scope, (len(_RANKS), "", "")), (rank, operation, api.name))
    for scope, (rank, operation, name) in worst.items():
        ok = _RANKS[rank]
        yield Evidence(
            subject=estate.instance.child(*scope.split("/")).text,
            pointer=f"effective inbound of {operation}",
            observed=expected if ok else "under a condition" if ok is None else "none",
            expected=expected,
            ok=ok,
            read=estate.now,
            api_version=APIM,
            why="" if ok else (missing if ok is False else unsure).format(name),
        )


def _all(estate: Estate, name: str) -> Iterator[tuple[Written, Element]]:
    for written in documents.documents(estate):
        for element in documents.elements(written.document):
            if element.name == name:
                yield written, element


CONTROLS = (
    Control(
        id="P1",
        name="outer_policy_bypassed",
        family=Family.POLICIES,
        title="A policy does not run those above it",
        severity=Severity.HIGH,
        needs=("survey",),
        why="Authentication, limits and logging of outer scopes don't run.",
        mend="Put `<base />` back first.",
        limits="What a missing section means is not documented: it is not judged here.",
        mcsb="IM-4, PV-1",
        policy="d5448c98-e503-4fdd-bcd2-784960c00d04",
        psrule="AZR-000371",
        judge=outer_policy_bypassed,
    ),
    Control(
        id="P2",
        name="cors_wildcard",
        family=Family.POLICIES,
        title="CORS lets every site in",
        severity=Severity.MEDIUM,
        needs=("survey",),
        why="Foreign sites call with the user's session.",
        mend="List the origins.",
        limits="The service adds the portal's origin by itself.",
        mcsb="NS-8",
        psrule="AZR-000365",
        judge=cors_wildcard,
    ),
    Control(
        id="P3",
        name="token_check_weak",
        family=Family.POLICIES,
        title="A token check has holes",
        severity=Severity.HIGH,
        needs=("survey",),
        why="Tokens that are unsigned, never end or are meant for others pass.",
        mend="Demand audience, issuer and expiry.",
        limits="Values made by expressions are not understood: unknown.",
        mcsb="IM-1",
        judge=token_check_weak,
    ),
    Control(
        id="P4",
        name="no_throttling",
        family=Family.POLICIES,
        title="Nobody limits the calls",
        severity=Severity.MEDIUM,
        needs=("survey",),
        exposed=True,
        why="Brute force, and the bill.",
        mend="Limit by key or caller.",
        limits="Limits of products count only for callers of the product, and limits of a firewall are not seen.",
        mcsb="NS-5",
        others="AzTS Limit_OpenAI_Token_Usage",
        judge=no_throttling,
    ),
    Control(
        id="P5",
        name="input_loose",
        family=Family.POLICIES,
        title="Nothing looks at the input",
        severity=Severity.INFO,
        needs=("survey", "allPolicies"),
        why="Calls that nobody described pass.",
        mend="Describe the operations, and validate.",
        limits="Proxies and GraphQL have it legitimately.",
        mcsb="NS-6",
        others="AzTS DP_Enable_Validation_Policy",
        judge=input_loose,
    ),
)
