"""
A gateway host that does not ask for client certificates.

What it finds: a Proxy host without `negotiateClientCertificate` (Developer, Basic, Standard, Premium), or a
service without `enableClientCertificate` (Consumption and the v2 tiers).
Why it matters: `context.Request.Certificate` stays empty, so a certificate check refuses everybody. Without
negotiation a classic gateway can ask only by renegotiating, which hangs POST and PUT bodies of some 40 to 60 KB
and more and does not exist in HTTP/2; the v2 tiers don't renegotiate at all.
What it changes: the flag of every host that is not declared plain, or the switch of the service.
Fix safety: safe on classic and v2 tiers: callers without a certificate still get in, though browsers may
prompt. On Consumption the switch itself refuses them, so it is declared with `consumption: require` and comes
last. A hostname list that holds an uploaded certificate is resent only where that is declared.
References: https://learn.microsoft.com/azure/api-management/api-management-howto-mutual-certificates-for-clients
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from apimend.fetchable import Unfetchable, unfetchable
from apimend.mends import deeds
from apimend.model.azure import Hostname, Service
from apimend.model.desired import Arrives, Desired, Uploaded
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.model.tiers import Switch
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext

_SILENT = "silent"
_RESENDABLE = ("builtin", "keyvault", "")


@dataclass(frozen=True, kw_only=True)
class Negotiation:
    """The service, and why the certificate of a host could not be fetched at the next update."""

    service: Service
    unfetchable: tuple[Unfetchable, ...] = ()


class NegotiationDisabled:
    name = "negotiation_disabled"
    watches = frozenset({""})
    safety = Safety.SAFE
    reads = frozenset({"Microsoft.ApiManagement/service/read", "Microsoft.KeyVault/vaults/certificates/read"})
    writes = frozenset({"Microsoft.ApiManagement/service/write"})

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Negotiation:
        service = await reader.service()
        if not _silent(service, desired):
            return Negotiation(service=service)
        return Negotiation(service=service, unfetchable=await unfetchable(reader, service))

    def plan(self, observed: Negotiation, desired: Desired, context: VisitContext) -> Proposal:
        service = observed.service
        if not service.tier.known:
            return Proposal(findings=(_unknown_tier(service),))
        silent = _silent(service, desired)
        if not silent:
            return Proposal(findings=tuple(_not_seen(service, desired, context)), remember=_seen(context))
        if service.tier.refuses_without and not desired.consumption_require:
            return Proposal(findings=(_not_required(service),))
        findings = tuple(_blocked(service, one) for one in observed.unfetchable) + _uploaded(service, desired)
        if findings:
            return Proposal(findings=findings)
        return Proposal(changes=(_change(service, silent),))


def _silent(service: Service, desired: Desired) -> tuple[Hostname, ...]:
    """The hosts that should ask for a certificate and don't."""
    if not desired.negotiate:
        return ()
    wanted = [entry for entry in service.proxies if entry.host.casefold() not in desired.plain_hosts]
    return tuple(entry for entry in wanted if not service.negotiates(entry))


def _not_seen(service: Service, desired: Desired, context: VisitContext) -> Iterator[Finding]:
    """Hosts that Resource Manager says do ask, and that when last seen from outside didn't."""
    if desired.arrives is Arrives.HEADER:
        return
    seen = {**context.progress.evidence, **_seen(context)}
    for entry in service.proxies:
        silent = seen.get(f"seen {entry.host.casefold()}") == _SILENT
        if silent and service.negotiates(entry) and not service.busy:
            yield Finding(
                code="negotiation_not_observed",
                target=service.id,
                remediator=NegotiationDisabled.name,
                severity=Severity.HIGH,
                message=f"{entry.host} is set to ask for a certificate, but in a handshake it did not.",
                why_left="Something stands in front of the gateway, or the setting is not live: a check would refuse "
                "everybody who comes in there.",
                steps=("Look for a proxy that ends TLS in front of the host, and declare `arrives` accordingly.",),
                blocks=frozenset({Stage.VALIDATE}),
            )


def _seen(context: VisitContext) -> dict[str, str]:
    """What this visit saw from outside, for those that don't look."""
    told = {host: shown.asks for host, shown in context.handshakes.items() if shown.asks is not None}
    return {f"seen {host}": "asks" if asks else _SILENT for host, asks in told.items()}


