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
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from apimend.clients import (
    Authority,
    Client,
    anchors,
    dependence,
    live_authorities,
    pins,
    resolve_authorities,
    resolve_clients,
)
from apimend.model.azure import Certificate, PolicyText, Service
from apimend.model.check import MAX_IDENTITIES, ClientCertificateCheck, ClientIdentity
from apimend.model.desired import Action, Arrives, DeclaredCheck, DeclaredClient, Desired, State, Waiver
from apimend.model.errors import PolicyNotUnderstood
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, CoverageFigures, Finding, Kind, Severity, Stage
from apimend.policy import (
    Document,
    PlacedEdit,
    Placement,
    Standards,
    Unplaced,
    Wish,
    find_checks,
    judge,
    place,
    take_out,
)
from apimend.policy.rehearsal import rehearse
from apimend.policy.topology import GLOBAL, MANAGED, Topology, scope_of
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext
from apimend.survey import Survey, scope_id, survey

_MOST = 40
"""Findings about single documents in one run; what is beyond is counted."""

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
    ours: tuple[ClientCertificateCheck, ...] = ()
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
            "Microsoft.ApiManagement/service/apis/operations/policies/write",
            "Microsoft.ApiManagement/service/apis/policies/write",
            "Microsoft.ApiManagement/service/policies/write",
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
            fingerprint=_fingerprint(policy, desired, clients),
        )
        settled = policy is not None and context.progress.evidence.get(_REMEMBERED) == reach.fingerprint
        if not context.walk and not context.thorough and (settled or desired.check is None):
            return reach
        found, certificates, proxies = await asyncio.gather(
            survey(reader, desired, handshakes=context.handshakes, walk=context.walk),
            reader.certificates(),
            _proxies(reader, desired),
        )
        ours = await _ours(found, context)
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
            return _proposal(observed, desired, take_out(observed.survey.topology, standards, observed.ours), live)
        findings = tuple(_refusals(observed, desired, declared, context))
        if findings:
            return Proposal(findings=findings, coverage=live, coverage_after=live)
        proposal = _proposal(observed, desired, _place(observed, desired, standards), live)
        proposal = _asked_for_expired_waivers(proposal, observed, desired, context)
        if not proposal.changes:
            proposal = replace(proposal, findings=(*proposal.findings, *_let_in(observed, declared, context)))
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


async def _ours(found: Survey, context: VisitContext) -> tuple[ClientCertificateCheck, ...]:
    """The checks that we once wrote into documents that hold a check now."""
    holding = [
        found.texts[scope].id
        for scope, document in found.topology.documents.items()
        if isinstance(document, Document) and find_checks(document)
    ]
    written = await asyncio.gather(*(context.wrote(target) for target in holding))
    texts = {intent.after for intents in written for intent in intents if intent.after}
    return tuple({check.check: None for text in sorted(texts) for check in find_checks(Document.parse(text))})


def _fingerprint(policy: PolicyText | None, desired: Desired, clients: tuple[Client, ...]) -> str:
    """What an ordinary event on the service can't have changed, if it is as it was when all was well."""
    parts = (policy and policy.etag, desired.check, desired.scopes, desired.waivers, desired.plain_hosts, clients)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _waived(waivers: tuple[Waiver, ...]) -> frozenset[str]:
    return frozenset(scope_of(w.scope) for w in waivers if ClientCertificateUnchecked.name in w.controls)


def _standards(observed: Reach, desired: Desired, waivers: frozenset[str]) -> Standards:
    accepted = frozenset(pins(observed.clients, observed.pinned))
    identities = frozenset(desired.check.identities) if desired.check else frozenset()
    return Standards(
        thumbprints=accepted if desired.clients else None,
        identities=identities or None,
        attached=frozenset(entity.thumbprint for entity in observed.certificates),
        waivers=waivers,
    )


