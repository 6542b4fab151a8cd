"""
Operations that a caller without an allowed certificate can reach.

What it finds: a global policy without the declared check, and every scope that such a check does not reach, because
its policy has no `<base />` or answers before it.
Why it matters: negotiation only asks. Without a check every caller is let in, with any certificate or none, and
one document without `<base />` undoes the check for everything below it.
What it changes: puts the declared check first into the global `inbound` (behind a leading `cors`), guarded where
something is waived, and one of its own where the global one does not reach. What authors wrote stays, byte for byte.
Fix safety: opt-in. Callers who passed before are refused afterwards. It is refused while a caller could be locked
out: a gateway that does not ask for certificates, or of which that is not known; a certificate that does not
arrive in the handshake; a declared client whose certificate would not pass.
References: https://learn.microsoft.com/azure/api-management/validate-client-certificate-policy
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from apimend.clients import Authority, Client, dependence, pins, resolve_authorities, resolve_clients
from apimend.demand import Known, demands, once_negotiating, only_gateways, refusals
from apimend.evidence import Evidence
from apimend.model.azure import Certificate, PolicyText, Service
from apimend.model.check import MAX_IDENTITIES, Form
from apimend.model.desired import Action, Arrives, DeclaredCheck, DeclaredClient, Desired, State, Waiver
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.plan import Change, CoverageFigures, Finding, Kind, Severity, Stage
from apimend.ours import Ours, read_ours
from apimend.policy import (
    Document,
    FoundCheck,
    PlacedEdit,
    Placement,
    Standards,
    Wish,
    find_checks,
    is_bare,
    judge,
    place,
    take_out,
)
from apimend.policy.forwarded import forwarded_findings
from apimend.policy.left import findings_of, target_of
from apimend.policy.rotation import only_accepts_more
from apimend.policy.topology import GLOBAL, scope_of
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext
from apimend.survey import Survey, scope_id, survey

_REMEMBERED = "check"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What was read: the service, the clients, and the survey, unless nothing can have changed since the last."""

    service: Service
    clients: tuple[Client, ...] = ()
    pinned: frozenset[str] = frozenset()
    authorities: tuple[Authority, ...] = ()
    fingerprint: str = ""
    survey: Survey | None = None
    certificates: tuple[Certificate, ...] = ()
    ours: Ours = field(default_factory=Ours)
    proxies: tuple[str, ...] = ()


