"""
A declared client certificate that is not attached as declared.

What it finds: a certificate entity that is missing, names a version or another secret, uses another identity,
failed to refresh, or lags behind the vault.
Why it matters: a check that recognises callers by the certificates of the service, and every backend that is
called with one, depends on it; one that names a version is never renewed.
What it changes: creates or corrects the entity with a versionless secret identifier, or asks for a refresh.
Fix safety: safe. It never sends a PUT where nothing differs (API Management answers 500 to the second PUT of an
EC key), and refuses certificates that the service can't fetch before it asks.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-mutual-certificates
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apimend.model.azure import Certificate, VaultCertificate
from apimend.model.desired import DeclaredCertificate, Desired
from apimend.model.errors import Denied, Final, Gone
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext

_PKCS12 = "application/x-pkcs12"


@dataclass(frozen=True, kw_only=True)
class Attached:
    """What is attached, and what the vaults hold for each declared certificate (or why that can't be seen)."""

    instance: InstanceId
    entities: tuple[Certificate, ...]
    vault: Mapping[str, VaultCertificate | Final]
    secret_ids: Mapping[str, str]


class ClientCertificateMissing:
    name = "client_certificate_missing"
    watches = frozenset({"certificates"})
    safety = Safety.SAFE
    reads = frozenset(
        {"Microsoft.ApiManagement/service/certificates/read", "Microsoft.KeyVault/vaults/certificates/read"}
    )
    writes = frozenset(
        {
            "Microsoft.ApiManagement/service/certificates/write",
            "Microsoft.ApiManagement/service/certificates/refreshSecret/action",
        }
    )

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Attached:
        if not desired.certificates:
            return Attached(instance=reader.instance, entities=(), vault={}, secret_ids={})
        entities, held = await asyncio.gather(
            reader.certificates(), asyncio.gather(*(_held(reader, declared) for declared in desired.certificates))
        )
        return Attached(
            instance=reader.instance,
            entities=entities,
            vault={declared.id: found for declared, found in zip(desired.certificates, held, strict=True)},
            secret_ids={
                declared.id: f"https://{reader.vault_host(declared.source.vault)}/secrets/{declared.source.name}"
                for declared in desired.certificates
            },
        )

    def plan(self, observed: Attached, desired: Desired, context: VisitContext) -> Proposal:
        changes: list[Change] = []
        findings: list[Finding] = []
        for declared in desired.certificates:
            entity = next((e for e in observed.entities if e.id.name.casefold() == declared.id.casefold()), None)
            faults = _faults(declared, observed.vault[declared.id], context.now, observed.instance)
            findings += faults
            change = _change(declared, entity, observed)
            if change is not None and not any(finding.blocks for finding in faults):
                changes.append(change)
        return Proposal(changes=tuple(changes), findings=tuple(findings))


async def _held(reader: InstanceReader, declared: DeclaredCertificate) -> VaultCertificate | Final:
    try:
        return await reader.vault_certificate(declared.source)
    except (Gone, Denied) as error:
        return error


def _change(declared: DeclaredCertificate, entity: Certificate | None, observed: Attached) -> Change | None:
    wanted = {"secretIdentifier": observed.secret_ids[declared.id]}
    if declared.identity:
        wanted["identityClientId"] = declared.identity
    after = canonical({"keyVault": wanted})
    target = entity.id if entity else observed.instance.child("certificates", declared.id)
    if entity is None:
        why = f"The certificate {declared.id} is not attached."
        return _write(target, before=None, after=after, reason=why, was="not attached", will=_words(wanted))
    if not _same(entity, wanted):
        now = _vault_of(entity)
        why = f"The certificate {declared.id} is not fetched as declared."
        before = canonical({"keyVault": now or None})
        return _write(target, before=before, after=after, reason=why, was=_words(now), will=_words(wanted))
    vault = observed.vault[declared.id]
    if entity.last_status not in ("", "Success"):
        return _refresh(target, entity, f"Azure's last fetch failed: {entity.last_message or entity.last_status}")
    if isinstance(vault, VaultCertificate) and vault.enabled and vault.thumbprint != entity.thumbprint:
        return _refresh(target, entity, "The vault holds a newer version than the one that is served.")
    return None


def _write(id: ResourceId, *, before: str | None, after: str, reason: str, was: str, will: str) -> Change:
    return Change(
        kind=Kind.CERTIFICATE,
        target=id,
        stage=Stage.PREPARE,
        remediator=ClientCertificateMissing.name,
        before=before,
        after=after,
        reason=reason,
        was=was,
        will=will,
    )


def _refresh(id: ResourceId, entity: Certificate, reason: str) -> Change:
    return Change(
        kind=Kind.CERTIFICATE_REFRESH,
        target=id,
        stage=Stage.PREPARE,
        remediator=ClientCertificateMissing.name,
        before=canonical({"thumbprint": entity.thumbprint}),
        after=canonical({"refresh": True}),
        reason=reason,
        was=f"serves {entity.thumbprint or 'nothing'}",
        will="fetched again from Key Vault",
    )


def _vault_of(entity: Certificate) -> dict[str, str]:
    found = {"secretIdentifier": entity.secret_identifier, "identityClientId": entity.identity_client_id}
    return {key: value for key, value in found.items() if value}


def _same(entity: Certificate, wanted: Mapping[str, str]) -> bool:
    now = _vault_of(entity)
    identity = (now.get("identityClientId") or "").casefold() == (wanted.get("identityClientId") or "").casefold()
    return identity and now.get("secretIdentifier", "").casefold().rstrip("/") == wanted["secretIdentifier"].casefold()


def _words(vault: Mapping[str, str]) -> str:
    if not vault:
        return "uploaded by hand"
    identity = vault.get("identityClientId")
    who = f"the identity {identity}" if identity else "the system-assigned identity"
    return f"{vault['secretIdentifier']} by {who}"


def _faults(
    declared: DeclaredCertificate, vault: VaultCertificate | Final, now: datetime, instance: InstanceId
) -> list[Finding]:
    def finding(code: str, message: str, mend: str, *, blocks: bool = True, high: bool = True) -> Finding:
        return Finding(
            code=code,
            target=instance.child("certificates", declared.id),
            remediator=ClientCertificateMissing.name,
            severity=Severity.HIGH if high else Severity.LOW,
            message=message,
            why_left=mend,
            blocks=frozenset({Stage.VALIDATE}) if blocks else frozenset(),
        )

    what = f"The Key Vault certificate {declared.source.vault}/{declared.source.name}"
    if isinstance(vault, Gone):
        return [finding("vault_certificate_gone", f"{what} does not exist.", "Create it, or correct the name.")]
    if isinstance(vault, Final):
        why = "Whether the instance can fetch it decides Azure; we were not allowed to look."
        return [
            finding("vault_certificate_unseen", f"{what} can't be seen by us: {vault}", why, blocks=False, high=False)
        ]
    found = []
    if not vault.enabled:
        found.append(finding("vault_certificate_disabled", f"{what} is disabled.", "Enable it or make a new version."))
    if vault.key_type.upper().startswith("EC"):
        mend = "API Management accepts the first PUT of an EC key and answers 500 to every later one: use RSA."
        found.append(finding("vault_certificate_ec", f"{what} has an EC key.", mend))
    if not vault.exportable:
        mend = "API Management needs the private key: make a version with an exportable key."
        found.append(finding("vault_certificate_not_exportable", f"{what} has a key that can't be exported.", mend))
    if vault.content_type and vault.content_type.casefold() != _PKCS12:
        mend = f"API Management takes {_PKCS12} only."
        found.append(finding("vault_certificate_not_pkcs12", f"{what} is kept as {vault.content_type}.", mend))
    if vault.expires is not None and vault.expires <= now:
        mend = "It would be refused wherever dates are checked: make a new version."
        found.append(finding("vault_certificate_expired", f"{what} expired on {vault.expires:%Y-%m-%d}.", mend))
    return found
