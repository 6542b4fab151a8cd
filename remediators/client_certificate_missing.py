"""
A declared client certificate that is not attached as declared.

What it finds: a certificate entity that is missing, names a version or another secret, uses another identity,
failed to refresh, or lags behind the vault; a client that is recognised by what is attached, and isn't attached;
an uploaded file, which nobody renews.
Why it matters: a check that recognises callers by the certificates of the service, and every backend that is
called with one, depends on it; one that names a version is never renewed.
What it changes: creates or corrects the entity with a versionless secret identifier, or asks for a refresh. For a
check against the attached certificates it uploads the public part of a client that is declared as text.
Fix safety: safe. It never sends a PUT where nothing differs (API Management answers 500 to the second PUT of an
EC key), and refuses certificates that the service can't fetch before it asks.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-mutual-certificates
"""

import asyncio
import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from apimend.attachable import unattachable
from apimend.clients import looks_through_attached
from apimend.model.azure import Certificate, Service, VaultCertificate
from apimend.model.desired import DeclaredCertificate, DeclaredClient, Desired
from apimend.model.errors import Denied, Final, Gone
from apimend.model.ids import ResourceId
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.policy.rehearsal import thumbprint
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext


@dataclass(frozen=True, kw_only=True)
class Attached:
    """What is attached, and what the vaults hold for each declared certificate (or why that can't be seen)."""

    service: Service
    entities: tuple[Certificate, ...]
    vault: Mapping[str, VaultCertificate | Final]
    secret_ids: Mapping[str, str]


