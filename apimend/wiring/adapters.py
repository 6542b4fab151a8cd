"""
The adapters of the product, opened for its settings: who we are in Azure, storage, Azure itself, Teams, the topic.

Called by `wire` alone. What stands on an Azure SDK is loaded by name, here and nowhere else: so only what is declared
is loaded, and the import of the function app, by which the platform indexes it, loads none. They are the larger part
of a start: `benchmarks.event` says by how much.
"""

from __future__ import annotations

import importlib
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimend.notify.outlets import Outlets
from apimend.settings import Envelope, Settings, SqliteStorage
from apimend.storage.stores import Storage, open_sqlite

if TYPE_CHECKING:  # for the checker: at run time these come by name
    from azure.core.credentials_async import AsyncTokenCredential

    from apimend.arm.azure import ArmAzure
    from apimend.engine.deadletters import DeadLetters
    from apimend.ports import Clock
    from apimend.storage.azure.desired import BlobFetch


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """All of them, and what lets them go. `fetch` and `dead_letters` are there where a storage account holds them."""

    credential: AsyncTokenCredential
    storage: Storage
    azure: ArmAzure
    outlets: Outlets
    fetch: BlobFetch | None
    dead_letters: DeadLetters | None
    closing: AsyncExitStack


async def open_adapters(
    settings: Settings,
    *,
    clock: Clock,
    credential: AsyncTokenCredential | None,
    storage: Storage | None,
    azure: ArmAzure | None,
) -> Adapters:
    """The adapters, those that were given among them. Where one can't be opened, all that are open are let go."""
    async with AsyncExitStack() as stack:
        credential = credential or _identity(settings)
        stack.push_async_callback(credential.close)
        storage = storage or _storage(settings, clock, credential)
        stack.push_async_callback(storage.close)
        azure = azure or _azure(settings, clock, credential, storage)
        stack.push_async_callback(azure.close)
        fetch = _fetch(settings, clock, credential)
        if fetch is not None:
            stack.push_async_callback(fetch.close)
        dead_letters = _dead_letters(settings, clock, credential)
        if dead_letters is not None:
            stack.push_async_callback(dead_letters.close)
        return Adapters(
            credential=credential,
            storage=storage,
            azure=azure,
            outlets=_outlets(settings, clock, credential, azure),
            fetch=fetch,
            dead_letters=dead_letters,
            closing=stack.pop_all(),
        )


def _identity(settings: Settings) -> AsyncTokenCredential:
    identity: AsyncTokenCredential = importlib.import_module("azure.identity.aio").ManagedIdentityCredential(
        client_id=settings.client_id or None
    )
    return identity


def _storage(settings: Settings, clock: Clock, credential: AsyncTokenCredential) -> Storage:
    if isinstance(settings.storage, SqliteStorage):
        return open_sqlite(settings.storage.path, clock)
    storage: Storage = importlib.import_module("apimend.storage.azure").open_azure(
        settings.storage, clock=clock, credential=credential
    )
    return storage


def _azure(settings: Settings, clock: Clock, credential: AsyncTokenCredential, storage: Storage) -> ArmAzure:
    azure: ArmAzure = importlib.import_module("apimend.arm.azure").ArmAzure.open(
        cloud=settings.cloud, credential=credential, clock=clock, limits=storage.limits
    )
    return azure


def _fetch(settings: Settings, clock: Clock, credential: AsyncTokenCredential) -> BlobFetch | None:
    """What fetches the desired state, where it is a blob."""
    if not settings.desired_state_is_blob:
        return None
    fetch: BlobFetch = importlib.import_module("apimend.storage.azure.desired").fetch_from(
        settings.desired_state, credential, clock
    )
    return fetch


def _dead_letters(settings: Settings, clock: Clock, credential: AsyncTokenCredential) -> DeadLetters | None:
    """Event Grid keeps them in Azure Storage only; embedded storage has none."""
    if isinstance(settings.storage, SqliteStorage):
        return None
    letters: DeadLetters = importlib.import_module("apimend.storage.azure.deadletters").open_dead_letters(
        settings.storage, clock=clock, credential=credential
    )
    return letters


def _outlets(settings: Settings, clock: Clock, credential: AsyncTokenCredential, azure: ArmAzure) -> Outlets:
    """Teams, and the outgoing topic where one is declared."""
    teams = importlib.import_module("apimend.notify.teams").Teams(
        azure.session, settings.webhooks, clock, envelope=settings.envelope is Envelope.MESSAGE
    )
    if not settings.topic_endpoint:
        return Outlets(teams, None)
    topic = importlib.import_module("apimend.notify.topic").Topic(
        settings.topic_endpoint, credential, transport=azure.transport
    )
    return Outlets(teams, topic)
