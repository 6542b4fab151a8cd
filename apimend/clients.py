"""
Whom the desired state names, as certificates: the callers that are let in, and the authorities they are trusted by.

Rules and the inventory call it with a visit's reader. A client's certificate in Key Vault is renewed while callers
still show the old one, so a client has a pin for every version that counts. It must not decide what is written.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography import x509

from apimend.model.azure import Service, VaultVersion
from apimend.model.check import MAX_IDENTITIES, Form
from apimend.model.desired import Arrives, DeclaredAuthority, DeclaredClient, Desired, VaultObject
from apimend.model.errors import Denied, Gone
from apimend.policy.rehearsal import thumbprint
from apimend.ports import InstanceReader


@dataclass(frozen=True, kw_only=True)
class Client:
    """
    A declared client as far as it could be resolved: its thumbprint, and its certificate where we hold it.

    `also` are the thumbprints accepted besides: declared ones, and other versions that callers may still show, or
    may show already. `until` is when the current certificate ends. `unsure`: its versions can't be told, so nothing
    that is pinned may be given up. `earlier_is_valid`: an accepted version is valid now, whatever the dates of the
    newest say.
    """

    name: str
    thumbprint: str = ""
    also: tuple[str, ...] = ()
    certificate: x509.Certificate | None = field(default=None, repr=False)
    trouble: str = ""
    until: datetime | None = None
    unsure: bool = False
    earlier_is_valid: bool = False

    def judged_at(self, now: datetime) -> datetime:
        """When the certificate has to pass: later than now while an older version still does its work."""
        if self.certificate is None or not self.earlier_is_valid:
            return now
        return max(now, self.certificate.not_valid_before_utc)


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A declared certificate authority; `certificate` is None where it can't be read, and `trouble` says why."""

    name: str
    store: str
    certificate: x509.Certificate | None = field(default=None, repr=False)
    trouble: str = ""

    @property
    def thumbprint(self) -> str:
        """Its SHA-1 thumbprint; empty where it can't be read."""
        return thumbprint(self.certificate) if self.certificate else ""


async def resolve_clients(
    reader: InstanceReader,
    declared: Sequence[DeclaredClient],
    *,
    now: datetime,
    pinned: frozenset[str] = frozenset(),
    dates_count: bool = True,
) -> tuple[Client, ...]:
    """
    The clients, each with every thumbprint that counts for it.

    `pinned` is what a live check holds, the memory of older versions; `dates_count`: the check refuses what has
    expired, so that an expired pin can be given up without refusing anybody.
    """
    renewals = _Renewals(now=now, pinned=pinned, dates_count=dates_count)
    return tuple(await asyncio.gather(*(_client(reader, one, renewals) for one in declared)))


async def resolve_authorities(reader: InstanceReader, declared: Sequence[DeclaredAuthority]) -> tuple[Authority, ...]:
    """The authorities with their certificates."""
    return tuple(await asyncio.gather(*(_authority(reader, one) for one in declared)))


def pins(clients: Iterable[Client], pinned: Iterable[str] = ()) -> tuple[str, ...]:
    """The thumbprints that a check has to accept; what is pinned stays while nobody can tell whose it is."""
    known = tuple(clients)
    kept = sorted(pinned) if any(client.unsure for client in known) else ()
    found = [*(pin for client in known for pin in (client.thumbprint, *client.also)), *kept]
    return tuple(dict.fromkeys(pin for pin in found if pin))


def looks_through_attached(desired: Desired) -> bool:
    """Whether callers are recognised by what is attached to the service: declared, or because they are too many."""
    check = desired.check
    if check is None or check.form not in (Form.ELEMENT, Form.ATTACHED) or desired.arrives is Arrives.HEADER:
        return False
    known = sum(1 + len(client.also) for client in desired.clients)
    return check.form is Form.ATTACHED or (not check.identities and known > MAX_IDENTITIES)


def dependence(clients: Iterable[Client]) -> str:
    """What every run says while clients are pinned: until when access depends on Apimend. Empty: no date is known."""
    ends = sorted((client.until, client.name) for client in clients if client.until and client.thumbprint)
    if not ends:
        return ""
    until, name = ends[0]
    return (
        f"Access depends on Apimend until {until:%Y-%m-%d}: then the certificate of {name} ends, and its successor "
        "gets in only where it has been pinned before."
    )


