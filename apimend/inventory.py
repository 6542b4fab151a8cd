"""
Every certificate of an instance, where it comes from, what uses it, and what does not fit together.

`take` reads with a visit's reader; `certificate_expiring`, the run page and the command line use it, and
`apimend.report.inventory` draws it. It must not write, and it must not decide what is to be done.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import urlsplit

from apimend.clients import Client, resolve_clients
from apimend.model.azure import Backend, Certificate, Gateway, GatewayAuthority, GatewayHost, Service, VaultCertificate
from apimend.model.desired import Desired, VaultObject
from apimend.model.errors import Denied, Final, Gone
from apimend.model.ids import ResourceId
from apimend.model.plan import Severity
from apimend.policy.usage import Names, Reference, references
from apimend.ports import InstanceReader
from apimend.survey import survey


class Held(Enum):
    """What a certificate is to the instance."""

    HOSTNAME = "hostname"
    CA = "CA certificate"
    ATTACHED = "client certificate"
    CLIENT = "declared client"


class Source(Enum):
    """Where a certificate comes from, and so who renews it."""

    VAULT = "Key Vault"
    UPLOADED = "uploaded"
    MANAGED = "managed by Azure"
    DECLARED = "declared"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A Key Vault certificate: its latest version, or why it can't be told."""

    vault: str
    name: str
    version: str = ""
    thumbprint: str = ""
    expires: datetime | None = None
    trouble: str = ""
    gone: bool = False

    @property
    def label(self) -> str:
        """`vault/name`."""
        return f"{self.vault}/{self.name}"


@dataclass(frozen=True, kw_only=True, order=True)
class Use:
    """What uses a certificate: its kind (`backend`, `policy`, `host` …), its name, and how."""

    kind: str
    name: str
    how: str = ""

    @property
    def label(self) -> str:
        """In words."""
        return f"{self.kind} {self.name}" + (f" ({self.how})" if self.how else "")


