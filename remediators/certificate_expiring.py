"""
A certificate that ends soon, or has ended.

What it finds: certificates of hosts (gateway, portal, management, SCM), CA certificates, attached certificates (those
of workspaces too) and those of declared clients that end within the declared days. Also vault objects that are gone,
and backends and gateways that name what is not attached.
Why it matters: on that day hosts stop answering, checks refuse, and backends turn the gateway away.
What it changes: nothing. Renewals are picked up from Key Vault by other rules; here it is said what breaks, and when.
Fix safety: report only.
References: https://learn.microsoft.com/azure/api-management/configure-custom-domain
"""

from datetime import datetime

from apimend.inventory import Held, Inventory, Item, Problem, Source, take
from apimend.model.desired import Desired
from apimend.model.plan import Finding, Severity
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext

_URGENT_DAYS = 7

_BREAKS = {
    Held.HOSTNAME: "callers of this host get an error in the handshake",
    Held.CA: "every chain that ends in it is refused",
    Held.ATTACHED: "whoever checks it refuses it",
    Held.CLIENT: "this client is refused wherever dates are checked",
}


class CertificateExpiring:
    name = "certificate_expiring"
    watches = frozenset({"", "certificates", "backends", "gateways"})
    safety = Safety.REPORT_ONLY
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/backends/read",
            "Microsoft.ApiManagement/service/certificates/read",
            "Microsoft.ApiManagement/service/gateways/read",
            "Microsoft.ApiManagement/service/gateways/certificateAuthorities/read",
            "Microsoft.ApiManagement/service/gateways/hostnameConfigurations/read",
            "Microsoft.ApiManagement/service/workspaces/read",
            "Microsoft.ApiManagement/service/workspaces/backends/read",
            "Microsoft.ApiManagement/service/workspaces/certificates/read",
            "Microsoft.KeyVault/vaults/certificates/read",
        }
    )
    writes: frozenset[str] = frozenset()

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Inventory | None:
        return await take(reader, desired, context.now, policies=False) if context.thorough else None

    def plan(self, observed: Inventory | None, desired: Desired, context: VisitContext) -> Proposal:
        if observed is None:
            return Proposal()
        ending = [item for item in observed.items if item.ends_within(context.now, desired.expiry_days)]
        declared = {one.id.casefold() for one in desired.certificates} | {
            one.name.casefold() for one in desired.clients
        }
        broken = [each for each in observed.problems if each.about.casefold() not in declared]
        return Proposal(
            findings=(*(_finding(item, context.now) for item in ending), *(_broken(each) for each in broken))
        )


_WHY = {
    "certificate_dangling": "Which one was meant only its owner knows; what needs it does without, or fails.",
    "workspace_unseen": "We have no right to read it.",
}


def _broken(problem: Problem) -> Finding:
    """What does not fit together, where another rule does not tell it of what is declared."""
    renewed = "What is served now is never renewed, and the next update of the service may fail for it."
    return Finding(
        code=problem.code,
        target=problem.target,
        remediator=CertificateExpiring.name,
        severity=problem.severity,
        message=problem.message,
        why_left=_WHY.get(problem.code, renewed),
        steps=problem.steps,
    )


def _finding(item: Item, now: datetime) -> Finding:
    assert item.expires is not None
    days = (item.expires - now).days
    ended = item.expires <= now
    when = f"ended on {item.expires:%Y-%m-%d}" if ended else f"ends on {item.expires:%Y-%m-%d}, in {days} days"
    then = "Since then" if ended else "From then on"
    uses = [use for use in item.uses if use.kind != "host"]
    needed = f" It is needed by {', '.join(use.label for use in uses)}." if uses else ""
    renewed = _renewed(item)
    urgent = ended or days <= _URGENT_DAYS
    return Finding(
        code="certificate_expired" if ended else "certificate_expiring",
        target=item.target,
        remediator=CertificateExpiring.name,
        severity=Severity.LOW if renewed else Severity.HIGH if urgent else Severity.MEDIUM,
        message=f"The {item.held.value} {item.name} {when}. {then} {_BREAKS[item.held]}.{needed}",
        why_left=renewed or "Renewing it is up to whoever issues it.",
        steps=() if renewed else _steps(item),
    )


def _renewed(item: Item) -> str:
    """What the vault says of a successor; empty where it has none."""
    stored = item.stored
    if stored is None or stored.expires is None or item.expires is None or stored.expires <= item.expires:
        return ""
    return f"{stored.label} holds a newer version already, until {stored.expires:%Y-%m-%d}: it is on its way."


def _steps(item: Item) -> tuple[str, ...]:
    if item.stored is not None:
        return (
            f"az keyvault certificate create --vault-name {item.stored.vault} --name {item.stored.name} "
            "--policy @policy.json   # or import the renewed file",
        )
    if item.source is Source.MANAGED:
        return ("Azure renews it by itself; open a support request where it does not.",)
    if item.held is Held.HOSTNAME:
        return (f"Upload the renewed PFX for {item.name}, or better: move it to Key Vault.",)
    return ("Put its successor beside it before this day, and take it out afterwards.",)
