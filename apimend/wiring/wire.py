"""
Settings become adapters, adapters become the engine. The rules are passed in.

`door` and the command line call `wire`; nothing else joins an adapter to the engine.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ManagedIdentityCredential

from apimend.arm.azure import ArmAzure
from apimend.documents import FetchedSource, FileSource
from apimend.engine.approvals import Approvals
from apimend.engine.deadletters import DeadLetters
from apimend.engine.intake import Intake
from apimend.engine.orders import Orders
from apimend.engine.parked import Parking
from apimend.engine.reconcile import Engine
from apimend.engine.sweep import Sweeper
from apimend.model.desired import Mode
from apimend.notify.notices import Notices
from apimend.notify.outlets import Outlets
from apimend.notify.teams import Teams
from apimend.ports import Clock, Remediator
from apimend.posture.control import Catalogue
from apimend.probe import TlsProber
from apimend.report.links import Links
from apimend.settings import Approval, Envelope, Settings, SqliteStorage
from apimend.storage.stores import Storage, open_sqlite
from apimend.web.replay import Replay


@dataclass(frozen=True, kw_only=True)
class Wired:
    """Everything that the doors need, and how to let it go."""

    settings: Settings
    clock: Clock
    azure: ArmAzure
    credential: AsyncTokenCredential
    storage: Storage
    desired: FetchedSource
    notices: Notices
    engine: Engine
    intake: Intake
    sweeper: Sweeper
    parking: Parking
    dead_letters: DeadLetters | None
    orders: Orders
    approvals: Approvals
    replay: Replay
    links: Links

    @property
    def catalogue(self) -> Catalogue:
        """The words of the controls that the rules judge."""
        return Catalogue.of(self.engine.remediators)

    async def close(self) -> None:
        """Let connections and files go."""
        await self.azure.close()
        await self.credential.close()
        await self.storage.close()
        if self.dead_letters is not None:
            await self.dead_letters.close()


async def wire(
    settings: Settings,
    *,
    clock: Clock,
    remediators: Sequence[Remediator[Any]],
    credential: AsyncTokenCredential | None = None,
    storage: Storage | None = None,
    azure: ArmAzure | None = None,
) -> Wired:
    """
    The whole app. Must be awaited inside the loop that will use it.

    In report mode no writer is handed to the engine. Without a `credential` it is the app's managed identity,
    without a `storage` the declared one, without an `azure` one with connections of its own.
    """
    identity = credential or ManagedIdentityCredential(client_id=settings.client_id or None)
    storage = storage or _storage(settings, clock, identity)
    azure = azure or ArmAzure.open(cloud=settings.cloud, credential=identity, clock=clock, limits=storage.limits)
    desired = _desired(settings, azure, identity, clock, [rule.name for rule in remediators])
    links = Links(base_url=settings.pages_url)
    ledger, bells = storage.ledger, storage.bells
    orders = Orders(
        azure=azure,
        desired=desired,
        bells=bells,
        ledger=ledger,
        clock=clock,
        ceiling=settings.ceiling,
        subscriptions=settings.subscriptions,
    )
    approvals = Approvals(
        records=storage.records, ledger=ledger, orders=orders, clock=clock, lasts=settings.approval_lasts
    )
    notices = _notices(settings, azure, identity, storage, clock, links, approvals)
    intake = Intake(
        bells=bells, ledger=ledger, clock=clock, tenant=settings.tenant, subscriptions=settings.subscriptions
    )
    engine = Engine(
        azure=azure,
        desired=desired,
        bells=bells,
        leases=storage.leases,
        ledger=ledger,
        notices=notices,
        clock=clock,
        remediators=remediators,
        ceiling=settings.ceiling,
        writer=None if settings.ceiling is Mode.REPORT else azure.writer,
        settle_seconds=float(settings.settle_seconds),
        prober=TlsProber(address=settings.cloud.gateway_address) if settings.probe else None,
    )
    dead_letters = _dead_letters(settings, clock, identity)
    return Wired(
        settings=settings,
        clock=clock,
        azure=azure,
        credential=identity,
        storage=storage,
        desired=desired,
        notices=notices,
        engine=engine,
        intake=intake,
        sweeper=Sweeper(
            azure=azure,
            bells=bells,
            ledger=ledger,
            clock=clock,
            subscriptions=settings.subscriptions,
            dead_letters=dead_letters,
        ),
        dead_letters=dead_letters,
        parking=Parking(records=storage.records, clock=clock),
        orders=orders,
        approvals=approvals,
        replay=Replay(intake=intake, orders=orders, ledger=ledger),
        links=links,
    )


def _desired(
    settings: Settings, azure: ArmAzure, credential: AsyncTokenCredential, clock: Clock, rules: Sequence[str]
) -> FetchedSource:
    groups, webhooks = azure.management_groups, settings.webhooks
    if not settings.desired_state_is_blob:
        path = settings.desired_state_path
        return FileSource(path, remediators=rules, webhooks=webhooks, management_groups=groups)
    # By name, as all that needs the storage SDKs.
    fetch = importlib.import_module("apimend.storage.azure.desired").fetch_from(
        settings.desired_state, credential, clock
    )
    name = settings.desired_state.rsplit("/", 1)[-1]
    return FetchedSource(name, fetch, remediators=rules, webhooks=webhooks, management_groups=groups)


def _dead_letters(settings: Settings, clock: Clock, credential: AsyncTokenCredential) -> DeadLetters | None:
    """Event Grid keeps them in Azure Storage only; embedded storage has none."""
    if isinstance(settings.storage, SqliteStorage):
        return None
    module = importlib.import_module("apimend.storage.azure.deadletters")
    letters: DeadLetters = module.open_dead_letters(settings.storage, clock=clock, credential=credential)
    return letters


def _storage(settings: Settings, clock: Clock, credential: AsyncTokenCredential) -> Storage:
    if isinstance(settings.storage, SqliteStorage):
        return open_sqlite(settings.storage.path, clock)
    # By name, so that the Azure SDKs are loaded only where they are used.
    azure = importlib.import_module("apimend.storage.azure")
    storage: Storage = azure.open_azure(settings.storage, clock=clock, credential=credential)
    return storage


def _notices(
    settings: Settings,
    azure: ArmAzure,
    credential: AsyncTokenCredential,
    storage: Storage,
    clock: Clock,
    links: Links,
    approvals: Approvals,
) -> Notices:
    teams = Teams(azure.session, settings.webhooks, clock, envelope=settings.envelope is Envelope.MESSAGE)
    topic = None
    if settings.topic_endpoint:
        # By name, so that its SDK is loaded only where it is used.
        module = importlib.import_module("apimend.notify.topic")
        topic = module.Topic(settings.topic_endpoint, credential, transport=azure.transport)
    return Notices(
        ledger=storage.ledger,
        messages=storage.messages,
        notifier=Outlets(teams, topic),
        clock=clock,
        links=links,
        routes=settings.webhooks,
        publishes=topic is not None,
        token=approvals.mint if settings.approval is Approval.LINK else None,
    )
