"""
Operations that a caller without an allowed certificate can reach.

What it finds: a global policy without the declared check, and every scope that such a check does not reach, because
its policy has no `<base />` or answers before it.
Why it matters: negotiation only asks. Without a check every caller is let in, with any certificate or none, and
one document without `<base />` undoes the check for everything below it.
What it changes: puts the declared check first into the global `inbound` (behind a leading `cors`), guarded where
something is waived, and one of its own where the global one does not reach. What authors wrote stays, byte for byte.
Fix safety: opt-in. Callers who passed before are refused afterwards. It is refused while a caller could be locked
out: a gateway that does not ask for certificates, or of which that is not known; a certificate that does not arrive
as declared; a declared client whose certificate would not pass. A certificate in a header is checked only where
nobody but the declared proxy can write it.
References: https://learn.microsoft.com/azure/api-management/validate-client-certificate-policy
"""

from collections.abc import Iterator
from dataclasses import replace

from apimend.checkchange import changes_of
from apimend.clients import dependence, pins
from apimend.demand import demands, refusals, switched
from apimend.evidence import Evidence
from apimend.model.check import MAX_IDENTITIES, Form
from apimend.model.desired import Action, Arrives, DeclaredCheck, Desired, State
from apimend.model.plan import Change, CoverageFigures, Finding, Severity, Stage
from apimend.policy import Placement, Standards, judge, take_out
from apimend.policy.forwarded import forwarded_findings
from apimend.policy.left import findings_of, target_of
from apimend.policy.topology import scope_of
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext
from apimend.reach import REMEMBERED, Reach, read_reach
from apimend.regionseen import regions_seen
from apimend.standards import CONTROL


class ClientCertificateUnchecked:
    name = CONTROL
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
            "Microsoft.ApiManagement/service/gateways/certificateAuthorities/read",
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
        return await read_reach(reader, desired, context)

    def plan(self, observed: Reach, desired: Desired, context: VisitContext) -> Proposal:
        if observed.survey is None:
            return Proposal()
        found = self._plan(observed, desired, context)
        return replace(found, remember={**found.remember, **regions_seen(observed.service, context)})

    def _plan(self, observed: Reach, desired: Desired, context: VisitContext) -> Proposal:
        assert observed.survey is not None
        standards = observed.standards(desired, desired.waivers)
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
            believed=standards.headers,
        )
        refused = [
            refusal.finding(observed.service.id, self.name)
            for refusal in refusals(desired, observed.known(context.now))
        ]
        if refused:
            renewals = _renewals(observed, desired, standards)
            return Proposal(changes=renewals, findings=(*refused, *headers), coverage=live, coverage_after=live)
        proposal = _proposal(observed, observed.placement(desired, standards), live)
        proposal = _asked_for_expired_waivers(proposal, observed, desired, context)
        if not proposal.changes:
            told = (*_let_in(observed, declared, context), *_observed(observed, desired, context))
            proposal = replace(proposal, findings=(*proposal.findings, *told))
        proposal = replace(proposal, findings=(*proposal.findings, *headers))
        remember = {} if proposal.changes or proposal.findings else {REMEMBERED: observed.fingerprint}
        return replace(proposal, remember=remember, notes=tuple(_notes(observed, desired)))


def _without(observed: Reach, desired: Desired, standards: Standards, live: CoverageFigures) -> Proposal:
    """The declared absence: only what we put in goes, and documents that we made go as a whole."""
    assert observed.survey is not None
    if any(own.check.state is State.PRESENT for own in desired.scopes):
        return _proposal(observed, observed.placement(desired, standards), live)
    return _proposal(observed, take_out(observed.survey.topology, standards, observed.ours.by_scope), live)


def _proposal(observed: Reach, placement: Placement, live: CoverageFigures) -> Proposal:
    changes = changes_of(observed, placement.edits, CONTROL)
    findings = tuple(findings_of(placement.unplaced, observed.service.id, CONTROL))
    return Proposal(changes=changes, findings=findings, coverage=live, coverage_after=placement.after.figures)


def _notes(observed: Reach, desired: Desired) -> Iterator[str]:
    """What every run says of checks that are in force or about to be."""
    yield from switched(demands(desired, observed.clients, observed.pinned))
    if depends := dependence(observed.clients):
        yield depends


def _asked_for_expired_waivers(
    proposal: Proposal, observed: Reach, desired: Desired, context: VisitContext
) -> Proposal:
    """An expired waiver causes no write by itself: what is only due to its end needs approval in every mode."""
    expired = [waiver for waiver in desired.waivers if waiver.expires <= context.now]
    if not expired:
        return proposal
    valid = tuple(waiver for waiver in desired.waivers if waiver.expires > context.now)
    without = observed.placement(desired, observed.standards(desired, valid))
    due = _proposal(observed, without, proposal.coverage or CoverageFigures(covered=0, total=0))
    known = {change.id for change in proposal.changes}
    names = ", ".join(waiver.id for waiver in expired)
    asked = (replace(c, ask=f"The waiver {names} has expired.") for c in due.changes if c.id not in known)
    targets = {change.target for change in due.changes if change.id not in known}
    kept = tuple(change for change in proposal.changes if change.target not in targets)
    return replace(due, changes=(*kept, *asked))


def _renewals(observed: Reach, desired: Desired, standards: Standards) -> tuple[Change, ...]:
    """What has to be accepted besides in checks that are live: no refusal holds that back, or a caller is shut out."""
    too_many = len(pins(observed.clients, observed.pinned)) > MAX_IDENTITIES
    if too_many and desired.arrives is not Arrives.HEADER:
        return ()
    try:
        edits = observed.placement(desired, standards).edits
    except ValueError:  # what can't be written has been reported, and renews nothing
        return ()
    changes = changes_of(observed, edits, CONTROL)
    return tuple(change for change in changes if change.stage is Stage.PREPARE)


def _observed(observed: Reach, desired: Desired, context: VisitContext) -> Iterator[Finding]:
    """Each declared check that only observes: how long already, and how to tell whether it may be enforced."""
    for one in demands(desired, observed.clients, observed.pinned):
        if not one.check.ignore_error:
            continue
        shown = Evidence(
            service=observed.service.name,
            since=observed.ours.since(scope_of(one.scope)),
            days=one.declared.observe_days,
            record=one.declared.record,
            pins=() if one.declared.identities else pins(one.clients, observed.pinned),
            only_failures=one.check.form is not Form.ELEMENT,
        )
        target = target_of(observed.service.id, scope_of(one.scope))
        yield shown.finding(target, CONTROL, context.now)


def _let_in(observed: Reach, declared: DeclaredCheck, context: VisitContext) -> Iterator[Finding]:
    """Canaries that got through without a certificate though the check is said to be in force."""
    for shown in context.handshakes.values():
        if declared.action is Action.ENFORCE and shown.canary is not None and shown.canary < 300:
            yield Finding(
                code="canary_let_in",
                target=observed.service.id,
                remediator=CONTROL,
                severity=Severity.HIGH,
                message=f"{shown.host} answered {shown.canary} to the canary call, which had no certificate.",
                why_left="The declared check is in place, so something else answers on this path.",
            )
