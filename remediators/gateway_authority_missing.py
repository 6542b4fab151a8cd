"""
A self-hosted gateway that does not trust a declared certificate authority.

What it finds: declared authorities that the gateway does not have, or has in another role.
Why it matters: the CA certificates of the service don't apply to self-hosted gateways. With `validate-trust`, and
without its own authorities, such a gateway refuses every client.
What it changes: uploads the authority's certificate to the service where it isn't attached, and names it as an
authority of the gateway: a root as trusted, an intermediate as a link of the chain.
Fix safety: safe. Trusting one more authority refuses nobody. Azure can't show whether the gateway has it already, and
what has to be done where the gateway runs is told as a snippet.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-ca-certificates
"""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from apimend.clients import Authority, resolve_authorities
from apimend.model.azure import Certificate, Gateway, GatewayAuthority, Service
from apimend.model.desired import DeclaredAuthority, DeclaredGateway, Desired
from apimend.model.ids import ResourceId
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One declared gateway: what it trusts, and what it is to trust. `gateway` None: there is none of this name."""

    declared: DeclaredGateway
    gateway: Gateway | None = None
    held: tuple[GatewayAuthority, ...] = ()
    wanted: tuple[Authority, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GatewayTrust:
    """The declared gateways, and what is attached to the service."""

    service: Service
    entities: tuple[Certificate, ...] = ()
    gateways: tuple[Seen, ...] = ()


class GatewayAuthorityMissing:
    name = "gateway_authority_missing"
    watches = frozenset({"gateways", "certificates"})
    safety = Safety.SAFE
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/certificates/read",
            "Microsoft.ApiManagement/service/gateways/read",
            "Microsoft.ApiManagement/service/gateways/certificateAuthorities/read",
            "Microsoft.KeyVault/vaults/certificates/read",
        }
    )
    writes = frozenset(
        {
            "Microsoft.ApiManagement/service/certificates/write",
            "Microsoft.ApiManagement/service/gateways/certificateAuthorities/write",
        }
    )

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> GatewayTrust:
        service = await reader.service()
        declared = [one for one in desired.gateways if one.authorities or one.trust]
        if not declared or not service.tier.self_hosted:
            return GatewayTrust(service=service)
        entities, gateways = await asyncio.gather(reader.certificates(), reader.gateways())
        named = {gateway.name.casefold(): gateway for gateway in gateways}
        seen = await asyncio.gather(*(_seen(reader, one, named.get(one.name.casefold()), desired) for one in declared))
        return GatewayTrust(service=service, entities=entities, gateways=tuple(seen))

    def plan(self, observed: GatewayTrust, desired: Desired, context: VisitContext) -> Proposal:
        planned = [step for seen in observed.gateways for step in _plan(observed, seen)]
        return Proposal(
            changes=tuple(step for step in planned if isinstance(step, Change)),
            findings=tuple(step for step in planned if isinstance(step, Finding)),
        )


async def _seen(reader: InstanceReader, declared: DeclaredGateway, gateway: Gateway | None, desired: Desired) -> Seen:
    if gateway is None:
        return Seen(declared=declared)
    sources = {one.id: one.source for one in desired.certificates}
    attached = [DeclaredAuthority(name=id, store="Root", source=sources[id]) for id in declared.authorities]
    held, wanted = await asyncio.gather(
        reader.gateway_authorities(gateway), resolve_authorities(reader, (*attached, *declared.trust))
    )
    return Seen(declared=declared, gateway=gateway, held=held, wanted=wanted)


def _plan(observed: GatewayTrust, seen: Seen) -> Iterator[Change | Finding]:
    gateway = seen.gateway
    if gateway is None:
        name, target = seen.declared.name, observed.service.id
        yield _finding(target, "gateway_absent", f"There is no self-hosted gateway {name}.", "Correct its name.")
        return
    uploads = {one.name for one in seen.declared.trust}
    for authority in seen.wanted:
        if authority.certificate is None:
            what = f"The authority {authority.name} can't be read: {authority.trouble}"
            yield _finding(gateway.id, "authority_unreadable", what, "Give it as `pem`, which needs no vault at all.")
            continue
        entity = _entity(observed, authority)
        if entity is None and authority.name in uploads and _is_taken(observed, authority.name):
            what = f"Another certificate is attached under the name {authority.name}."
            yield _finding(gateway.id, "authority_name_taken", what, "Declare the authority under another name.")
            continue
        if entity is None and authority.name in uploads:
            yield _upload(observed.service.id.child("certificates", authority.name), authority)
        yield from _named(observed, gateway, seen, authority, entity)


def _entity(observed: GatewayTrust, authority: Authority) -> Certificate | None:
    return next((entity for entity in observed.entities if entity.thumbprint == authority.thumbprint), None)


def _is_taken(observed: GatewayTrust, name: str) -> bool:
    return any(entity.id.name.casefold() == name.casefold() for entity in observed.entities)


def _upload(target: ResourceId, authority: Authority) -> Change:
    assert authority.certificate is not None
    der = authority.certificate.public_bytes(Encoding.DER)
    return Change(
        kind=Kind.CERTIFICATE,
        target=target,
        stage=Stage.PREPARE,
        remediator=GatewayAuthorityMissing.name,
        before=None,
        after=canonical({"data": base64.b64encode(der).decode()}),
        reason=f"A gateway can trust {authority.name} only where it is attached to the service.",
        was="not attached",
        will=f"the certificate {authority.thumbprint} of the authority, without a key",
    )


def _named(
    observed: GatewayTrust, gateway: Gateway, seen: Seen, authority: Authority, entity: Certificate | None
) -> Iterator[Change]:
    """The authority by the name of its entity, in the role that it has in a chain."""
    assert authority.certificate is not None
    name = entity.id.name if entity else authority.name
    root = authority.certificate.subject == authority.certificate.issuer
    held = next((one for one in seen.held if one.id.name.casefold() == name.casefold()), None)
    if held is not None and held.trusted == root:
        return
    yield Change(
        kind=Kind.GATEWAY_AUTHORITY,
        target=held.id if held else gateway.id.child("certificateAuthorities", name),
        stage=Stage.PREPARE,
        rank=1,
        remediator=GatewayAuthorityMissing.name,
        before=canonical({"isTrusted": held.trusted}) if held else None,
        after=canonical({"isTrusted": root}),
        reason=f"The self-hosted gateway {gateway.name} does not have {authority.name} as declared.",
        was="not an authority of the gateway" if held is None else f"isTrusted: {str(held.trusted).lower()}",
        will=f"{authority.name} as {'a trusted root' if root else 'a link of chains'}",
        hand_off=_where_it_runs(observed.service, gateway, name),
    )


def _where_it_runs(service: Service, gateway: Gateway, authority: str) -> str:
    """What Azure Resource Manager can't do for a self-hosted gateway."""
    return (
        f"# Where {gateway.name} runs, for calls that it makes itself (backends, its configuration):\n"
        f"openssl x509 -inform der -in {authority}.cer -out {authority}.crt\n"
        f"kubectl create configmap {gateway.name}-authorities --from-file={authority}.crt\n"
        f"# Mount it into the gateway's trust store (/etc/ssl/certs). Its configuration comes from\n"
        f"# config.service.endpoint={service.name}.configuration.azure-api.net\n"
        "# and a PFX for one of its hosts is made of PEM files with\n"
        f"openssl pkcs12 -export -in {gateway.name}.crt -inkey {gateway.name}.key -out {gateway.name}.pfx"
    )


def _finding(target: ResourceId, code: str, message: str, why: str) -> Finding:
    return Finding(
        code=code,
        target=target,
        remediator=GatewayAuthorityMissing.name,
        severity=Severity.MEDIUM,
        message=message,
        why_left=why,
    )