class ClientCertificateUnchecked:
    name = "client_certificate_unchecked"
    watches = frozenset({"policies", "policyFragments", "apis", "products", "gateways", "workspaces", "certificates"})
    safety = Safety.OPT_IN
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/allPolicies/read",
            "Microsoft.ApiManagement/service/apis/operations/policies/read",
            "Microsoft.ApiManagement/service/apis/operations/read",
            "Microsoft.ApiManagement/service/apis/policies/read",
            "Microsoft.ApiManagement/service/apis/read",
            "Microsoft.ApiManagement/service/apis/revisions/read",
            "Microsoft.ApiManagement/service/certificates/read",
            "Microsoft.ApiManagement/service/gateways/apis/read",
            "Microsoft.ApiManagement/service/gateways/hostnameConfigurations/read",
            "Microsoft.ApiManagement/service/gateways/read",
            "Microsoft.ApiManagement/service/policies/read",
            "Microsoft.ApiManagement/service/policyFragments/read",
            "Microsoft.ApiManagement/service/products/apis/read",
            "Microsoft.ApiManagement/service/products/policies/read",
            "Microsoft.ApiManagement/service/products/read",
            "Microsoft.ApiManagement/service/workspaces/read",
            "Microsoft.KeyVault/vaults/certificates/read",
            "Microsoft.Network/applicationGateways/read",
        }
    )
    writes = frozenset(
        {
            "Microsoft.ApiManagement/service/apis/operations/policies/delete",
            "Microsoft.ApiManagement/service/apis/operations/policies/write",
            "Microsoft.ApiManagement/service/apis/policies/delete",
            "Microsoft.ApiManagement/service/apis/policies/write",
            "Microsoft.ApiManagement/service/policies/delete",
            "Microsoft.ApiManagement/service/policies/write",
            "Microsoft.ApiManagement/service/products/policies/delete",
            "Microsoft.ApiManagement/service/products/policies/write",
        }
    )

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Reach:
        service, policy = await asyncio.gather(reader.service(), _global_policy(reader, desired))
        pinned = _pinned(policy)
        clients, authorities = await asyncio.gather(
            resolve_clients(reader, _declared(desired), now=context.now, pinned=pinned, dates_count=_dates(desired)),
            resolve_authorities(reader, desired.authorities),
        )
        reach = Reach(
            service=service,
            clients=clients,
            pinned=pinned,
            authorities=authorities,
            fingerprint=_fingerprint(policy, desired, clients, context.now),
        )
        settled = policy is not None and context.progress.evidence.get(_REMEMBERED) == reach.fingerprint
        if not context.walk and not context.thorough and (settled or desired.check is None):
            return reach
        found, certificates, proxies = await asyncio.gather(
            survey(reader, desired, handshakes=context.handshakes, walk=context.walk),
            reader.certificates(),
            _proxies(reader, desired),
        )
        ours = await read_ours(found, context.wrote)
        return replace(reach, survey=found, certificates=certificates, proxies=proxies, ours=ours)

    def plan(self, observed: Reach, desired: Desired, context: VisitContext) -> Proposal:
        if observed.survey is None:
            return Proposal()
        standards = _standards(observed, desired, _waived(desired.waivers))
        live = judge(observed.survey.topology, standards).figures
        declared = desired.check
        if declared is None:
            return Proposal(coverage=live, coverage_after=live)
        if declared.state is State.ABSENT:
            return _without(observed, desired, standards, live)
        headers = forwarded_findings(
            observed.survey.topology,
            observed.service.id,
            self.name,
            header=desired.header,
            restriction=desired.header_restriction,
        )
        refused = tuple(_refused(observed, desired, context))
        if refused:
            renewals = _renewals(observed, desired, standards)
            return Proposal(changes=renewals, findings=(*refused, *headers), coverage=live, coverage_after=live)
        proposal = _proposal(observed, desired, _place(observed, desired, standards), live)
        proposal = _asked_for_expired_waivers(proposal, observed, desired, context)
        if not proposal.changes:
            told = (*_let_in(observed, declared, context), *_observed(observed, desired, context))
            proposal = replace(proposal, findings=(*proposal.findings, *told))
        proposal = replace(proposal, findings=(*proposal.findings, *headers))
        remember = {} if proposal.changes or proposal.findings else {_REMEMBERED: observed.fingerprint}
        depends = dependence(observed.clients)
        return replace(proposal, remember=remember, notes=(depends,) if depends else ())


async def _global_policy(reader: InstanceReader, desired: Desired) -> PolicyText | None:
    return await reader.policy(reader.instance) if desired.check is not None else None


def _pinned(policy: PolicyText | None) -> frozenset[str]:
    """The thumbprints that the live global check accepts."""
    try:
        found = find_checks(Document.parse(policy.text)) if policy else ()
    except PolicyNotUnderstood:
        found = ()
    return frozenset(each.thumbprint.upper() for one in found for each in one.check.identities if each.thumbprint)


def _declared(desired: Desired) -> tuple[DeclaredClient, ...]:
    """Every client that the instance or one of its scopes lets in, each once."""
    named = {client.name: client for scope in desired.scopes for client in scope.clients}
    return tuple({**named, **{client.name: client for client in desired.clients}}.values())


def _dates(desired: Desired) -> bool:
    """Whether every check refuses what has expired."""
    checks = [check for check in (desired.check, *(scope.check for scope in desired.scopes)) if check]
    return all(check.template.validate_not_after for check in checks)


async def _proxies(reader: InstanceReader, desired: Desired) -> tuple[str, ...]:
    return await reader.proxies_in_front() if desired.check is not None and desired.arrives is Arrives.DIRECT else ()


