"""
Data that travels or is trusted with less protection than it should have: protocols, ciphers, certificates.

What it finds: old protocols, weak ciphers, plain HTTP on either side of the gateway, backends that are not checked,
certificates that end, lie outside of a vault or are no longer fetched, and vaults that can be lost.
Why it matters: keys and data can be read or altered on the way, and a certificate that ends takes the gateway down.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-manage-protocols-ciphers
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.policy import Element, Standards, Verdict, judge, scope_of
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
_DAYS_LOW, _DAYS_HIGH, _DAYS_CRITICAL = 60, 30, 7


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


def certificate_expiring(estate: Estate) -> Iterator[Evidence]:
    service = estate.service
    ends = [e.at("certificate", "expiry") for e in service.prop("hostnameConfigurations").items]
    ends += [e.at("certificate", "expiry") for e in service.prop("certificates").items]
    ends += [row.prop("expirationDate") for row in estate.rows("certificates")]
    for node in ends:
        end = node.moment
        if end is None:
            continue
        days = (end - estate.now).days
        if days >= _DAYS_LOW:
            yield node.found(True, f"more than {_DAYS_LOW} days left")
            continue
        severity = Severity.CRITICAL if days < _DAYS_CRITICAL else None if days < _DAYS_HIGH else Severity.LOW
        why = "A certificate has ended." if days < 0 else f"A certificate ends in {days} days."
        yield node.found(False, f"more than {_DAYS_LOW} days left", why, severity=severity)


def certificate_outside_vault(estate: Estate) -> Iterator[Evidence]:
    for entry in estate.service.prop("hostnameConfigurations").items:
        source = entry.at("certificateSource")
        if not source.text:
            built_in = entry.at("hostName").word.endswith((".azure-api.net", ".azure-api.us", ".azure-api.cn"))
            ok: bool | None = True if built_in else None
            yield source.found(ok, "KeyVault, Managed or BuiltIn", "" if built_in else "Its source is not shown.")
            continue
        fine = source.word in ("keyvault", "managed", "builtin")
        yield source.found(fine, "KeyVault, Managed or BuiltIn", "" if fine else "A host's certificate was uploaded.")
        if source.word == "keyvault":
            yield _versionless(entry.at("keyVaultId"))
    for row in estate.rows("certificates"):
        identifier = row.prop("keyVault", "secretIdentifier")
        if identifier.text:
            yield _versionless(identifier)
            continue
        if row.workspace:
            continue  # there is no Key Vault in workspaces
        recognises = row.prop("hasPrivateKey").truth is False
        severity = Severity.LOW if recognises else None
        yield identifier.found(False, "a secret in Key Vault", "A certificate was uploaded.", severity=severity)


def _versionless(identifier: Node) -> Evidence:
    parts = identifier.text.split("://")[-1].strip("/").split("/")
    ok = len(parts) == 3
    return identifier.found(ok, "a secret without a version", "" if ok else "A pinned version is never renewed.")


def vault_fetch_failing(estate: Estate) -> Iterator[Evidence]:
    for entry in estate.service.prop("hostnameConfigurations").items:
        if entry.at("certificateSource").word == "keyvault":
            status = entry.at("certificateStatus")
            ok = status.word != "failed"
            yield status.found(ok, "not Failed", "" if ok else "A host's certificate is no longer fetched.")
    for row in (*estate.rows("certificates"), *estate.rows("namedValues")):
        if row.prop("keyVault", "secretIdentifier").text:
            code = row.prop("keyVault", "lastStatus", "code")
            good = None if not code.text else code.word == "success"
            why = "" if good else "Its last fetch is not shown." if good is None else "It is no longer fetched."
            yield code.found(good, "Success", why)


def vault_unprotected(estate: Estate) -> Iterator[Evidence]:
    names = sorted(_vaults(estate))
    known = {row.name.casefold(): row for row in estate.of_type("stores", "microsoft.keyvault/vaults")}
    for name in names:
        vault = known.get(name)
        if vault is None:
            yield estate.service.prop("hostnameConfigurations").found(
                None, "a vault that can be seen", f"The vault {name} can't be seen.", shown=name
            )
            continue
        yield from _protected(vault)


def _protected(vault: Node) -> Iterator[Evidence]:
    soft, purge, rbac = (
        vault.prop(name) for name in ("enableSoftDelete", "enablePurgeProtection", "enableRbacAuthorization")
    )
    yield soft.found(soft.truth is not False, "true", "" if soft.truth is not False else "Deleted is gone at once.")
    yield purge.found(bool(purge.truth), "true", "" if purge.truth else "What is deleted can be purged at once.")
    yield rbac.found(bool(rbac.truth), "true", "" if rbac.truth else "Access policies decide, not roles.")
    action = vault.prop("networkAcls", "defaultAction")
    shut = action.word == "deny" or vault.prop("publicNetworkAccess").word == "disabled"
    yield action.found(shut, "Deny", "" if shut else "Every network reaches the vault.")


def _vaults(estate: Estate) -> set[str]:
    ids = [entry.at("keyVaultId").text for entry in estate.service.prop("hostnameConfigurations").items]
    for key in ("certificates", "namedValues"):
        ids += [row.prop("keyVault", "secretIdentifier").text for row in estate.rows(key)]
    return {id.split("://")[-1].partition(".")[0].casefold() for id in ids if id}


def client_certificate_not_required(estate: Estate) -> Iterator[Evidence]:
    survey = estate.surveyed
    attached = frozenset(
        row.prop("thumbprint").text.upper() for row in estate.rows("certificates") if not row.workspace
    )
    waived = frozenset(
        scope_of(w.scope) for w in estate.desired.waivers if "client_certificate_unchecked" in w.controls
    )
    figures = judge(survey.topology, Standards(attached=attached, waivers=waived)).figures
    counted = estate.coverage if estate.coverage and estate.coverage[1] == figures.total else None
    covered = min(figures.covered, counted[0]) if counted else figures.covered
    spared = figures.verdicts.get(Verdict.WAIVED.word, 0)
    worst = ", ".join(f"{number} {word}" for word, number in figures.verdicts.items())
    ok: bool | None = covered + spared >= figures.total
    if ok and counted is None and estate.desired.clients:
        ok = None
    why = f"{covered} of {figures.total} operations demand a client certificate ({worst})." if figures.total else ""
    node = estate.service.prop("hostnameConfigurations")
    if figures.total:
        yield node.found(ok, "all operations", why, shown=f"{covered} of {figures.total}")


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
    Control(
        id="D7",
        name="certificate_expiring",
        family=Family.TRANSIT,
        title="A certificate ends soon",
        severity=Severity.HIGH,
        needs=("service", "certificates"),
        why="The gateway, or every client that is pinned, goes dark.",
        mend="Renew it in the vault, and check that the new version arrives.",
        limits="Managed certificates renew themselves only while DigiCert reaches port 80.",
        mcsb="DP-7",
        psrule="AZR-000051",
        others="azqr apim-011",
        judge=certificate_expiring,
    ),
    Control(
        id="D8",
        name="certificate_outside_vault",
        family=Family.TRANSIT,
        title="A certificate lies outside of Key Vault",
        severity=Severity.MEDIUM,
        needs=("service", "certificates"),
        why="An uploaded certificate has no rotation and no audit.",
        mend="Move it to Key Vault, and name it without a version.",
        limits="A certificate that only recognises callers needs no vault: low. Workspaces have no Key Vault.",
        mcsb="DP-7, DP-6",
        judge=certificate_outside_vault,
    ),
    Control(
        id="D9",
        name="vault_fetch_failing",
        family=Family.TRANSIT,
        title="Something is no longer fetched from Key Vault",
        severity=Severity.HIGH,
        needs=("service", "certificates", "namedValues"),
        why="Rotation has stopped, and nobody sees it until the old one ends.",
        mend="Give the identity its role again, let it through the firewall, or restore the secret.",
        limits="Azure looks every four hours.",
        mcsb="DP-7",
        judge=vault_fetch_failing,
    ),
    Control(
        id="D10",
        name="vault_unprotected",
        family=Family.TRANSIT,
        title="A vault that the gateway lives by is not protected",
        severity=Severity.MEDIUM,
        needs=("service", "certificates", "namedValues", "stores"),
        why="Losing the vault bricks the instance.",
        mend="Purge protection, roles instead of access policies, a firewall that lets trusted services in.",
        limits="A firewall passes the system-assigned identity only. A vault of another tenant can't be seen.",
        mcsb="DP-8",
        policy="0b60c0b2, 12d4fa5e, a6abeaec",
        cis="8.3.5-8.3.8",
        judge=vault_unprotected,
    ),
    Control(
        id="D11",
        name="client_certificate_not_required",
        family=Family.TRANSIT,
        title="Operations can be called without a client certificate",
        severity=Severity.HIGH,
        needs=("service", "survey", "certificates"),
        why="This is what Apimend is for.",
        mend="Declare clients and a check: the rules of mutual TLS do the rest.",
        limits="Peers are wrong about it on most tiers.",
        mcsb="IM-4",
        others="Steampipe client_certificate_enabled, CKV_AZURE_152",
        judge=client_certificate_not_required,
    ),
)
