"""
A gateway that never looks at the client's certificate.

What it finds: a global policy without the declared `validate-client-certificate`, or with one that says something
else than what is declared.
Why it matters: negotiation only asks. Without a check every caller is let in, with any certificate or none.
What it changes: puts the declared check first into the global `inbound` (behind a leading `cors`), or changes
the one that is there in place. What authors wrote stays as it is, byte for byte.
Fix safety: opt-in. Callers who passed before are refused afterwards. It is refused while a caller could be locked
out: a gateway that does not ask for certificates, or of which that is not known; a certificate that does not
arrive in the handshake; a declared client whose certificate would not pass.
References: https://learn.microsoft.com/azure/api-management/validate-client-certificate-policy
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cryptography import x509

from apimend.model.azure import Certificate, Gateway, PolicyText, Service, Workspace
from apimend.model.check import MAX_IDENTITIES, ClientCertificateCheck, ClientIdentity
from apimend.model.desired import Action, Arrives, DeclaredCheck, DeclaredClient, Desired, State
from apimend.model.errors import Denied, Gone, PolicyNotUnderstood
from apimend.model.ids import InstanceId, ResourceId
from apimend.model.plan import Change, Finding, Kind, Severity, Stage
from apimend.policy import NEW_GLOBAL, Document, FoundCheck, find_checks, same_check, with_changed, with_check
from apimend.policy.rehearsal import rehearse, thumbprint
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext


@dataclass(frozen=True, kw_only=True)
class Client:
    """A declared client as far as it could be resolved: its thumbprints, and its certificate where we hold it."""

    name: str
    thumbprint: str = ""
    also: tuple[str, ...] = ()
    certificate: x509.Certificate | None = None
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class GlobalPolicy:
    """The global document, the clients, and what else a global check would reach."""

    service: Service
    policy: PolicyText | None
    clients: tuple[Client, ...]
    ours: tuple[str, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    workspaces: tuple[Workspace, ...] = ()
    proxies: tuple[str, ...] = ()


class ClientCertificateUnchecked:
    name = "client_certificate_unchecked"
    watches = frozenset({"policies", "gateways", "workspaces", "certificates"})
    safety = Safety.OPT_IN
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/policies/read",
            "Microsoft.ApiManagement/service/certificates/read",
            "Microsoft.ApiManagement/service/gateways/read",
            "Microsoft.ApiManagement/service/workspaces/read",
            "Microsoft.Network/applicationGateways/read",
            "Microsoft.KeyVault/vaults/certificates/read",
        }
    )
    writes = frozenset({"Microsoft.ApiManagement/service/policies/write"})

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> GlobalPolicy:
        service = await reader.service()
        if desired.check is None or desired.check.state is State.ABSENT:
            return GlobalPolicy(service=service, policy=None, clients=())
        policy, clients = await asyncio.gather(reader.policy(reader.instance), _clients(reader, desired))
        seen = GlobalPolicy(service=service, policy=policy, clients=clients)
        if _agrees(seen, desired.check):
            return seen
        written = await context.wrote(reader.instance.child("policies", "policy"))
        gateways, workspaces, proxies = await asyncio.gather(
            _gateways(reader, service), _workspaces(reader, service), reader.proxies_in_front()
        )
        ours = tuple(intent.after for intent in written if intent.after)
        return replace(seen, ours=ours, gateways=gateways, workspaces=workspaces, proxies=proxies)

    def plan(self, observed: GlobalPolicy, desired: Desired, context: VisitContext) -> Proposal:
        declared = desired.check
        if declared is None or declared.state is State.ABSENT or _agrees(observed, declared):
            return Proposal()
        findings = tuple(_refusals(observed, desired, context))
        if findings:
            return Proposal(findings=findings)
        return Proposal(changes=(_change(observed, declared, desired),))


async def _clients(reader: InstanceReader, desired: Desired) -> tuple[Client, ...]:
    entities = await reader.certificates() if any(client.thumbprint for client in desired.clients) else ()
    known = {entity.thumbprint: entity for entity in entities}
    return tuple(await asyncio.gather(*(_client(reader, declared, known) for declared in desired.clients)))


async def _client(reader: InstanceReader, declared: DeclaredClient, known: Mapping[str, Certificate]) -> Client:
    """The client's certificate from the vault or the text; only its thumbprint where nothing else is declared."""
    also = declared.also
    if declared.pem is not None:
        certificate = x509.load_pem_x509_certificate(declared.pem.encode())
        return Client(name=declared.name, thumbprint=thumbprint(certificate), also=also, certificate=certificate)
    if declared.source is not None:
        try:
            found = await reader.vault_certificate(declared.source)
        except (Gone, Denied) as error:
            return Client(name=declared.name, also=also, trouble=f"its certificate can't be read: {error}")
        certificate = x509.load_der_x509_certificate(found.der)
        return Client(name=declared.name, thumbprint=thumbprint(certificate), also=also, certificate=certificate)
    wanted = (declared.thumbprint or "").upper()
    entity = known.get(wanted)
    trouble = "" if entity else "only its thumbprint is declared, so its dates can't be seen"
    return Client(name=declared.name, thumbprint=wanted, also=also, trouble=trouble)


async def _gateways(reader: InstanceReader, service: Service) -> tuple[Gateway, ...]:
    return await reader.gateways() if service.tier.self_hosted else ()


async def _workspaces(reader: InstanceReader, service: Service) -> tuple[Workspace, ...]:
    return await reader.workspaces() if service.tier.workspaces else ()