def _wanted(check: DeclaredCheck, declared: tuple[DeclaredClient, ...], observed: Reach) -> ClientCertificateCheck:
    """The declared check with its clients' thumbprints, unless the operators wrote identities themselves."""
    names = {each.name for each in declared}
    found = pins((client for client in observed.clients if client.name in names), observed.pinned)
    identities = check.identities or tuple(ClientIdentity(thumbprint=pin) for pin in found)
    return replace(check.template, identities=identities, ignore_error=check.action is Action.OBSERVE)


def _place(observed: Reach, desired: Desired, standards: Standards) -> Placement:
    assert observed.survey is not None
    assert desired.check is not None
    scopes = {own.scope: _wanted(own.check, own.clients, observed) for own in desired.scopes}
    wish = Wish(
        check=_wanted(desired.check, desired.clients, observed),
        scopes=scopes,
        plain_hosts=desired.plain_hosts,
        only_gateways=_only_gateways(observed.survey, desired),
        ours=observed.ours,
        limit_kib=observed.service.tier.policy_limit_kib,
    )
    return place(_once_negotiating(observed.survey.topology, observed.service, desired), standards, wish)


def _once_negotiating(topology: Topology, service: Service, desired: Desired) -> Topology:
    """The instance as it will be when NEGOTIATE is live: the check waits for that anyhow."""
    will = desired.negotiate and (not service.tier.refuses_without or desired.consumption_require)
    hosts = tuple(
        replace(host, negotiates=True)
        if will and host.gateway == MANAGED and host.name not in desired.plain_hosts
        else host
        for host in topology.hosts
    )
    return replace(topology, hosts=hosts)


def _only_gateways(found: Survey, desired: Desired) -> frozenset[str] | None:
    """Where gateways are declared to be left out, those that the check is for; otherwise it is for all."""
    left_out = {each.name.casefold() for each in desired.gateways if each.guarded}
    if not left_out:
        return None
    return frozenset({MANAGED, *(each.name for each in found.gateways if each.name.casefold() not in left_out)})


def _proposal(observed: Reach, desired: Desired, placement: Placement, live: CoverageFigures) -> Proposal:
    changes = tuple(_change(observed, desired, edit, rank) for rank, edit in enumerate(placement.edits))
    findings = tuple(_left(observed.service.id, placement.unplaced))
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
    names = ", ".join(client.name for client in observed.clients) or "the declared identities"
    observes = desired.check is not None and desired.check.action is Action.OBSERVE
    taken_out = desired.check is not None and desired.check.state is State.ABSENT
    will = f"checks the certificate: {names}; any other caller {'is recorded and let in' if observes else 'is refused'}"
    return Change(
        kind=Kind.POLICY,
        target=text.id if text else scope_id(observed.service.id, edit.scope),
        stage=Stage.VALIDATE,
        rank=rank,
        remediator=ClientCertificateUnchecked.name,
        before=edit.before,
        after=edit.after,
        etag=text.etag if text else None,
        reason=f"{edit.reason[:1].upper()}{edit.reason[1:]}.",
        was=_was(edit),
        will="no check of ours" if taken_out else will,
        minutes=(0, 1),
    )


def _was(edit: PlacedEdit) -> str:
    if edit.before is None:
        return "no policy"
    return "another check" if find_checks(Document.parse(edit.before)) else "no check"


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


def _left(instance: InstanceId, unplaced: tuple[Unplaced, ...]) -> Iterator[Finding]:
    """What is left alone, document by document; the rest is counted."""
    for each in unplaced[:_MOST]:
        where = f"{each.scope or 'all APIs'}{f', line {each.line}' if each.line else ''}"
        yield Finding(
            code="check_refused" if each.blocks else "operations_not_covered",
            target=instance
            if each.blocks or each.scope.startswith("fragment ")
            else _scope_target(instance, each.scope),
            remediator=ClientCertificateUnchecked.name,
            severity=Severity.HIGH if each.blocks else Severity.MEDIUM,
            message=f"{where}: {each.reason}.",
            why_left="A check would refuse every caller there." if each.blocks else "It is not ours to change.",
            blocks=frozenset({Stage.VALIDATE}) if each.blocks else frozenset(),
        )
    if len(unplaced) > _MOST:
        common = Counter(each.reason for each in unplaced[_MOST:]).most_common(3)
        yield Finding(
            code="operations_not_covered",
            target=instance,
            remediator=ClientCertificateUnchecked.name,
            severity=Severity.MEDIUM,
            message=f"{len(unplaced) - _MOST} more documents: {'; '.join(reason for reason, _ in common)}.",
            why_left="They are not ours to change.",
        )


