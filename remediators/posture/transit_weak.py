"""
Data that travels with less protection than it should have: protocols, ciphers, backends.

What it finds: old protocols, weak ciphers, plain HTTP on either side of the gateway, backends that are not checked or
do not know the gateway.
Why it matters: keys and data can be read or altered on the way.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-manage-protocols-ciphers
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.policy import Element
from apimend.posture import documents
from apimend.posture.control import Control, Family
from apimend.posture.doubt import Unsure
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_SECURITY = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security."
_OLD = ("Tls10", "Tls11", "Ssl30")
_SINCE = datetime(2018, 4, 1, tzinfo=UTC)
"""Services made later have the old protocols and TripleDes168 off by default."""
WEAK_CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
)
_AUTHENTICATES = frozenset(
    {
        "authentication-managed-identity",
        "authentication-certificate",
        "authentication-basic",
        "get-authorization-context",
    }
)


def _is_on(estate: Estate, switch: Node, *, by_default: bool | None = None) -> bool:
    """What a switch of customProperties says; what is absent has its default, by the age of the service."""
    said = switch.truth
    if said is not None:
        return said
    if by_default is not None:
        return by_default
    made = estate.service.prop("createdAtUtc").moment
    if made is None:
        raise Unsure("customProperties don't say, and when the service was made is not shown.")
    return made <= _SINCE


def old_tls(estate: Estate) -> Iterator[Evidence]:
    switches = estate.service.prop("customProperties")
    for side, severity in (("Protocols", None), ("Backend.Protocols", Severity.HIGH)):
        for protocol in _OLD:
            switch = switches.at(f"{_SECURITY}{side}.{protocol}")
            on = _is_on(estate, switch)
            whom = "callers" if side == "Protocols" else "backends"
            why = f"{protocol} is spoken with {whom}." if on else ""
            yield switch.found(not on, "False", why, severity=severity)


def weak_ciphers(estate: Estate) -> Iterator[Evidence]:
    ciphers = estate.service.prop("customProperties")
    triple = ciphers.at(f"{_SECURITY}Ciphers.TripleDes168")
    on = _is_on(estate, triple)
    yield triple.found(not on, "False", "TripleDes168 is offered." if on else "")
    for name in WEAK_CIPHERS:
        switch = ciphers.at(f"{_SECURITY}Ciphers.{name}")
        on = _is_on(estate, switch, by_default=True)
        yield switch.found(not on, "False", f"{name} is offered." if on else "")


def api_over_plain_http(estate: Estate) -> Iterator[Evidence]:
    for api in (*estate.rows("apis"), *estate.rows("revisions")):
        protocols = api.prop("protocols")
        if protocols.value is None:
            yield protocols.found(None, "https or wss", "Which protocols an API speaks is not shown.")
            continue
        plain = protocols.words & {"http", "ws"}
        yield protocols.found(not plain, "https or wss only", "An API answers in clear." if plain else "")


def backend_over_plain_http(estate: Estate) -> Iterator[Evidence]:
    values = _plain_values(estate)
    for node in (
        *(b.prop("url") for b in estate.rows("backends")),
        *(a.prop("serviceUrl") for a in (*estate.rows("apis"), *estate.rows("revisions"))),
    ):
        if node.text:
            plain = _is_plain(node.text, values.get(node.workspace, {}))
            yield node.found(_not(plain), "https", _why_plain(plain), shown=_head(node.text))
    for written in documents.documents(estate):
        for element in documents.elements(written.document):
            url = _url_of(element)
            if url and not url.startswith("@"):
                plain = _is_plain(url, values.get(_workspace(written.name), {}))
                yield documents.found(
                    estate, written, element, _not(plain), "https", _why_plain(plain), shown=_head(url)
                )


def _not(plain: bool | None) -> bool | None:
    return None if plain is None else not plain


def _why_plain(plain: bool | None) -> str:
    if plain is None:
        return "A URL comes from a secret named value or from one that is not there."
    return "A backend is called in clear." if plain else ""


def _head(url: str) -> str:
    return url.partition("?")[0]


def _url_of(element: Element) -> str:
    if element.name == "set-backend-service":
        return (element.value("base-url") or "").strip()
    return element.own_text.strip() if element.name == "set-url" else ""


def _is_plain(url: str, values: dict[str, str | None]) -> bool | None:
    """Whether a URL begins with http; None where that can't be told without a secret."""
    if url.startswith("{{"):
        name = url[2:].partition("}}")[0].strip().casefold()
        known = values.get(name)
        if known is None:
            return None
        url = known
    return url.casefold().startswith(("http:", "ws:"))


def _plain_values(estate: Estate) -> dict[str, dict[str, str | None]]:
    """For each workspace the values of named values that are not secret, by the name that policies use."""
    found: dict[str, dict[str, str | None]] = {}
    for row in estate.rows("namedValues"):
        value = None if row.prop("secret").truth else row.prop("value").text
        found.setdefault(row.workspace, {})[row.prop("displayName").word] = value
    return found


def _workspace(scope: str) -> str:
    kind, _, below = scope.partition("/")
    return below.partition("/")[0] if kind == "workspaces" else ""


def backend_certificate_unchecked(estate: Estate) -> Iterator[Evidence]:
    for backend in estate.rows("backends"):
        if backend.prop("type").word == "pool":
            continue
        for name in ("validateCertificateChain", "validateCertificateName"):
            switch = backend.prop("tls", name)
            checks = switch.truth is not False
            yield switch.found(checks, "not false", "" if checks else "Any host can play this backend.")


