"""
A certificate authority that is declared as trusted, and isn't in the service's store.

What it finds: declared authorities that are missing from `certificates` of the service, or that stand in the store
of intermediates though they are roots.
Why it matters: `validate-trust` refuses every client whose chain doesn't end in the Root store, and a backend with a
certificate of a private authority can be called only with its validation switched off.
What it changes: adds them, in one update of the service together with negotiation. What is there is kept.
Fix safety: safe. Trusting one more authority refuses nobody; who gets in is up to the check. The list is sent whole,
and Azure never gives certificates back: an entry that is not declared here is sent back as its description only
where `uploadedCertificates: resend` says so. Consumption and the v2 tiers have no such store.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-ca-certificates
"""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from apimend.clients import Authority, resolve_authorities
from apimend.fetchable import Unfetchable, unfetchable
from apimend.model.azure import CaCertificate, Service
from apimend.model.desired import Desired, Uploaded
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.policy.rehearsal import is_authority
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext

_MOST = 10
_ROOT = "root"


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The service with its store, and what is to be in it."""

    service: Service
    authorities: tuple[Authority, ...] = ()
    unfetchable: tuple[Unfetchable, ...] = ()


class CaCertificateMissing:
    name = "ca_certificate_missing"
    watches = frozenset({""})
    safety = Safety.SAFE
    reads = frozenset({"Microsoft.ApiManagement/service/read", "Microsoft.KeyVault/vaults/certificates/read"})
    writes = frozenset({"Microsoft.ApiManagement/service/write"})

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Trust:
        service = await reader.service()
        if not desired.authorities:
            return Trust(service=service)
        authorities, faults = await asyncio.gather(
            resolve_authorities(reader, desired.authorities), unfetchable(reader, service)
        )
        return Trust(service=service, authorities=authorities, unfetchable=faults)

    def plan(self, observed: Trust, desired: Desired, context: VisitContext) -> Proposal:
        service = observed.service
        if not observed.authorities or not service.tier.known:
            return Proposal()
        if not service.tier.ca_store:
            return Proposal(findings=(_no_store(service),))
        faults = {one.name: tuple(_faults(service, one, context.now)) for one in observed.authorities}
        findings = tuple(fault for found in faults.values() for fault in found)
        good = [one for one in observed.authorities if not faults[one.name]]
        missing = [one for one in good if not _stands(service, one)]
        refusals = (*_unfetchable(observed), *_refusals(service, good, missing, desired)) if missing else ()
        changes = (_change(service, good, missing),) if missing and not refusals else ()
        return Proposal(changes=changes, findings=(*findings, *refusals))


def _entry(service: Service, authority: Authority) -> CaCertificate | None:
    found = service.ca_certificates
    return next((e for e in found if e.certificate and e.certificate.thumbprint == authority.thumbprint), None)


def _stands(service: Service, authority: Authority) -> bool:
    """Whether it is trusted as declared. One in the Root store that is declared an intermediate is left there."""
    entry = _entry(service, authority)
    return entry is not None and (entry.store.casefold() == _ROOT or authority.store.casefold() != _ROOT)


def _change(service: Service, held: Sequence[Authority], missing: Sequence[Authority]) -> Change:
    """Every entry that we hold goes as a certificate; the writer sends the others back as they are."""
    sent = [one for one in held if one in missing or _entry(service, one)]
    names = ", ".join(one.name for one in missing)
    return Change(
        kind=Kind.SERVICE_CA,
        target=service.id,
        stage=Stage.PREPARE,
        remediator=CaCertificateMissing.name,
        before=canonical(
            {"thumbprints": sorted(e.certificate.thumbprint for e in service.ca_certificates if e.certificate)}
        ),
        after=canonical({"certificates": [_sent(service, one) for one in sent]}),
        etag=service.etag,
        reason=f"The service does not trust {names}, so chains that end there are refused.",
        was=f"{len(service.ca_certificates)} CA certificates",
        will=", ".join(f"{one.name} ({one.thumbprint}) in the store {one.store}" for one in missing),
        minutes=service.tier.update_minutes,
        downtime="The gateway is down during the update (Developer tier)." if service.tier.downtime_on_update else "",
    )


def _sent(service: Service, authority: Authority) -> dict[str, str]:
    assert authority.certificate is not None
    entry = _entry(service, authority)
    # What is trusted as a root stays one, whatever is declared of it: others may rely on it.
    store = "Root" if entry is not None and entry.store.casefold() == _ROOT else authority.store
    der = authority.certificate.public_bytes(Encoding.DER)
    return {"encodedCertificate": base64.b64encode(der).decode(), "storeName": store}


def _faults(service: Service, authority: Authority, now: datetime) -> Iterator[Finding]:
    """Why a declared authority would not do what it is declared for."""
    name, certificate = f"The authority {authority.name}", authority.certificate
    if certificate is None:
        mend = "Give it as `pem`, which needs no vault at all."
        yield _finding(service, "authority_unreadable", f"{name} can't be read: {authority.trouble}", mend)
        return
    self_issued = certificate.subject == certificate.issuer
    if not is_authority(certificate) and not self_issued:
        mend = "Its basic constraints say that it issues nothing. Declare its issuer."
        yield _finding(service, "authority_is_no_ca", f"{name} is no certificate authority.", mend)
    if certificate.not_valid_after_utc <= now:
        mend = "Chains that end in it are refused. Declare its successor."
        ended = f"{name} expired on {certificate.not_valid_after_utc:%Y-%m-%d}."
        yield _finding(service, "authority_expired", ended, mend)
    if authority.store.casefold() == _ROOT and not self_issued:
        mend = "Declare it as `store: CertificateAuthority`, and its root as `Root`."
        yield _finding(service, "authority_is_no_root", f"{name} is an intermediate, and no chain ends in it.", mend)


def _unfetchable(observed: Trust) -> Iterator[Finding]:
    why = "A service update would fetch it again and fail, or leave the host without its certificate."
    for one in observed.unfetchable:
        yield _finding(observed.service, "hostname_certificate_unfetchable", one.why, why, one.steps)


def _refusals(
    service: Service, held: Sequence[Authority], missing: Sequence[Authority], desired: Desired
) -> Iterator[Finding]:
    total = len(service.ca_certificates) + sum(_entry(service, one) is None for one in missing)
    if total > _MOST:
        mend = f"Azure takes {_MOST}. Take out in the portal what nothing needs any more."
        what = f"With {', '.join(one.name for one in missing)} the store would hold {total}."
        yield _finding(service, "ca_store_full", what, mend)
    known = {one.thumbprint for one in held}
    for entry in service.ca_certificates:
        facts = entry.certificate
        if desired.uploaded is Uploaded.REFUSE and (facts is None or facts.thumbprint not in known):
            subject = facts.subject if facts else "an unknown certificate"
            yield _finding(
                service,
                "ca_entry_kept",
                f"The store holds {subject}, whose certificate never comes back from Azure.",
                "The whole list has to be sent, and whether Azure keeps an entry by its description is not known.",
                (
                    f"Declare it: authorities: {{NAME: {{store: {entry.store}, pem: …}}}}, and name it in `trust`. "
                    "Then it is sent as a certificate.",
                    "Or declare `uploadedCertificates: resend`, which sends its description back.",
                ),
            )


def _no_store(service: Service) -> Finding:
    return _finding(
        service,
        "ca_store_unsupported",
        f"The tier {service.tier.name} has no store for CA certificates: `validate-trust` refuses everybody there.",
        "Pin the clients' thumbprints, with `validateTrust: false`.",
    )


def _finding(service: Service, code: str, message: str, why: str, steps: tuple[str, ...] = ()) -> Finding:
    return Finding(
        code=code,
        target=service.id,
        remediator=CaCertificateMissing.name,
        severity=Severity.HIGH,
        message=message,
        why_left=why,
        steps=steps,
    )