def _scope_target(instance: InstanceId, scope: str) -> ResourceId:
    return instance if scope == GLOBAL else instance.child(*(part for part in scope.split("/") if part))


def _refusals(observed: Reach, desired: Desired, declared: DeclaredCheck, context: VisitContext) -> Iterator[Finding]:
    """Everything that forbids a check on this instance at all."""
    service = observed.service
    yield from _arrival(service.id, desired, observed)
    if service.tier.refuses_without and declared.action is Action.OBSERVE:
        why = "The Consumption gateway refuses callers without a certificate by itself."
        yield _refusal(service.id, "observe_on_consumption", "`observe` does not exist on Consumption.", why)
    wanted = _wanted(declared, desired.clients, observed)
    if len(wanted.identities) > MAX_IDENTITIES:
        why = f"Azure takes {MAX_IDENTITIES}. Pin the issuer instead."
        yield _refusal(service.id, "too_many_identities", f"The check would have {len(wanted.identities)}.", why)
    if not wanted.identities and not wanted.validate_trust:
        why = "Without trust and without identities any certificate would pass."
        yield _refusal(service.id, "check_without_meaning", "No client is declared.", why)
    yield from _client_refusals(observed, wanted, context)


def _arrival(id: InstanceId, desired: Desired, observed: Reach) -> Iterator[Finding]:
    if desired.arrives is None:
        why = "Behind a proxy that ends TLS the check would refuse everybody. Declare `arrives: direct` or `header`."
        yield _refusal(id, "arrival_undeclared", "How the client's certificate arrives is not declared.", why)
    elif desired.arrives is Arrives.HEADER:
        why = "A header can be forged, so this form is never inserted by itself."
        yield _refusal(id, "arrives_by_header", "The certificate is declared to arrive in a header.", why)
    elif observed.proxies:
        names = ", ".join(observed.proxies)
        why = "It ends TLS, so the certificate does not arrive in the handshake as declared."
        yield _refusal(id, "proxy_in_front", f"An Application Gateway names this instance: {names}.", why)


def _client_refusals(observed: Reach, check: ClientCertificateCheck, context: VisitContext) -> Iterator[Finding]:
    """Every declared client is rehearsed with the exact element. Only Root entries end a chain."""
    roots = anchors(observed.service)
    authorities = live_authorities(observed.service, observed.authorities)
    for client in observed.clients:
        if client.trouble:
            yield _client_refusal(observed.service.id, client, client.trouble)
        elif client.certificate is not None and not check.ignore_error:
            at = client.judged_at(context.now)
            found = rehearse(check, client.certificate, now=at, authorities=authorities, trusted=roots)
            for why in found:
                yield _client_refusal(observed.service.id, client, why)


def _client_refusal(id: InstanceId, client: Client, why: str) -> Finding:
    message = f"The declared client {client.name} would be refused: {why}."
    return _refusal(id, "client_would_be_refused", message, "Every declared client passes the check before it goes in.")


def _refusal(target: ResourceId, code: str, message: str, why: str) -> Finding:
    return Finding(
        code=code,
        target=target,
        remediator=ClientCertificateUnchecked.name,
        severity=Severity.HIGH,
        message=message,
        why_left=why,
        blocks=frozenset({Stage.VALIDATE}),
    )