def _wanted(observed: GlobalPolicy, declared: DeclaredCheck) -> ClientCertificateCheck:
    """The declared check with the clients' thumbprints, unless the operators wrote identities themselves."""
    pins = dict.fromkeys(pin for client in observed.clients for pin in (client.thumbprint, *client.also) if pin)
    identities = declared.identities or tuple(ClientIdentity(thumbprint=pin) for pin in pins)
    return replace(declared.template, identities=identities, ignore_error=declared.action is Action.OBSERVE)


def _document(observed: GlobalPolicy) -> Document:
    return Document.parse(observed.policy.text if observed.policy else NEW_GLOBAL)


def _unguarded(document: Document) -> FoundCheck | None:
    return next((found for found in find_checks(document) if found.guard is None), None)


def _agrees(observed: GlobalPolicy, declared: DeclaredCheck) -> bool:
    """Whether the declared check is there. A document that can't be read agrees with nothing."""
    if any(client.trouble and not client.thumbprint for client in observed.clients):
        return False
    try:
        found = _unguarded(_document(observed))
    except PolicyNotUnderstood:
        return False
    return found is not None and not found.not_understood and same_check(found.check, _wanted(observed, declared))


def _change(observed: GlobalPolicy, declared: DeclaredCheck, desired: Desired) -> Change:
    document, check = _document(observed), _wanted(observed, declared)
    found = _unguarded(document)
    after = with_changed(document, found, check) if found else with_check(document, check, is_global=True)
    names = ", ".join(client.name for client in desired.clients) or "the declared identities"
    kept = "is recorded and let in" if check.ignore_error else "is refused"
    return Change(
        kind=Kind.POLICY,
        target=observed.policy.id if observed.policy else observed.service.id.child("policies", "policy"),
        stage=Stage.VALIDATE,
        remediator=ClientCertificateUnchecked.name,
        before=observed.policy.text if observed.policy else None,
        after=after,
        etag=observed.policy.etag if observed.policy else None,
        reason="The global policy does not check the client's certificate as declared.",
        was="another check" if found else "no check at global scope",
        will=f"validate-client-certificate for {names}: any other caller {kept}",
        minutes=(0, 1),
    )


def _refusals(observed: GlobalPolicy, desired: Desired, context: VisitContext) -> Iterator[Finding]:
    """Everything that stands in the way of a check at global scope: a caller could be locked out."""
    service, declared = observed.service, desired.check
    assert declared is not None
    yield from _arrival(service.id, desired, observed)
    for entry in service.proxies:
        if entry.host.casefold() in desired.plain_hosts or (not desired.negotiate and not service.negotiates(entry)):
            why = "A check at global scope would refuse every caller who comes in there."
            yield _refusal(service.id, "host_stays_plain", f"{entry.host} does not ask for a certificate.", why)
    for gateway in observed.gateways:
        why = "The global policy runs there too, and whether it asks for certificates is not known."
        yield _refusal(gateway.id, "gateway_unknown", f"The self-hosted gateway {gateway.name} is in reach.", why)
    for workspace in observed.workspaces:
        why = "The global policy runs on workspace gateways too, and these do not ask for certificates."
        yield _refusal(workspace.id, "workspace_unknown", f"The workspace {workspace.name} is in reach.", why)
    if service.tier.refuses_without and declared.action is Action.OBSERVE:
        why = "The Consumption gateway refuses callers without a certificate by itself."
        yield _refusal(service.id, "observe_on_consumption", "`observe` does not exist on Consumption.", why)
    yield from _document_refusals(observed, declared)
    yield from _client_refusals(observed, declared, context)


def _arrival(id: InstanceId, desired: Desired, observed: GlobalPolicy) -> Iterator[Finding]:
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


def _document_refusals(observed: GlobalPolicy, declared: DeclaredCheck) -> Iterator[Finding]:
    id = observed.service.id
    try:
        found = _unguarded(_document(observed))
    except PolicyNotUnderstood as error:
        why = "A document that can't be read without guessing is never edited."
        yield _refusal(id, "policy_not_understood", f"The global policy: {error}.", why)
        return
    if found is not None and not _is_ours(observed, found):
        why = "It was not put in by Apimend: changing it could let in or lock out callers that its author meant."
        mend = "Declare what it says, or take it out, and Apimend goes on."
        line = found.element.line
        yield _refusal(id, "foreign_check", f"The global policy has another check on line {line}.", f"{why} {mend}")
    wanted = _wanted(observed, declared)
    if len(wanted.identities) > MAX_IDENTITIES:
        why = f"Azure takes {MAX_IDENTITIES}. Pin the issuer instead."
        yield _refusal(id, "too_many_identities", f"The check would have {len(wanted.identities)} identities.", why)
    if not wanted.identities and not wanted.validate_trust:
        why = "Without trust and without identities any certificate would pass."
        yield _refusal(id, "check_without_meaning", "No client is declared.", why)


def _is_ours(observed: GlobalPolicy, found: FoundCheck) -> bool:
    """Whether we wrote just this check."""
    return any(
        same_check(other.check, found.check) for text in observed.ours for other in find_checks(Document.parse(text))
    )


def _client_refusals(observed: GlobalPolicy, declared: DeclaredCheck, context: VisitContext) -> Iterator[Finding]:
    check = _wanted(observed, declared)
    live = frozenset(ca.certificate.thumbprint for ca in observed.service.ca_certificates if ca.certificate)
    for client in observed.clients:
        if client.trouble:
            yield _client_refusal(observed.service.id, client, client.trouble)
        elif client.certificate is not None and not check.ignore_error:
            for why in rehearse(check, client.certificate, now=context.now, trusted=live):
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
