"""
A self-hosted gateway whose host does not ask for client certificates.

What it finds: hostname configurations of self-hosted gateways without `negotiateClientCertificate`, and gateways
without any.
Why it matters: the policies of the instance run there too. A check refuses every caller of a host that never asks.
What it changes: the flag of every host that is not declared plain; everything else of the entry is sent back as it
is, because a PUT replaces it.
Fix safety: safe. Callers without a certificate still get in. The gateway polls for its configuration, and nothing in
Azure shows when it has it: what counts for a check is a probe, or your word (`negotiates`). A gateway that the check
is told to leave alone (`guard`) is left alone here too.
References: https://learn.microsoft.com/azure/api-management/self-hosted-gateway-overview
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from apimend.model.azure import Gateway, GatewayHost, Service
from apimend.model.desired import Desired
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext


@dataclass(frozen=True, kw_only=True)
class SelfHosted:
    """The self-hosted gateways with their hosts."""

    service: Service
    gateways: tuple[tuple[Gateway, tuple[GatewayHost, ...]], ...] = ()


class GatewayNegotiationDisabled:
    name = "gateway_negotiation_disabled"
    watches = frozenset({"gateways"})
    safety = Safety.SAFE
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/gateways/read",
            "Microsoft.ApiManagement/service/gateways/hostnameConfigurations/read",
        }
    )
    writes = frozenset({"Microsoft.ApiManagement/service/gateways/hostnameConfigurations/write"})

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> SelfHosted:
        service = await reader.service()
        if not desired.negotiate or not service.tier.self_hosted or not context.thorough:
            return SelfHosted(service=service)
        gateways = await reader.gateways()
        hosts = await asyncio.gather(*(reader.gateway_hosts(gateway) for gateway in gateways))
        return SelfHosted(service=service, gateways=tuple(zip(gateways, hosts, strict=True)))

    def plan(self, observed: SelfHosted, desired: Desired, context: VisitContext) -> Proposal:
        left_alone = {one.name.casefold() for one in desired.gateways if one.guarded or one.negotiates}
        changes: list[Change] = []
        findings: list[Finding] = []
        for gateway, hosts in observed.gateways:
            if gateway.name.casefold() not in left_alone:
                changes += _changes(gateway, hosts, desired)
                findings += [] if hosts else [_without_host(observed.service, gateway)]
        return Proposal(changes=tuple(changes), findings=tuple(findings))


def _changes(gateway: Gateway, hosts: tuple[GatewayHost, ...], desired: Desired) -> Iterator[Change]:
    for host in hosts:
        if host.negotiates or host.host.casefold() in desired.plain_hosts:
            continue
        yield Change(
            kind=Kind.GATEWAY_HOSTNAME,
            target=host.id,
            stage=Stage.NEGOTIATE,
            remediator=GatewayNegotiationDisabled.name,
            before=canonical({"negotiateClientCertificate": False}),
            after=canonical({"negotiateClientCertificate": True}),
            reason=f"The self-hosted gateway {gateway.name} does not ask for client certificates in the handshake.",
            was=f"{host.host}: no certificate is asked for",
            will=f"{host.host}: a certificate is asked for, once the gateway has polled for it",
            minutes=(0, 1),
        )


def _without_host(service: Service, gateway: Gateway) -> Finding:
    return Finding(
        code="gateway_without_hostname",
        target=gateway.id,
        remediator=GatewayNegotiationDisabled.name,
        severity=Severity.MEDIUM,
        message=f"The self-hosted gateway {gateway.name} has no hostname configuration, so it can't be told to ask.",
        why_left="Which host it serves, and with which certificate, only its operators know.",
        steps=(
            f'az rest --method put --url "{gateway.id}/hostnameConfigurations/HOST-ID?api-version=2024-05-01" --body '
            f'\'{{"properties": {{"hostname": "HOST", "certificateId": "{service.id}/certificates/CERTIFICATE", '
            '"negotiateClientCertificate": true, "http2Enabled": true}}\'',
            f"Or declare `gateways: {{{gateway.name}: {{guard: true}}}}`, and the check leaves it alone.",
        ),
    )
