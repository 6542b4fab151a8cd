"""
One writer per instance: a lease in the store, renewed while a visit lasts.

Called by the engine. A lease that was lost shows itself at `confirm`, which asks the store every time: it stands
before each write, and a write to Azure costs far more than this call. Nothing here waits for a lease.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import structlog

from apimend.model.errors import LeaseTaken, TryLater
from apimend.model.ids import InstanceId
from apimend.ports import Lease
from apimend.storage import names

SECONDS = 60
RENEW_EVERY = 20.0

log = structlog.get_logger()


class LeaseStore(Protocol):
    """Where leases lie. A token proves that a lease is ours."""

    async def acquire(self, name: str, seconds: int) -> str | None:
        """The token of a new lease; None while another one holds."""
        ...

    async def renew(self, name: str, token: str) -> bool:
        """Whether the lease is still ours: then it holds as long again."""
        ...

    async def release(self, name: str, token: str) -> None:
        """Give it back. Nothing happens if it is no longer ours."""
        ...


class StoredLeases:
    """The leases of all instances, above any LeaseStore."""

    def __init__(self, store: LeaseStore, *, seconds: int = SECONDS, renew_every: float = RENEW_EVERY) -> None:
        self._store = store
        self._seconds = seconds
        self._renew_every = renew_every

    @asynccontextmanager
    async def hold(self, instance: InstanceId) -> AsyncIterator[Lease]:
        """The lease, held and renewed inside the block. Raises LeaseTaken."""
        name = names.of_resource(instance)
        token = await self._store.acquire(name, self._seconds)
        if token is None:
            raise LeaseTaken(f"Another visit holds {instance}.", after=float(self._seconds))
        lease = HeldLease(self._store, name, token, instance)
        over = asyncio.Event()
        renewal = asyncio.create_task(self._keep(lease, over))
        try:
            yield lease
        finally:
            over.set()
            await renewal
            with suppress(TryLater):  # it runs out by itself
                await self._store.release(name, token)

    async def _keep(self, lease: "HeldLease", over: asyncio.Event) -> None:
        # The event loop's time, not the injected clock: a loop that slept on a virtual clock would drive it on and
        # on. A visit that takes no real time needs no renewal, and `confirm` renews in any case.
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._renew_every)
                return
            try:
                await lease.confirm()
            except LeaseTaken:
                return
            except TryLater as error:
                log.warning("lease.not_renewed", instance=lease.instance.text, why=str(error))


class HeldLease:
    """A lease that was acquired, and may have been lost since."""

    def __init__(self, store: LeaseStore, name: str, token: str, instance: InstanceId) -> None:
        self.instance = instance
        self._store = store
        self._name = name
        self._token = token
        self._lost = False

    async def confirm(self) -> None:
        """Raises LeaseTaken where it was lost meanwhile; otherwise it holds as long again."""
        self._lost = self._lost or not await self._store.renew(self._name, self._token)
        if self._lost:
            raise LeaseTaken(f"The lease on {self.instance} was lost: another visit may be at work.")