def _change(service: Service, silent: Sequence[Hostname]) -> Change:
    if service.tier.switch is Switch.HOSTNAME:
        hosts = [entry.host.casefold() for entry in silent]
        before, after = (canonical({"negotiateClientCertificate": dict.fromkeys(hosts, on)}) for on in (False, True))
        what = ", ".join(entry.host for entry in silent)
        was, will = f"{what}: no certificate is asked for", f"{what}: a certificate is asked for"
    else:
        before, after = (canonical({"enableClientCertificate": on}) for on in (False, True))
        was, will = "enableClientCertificate: false", "enableClientCertificate: true"
    change = Change(
        kind=Kind.SERVICE_NEGOTIATION,
        target=service.id,
        stage=Stage.NEGOTIATE,
        remediator=NegotiationDisabled.name,
        before=before,
        after=after,
        etag=service.etag,
        reason=_reason(service),
        was=was,
        will=will,
        minutes=service.tier.update_minutes,
        downtime="The gateway is down during the update (Developer tier)." if service.tier.downtime_on_update else "",
        hand_off=deeds.ask_for_certificates(service, silent),
    )
    if not service.tier.refuses_without:
        return change
    return replace(change, stage=Stage.VALIDATE, downtime="Every caller without a certificate is refused from then on.")


def _reason(service: Service) -> str:
    if service.tier.is_classic:
        return (
            "The gateway does not ask for client certificates in the handshake. Renegotiation, its only other way, "
            "hangs bodies of some 40 to 60 KB and more and does not exist in HTTP/2."
        )
    if service.tier.refuses_without:
        return "The Consumption gateway accepts callers without a client certificate."
    return "The gateway does not ask for client certificates, and this tier never renegotiates."


def _unknown_tier(service: Service) -> Finding:
    return Finding(
        code="tier_unknown",
        target=service.id,
        remediator=NegotiationDisabled.name,
        severity=Severity.MEDIUM,
        message=f"The tier {service.tier.name!r} is new to Apimend.",
        why_left="Which switch makes it ask for certificates is not known.",
        blocks=frozenset({Stage.NEGOTIATE, Stage.VALIDATE}),
    )


def _not_required(service: Service) -> Finding:
    return Finding(
        code="consumption_not_required",
        target=service.id,
        remediator=NegotiationDisabled.name,
        severity=Severity.MEDIUM,
        message="On the Consumption tier asking for a certificate means refusing every caller without one.",
        why_left="Health probes and the portal's test console would be refused too, so it has to be declared.",
        steps=("Declare `consumption: require` for this instance once every caller has a certificate.",),
        blocks=frozenset({Stage.VALIDATE}),
    )


def _blocked(service: Service, fault: Unfetchable) -> Finding:
    return Finding(
        code="hostname_certificate_unfetchable",
        target=service.id,
        remediator=NegotiationDisabled.name,
        severity=Severity.HIGH,
        message=fault.why,
        why_left="A service update would fetch it again and fail, or leave the host without its certificate.",
        steps=fault.steps,
        blocks=frozenset({Stage.NEGOTIATE, Stage.VALIDATE}),
    )


def _uploaded(service: Service, desired: Desired) -> tuple[Finding, ...]:
    if service.tier.switch is not Switch.HOSTNAME or desired.uploaded is Uploaded.RESEND:
        return ()
    held = [e for e in service.hostnames if e.source.casefold() not in _RESENDABLE or (not e.source and e.certificate)]
    return tuple(
        Finding(
            code="uploaded_certificate",
            target=service.id,
            remediator=NegotiationDisabled.name,
            severity=Severity.HIGH,
            message=f"{entry.host} has a certificate of the source {entry.source or 'unknown'}, whose private part "
            "never comes back from Azure.",
            why_left="The whole hostname list has to be sent, and whether Azure keeps this certificate then is not "
            "known to be safe.",
            steps=(
                f"In the portal: {service.name} > Custom domains > {entry.host}: tick 'Negotiate client certificate', "
                "with the PFX at hand.",
                "Better: move the certificate to Key Vault. Or declare `uploadedCertificates: resend`.",
            ),
            hand_off=deeds.host_from_vault(service, entry),
            blocks=frozenset({Stage.NEGOTIATE, Stage.VALIDATE}),
        )
        for entry in held
    )
