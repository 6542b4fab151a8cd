"""
Certificates that will not hold: they end, lie outside of a vault, are no longer fetched, or nobody asks for one.

What it finds: certificates that end soon, uploads and pinned versions, fetches that fail, vaults that can be lost, and
operations without a client certificate.
Why it matters: a certificate that ends takes the gateway down, and a vault that is lost can't be replaced.
What it changes: nothing.
References: https://learn.microsoft.com/azure/api-management/configure-custom-domain
"""

from collections.abc import Iterator

from apimend.model.plan import Severity
from apimend.model.posture import Evidence
from apimend.policy import Standards, Verdict, judge, scope_of
from apimend.posture.control import Control, Family
from apimend.posture.estate import Estate
from apimend.posture.node import Node

_DAYS_LOW, _DAYS_HIGH, _DAYS_CRITICAL = 60, 30, 7


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
