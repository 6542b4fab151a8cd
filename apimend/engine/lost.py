"""
Negotiation that vanished under a live check: every caller is refused, so somebody has to know at once (R4).

`reconcile` asks on every visit. Where the desired state says `on_negotiation_lost: observe`, the checks are set to let
everybody pass: a policy write of seconds, while switching negotiation on again takes up to 45 minutes.
"""

from dataclasses import dataclass

from apimend.engine.checks import ENGINE, Held, held, observing
from apimend.mends import deeds
from apimend.model.azure import Service
from apimend.model.check import Form
from apimend.model.desired import Desired, NegotiationLost
from apimend.model.plan import Change, Finding, Severity
from apimend.model.runs import Progress
from apimend.ports import InstanceReader

CODE = "negotiation_lost"


@dataclass(frozen=True, kw_only=True)
class Lost:
    """What is to be told, and what is to be written at once; both empty while nobody is refused for it."""

    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()


async def lost(reader: InstanceReader, *, service: Service, desired: Desired, progress: Progress) -> Lost:
    """Whether a host that a check of ours reaches has ceased to ask for certificates."""
    silent = _silent(service, desired)
    if not silent or not progress.own:
        return Lost()
    refusing = [one for one in await held(reader, progress) if _reaches(one, silent)]
    if not refusing:
        return Lost()
    keeps = desired.on_negotiation_lost is NegotiationLost.KEEP
    why = "The check stays as declared" if keeps else "The checks are set to observe as declared"
    told = Finding(
        code=CODE,
        target=service.id,
        remediator=ENGINE,
        severity=Severity.CRITICAL,
        message=f"{', '.join(sorted(silent))} no longer asks for certificates, and a live check refuses every caller.",
        why_left=f"{why} (onNegotiationLost: {desired.on_negotiation_lost.value}).",
        steps=(f"Let callers in at once: apimend relax {service.name}",) if keeps else (),
        hand_off=deeds.ask_for_certificates(
            service, [entry for entry in service.proxies if entry.host.casefold() in silent]
        ),
    )
    reason = "Negotiation is gone, so the check refuses everybody."
    return Lost(findings=(told,), changes=() if keeps else observing(refusing, reason=reason))


def _silent(service: Service, desired: Desired) -> frozenset[str]:
    """The hosts that don't ask, less those that were declared so."""
    hosts = {entry.host.casefold() for entry in service.proxies if not service.negotiates(entry)}
    return frozenset(hosts - desired.plain_hosts)


def _reaches(one: Held, silent: frozenset[str]) -> bool:
    """Whether a check of ours in this document refuses callers of one of these hosts."""
    strict = [found for found in one.ours if not found.check.ignore_error and found.check.form is not Form.HEADER]
    return any(found.guard is None or silent - found.guard.except_hosts for found in strict)
