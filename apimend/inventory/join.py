"""
Puts together what was read: every certificate once, with what uses it. Pure.
"""

from collections.abc import Iterator

from apimend.inventory.items import Held, Item, Source, Use
from apimend.inventory.look import Seen, full_name
from apimend.inventory.mentions import Mention, mentions, near_to, scope_text
from apimend.model.azure import Certificate
from apimend.policy.usage import Names


def items(seen: Seen) -> tuple[Item, ...]:
    """Every certificate: of hosts, of authorities, attached ones, and those of declared clients."""
    return (*_hostnames(seen), *_authorities(seen), *_attached(seen), *_clients(seen))


def _hostnames(seen: Seen) -> Iterator[Item]:
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


def _authorities(seen: Seen) -> Iterator[Item]:
    trusting = sorted({_by_policy(r.where, "validate-trust") for r in seen.of(Names.TRUST)})
    checked = sorted(
        Use(kind="backend", name=full_name(one.id), how="checks its chain")
        for one in seen.backends
        if one.validate_chain
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


def _attached(seen: Seen) -> Iterator[Item]:
    named = tuple(mentions(seen))
    for entity in seen.entities:
        failed = entity.last_status not in ("", "Success")
        yield Item(
            held=Held.ATTACHED,
            name=full_name(entity.id),
            target=entity.id,
            subject=entity.subject,
            thumbprint=entity.thumbprint,
            expires=entity.expires,
            source=Source.VAULT if entity.secret_identifier else Source.UPLOADED,
            stored=seen.vault_object(entity.secret_identifier),
            status=(entity.last_message or entity.last_status) if failed else "",
            uses=tuple(sorted(set(_uses_of(entity, named, seen)))),
        )


def _uses_of(entity: Certificate, named: tuple[Mention, ...], seen: Seen) -> Iterator[Use]:
    """Backends, self-hosted gateways, policies and declared clients that need an attached certificate."""
    yield from (mention.use for mention in named if mention.means(entity, seen))
    for backend in seen.backends:
        thumbprints = {each.upper() for each in backend.certificate_thumbprints}
        if not backend.certificate_ids and entity.thumbprint in thumbprints:
            yield Use(kind="backend", name=full_name(backend.id), how="is shown it")
    for reference in seen.named:
        pinned = reference.names is Names.THUMBPRINT and reference.value.upper() == entity.thumbprint
        if (pinned or reference.names is Names.ATTACHED) and near_to(reference.where, entity):
            yield _by_policy(reference.where, reference.element)
    for client in seen.clients:
        if entity.thumbprint in (client.thumbprint, *client.also):
            yield Use(kind="client", name=client.name, how="is known by it")


def _clients(seen: Seen) -> Iterator[Item]:
    """Declared clients: their newest certificate, and the checks that pin it."""
    for client in seen.clients:
        source = seen.sources.get(client.name)
        stored = seen.stored.get((source.vault.casefold(), source.name.casefold())) if source else None
        pins = {pin for pin in (client.thumbprint, *client.also) if pin}
        pinned = {_by_policy(r.where, "pins it") for r in seen.of(Names.THUMBPRINT) if r.value.upper() in pins}
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


def _by_policy(where: str, how: str) -> Use:
    return Use(kind="policy", name=scope_text(where), how=how)
