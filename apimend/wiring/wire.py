"""
Settings become adapters, adapters become the engine. The rules are passed in.

`door` and the command line call `wire`; nothing else joins an adapter to the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apimend.documents import FetchedSource, FileSource, Words
from apimend.engine.approvals import Approvals
from apimend.engine.deadletters import DeadLetters
from apimend.engine.intake import Intake
from apimend.engine.orders import Orders
from apimend.engine.reconcile import Engine
from apimend.engine.sweep import Sweeper
from apimend.model.desired import Mode
from apimend.notify.notices import Notices
from apimend.ports import Clock, Remediator
from apimend.posture.control import Catalogue
from apimend.probe import TlsProber
from apimend.report.links import Links
from apimend.settings import Approval, Settings
from apimend.storage.parked import Parking
from apimend.storage.retention import Retention
from apimend.storage.stores import Storage
from apimend.web.replay import Replay
from apimend.wiring.adapters import Adapters, open_adapters

if TYPE_CHECKING:  # for the checker: at run time `adapters` loads them by name
    from azure.core.credentials_async import AsyncTokenCredential

    from apimend.arm.azure import ArmAzure


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
    retention: Retention
    dead_letters: DeadLetters | None
    orders: Orders
    approvals: Approvals
    replay: Replay
    links: Links
    closing: AsyncExitStack

    @property
    def catalogue(self) -> Catalogue:
        """The words of the controls that the rules judge."""
        return Catalogue.of(self.engine.remediators)

    async def close(self) -> None:
        """Let connections and files go, all of them whatever one of them says."""
        await self.closing.aclose()


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
    without a `storage` the declared one, without an `azure` one with connections of its own. `Wired.close` lets all of
    them go.
    """
    adapters = await open_adapters(settings, clock=clock, credential=credential, storage=storage, azure=azure)
    azure, storage = adapters.azure, adapters.storage
    desired = _desired(settings, adapters, words_of(remediators, settings.webhooks))
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
    notices = _notices(settings, adapters, clock, links, approvals)
    parking = Parking(records=storage.records, clock=clock)
    intake = Intake(
        bells=bells,
        ledger=ledger,
        clock=clock,
        tenant=settings.tenant,
        subscriptions=settings.subscriptions,
        walks=storage.walks,
        park=parking.park_visit,
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
        walks=storage.walks,
        subscriptions=settings.subscriptions,
        prober=TlsProber(address=settings.cloud.gateway_address) if settings.probe else None,
    )
    return Wired(
        settings=settings,
        clock=clock,
        azure=azure,
        credential=adapters.credential,
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
            dead_letters=adapters.dead_letters,
            park=parking.park_visit,
        ),
        dead_letters=adapters.dead_letters,
        parking=parking,
        retention=Retention(records=storage.records, ledger=ledger, clock=clock, days=settings.keep_days),
        orders=orders,
        approvals=approvals,
        replay=Replay(intake=intake, orders=orders, ledger=ledger),
        links=links,
        closing=adapters.closing,
    )


def words_of(remediators: Sequence[Remediator[Any]], webhooks: Collection[str] | None) -> Words:
    """What a desired state may name of these rules and webhooks. Without the baseline, any control may be named."""
    rules, catalogue = frozenset(rule.name for rule in remediators), Catalogue.of(remediators)
    known = bool(catalogue.controls)
    return Words(
        rules=rules,
        webhooks=webhooks,
        waivable=rules | catalogue.waivable if known else None,
        attestable=catalogue.attestable if known else None,
    )


def _desired(settings: Settings, adapters: Adapters, words: Words) -> FetchedSource:
    groups = adapters.azure.management_groups
    if adapters.fetch is None:
        path = settings.desired_state_path
        return FileSource(path, words=words, management_groups=groups)
    name = settings.desired_state.rsplit("/", 1)[-1]
    return FetchedSource(name, adapters.fetch, words=words, management_groups=groups)


def _notices(settings: Settings, adapters: Adapters, clock: Clock, links: Links, approvals: Approvals) -> Notices:
    return Notices(
        ledger=adapters.storage.ledger,
        messages=adapters.storage.messages,
        notifier=adapters.outlets,
        clock=clock,
        links=links,
        routes=settings.webhooks,
        publishes=bool(settings.topic_endpoint),
        token=approvals.mint if settings.approval is Approval.LINK else None,
        approval_lasts=settings.approval_lasts,
    )