def backend_unauthenticated(estate: Estate) -> Iterator[Evidence]:
    survey = estate.surveyed
    backends, apis = documents.by_scope(estate, "backends"), documents.by_scope(estate, "apis")
    judged: set[str] = set()
    for api, _, chain in documents.calls(survey):
        within = documents.effective(survey, chain)
        named = {(e.value("backend-id") or "").casefold() for e in within if e.name == "set-backend-service"} - {""}
        row = apis.get(documents.beside(api, "apis", api.base_name))
        if row is None or api.scope in judged or not (named or row.prop("serviceUrl").text):
            continue
        held = [backends.get(documents.beside(api, "backends", name)) for name in named]
        credentialed = bool(held) and all(each is not None and _has_credentials(each, backends) for each in held)
        ok = True if credentialed else documents.in_effect(survey, chain, _authenticates)
        if not ok:
            judged.add(api.scope)
        why = f"Nothing proves the gateway to the backend of {api.name}."
        unsure = f"The gateway proves itself to the backend of {api.name} under a condition only."
        yield row.prop("serviceUrl").found(ok, "credentials", "" if ok else unsure if ok is None else why)


def _has_credentials(backend: Node, backends: Mapping[str, Node]) -> bool:
    """A pool carries none: its members do."""
    if backend.prop("type").word == "pool":
        names = {each.at("id").word.rpartition("/")[2] for each in backend.prop("pool", "services").items}
        members = [each for each in backends.values() if each.name.casefold() in names]
        return bool(members) and all(_has_credentials(each, {}) for each in members)
    credentials = backend.prop("credentials")
    return any(
        credentials.at(name).value for name in ("certificateIds", "certificate", "authorization", "header", "query")
    )


def _authenticates(element: Element) -> bool:
    if element.name in ("set-header", "set-query-parameter"):
        return (element.value("name") or "").casefold() in ("authorization", "x-functions-key", "api-key")
    return element.name in _AUTHENTICATES


CONTROLS = (
    Control(
        id="D1",
        name="old_tls",
        family=Family.TRANSIT,
        title="Old TLS versions are spoken",
        severity=Severity.CRITICAL,
        needs=("service",),
        why="They allow downgrade and interception; Azure asks for TLS 1.2 since 2025-08-31.",
        mend='Set the six switches to "False" in one map with all other keys, after looking who still uses them. The '
        "update takes 15 to 45 minutes.",
        limits="Self-hosted gateways have switches of their own (C9).",
        mcsb="DP-3, NS-8",
        psrule="AZR-000054",
        others="azqr apim-009, AzTS DP_Use_Secure_TLS_Version, ALZ Deny-APIM-TLS, CKV_AZURE_173",
        judge=old_tls,
    ),
    Control(
        id="D2",
        name="weak_ciphers",
        family=Family.TRANSIT,
        title="Weak ciphers are offered",
        severity=Severity.MEDIUM,
        needs=("service",),
        feature="ciphers",
        why="No forward secrecy, or CBC. What is absent is on: a fresh instance shows TripleDes168 only.",
        mend='Set each to "False" in one map with all other keys.',
        limits="Ten suites can't be switched off.",
        mcsb="NS-8, DP-3",
        psrule="AZR-000055",
        others="azqr apim-010",
        judge=weak_ciphers,
    ),
    Control(
        id="D3",
        name="api_over_plain_http",
        family=Family.TRANSIT,
        title="An API answers over plain HTTP",
        severity=Severity.HIGH,
        needs=("apis", "revisions"),
        why="Keys and tokens travel in clear.",
        mend="Leave https and wss only.",
        mcsb="DP-3",
        policy="ee7495e7-3ba7-40b6-bfee-c29e22cc75d4",
        psrule="AZR-000042",
        others="AzTS DP_Use_HTTPS_URL_Scheme, Conformity APIManagement-002",
        judge=api_over_plain_http,
    ),
    Control(
        id="D4",
        name="backend_over_plain_http",
        family=Family.TRANSIT,
        title="A backend is called over plain HTTP",
        severity=Severity.HIGH,
        needs=("backends", "apis", "revisions", "namedValues", "survey"),
        why="What callers sent safely travels in clear on the next hop.",
        mend="Call it by https, or waive a private hop with its reason.",
        limits="URLs made by expressions are not judged.",
        mcsb="DP-3",
        psrule="AZR-000044",
        others="CKV_AZURE_215",
        judge=backend_over_plain_http,
    ),
    Control(
        id="D5",
        name="backend_certificate_unchecked",
        family=Family.TRANSIT,
        title="A backend's certificate is not checked",
        severity=Severity.HIGH,
        needs=("backends",),
        why="Any host can play the backend.",
        mend="Add its CA, or pin its certificate, then switch validation on. That can cut traffic.",
        limits="Tiers without a CA store can only pin.",
        mcsb="IM-4",
        policy="92bb331d-ac71-416a-8c91-02f2cb734ce4",
        judge=backend_certificate_unchecked,
    ),
    Control(
        id="D6",
        name="backend_unauthenticated",
        family=Family.TRANSIT,
        title="A backend does not know the gateway",
        severity=Severity.MEDIUM,
        needs=("backends", "apis", "survey"),
        why="Who finds the backend skips the gateway.",
        mend="Show a managed identity, or a client certificate.",
        limits="Products' policies are not counted. A backend that only the gateway can reach is a case for a waiver.",
        mcsb="IM-4, IM-3",
        policy="c15dcc82-b93c-4dcb-9332-fbf121685b54",
        others="AzTS AuthN_Secure_API_Using_Client_Certificates",
        judge=backend_unauthenticated,
    ),
)