class ClientCertificateMissing:
    name = "client_certificate_missing"
    watches = frozenset({"certificates"})
    safety = Safety.SAFE
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/certificates/read",
            "Microsoft.KeyVault/vaults/certificates/read",
        }
    )
    writes = frozenset(
        {
            "Microsoft.ApiManagement/service/certificates/write",
            "Microsoft.ApiManagement/service/certificates/refreshSecret/action",
        }
    )

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Attached:
        service = await reader.service()
        if not desired.certificates and not context.thorough and not looks_through_attached(desired):
            return Attached(service=service, entities=(), vault={}, secret_ids={})
        entities, held = await asyncio.gather(
            reader.certificates(), asyncio.gather(*(_held(reader, declared) for declared in desired.certificates))
        )
        return Attached(
            service=service,
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
            entity = _entity(observed, declared.id)
            same = entity is not None and _same(entity, _wanted(declared, observed))
            faults = unattachable(
                declared,
                observed.vault[declared.id],
                context.now,
                observed.service.id.child("certificates", declared.id),
                by=self.name,
                attached=same,
            )
            findings += faults
            change = _change(declared, entity, observed)
            if change is not None and change.kind is Kind.CERTIFICATE_REFRESH and _swaps(entity, desired, context.now):
                findings.append(_swap(change.target, declared))
            elif change is not None and not any(finding.blocks for finding in faults) and _can_ask(declared, observed):
                changes.append(change)
        changes += [
            change
            for client in desired.clients
            if looks_through_attached(desired)
            for change in _recognised(client, observed)
        ]
        return Proposal(changes=tuple(changes), findings=(*findings, *_uploaded(observed, desired)))


def _can_ask(declared: DeclaredCertificate, observed: Attached) -> bool:
    """Whether the service has the identity that is to fetch it; `vault_access_missing` tells where it has not."""
    return bool(observed.service.principal(declared.identity))


def _entity(observed: Attached, id: str) -> Certificate | None:
    return next((entity for entity in observed.entities if entity.id.name.casefold() == id.casefold()), None)


async def _held(reader: InstanceReader, declared: DeclaredCertificate) -> VaultCertificate | Final:
    try:
        return await reader.vault_certificate(declared.source)
    except (Gone, Denied) as error:
        return error


def _change(declared: DeclaredCertificate, entity: Certificate | None, observed: Attached) -> Change | None:
    wanted = _wanted(declared, observed)
    after = canonical({"keyVault": wanted})
    target = entity.id if entity else observed.service.id.child("certificates", declared.id)
    if entity is None:
        why = f"The certificate {declared.id} is not attached."
        return _write(target, before=None, after=after, reason=why, was="not attached", will=_words(wanted))
    if not _same(entity, wanted):
        now = _vault_of(entity)
        why = f"The certificate {declared.id} is not fetched as declared."
        before = canonical({"keyVault": now or None})
        ask = "" if now else "It was uploaded as a file, and its private part can't be put back afterwards."
        return _write(target, before=before, after=after, reason=why, was=_words(now), will=_words(wanted), ask=ask)
    vault = observed.vault[declared.id]
    if entity.last_status not in ("", "Success"):
        return _refresh(target, entity, f"Azure's last fetch failed: {entity.last_message or entity.last_status}")
    if isinstance(vault, VaultCertificate) and vault.enabled and vault.thumbprint != entity.thumbprint:
        return _refresh(target, entity, "The vault holds a newer version than the one that is served.")
    return None


def _wanted(declared: DeclaredCertificate, observed: Attached) -> dict[str, str]:
    wanted = {"secretIdentifier": observed.secret_ids[declared.id]}
    return wanted | ({"identityClientId": declared.identity} if declared.identity else {})


def _recognised(client: DeclaredClient, observed: Attached) -> Iterator[Change]:
    """A client that is declared as text, and recognised by what is attached: its public part is uploaded."""
    if client.pem is None:
        return
    certificate = x509.load_pem_x509_certificate(client.pem.encode())
    if any(entity.thumbprint == thumbprint(certificate) for entity in observed.entities):
        return
    # Never over an entity that has the name already: what it holds may serve others, and never comes back.
    taken = _entity(observed, client.name) is not None
    name = f"{client.name}-{thumbprint(certificate)[:8].lower()}" if taken else client.name
    yield _write(
        observed.service.id.child("certificates", name),
        before=None,
        after=canonical({"data": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}),
        reason=f"The check lets in what is attached, and the certificate of {client.name} is not.",
        was="not attached",
        will=f"the public part of {thumbprint(certificate)}, to recognise {client.name}",
    )


def _swaps(entity: Certificate | None, desired: Desired, now: datetime) -> bool:
    """Whether a refresh takes a certificate away that callers may still show, and that nothing else lets in."""
    return looks_through_attached(desired) and entity is not None and (entity.expires is None or entity.expires > now)


def _swap(target: ResourceId, declared: DeclaredCertificate) -> Finding:
    return Finding(
        code="rotation_swaps_at_once",
        target=target,
        remediator=ClientCertificateMissing.name,
        severity=Severity.HIGH,
        message=f"The vault holds a newer version of {declared.id}, and the check lets in what is attached only.",
        why_left="API Management swaps the two within 4 hours by itself; a refresh would only do it sooner. From then "
        "on callers who still show the old one are refused.",
        steps=(
            "Declare `form: element` for the check: it pins old and new until the old one ends.",
            f"Or attach the old version under a name of its own until every caller of {declared.id} has changed.",
        ),
    )


def _uploaded(observed: Attached, desired: Desired) -> Iterator[Finding]:
    """Files that somebody uploaded with their key. Nobody renews them."""
    declared = {one.id.casefold() for one in desired.certificates}
    vault = next((one.source.vault for one in desired.certificates), "VAULT")
    for entity in observed.entities:
        name = entity.id.name
        if entity.secret_identifier or not entity.has_private_key or name.casefold() in declared:
            continue
        yield Finding(
            code="certificate_uploaded",
            target=entity.id,
            remediator=ClientCertificateMissing.name,
            severity=Severity.LOW,
            message=f"The certificate {name} ({entity.subject}) was uploaded as a file: nothing renews it.",
            why_left="Its private part never comes back from Azure, so only its owner can move it to Key Vault.",
            steps=(
                f"az keyvault certificate import --vault-name {vault} --name {name} --file {name}.pfx",
                f"Declare it: certificates: {{{name}: {{vault: {vault}, certificate: {name}}}}}, and name it in the "
                "`certificates` of this instance.",
            ),
        )


def _write(
    id: ResourceId, *, before: str | None, after: str, reason: str, was: str, will: str, ask: str = ""
) -> Change:
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
        ask=ask,
    )


def _refresh(id: ResourceId, entity: Certificate, reason: str) -> Change:
    return Change(
        kind=Kind.CERTIFICATE_REFRESH,
        target=id,
        stage=Stage.PREPARE,
        rank=3,  # a check accepts the new version before the service serves it
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