def _fingerprint(policy: PolicyText | None, desired: Desired, clients: tuple[Client, ...], now: datetime) -> str:
    """What an ordinary event on the service can't have changed, if it is as it was when all was well."""
    expired = tuple(waiver.id for waiver in desired.waivers if waiver.expires <= now)
    declared = (desired.check, desired.scopes, desired.waivers, expired, desired.plain_hosts)
    return hashlib.sha256(repr((policy and policy.etag, declared, clients)).encode()).hexdigest()


def _waived(waivers: tuple[Waiver, ...]) -> frozenset[str]:
    return frozenset(scope_of(w.scope) for w in waivers if ClientCertificateUnchecked.name in w.controls)


def _standards(observed: Reach, desired: Desired, waivers: frozenset[str]) -> Standards:
    accepted = frozenset(pins(observed.clients, observed.pinned))
    declared = [check for check in (desired.check, *(scope.check for scope in desired.scopes)) if check]
    identities = frozenset(identity for check in declared for identity in check.identities)
    return Standards(
        thumbprints=accepted if desired.clients else None,
        identities=identities or None,
        attached=frozenset(entity.thumbprint for entity in observed.certificates),
        waivers=waivers,
    )


def _place(observed: Reach, desired: Desired, standards: Standards) -> Placement:
    assert observed.survey is not None
    placed = {one.scope: one.check for one in demands(desired, observed.clients, observed.pinned)}
    absent = [own.scope for own in desired.scopes if own.check.state is State.ABSENT]
    wish = Wish(
        check=placed.pop(GLOBAL, None),
        scopes=placed,
        absent=frozenset((*absent, *((GLOBAL,) if desired.check and desired.check.state is State.ABSENT else ()))),
        plain_hosts=desired.plain_hosts,
        only_gateways=only_gateways(observed.survey.gateways, desired),
        ours=observed.ours.checks,
        record=desired.check.record if desired.check else None,
        limit_kib=observed.service.tier.policy_limit_kib,
    )
    return place(once_negotiating(observed.survey.topology, observed.service, desired), standards, wish)


def _without(observed: Reach, desired: Desired, standards: Standards, live: CoverageFigures) -> Proposal:
    """The declared absence: only what we put in goes, and documents that we made go as a whole."""
    assert observed.survey is not None
    if any(own.check.state is State.PRESENT for own in desired.scopes):
        return _proposal(observed, desired, _place(observed, desired, standards), live)
    return _proposal(observed, desired, take_out(observed.survey.topology, standards, observed.ours.checks), live)


def _proposal(observed: Reach, desired: Desired, placement: Placement, live: CoverageFigures) -> Proposal:
    changes = tuple(_change(observed, desired, edit, rank) for rank, edit in enumerate(placement.edits))
    findings = tuple(findings_of(placement.unplaced, observed.service.id, ClientCertificateUnchecked.name))
    return Proposal(changes=changes, findings=findings, coverage=live, coverage_after=placement.after.figures)


def _asked_for_expired_waivers(
    proposal: Proposal, observed: Reach, desired: Desired, context: VisitContext
) -> Proposal:
    """An expired waiver causes no write by itself: what is only due to its end needs approval in every mode."""
    expired = [waiver for waiver in desired.waivers if waiver.expires <= context.now]
    if not expired:
        return proposal
    valid = tuple(waiver for waiver in desired.waivers if waiver.expires > context.now)
    without = _place(observed, desired, _standards(observed, desired, _waived(valid)))
    due = _proposal(observed, desired, without, proposal.coverage or CoverageFigures(covered=0, total=0))
    known = {change.id for change in proposal.changes}
    names = ", ".join(waiver.id for waiver in expired)
    asked = (replace(c, ask=f"The waiver {names} has expired.") for c in due.changes if c.id not in known)
    targets = {change.target for change in due.changes if change.id not in known}
    kept = tuple(change for change in proposal.changes if change.target not in targets)
    return replace(due, changes=(*kept, *asked))


