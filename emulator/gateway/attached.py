"""
The certificates of an instance as its gateways hold them, private parts included.

ARM keeps what was uploaded or fetched from a vault beside the resource and never shows it; the gateway reads it here,
and only here.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from emulator.certificates import Bundle
from emulator.gateway.estate import Estate
from emulator.gateway.hosts import Kind, Tier
from emulator.gateway.trust import TrustStore
from emulator.options import Options
from emulator.store import Resource, Store


def bundle_of(certificate: Resource) -> Bundle | None:
    """
    What a certificates entity holds; None when it was never fetched.
    """
    kept = certificate.hidden.get("bundle")
    return kept if isinstance(kept, Bundle) else None


def named_bundle(store: Store, owner: Resource, name: str) -> Bundle | None:
    """
    A certificate of the service or workspace by its id or thumbprint.
    """
    for one in store.children(owner.id, "certificates"):
        if name.casefold() in (one.name.casefold(), str(one.properties.get("thumbprint")).casefold()):
            return bundle_of(one)
    return None


def attached(estate: Estate) -> dict[str, x509.Certificate]:
    """
    The entities of the service by id, as `context.Deployment.Certificates` has them.
    """
    found = {one.name: bundle_of(one) for one in estate.store.children(estate.service.id, "certificates")}
    return {name: bundle.certificate for name, bundle in found.items() if bundle is not None}


def trust_store(
    estate: Estate,
    options: Options,
    *,
    public: tuple[x509.Certificate, ...],
    revocation: Mapping[str, frozenset[int]],
) -> TrustStore:
    """
    What the gateway of a host trusts: a self-hosted one its own authorities, the managed one the service's, workspace
    gateways and Consumption no private authority at all. Nothing chains where the tier has no CA certificates.
    """
    host = estate.host
    if host.kind is Kind.SELF_HOSTED and host.gateway is not None:
        roots, intermediates = _of_gateway(estate, host.gateway)
    else:
        roots, intermediates = _of_service(estate.service)
    supported = host.kind is Kind.SELF_HOSTED or (
        host.kind is Kind.MANAGED
        and (host.tier is Tier.CLASSIC or (host.tier is Tier.V2 and options.ca_certificates_on_v2))
    )
    return TrustStore(roots=(*roots, *public), intermediates=intermediates, supported=supported, revocation=revocation)


Authorities = tuple[tuple[x509.Certificate, ...], tuple[x509.Certificate, ...]]


def _of_service(service: Resource) -> Authorities:
    kept: Mapping[str, Bundle] = service.hidden.get("authorities") or {}
    stores: dict[str, list[x509.Certificate]] = {"Root": [], "CertificateAuthority": []}
    for entry in service.properties.get("certificates") or ():
        bundle = kept.get(str((entry.get("certificate") or {}).get("thumbprint")))
        if bundle is not None:
            stores[str(entry.get("storeName"))].append(bundle.certificate)
    return tuple(stores["Root"]), tuple(stores["CertificateAuthority"])


def _of_gateway(estate: Estate, gateway: Resource) -> Authorities:
    roots: list[x509.Certificate] = []
    intermediates: list[x509.Certificate] = []
    known = attached(estate)
    for entry in estate.store.children(gateway.id, "certificateAuthorities"):
        certificate = known.get(entry.name)
        if certificate is not None:
            (roots if entry.properties.get("isTrusted") else intermediates).append(certificate)
    return tuple(roots), tuple(intermediates)
