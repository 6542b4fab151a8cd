"""
What the declared check comes to on one instance: the check as it is wanted, and everything that forbids it.

Rules call it with what they read. Nobody is locked out by a check, so every client runs through the exact one first
(R3), and what can't be told counts against it. It must not decide where a check goes, and writes nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from apimend.arrival import Arrival, header_doubts
from apimend.clients import Authority, Client, anchors, live_authorities, pins
from apimend.model.azure import Certificate, Gateway, Service
from apimend.model.check import MAX_IDENTITIES, ClientCertificateCheck, ClientIdentity, Form
from apimend.model.desired import Action, Arrives, DeclaredCheck, DeclaredClient, Desired, State
from apimend.model.ids import ResourceId
from apimend.model.plan import Finding, Severity, Stage
from apimend.policy import check_text, normal_check
from apimend.policy.rehearsal import rehearse
from apimend.policy.topology import MANAGED, Topology


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why no check goes in. `steps` is what an operator can do."""

    code: str
    message: str
    why: str
    steps: tuple[str, ...] = ()

    def finding(self, target: ResourceId, remediator: str) -> Finding:
        """The same as a finding that forbids every check on the instance."""
        return Finding(
            code=self.code,
            target=target,
            remediator=remediator,
            severity=Severity.HIGH,
            message=self.message,
            why_left=self.why,
            steps=self.steps,
            blocks=frozenset({Stage.VALIDATE}),
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was read that decides about a check."""

    arrival: Arrival
    clients: tuple[Client, ...]
    pinned: frozenset[str]
    authorities: tuple[Authority, ...]
    certificates: tuple[Certificate, ...]
    now: datetime

    @property
    def service(self) -> Service:
        """The service itself."""
        return self.arrival.service


@dataclass(frozen=True, kw_only=True)
class Demand:
    """One check with the clients that are to pass it; `scope` is empty for the instance's own."""

    scope: str
    check: ClientCertificateCheck
    clients: tuple[Client, ...]
    declared: DeclaredCheck


def wanted(
    check: DeclaredCheck,
    declared: Sequence[DeclaredClient],
    clients: Iterable[Client],
    pinned: frozenset[str],
    *,
    header: str | None = None,
) -> ClientCertificateCheck:
    """
    The declared check with its clients' thumbprints, unless the operators wrote identities themselves.

    More clients than one element takes are looked for among the attached certificates instead (R15). `header` is
    where a proxy puts the certificate; it has checked the chain, which can't be done behind it.
    """
    found = pins(_named(declared, clients), pinned)
    identities = check.identities or tuple(ClientIdentity(thumbprint=pin) for pin in found)
    if header is not None:
        observes = check.action is Action.OBSERVE
        by_header = replace(check.template, form=Form.HEADER, header=header, identities=identities)
        return replace(by_header, validate_trust=False, validate_revocation=False, ignore_error=observes)
    too_many = len(identities) > MAX_IDENTITIES and not check.identities
    form = Form.ATTACHED if check.form is Form.ELEMENT and too_many else check.form
    return replace(
        check.template,
        form=form,
        identities=() if form is Form.ATTACHED else identities,
        ignore_error=check.action is Action.OBSERVE,
    )


def demands(desired: Desired, clients: Sequence[Client], pinned: frozenset[str]) -> Iterator[Demand]:
    """The instance's check and those of its scopes, as far as they are to be there."""
    declared = [("", desired.check, desired.clients), *((own.scope, own.check, own.clients) for own in desired.scopes)]
    header = desired.header if desired.arrives is Arrives.HEADER else None
    for scope, check, names in declared:
        if check is not None and check.state is State.PRESENT:
            named = tuple(_named(names, clients))
            exact = wanted(check, names, clients, pinned, header=header)
            yield Demand(scope=scope, check=exact, clients=named, declared=check)


def switched(demands: Iterable[Demand]) -> Iterator[str]:
    """A sentence for every check that is not in the form that is declared, and why (R12, R15)."""
    for demand in demands:
        if demand.check.form is Form.ATTACHED and demand.declared.form is not Form.ATTACHED:
            where = f"at {demand.scope} " if demand.scope else ""
            yield (
                f"The check {where}has more than the {MAX_IDENTITIES} thumbprints that validate-client-certificate "
                "takes, so it looks for the caller's certificate among those attached to the service "
                "(context.Deployment.Certificates.Any): whoever holds an attached certificate gets in, so only "
                "declared clients' may be attached."
            )


def once_negotiating(topology: Topology, service: Service, desired: Desired) -> Topology:
    """The instance as it will be when NEGOTIATE is live: the check waits for that anyhow."""
    switched_on = {entry.host.casefold() for entry in service.proxies} - desired.plain_hosts
    will = desired.negotiate and (not service.tier.refuses_without or desired.consumption_require)
    hosts = tuple(
        replace(host, negotiates=True) if will and host.gateway == MANAGED and host.name in switched_on else host
        for host in topology.hosts
    )
    return replace(topology, hosts=hosts)


def only_gateways(gateways: Iterable[Gateway], desired: Desired) -> frozenset[str] | None:
    """Where gateways are declared to be left out, those that the check is for; otherwise it is for all."""
    left_out = {each.name.casefold() for each in desired.gateways if each.guarded}
    if not left_out:
        return None
    return frozenset({MANAGED, *(each.name for each in gateways if each.name.casefold() not in left_out)})


def refusals(desired: Desired, known: Known) -> Iterator[Refusal]:
    """Everything that forbids the declared checks on this instance; none where they may go in."""
    yield from _arrival(desired, known)
    for demand in demands(desired, known.clients, known.pinned):
        yield from (_at(demand.scope, refusal) for refusal in _of_one(demand, desired, known))


def _named(declared: Iterable[DeclaredClient], clients: Iterable[Client]) -> Iterator[Client]:
    names = {each.name for each in declared}
    return (client for client in clients if client.name in names)


def _at(scope: str, refusal: Refusal) -> Refusal:
    return replace(refusal, message=f"{scope}: {refusal.message}") if scope else refusal


def _arrival(desired: Desired, known: Known) -> Iterator[Refusal]:
    if desired.arrives is None:
        why = "Behind a proxy that ends TLS the check would refuse everybody. Declare `arrives: direct` or `header`."
        yield Refusal(
            code="arrival_undeclared", message="How the client's certificate arrives is not declared.", why=why
        )
    elif desired.arrives is Arrives.HEADER:
        doubts = "; ".join(header_doubts(desired, known.arrival))
        if doubts:
            yield Refusal(
                code="arrives_by_header",
                message=f"A certificate in the header {desired.header or 'of a proxy'} is not believed: {doubts}.",
                why="Whoever goes around the proxy can write such a header, so no check of it is put in.",
                steps=(
                    f"Let only the proxy reach the gateway: {desired.header_restriction or 'declare how'}.",
                    "Have the proxy clear the header on every listener without client certificates.",
                ),
            )
    elif known.arrival.proxies:
        names = ", ".join(known.arrival.proxies)
        why = "It ends TLS, so the certificate does not arrive in the handshake as declared."
        yield Refusal(code="proxy_in_front", message=f"An Application Gateway names this instance: {names}.", why=why)


def _of_one(demand: Demand, desired: Desired, known: Known) -> Iterator[Refusal]:
    check = demand.check
    if known.service.tier.refuses_without and check.ignore_error:
        why = "The Consumption gateway refuses callers without a certificate by itself."
        yield Refusal(code="observe_on_consumption", message="`observe` does not exist on Consumption.", why=why)
    if check.form is Form.ELEMENT and len(check.identities) > MAX_IDENTITIES:
        why = f"Azure takes {MAX_IDENTITIES}. Pin the issuer instead."
        yield Refusal(code="too_many_identities", message=f"The check would have {len(check.identities)}.", why=why)
    if check.form is not Form.ATTACHED and not check.identities and not check.validate_trust:
        why = "Without trust and without identities any certificate would pass."
        yield Refusal(code="check_without_meaning", message="No client is declared.", why=why)
    yield from _unwritable(check)
    if not check.validate_trust and any(not each.thumbprint for each in check.identities):
        why = "Anybody can make a certificate with these names. Check the chain, or pin thumbprints."
        yield Refusal(code="forgeable_names", message="The check goes by names without checking the chain.", why=why)
    yield from _client_refusals(demand, desired, known)
    if check.form is Form.ATTACHED:
        yield from _strangers(demand, known)


def _unwritable(check: ClientCertificateCheck) -> Iterator[Refusal]:
    try:
        check_text(check)
    except ValueError as error:
        why = "A condition holds one client by thumbprint, or by issuer and subject. `form: element` holds ten."
        message = f"The check can't be written as declared: {error}."
        steps = ("Declare check.form: element, or attached where every client is attached.",)
        if check.form is Form.HEADER:
            why, steps = "Behind a proxy only a thumbprint tells a client.", ("Declare clients, and no identities.",)
        yield Refusal(code="check_not_writable", message=message, why=why, steps=steps)


def _client_refusals(demand: Demand, desired: Desired, known: Known) -> Iterator[Refusal]:
    """Every declared client is rehearsed with the exact check. Only Root entries end a chain."""
    roots = anchors(known.service)
    authorities = live_authorities(known.service, known.authorities)
    attached = _attached(desired, known) if demand.check.form is Form.ATTACHED else None
    for client in demand.clients:
        if client.trouble:
            yield _refused(client, client.trouble)
        elif client.certificate is not None and not demand.check.ignore_error:
            at = client.judged_at(known.now)
            exact = normal_check(demand.check)
            for why in rehearse(exact, client.certificate, now=at, authorities=authorities, trusted=roots):
                yield _refused(client, why)
        if attached is not None and client.thumbprint and client.thumbprint not in attached:
            yield _refused(client, "its certificate is not attached to the instance")


def _refused(client: Client, why: str) -> Refusal:
    return Refusal(
        code="client_would_be_refused",
        message=f"The declared client {client.name} would be refused: {why}.",
        why="Every declared client passes the check before it goes in.",
    )


def _attached(desired: Desired, known: Known) -> frozenset[str]:
    """The thumbprints that are attached, or will be when PREPARE is done: the check waits for that anyhow."""
    sources = {each.source for each in desired.certificates}
    declared = [*desired.clients, *(client for scope in desired.scopes for client in scope.clients)]
    coming = {each.name for each in declared if each.source in sources or each.pem is not None}
    due = (client.thumbprint for client in known.clients if client.name in coming)
    return frozenset((*(entity.thumbprint for entity in known.certificates), *due))


def _strangers(demand: Demand, known: Known) -> Iterator[Refusal]:
    """Attached certificates of nobody who is declared: each would get its holder in (R12)."""
    allowed = {*pins(demand.clients, known.pinned)}
    strangers = sorted((entity for entity in known.certificates if entity.thumbprint not in allowed), key=_name)
    if strangers:
        names = ", ".join(f"{entity.id.name} ({entity.thumbprint})" for entity in strangers)
        yield Refusal(
            code="attached_admits_others",
            message=f"A check against the attached certificates would let in: {names}.",
            why="Whoever holds one of them would pass, and none of them is declared as a client.",
            steps=(
                "Declare them as clients, or detach those that nothing uses.",
                f"Or declare check.form: element with at most {MAX_IDENTITIES} clients, or identities that pin the "
                "issuer.",
            ),
        )


def _name(entity: Certificate) -> str:
    return entity.id.name