@dataclass(frozen=True, kw_only=True)
class Item:
    """
    One certificate. `target` is the resource that holds it; `stored` the vault object that it comes from.

    `status` is Azure's word on the last fetch, where there is one that isn't Success.
    """

    held: Held
    name: str
    target: ResourceId
    subject: str
    thumbprint: str
    expires: datetime | None
    source: Source
    stored: Stored | None = None
    status: str = ""
    uses: tuple[Use, ...] = ()

    def ends_within(self, now: datetime, days: int) -> bool:
        """Whether it ends within so many days, or has ended."""
        return self.expires is not None and self.expires <= now + timedelta(days=days)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that does not fit together: an orphan, or a mention of what is not there."""

    code: str
    about: str
    message: str
    severity: Severity


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All certificates of an instance at a moment. `complete`: policies were read too, so orphans can be told."""

    service: Service
    taken: datetime
    items: tuple[Item, ...] = ()
    problems: tuple[Problem, ...] = ()
    complete: bool = True


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What was read, before it is put together."""

    service: Service
    now: datetime
    entities: tuple[Certificate, ...]
    backends: tuple[Backend, ...]
    hosts: tuple[tuple[Gateway, GatewayHost], ...]
    authorities: tuple[tuple[Gateway, GatewayAuthority], ...]
    clients: tuple[Client, ...]
    named: tuple[Reference, ...]
    stored: Mapping[tuple[str, str], Stored]
    sources: Mapping[str, VaultObject]
    complete: bool

    def vault_object(self, secret_id: str | None) -> Stored | None:
        """The vault object behind a secret identifier."""
        key = _key_of(secret_id)
        return self.stored.get(key) if key else None


async def take(reader: InstanceReader, desired: Desired, now: datetime, *, policies: bool = True) -> Inventory:
    """
    The inventory of an instance.

    Without `policies` no document is read: a few calls, and nothing is said about orphans.
    """
    service, entities, backends = await asyncio.gather(reader.service(), reader.certificates(), reader.backends())
    gateways = await reader.gateways() if service.tier.self_hosted else ()
    hosts, authorities, clients, named = await asyncio.gather(
        asyncio.gather(*(reader.gateway_hosts(gateway) for gateway in gateways)),
        asyncio.gather(*(reader.gateway_authorities(gateway) for gateway in gateways)),
        resolve_clients(reader, desired.clients, now=now),
        _named(reader, desired) if policies else _nothing(),
    )
    sources = {one.name: one.source for one in desired.clients if one.source}
    keys = {key for id in _secret_ids(service, entities) if (key := _key_of(id))}
    keys |= {(source.vault.casefold(), source.name.casefold()) for source in sources.values()}
    stored = await asyncio.gather(*(_stored(reader, *key) for key in sorted(keys)))
    return _joined(
        _Seen(
            service=service,
            now=now,
            entities=entities,
            backends=backends,
            hosts=tuple((g, host) for g, found in zip(gateways, hosts, strict=True) for host in found),
            authorities=tuple((g, one) for g, found in zip(gateways, authorities, strict=True) for one in found),
            clients=clients,
            named=named,
            stored={(one.vault.casefold(), one.name.casefold()): one for one in stored},
            sources=sources,
            complete=policies,
        )
    )


async def _named(reader: InstanceReader, desired: Desired) -> tuple[Reference, ...]:
    found = await survey(reader, desired, handshakes={}, walk=True)
    documents = {**found.topology.documents, **{f"fragment {id}": d for id, d in found.topology.fragments.items()}}
    return tuple(each for where, document in documents.items() for each in references(document, where))


async def _nothing() -> tuple[Reference, ...]:
    return ()


async def _stored(reader: InstanceReader, vault: str, name: str) -> Stored:
    try:
        found: VaultCertificate = await reader.vault_certificate(VaultObject(vault=vault, name=name))
    except (Gone, Denied) as error:
        return _unseen(vault, name, error)
    return Stored(vault=vault, name=name, version=found.version, thumbprint=found.thumbprint, expires=found.expires)


def _unseen(vault: str, name: str, error: Final) -> Stored:
    return Stored(vault=vault, name=name, trouble=str(error), gone=isinstance(error, Gone))


def _secret_ids(service: Service, entities: Iterable[Certificate]) -> Iterator[str | None]:
    yield from (entry.key_vault_id for entry in service.hostnames)
    yield from (entity.secret_identifier for entity in entities)


def _key_of(secret_id: str | None) -> tuple[str, str] | None:
    """Vault and name, in lower case, of a secret identifier; None for anything else."""
    parts = urlsplit(secret_id or "")
    names = [segment for segment in parts.path.split("/") if segment]
    if not parts.hostname or len(names) < 2:
        return None
    return parts.hostname.split(".")[0].casefold(), names[1].casefold()


def _joined(seen: _Seen) -> Inventory:
    items = (*_hostnames(seen), *_authorities(seen), *_attached(seen), *_clients(seen))
    problems = (*_missing_vault_objects(items), *_dangling(seen), *(_orphans(seen, items) if seen.complete else ()))
    return Inventory(
        service=seen.service,
        taken=seen.now,
        items=items,
        problems=tuple(sorted(dict.fromkeys(problems), key=lambda one: (-one.severity, one.about, one.message))),
        complete=seen.complete,
    )


def _hostnames(seen: _Seen) -> Iterator[Item]:
    for entry in seen.service.hostnames:
        facts, source = entry.certificate, entry.source.casefold()
        if facts is None:
            continue
        managed = Source.MANAGED if source in ("managed", "builtin") else Source.UPLOADED
        yield Item(
            held=Held.HOSTNAME,
            name=entry.host,
            target=seen.service.id,
            subject=facts.subject,
            thumbprint=facts.thumbprint,
            expires=facts.expiry,
            source=Source.VAULT if entry.key_vault_id else managed,
            stored=seen.vault_object(entry.key_vault_id),
            status=entry.status if entry.status.casefold() == "failed" else "",
            uses=(Use(kind="host", name=entry.host, how=entry.type),),
        )


def _authorities(seen: _Seen) -> Iterator[Item]:
    trusting = sorted({Use(kind="policy", name=_scope(r.where), how="validate-trust") for r in _of(seen, Names.TRUST)})
    checked = sorted(
        Use(kind="backend", name=one.name, how="checks its chain") for one in seen.backends if one.validate_chain
    )
    for entry in seen.service.ca_certificates:
        facts = entry.certificate
        if facts is not None:
            yield Item(
                held=Held.CA,
                name=f"{entry.store} {facts.subject}",
                target=seen.service.id,
                subject=facts.subject,
                thumbprint=facts.thumbprint,
                expires=facts.expiry,
                source=Source.UPLOADED,
                uses=(*trusting, *checked),
            )


def _attached(seen: _Seen) -> Iterator[Item]:
    for entity in seen.entities:
        failed = entity.last_status not in ("", "Success")
        yield Item(
            held=Held.ATTACHED,
            name=entity.id.name,
            target=entity.id,
            subject=entity.subject,
            thumbprint=entity.thumbprint,
            expires=entity.expires,
            source=Source.VAULT if entity.secret_identifier else Source.UPLOADED,
            stored=seen.vault_object(entity.secret_identifier),
            status=(entity.last_message or entity.last_status) if failed else "",
            uses=tuple(sorted(set(_uses_of(entity, seen)))),
        )


def _uses_of(entity: Certificate, seen: _Seen) -> Iterator[Use]:
    """Backends, self-hosted gateways, policies and declared clients that need an attached certificate."""
    name = entity.id.name.casefold()
    for backend in seen.backends:
        if any(_last(id) == name for id in backend.certificate_ids) or (
            not backend.certificate_ids and entity.thumbprint in {t.upper() for t in backend.certificate_thumbprints}
        ):
            yield Use(kind="backend", name=backend.name, how="is shown it")
    for gateway, host in seen.hosts:
        if host.certificate_id and _last(host.certificate_id) == name:
            yield Use(kind="gateway", name=gateway.name, how=f"shows it for {host.host}")
    for gateway, authority in seen.authorities:
        if authority.id.name.casefold() == name:
            yield Use(
                kind="gateway", name=gateway.name, how="trusts it" if authority.trusted else "builds chains of it"
            )
    for reference in seen.named:
        by_name = reference.names in (Names.CERTIFICATE, Names.ISSUER) and reference.value.casefold() == name
        by_thumbprint = reference.names is Names.THUMBPRINT and reference.value.upper() == entity.thumbprint
        if by_name or by_thumbprint or reference.names is Names.ATTACHED:
            yield Use(kind="policy", name=_scope(reference.where), how=reference.element)
    for client in seen.clients:
        if entity.thumbprint in (client.thumbprint, *client.also):
            yield Use(kind="client", name=client.name, how="is known by it")


def _clients(seen: _Seen) -> Iterator[Item]:
    """Declared clients: their newest certificate, and the checks that pin it."""
    for client in seen.clients:
        source = seen.sources.get(client.name)
        stored = seen.stored.get((source.vault.casefold(), source.name.casefold())) if source else None
        pins = {pin for pin in (client.thumbprint, *client.also) if pin}
        pinned = {
            Use(kind="policy", name=_scope(r.where), how="pins it")
            for r in _of(seen, Names.THUMBPRINT)
            if r.value.upper() in pins
        }
        yield Item(
            held=Held.CLIENT,
            name=client.name,
            target=seen.service.id,
            subject=client.certificate.subject.rfc4514_string() if client.certificate else "",
            thumbprint=client.thumbprint,
            expires=client.until,
            source=Source.VAULT if stored else Source.DECLARED,
            stored=stored,
            uses=(Use(kind="client", name=client.name, how="shows it"), *sorted(pinned)),
        )


def _missing_vault_objects(items: Iterable[Item]) -> Iterator[Problem]:
    for item in items:
        if item.stored is not None and item.stored.gone:
            what = f"{item.held.value.capitalize()} {item.name} comes from {item.stored.label}, which does not exist."
            yield Problem(code="vault_object_gone", about=item.name, message=what, severity=Severity.HIGH)


def _dangling(seen: _Seen) -> Iterator[Problem]:
    """Mentions of certificates that are not attached."""
    names = {entity.id.name.casefold() for entity in seen.entities}
    thumbprints = {entity.thumbprint for entity in seen.entities}
    for backend in seen.backends:
        for id in backend.certificate_ids:
            if _last(id) not in names:
                yield _dangle(f"The backend {backend.name}", backend.name, _name(id))
    for gateway, host in seen.hosts:
        if host.certificate_id and _last(host.certificate_id) not in names:
            yield _dangle(
                f"The host {host.host} of the gateway {gateway.name}", gateway.name, _name(host.certificate_id)
            )
    for reference in seen.named:
        where = _scope(reference.where)
        by_name = reference.names in (Names.CERTIFICATE, Names.ISSUER)
        if by_name and reference.value and reference.value.casefold() not in names:
            yield _dangle(f"`{reference.element}` on line {reference.line} of {where}", where, reference.value)
        shown = reference.names is Names.THUMBPRINT and reference.element == "authentication-certificate"
        if shown and reference.value and reference.value.upper() not in thumbprints:
            yield _dangle(f"`{reference.element}` on line {reference.line} of {where}", where, reference.value)
    yield from _unknown_pins(seen, thumbprints)


def _unknown_pins(seen: _Seen, thumbprints: set[str]) -> Iterator[Problem]:
    """Pins of nobody that is declared or attached: somebody gets in whom this inventory can't name."""
    known = {pin for client in seen.clients for pin in (client.thumbprint, *client.also)} | thumbprints
    for reference in _of(seen, Names.THUMBPRINT):
        if reference.element != "authentication-certificate" and reference.value.upper() not in known | {""}:
            where = _scope(reference.where)
            what = f"Line {reference.line} of {where} lets in {reference.value}: nobody says who that is."
            yield Problem(code="pin_unknown", about=where, message=what, severity=Severity.LOW)


def _dangle(who: str, about: str, what: str) -> Problem:
    message = f"{who} names the certificate {what}, which is not attached."
    return Problem(code="certificate_dangling", about=about, message=message, severity=Severity.MEDIUM)


def _orphans(seen: _Seen, items: Iterable[Item]) -> Iterator[Problem]:
    for item in items:
        if item.held is Held.ATTACHED and not item.uses:
            what = f"The certificate {item.name} is attached, and nothing uses it."
            yield Problem(code="certificate_orphaned", about=item.name, message=what, severity=Severity.LOW)
        if item.held is Held.CA and not item.uses:
            what = f"The CA certificate {item.subject} is trusted, and no check and no backend needs it."
            yield Problem(code="certificate_orphaned", about=item.name, message=what, severity=Severity.LOW)


def _of(seen: _Seen, names: Names) -> Iterator[Reference]:
    return (reference for reference in seen.named if reference.names is names)


def _scope(where: str) -> str:
    return where or "all APIs"


def _name(id: str) -> str:
    return id.rsplit("/", 1)[-1]


def _last(id: str) -> str:
    return _name(id).casefold()
