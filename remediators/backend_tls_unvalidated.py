"""
A backend whose own certificate is not checked.

What it finds: backends with `validateCertificateChain` or `validateCertificateName` switched off.
Why it matters: whoever gets between gateway and backend can pose as the backend, and is shown what callers send.
What it changes: for a backend with `validateTls`, it switches both on, once the authority that its chain ends in is
live in the Root store and a handshake from here shows that the certificate passes.
Fix safety: opt-in for each backend. A certificate that does not pass cuts all traffic to it, so a backend that can't
be reached from here is reported only. For a self-signed certificate: trust it, rather than switch the check off.
References: https://learn.microsoft.com/azure/api-management/backends
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from apimend.clients import Authority, anchors, live_authorities, resolve_authorities
from apimend.model.azure import Backend, Service
from apimend.model.desired import DeclaredBackend, Desired
from apimend.model.plan import Change, Finding, Kind, Severity, Stage, canonical
from apimend.model.runs import ServerShown
from apimend.policy.rehearsal import chains_to, dotnet_name
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The backends, and what those that are to be checked showed from here, by address."""

    service: Service
    backends: tuple[Backend, ...] = ()
    authorities: tuple[Authority, ...] = ()
    shown: Mapping[str, ServerShown | None] = field(default_factory=dict)


class BackendTlsUnvalidated:
    name = "backend_tls_unvalidated"
    watches = frozenset({"backends", ""})
    safety = Safety.OPT_IN
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/backends/read",
            "Microsoft.KeyVault/vaults/certificates/read",
        }
    )
    writes = frozenset({"Microsoft.ApiManagement/service/backends/write"})

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Servers:
        service = await reader.service()
        if not context.thorough:
            return Servers(service=service)
        backends, authorities = await asyncio.gather(
            reader.backends(), resolve_authorities(reader, desired.authorities)
        )
        wanted = sorted({one.url for one in backends if _declared(one, backends, desired) and not _checks(one)})
        shown = await asyncio.gather(*(context.show(url) for url in wanted)) if context.show else [None] * len(wanted)
        return Servers(
            service=service,
            backends=backends,
            authorities=authorities,
            shown=dict(zip(wanted, shown, strict=True)),
        )

    def plan(self, observed: Servers, desired: Desired, context: VisitContext) -> Proposal:
        changes: list[Change] = []
        findings: list[Finding] = []
        for backend in observed.backends:
            if _checks(backend) or not backend.url.casefold().startswith("https://"):
                continue
            if not _declared(backend, observed.backends, desired):
                findings += _switched_off(backend)
                continue
            why = _doubt(backend, observed, context.now)
            if why is None:
                changes.append(_change(backend))
            else:
                findings.append(why)
        return Proposal(changes=tuple(changes), findings=tuple(findings))


def _declared(backend: Backend, backends: Sequence[Backend], desired: Desired) -> DeclaredBackend | None:
    """What is declared of a backend, or of a pool that it is in, where its certificate is to be checked."""
    pools = {
        one.name.casefold() for one in backends if any(_name(member) == _name(backend.name) for member in one.pool)
    }
    names = {_name(backend.name), *pools}
    return next((one for one in desired.backends if one.validate and one.name.casefold() in names), None)


def _name(id: str) -> str:
    return id.rsplit("/", 1)[-1].casefold()


def _checks(backend: Backend) -> bool:
    """Whether both checks are on, explicitly: what their defaults are is told differently by different sources."""
    return bool(backend.pool) or (backend.validate_chain is True and backend.validate_name is True)


def _change(backend: Backend) -> Change:
    held = {"validateCertificateChain": backend.validate_chain, "validateCertificateName": backend.validate_name}
    return Change(
        kind=Kind.BACKEND,
        target=backend.id,
        stage=Stage.PREPARE,
        rank=2,
        remediator=BackendTlsUnvalidated.name,
        before=canonical({"tls": held}),
        after=canonical({"tls": dict.fromkeys(held, True)}),
        reason=f"The certificate of the backend {backend.name} is not checked.",
        was=", ".join(f"{name}: {_word(on)}" for name, on in held.items()),
        will="chain and name are checked; the certificate that it shows now passes",
    )


def _word(on: bool | None) -> str:
    return "not set" if on is None else str(on).lower()


def _switched_off(backend: Backend) -> Iterator[Finding]:
    """Left alone, because nobody declared it: said only where a check is really off."""
    if backend.validate_chain is not False and backend.validate_name is not False:
        return
    off = "chain" if backend.validate_chain is False else "name"
    yield _finding(
        backend,
        "backend_tls_unvalidated",
        Severity.MEDIUM,
        f"The {off} of the certificate of the backend {backend.name} ({backend.url}) is not checked.",
        "Switching the check on can cut its traffic, so it is declared for each backend.",
        (f"Declare `backends: {{{backend.name}: {{validateTls: true}}}}`.",),
    )


def _doubt(backend: Backend, observed: Servers, now: datetime) -> Finding | None:
    """Why the check is not switched on; None where the certificate that is shown would pass."""
    shown = observed.shown.get(backend.url)
    host = urlsplit(backend.url).hostname or ""
    look = f"openssl s_client -connect {host}:{urlsplit(backend.url).port or 443} -servername {host} -showcerts"
    if shown is None or not shown.chain:
        why = shown.why if shown else "No setting tells us to look (APIMEND_PROBE)."
        what = f"The certificate of the backend {backend.name} can't be seen from here."
        steps = (f"{look} </dev/null   # from a network that reaches it",)
        return _finding(backend, "backend_unreachable", Severity.MEDIUM, what, why, steps)
    if shown.public:
        return None
    chain = tuple(x509.load_der_x509_certificate(der) for der in shown.chain)
    reasons = tuple(_faults(chain, host, observed, now))
    if not reasons:
        return None
    top = chain[-1]
    what = f"The certificate of the backend {backend.name} would not pass: {'; '.join(reasons)}."
    steps = (
        f"Trust its authority rather than leave the check off: authorities: {{{backend.name}-ca: {{store: Root, "
        f"pem: …}}}}, and name it in `trust`. The chain that it shows ends with {dotnet_name(top.subject)}, issued by "
        f"{dotnet_name(top.issuer)}.",
    )
    return _finding(backend, "backend_would_fail", Severity.HIGH, what, "The check would cut its traffic.", steps)


def _faults(chain: Sequence[x509.Certificate], host: str, observed: Servers, now: datetime) -> Iterator[str]:
    own = chain[0]
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        yield f"it is valid from {own.not_valid_before_utc:%Y-%m-%d} to {own.not_valid_after_utc:%Y-%m-%d}"
    authorities = (*live_authorities(observed.service, observed.authorities), *chain[1:])
    if not chains_to(own, now=now, authorities=authorities, trusted=anchors(observed.service)):
        yield "its chain does not end in a certificate that is live in the Root store"
    if not any(_is_for(name, host) for name in _names(own)):
        yield f"it is not for {host}"


def _names(certificate: x509.Certificate) -> Sequence[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return names.get_values_for_type(x509.DNSName)


def _is_for(name: str, host: str) -> bool:
    """A wildcard stands for one label."""
    if name.startswith("*."):
        return host.casefold().partition(".")[2] == name[2:].casefold()
    return name.casefold() == host.casefold()


def _finding(
    backend: Backend, code: str, severity: Severity, message: str, why: str, steps: tuple[str, ...]
) -> Finding:
    return Finding(
        code=code,
        target=backend.id,
        remediator=BackendTlsUnvalidated.name,
        severity=severity,
        message=message,
        why_left=why,
        steps=steps,
    )
