"""
Event Grid as a part of the local Azure: it hears of every write and raises the events that Azure would.

`LocalAzure(..., parts=[EventGrid])` makes it. The ARM source says everything, an instance and a vault say what
theirs say, and the custom topic says what somebody published. Deliveries are made in `advance` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from emulator.events.api_management import instance_event
from emulator.events.control import Control
from emulator.events.dispatch import DeadLetter
from emulator.events.event import Event
from emulator.events.evidence import evidence_of
from emulator.events.hub import Hub
from emulator.events.key_vault import CertificateNews, VaultCertificate, certificate_event
from emulator.events.resource_manager import Evidence, Quirks, resource_event
from emulator.events.topic import AUDIENCE, PATH, CustomTopic
from emulator.events.webhook import Webhooks
from emulator.routes import RouteTable
from emulator.store import Write
from emulator.vault.holdings import Entry, Version

if TYPE_CHECKING:
    from emulator.azure import LocalAzure


class EventGrid:
    """
    The part. `hub` holds subscriptions and deliveries, `topic` what was published.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self._webhooks = Webhooks()
        self._looked: datetime | None = None
        self.quirks = Quirks()
        self.evidence: Evidence = lambda write: evidence_of(azure.store, write)
        self.hub = Hub(
            now=azure.now,
            webhooks=self._webhooks,
            base_url=lambda: azure.endpoints.control,
            seed=azure.options.seed,
        )
        self.topic = CustomTopic(now=azure.now, forward=self.hub.publish, admits=self._admits)
        self.subscribe = self.hub.subscribe
        self.publish = self.hub.publish

    @property
    def dead_letters(self) -> list[DeadLetter]:
        return self.hub.dispatcher.dead_letters

    @property
    def in_flight(self) -> int:
        return self.hub.dispatcher.in_flight

    def _tell(self, certificate: VaultCertificate, news: CertificateNews) -> None:
        self.publish(certificate_event(certificate, news, self._azure.now(), self.hub.new_id()))

    def routes(self, table: RouteTable) -> None:
        self.topic.routes(table)
        Control(self.hub, self.topic).routes(table)

    async def start(self) -> None:
        self._webhooks.open(ca_file=self._azure.ca_file)
        self._azure.endpoints.topic = self._azure.endpoints.arm + PATH
        self._looked = self._azure.now()
        self._azure.store.subscribe(self._heard)
        self._azure.vaults.holdings.listeners.append(self._new_version)

    async def stop(self) -> None:
        await self._webhooks.close()

    def next_due(self) -> datetime | None:
        return self.hub.dispatcher.next_due()

    async def advance(self) -> None:
        self._look_at_vaults()
        await self.hub.dispatcher.advance()

    def _admits(self, token: str) -> bool:
        claims = self._azure.identity.claims(token)
        return claims is not None and str(claims["aud"]).rstrip("/") == AUDIENCE

    def _heard(self, write: Write) -> None:
        events: Iterable[Event | None] = (
            resource_event(write, self.hub.new_id(), self.evidence, self.quirks),
            instance_event(write, self.hub.new_id()),
        )
        for event in events:
            if event is not None:
                self.publish(event)

    def _look_at_vaults(self) -> None:
        """
        Expiry is no write: it is found by looking, whenever time has passed.
        """
        since, until = self._looked, self._azure.now()
        self._looked = until
        if since is not None and since < until:
            for certificate in self._certificates():
                for news in certificate.news_due(since, until):
                    self._tell(certificate, news)

    def _new_version(self, vault: str, entry: Entry, version: Version) -> None:
        certificate = self._certificate(vault, entry, version)
        if certificate is not None:
            self._tell(certificate, CertificateNews.NEW_VERSION)

    def _certificates(self) -> Iterator[VaultCertificate]:
        """
        The latest version of every certificate in every vault.
        """
        for vault in self._azure.store.of_type("Microsoft.KeyVault/vaults"):
            for entry in self._azure.vaults.holdings.entries(vault.name):
                certificate = self._certificate(vault.name, entry, entry.latest)
                if certificate is not None:
                    yield certificate

    def _certificate(self, vault: str, entry: Entry, version: Version) -> VaultCertificate | None:
        resource = self._azure.vaults.resource(vault)
        if version.bundle is None or resource is None:
            return None
        return VaultCertificate(
            vault_id=resource.id,
            vault_url=self._azure.vault_url(resource.name),
            name=entry.name,
            version=version.id,
            not_before=version.bundle.certificate.not_valid_before_utc,
            expires=version.bundle.not_after,
        )
