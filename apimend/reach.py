"""
What was read of one instance to decide about its checks, and what follows from it: standards, and a placement.

The rule that places checks observes with it. After an ordinary event on the service nothing of this can have changed,
if it is as it was when all was well; then only the clients and the global policy are read. It writes nothing.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from apimend.arrival import Arrival
from apimend.clients import Authority, Client, resolve_authorities, resolve_clients
from apimend.demand import Known, demands, once_negotiating, only_gateways
from apimend.model.azure import Certificate, PolicyText, Service
from apimend.model.desired import Desired, State, Waiver
from apimend.ours import Ours, read_ours
from apimend.policy import Document, Placement, Standards, Wish, place
from apimend.policy.topology import GLOBAL, ReadDocument, read_documents
from apimend.ports import InstanceReader, VisitContext
from apimend.regionseen import with_regions_seen
from apimend.standards import declared_checks, declared_clients, pinned_in, standards, waived_scopes
from apimend.survey import Survey, survey

REMEMBERED = "check"
"""Under which name the next visit finds the fingerprint of an instance that was well."""


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

    @property
    def arrival(self) -> Arrival:
        """What can be seen of the way in."""
        texts = _texts(self.survey) if self.survey else {}
        return Arrival.seen(self.service, self.proxies, texts)

    def known(self, now: datetime) -> Known:
        """What decides about a check at all."""
        return Known(
            arrival=self.arrival,
            clients=self.clients,
            pinned=self.pinned,
            authorities=self.authorities,
            certificates=self.certificates,
            now=now,
        )

    def standards(self, desired: Desired, waivers: tuple[Waiver, ...]) -> Standards:
        """What coverage is measured against, these waivers granted."""
        return standards(
            desired,
            clients=self.clients,
            pinned=self.pinned,
            certificates=self.certificates,
            arrival=self.arrival,
            waived=waived_scopes(waivers),
        )

    def placement(self, desired: Desired, measured: Standards) -> Placement:
        """Where the declared checks go. Raises ValueError for a value that can't be written into a policy."""
        assert self.survey is not None
        placed = {one.scope: one.check for one in demands(desired, self.clients, self.pinned)}
        absent = [own.scope for own in desired.scopes if own.check.state is State.ABSENT]
        wish = Wish(
            check=placed.pop(GLOBAL, None),
            scopes=placed,
            absent=frozenset((*absent, *((GLOBAL,) if desired.check and desired.check.state is State.ABSENT else ()))),
            plain_hosts=desired.plain_hosts,
            only_gateways=only_gateways(self.survey.gateways, desired),
            ours=self.ours.by_scope,
            record=desired.check.record if desired.check else None,
            limit_kib=self.service.tier.policy_limit_kib,
        )
        return place(once_negotiating(self.survey.topology, self.service, desired), measured, wish)


async def read_reach(reader: InstanceReader, desired: Desired, context: VisitContext) -> Reach:
    """Read what decides; the survey only where a person, a schedule or a change of the above asks for it."""
    service, policy = await asyncio.gather(reader.service(), _global_policy(reader, desired))
    pinned = pinned_in(_document(policy))
    named, dates = declared_clients(desired), _dates_count(desired)
    clients, authorities = await asyncio.gather(
        resolve_clients(reader, named, now=context.now, pinned=pinned, dates_count=dates),
        resolve_authorities(reader, desired.authorities),
    )
    reach = Reach(
        service=service,
        clients=clients,
        pinned=pinned,
        authorities=authorities,
        fingerprint=_fingerprint(policy, desired, clients, context.now),
    )
    settled = policy is not None and context.progress.evidence.get(REMEMBERED) == reach.fingerprint
    if not context.walk and not context.thorough and (settled or desired.check is None):
        return reach
    found, certificates, proxies = await asyncio.gather(
        survey(reader, desired, handshakes=with_regions_seen(service, context), walk=context.walk),
        reader.certificates(),
        read_proxies(reader, desired),
    )
    ours = read_ours(found, context.progress)
    return replace(reach, survey=found, certificates=certificates, proxies=proxies, ours=ours)


async def read_proxies(reader: InstanceReader, desired: Desired) -> tuple[str, ...]:
    """Application Gateways in front, where what is declared hangs on them."""
    return await reader.proxies_in_front() if desired.check is not None and desired.arrives is not None else ()


def arrival_of(service: Service, proxies: tuple[str, ...], found: Survey) -> Arrival:
    """What can be seen of the way in."""
    return Arrival.seen(service, proxies, _texts(found))


def _texts(found: Survey) -> Mapping[str, str]:
    fragments = {f"fragment {name}": document for name, document in found.topology.fragments.items()}
    documents = {**found.topology.documents, **fragments}
    return {name: document.text for name, document in documents.items() if isinstance(document, Document)}


async def _global_policy(reader: InstanceReader, desired: Desired) -> PolicyText | None:
    return await reader.policy(reader.instance) if desired.check is not None else None


def _document(policy: PolicyText | None) -> ReadDocument | None:
    return read_documents({GLOBAL: policy.text})[GLOBAL] if policy is not None else None


def _dates_count(desired: Desired) -> bool:
    """Whether every check refuses what has expired."""
    return all(check.template.validate_not_after for check in declared_checks(desired))


def _fingerprint(policy: PolicyText | None, desired: Desired, clients: tuple[Client, ...], now: datetime) -> str:
    """What an ordinary event on the service can't have changed, if it is as it was when all was well."""
    expired = tuple(waiver.id for waiver in desired.waivers if waiver.expires <= now)
    arrives = (desired.arrives, desired.header, desired.header_restriction)
    declared = (desired.check, desired.scopes, desired.waivers, expired, desired.plain_hosts, arrives)
    return hashlib.sha256(repr((policy and policy.etag, declared, clients)).encode()).hexdigest()