def anchors(service: Service) -> frozenset[str]:
    """The thumbprints that a chain may end in: what stands in the Root store. Intermediates are no anchors."""
    return frozenset(
        entry.certificate.thumbprint
        for entry in service.ca_certificates
        if entry.certificate and entry.store.casefold() == "root"
    )


def live_authorities(service: Service, declared: Iterable[Authority]) -> tuple[x509.Certificate, ...]:
    """Of the declared authorities those that stand in one of the service's stores: chains are built of them."""
    stored = {entry.certificate.thumbprint for entry in service.ca_certificates if entry.certificate}
    return tuple(one.certificate for one in declared if one.certificate and one.thumbprint in stored)


@dataclass(frozen=True, kw_only=True)
class _Renewals:
    """By what other versions of a certificate are judged."""

    now: datetime
    pinned: frozenset[str]
    dates_count: bool

    def counts(self, version: VaultVersion) -> bool:
        """
        Whether callers may show this version.

        Only its end, or a declaration, gives up what is pinned; a disabled version is not pinned anew. Where no
        check looks at dates an expired one still gets in, and stays.
        """
        held = version.thumbprint in self.pinned
        ended = version.expires is not None and version.expires <= self.now
        return (version.enabled or held) and (not ended or (held and not self.dates_count))


async def _client(reader: InstanceReader, declared: DeclaredClient, renewals: _Renewals) -> Client:
    if declared.pem is not None:
        return _held(declared, x509.load_pem_x509_certificate(declared.pem.encode()))
    if declared.source is None:
        return await _thumbprint_only(reader, declared)
    try:
        newest = await reader.vault_certificate(declared.source)
    except (Gone, Denied) as error:
        why = f"its certificate can't be read: {error}"
        return Client(name=declared.name, also=declared.also, trouble=why, unsure=True)
    client = _held(declared, x509.load_der_x509_certificate(newest.der))
    versions = await _versions(reader, declared.source)
    if versions is None:
        return replace(client, unsure=True)
    given_up = (newest.thumbprint, *declared.retired)
    counting = [v for v in versions if v.thumbprint not in given_up and renewals.counts(v)]
    return replace(
        client,
        also=tuple(dict.fromkeys((*declared.also, *(version.thumbprint for version in counting)))),
        earlier_is_valid=any(version.is_valid(renewals.now) for version in counting),
    )


async def _versions(reader: InstanceReader, source: VaultObject) -> tuple[VaultVersion, ...] | None:
    try:
        return await reader.vault_versions(source)
    except (Gone, Denied):
        return None


async def _thumbprint_only(reader: InstanceReader, declared: DeclaredClient) -> Client:
    """A client that is known by its thumbprint: only an attached certificate tells its dates."""
    wanted = (declared.thumbprint or "").upper()
    entity = next((one for one in await reader.certificates() if one.thumbprint == wanted), None)
    return Client(
        name=declared.name,
        thumbprint=wanted,
        also=declared.also,
        until=entity.expires if entity else None,
        trouble="" if entity else "only its thumbprint is declared, so its dates can't be seen",
    )


def _held(declared: DeclaredClient, certificate: x509.Certificate) -> Client:
    return Client(
        name=declared.name,
        thumbprint=thumbprint(certificate),
        also=declared.also,
        certificate=certificate,
        until=certificate.not_valid_after_utc,
    )


async def _authority(reader: InstanceReader, declared: DeclaredAuthority) -> Authority:
    if declared.pem is not None:
        certificate = x509.load_pem_x509_certificate(declared.pem.encode())
        return Authority(name=declared.name, store=declared.store, certificate=certificate)
    assert declared.source is not None
    try:
        found = await reader.vault_certificate(declared.source)
    except (Gone, Denied) as error:
        return Authority(name=declared.name, store=declared.store, trouble=str(error))
    certificate = x509.load_der_x509_certificate(found.der)
    return Authority(name=declared.name, store=declared.store, certificate=certificate)