def _change(observed: Reach, desired: Desired, edit: PlacedEdit, rank: int) -> Change:
    assert observed.survey is not None
    text = observed.survey.texts.get(edit.scope)
    renews = only_accepts_more(edit.before, edit.after)
    left = find_checks(Document.parse(edit.after))
    observes = any(found.check.ignore_error for found in left)
    taken_out = not left
    after = None if taken_out and edit.scope in observed.ours.made and is_bare(edit.after) else edit.after
    others = "is recorded and let in" if observes else "is refused"
    will = f"checks the certificate: {_names(observed, left)}; any other caller {others}"
    if taken_out:
        will = "no document, as before" if after is None else "no check of ours"
    return Change(
        kind=Kind.POLICY,
        target=text.id if text else scope_id(observed.service.id, edit.scope),
        # Accepting a renewed certificate besides the old one refuses nobody, so it waits for nothing.
        stage=Stage.PREPARE if renews else Stage.VALIDATE,
        rank=rank,
        remediator=ClientCertificateUnchecked.name,
        before=edit.before,
        after=after,
        etag=text.etag if text else None,
        reason="A client's certificate is renewed: the new one is accepted, and the old one as well."
        if renews
        else f"{edit.reason[:1].upper()}{edit.reason[1:]}.",
        was=_was(edit),
        will=will,
        minutes=(0, 1),
    )


def _names(observed: Reach, found: Sequence[FoundCheck]) -> str:
    """The clients whom the checks in a document let in."""
    passing = {identity.thumbprint for one in found for identity in one.check.identities}
    pinned = [client.name for client in observed.clients if client.thumbprint in passing]
    everybody = [client.name for client in observed.clients if not any(passing)]
    return ", ".join(pinned or everybody) or "the declared identities"


def _renewals(observed: Reach, desired: Desired, standards: Standards) -> tuple[Change, ...]:
    """What has to be accepted besides in checks that are live: no refusal holds that back, or a caller is shut out."""
    if len(pins(observed.clients, observed.pinned)) > MAX_IDENTITIES:
        return ()
    try:
        edits = _place(observed, desired, standards).edits
    except ValueError:  # what can't be written has been reported, and renews nothing
        return ()
    changes = (_change(observed, desired, edit, rank) for rank, edit in enumerate(edits))
    return tuple(change for change in changes if change.stage is Stage.PREPARE)


def _was(edit: PlacedEdit) -> str:
    if edit.before is None:
        return "no policy"
    found = find_checks(Document.parse(edit.before))
    if not found:
        return "no check"
    return "a check that only records callers" if all(one.check.ignore_error for one in found) else "another check"


def _observed(observed: Reach, desired: Desired, context: VisitContext) -> Iterator[Finding]:
    """Each declared check that only observes: how long already, and how to tell whether it may be enforced."""
    for one in demands(desired, observed.clients, observed.pinned):
        if not one.check.ignore_error:
            continue
        shown = Evidence(
            service=observed.service.name,
            since=observed.ours.since.get(scope_of(one.scope)),
            days=one.declared.observe_days,
            record=one.declared.record,
            pins=() if one.declared.identities else pins(one.clients, observed.pinned),
            only_failures=one.check.form is not Form.ELEMENT,
        )
        target = target_of(observed.service.id, scope_of(one.scope))
        yield shown.finding(target, ClientCertificateUnchecked.name, context.now)


def _let_in(observed: Reach, declared: DeclaredCheck, context: VisitContext) -> Iterator[Finding]:
    """Canaries that got through without a certificate though the check is said to be in force."""
    for shown in context.handshakes.values():
        if declared.action is Action.ENFORCE and shown.canary is not None and shown.canary < 300:
            yield Finding(
                code="canary_let_in",
                target=observed.service.id,
                remediator=ClientCertificateUnchecked.name,
                severity=Severity.HIGH,
                message=f"{shown.host} answered {shown.canary} to the canary call, which had no certificate.",
                why_left="The declared check is in place, so something else answers on this path.",
            )


def _refused(observed: Reach, desired: Desired, context: VisitContext) -> Iterator[Finding]:
    """Everything that forbids a check on this instance at all."""
    known = Known(
        service=observed.service,
        clients=observed.clients,
        pinned=observed.pinned,
        authorities=observed.authorities,
        certificates=observed.certificates,
        proxies=observed.proxies,
        now=context.now,
    )
    for refusal in refusals(desired, known):
        yield refusal.finding(observed.service.id, ClientCertificateUnchecked.name)
