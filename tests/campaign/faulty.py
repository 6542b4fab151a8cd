"""
Storage that fails, leases that are lost, processes that die at a seam: around the product's own ports.

The product knows nothing of it: `wire` is handed a Storage, and its records, messages and leases are these.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from apimend.model.desired import Uploaded
from apimend.model.errors import Unavailable
from apimend.model.plan import Change
from apimend.ports import InstanceWriter, Messages, Record, Records, Written
from apimend.storage.leases import LeaseStore

IN_VISIT: ContextVar[bool] = ContextVar("in_visit", default=False)
"""Only a visit dies: a crash of the doorbell is Event Grid's to repeat, and is played as a storage error."""


class Killed(BaseException):
    """The process is gone: nothing after this line runs, not even a `finally` that would tidy up storage."""


@dataclass
class Mishaps:
    """What goes wrong in one process: by the count of its storage calls, once each. `fired` counts by name."""

    fired: Counter[str]
    errors: dict[int, str] = field(default_factory=dict)
    crash_at: tuple[str, int] | None = None
    lose_lease_at: int | None = None
    calls: int = 0
    confirms: int = 0
    seams: Counter[str] = field(default_factory=Counter)
    dead: bool = False

    def seam(self, name: str) -> None:
        """A place where the process may die."""
        if self.dead:
            raise Killed(name)
        if not IN_VISIT.get():
            return
        self.seams[name] += 1
        if self.crash_at == (name, self.seams[name]):
            self.dead = True
            self.fired[f"crash: {name}"] += 1
            raise Killed(name)

    def before(self) -> str:
        """The error that this call meets: `before` or `after` its effect, or none."""
        if self.dead:
            raise Killed("dead")
        self.calls += 1
        return self.errors.pop(self.calls, "")

    def fail(self, when: str, what: str) -> None:
        self.fired[f"storage error {when}: {what}"] += 1
        raise Unavailable(f"The storage did not answer ({what}).")


@dataclass
class FaultyRecords:
    """Records that fail before or after they took effect."""

    inner: Records
    mishaps: Mishaps

    async def get(self, container: str, key: str) -> Record | None:
        if self.mishaps.before():
            self.mishaps.fail("before", f"read {container}")
        return await self.inner.get(container, key)

    async def put(self, container: str, key: str, body: bytes, *, etag: str | None = None) -> str:
        when = self.mishaps.before()
        self.mishaps.seam(f"before {container}")
        if when == "before":
            self.mishaps.fail(when, f"write {container}")
        made = await self.inner.put(container, key, body, etag=etag)
        self.mishaps.seam(f"after {container}")
        if when == "after":
            self.mishaps.fail(when, f"write {container}")
        return made

    async def delete(self, container: str, key: str) -> None:
        when = self.mishaps.before()
        self.mishaps.seam(f"before deleting from {container}")
        if when == "before":
            self.mishaps.fail(when, f"delete {container}")
        await self.inner.delete(container, key)

    async def list(
        self, container: str, prefix: str = "", *, limit: int | None = None, start: str = ""
    ) -> AsyncIterator[Record]:
        if self.mishaps.before():
            self.mishaps.fail("before", f"list {container}")
        async for record in self.inner.list(container, prefix, limit=limit, start=start):
            yield record


@dataclass
class FaultyMessages:
    """A queue that fails before or after it took the message."""

    inner: Messages
    mishaps: Mishaps

    async def send(self, queue: str, body: str, *, after: float = 0.0) -> None:
        when = self.mishaps.before()
        self.mishaps.seam(f"before sending to {queue}")
        if when == "before":
            self.mishaps.fail(when, f"send {queue}")
        await self.inner.send(queue, body, after=after)
        self.mishaps.seam(f"after sending to {queue}")
        if when == "after":
            self.mishaps.fail(when, f"send {queue}")


@dataclass
class FaultyLeases:
    """A lease that another process may take away, and that a dead process does not give back."""

    inner: LeaseStore
    mishaps: Mishaps

    async def acquire(self, name: str, seconds: int) -> str | None:
        if self.mishaps.before():
            self.mishaps.fail("before", "lease")
        return await self.inner.acquire(name, seconds)

    async def renew(self, name: str, token: str) -> bool:
        self.mishaps.before()
        self.mishaps.confirms += 1
        if self.mishaps.confirms == self.mishaps.lose_lease_at:
            self.mishaps.fired["lease lost"] += 1
            await self.inner.release(name, token)
            await self.inner.acquire(name, 30)
        return await self.inner.renew(name, token)

    async def release(self, name: str, token: str) -> None:
        self.mishaps.before()
        await self.inner.release(name, token)


@dataclass
class Mortal:
    """A writer in whose process a crash may happen right before and right after the call to Azure."""

    inner: InstanceWriter
    mishaps: Mishaps

    async def patch_service(self, changes: Sequence[Change], *, uploaded: Uploaded, request_id: str) -> Written:
        self.mishaps.seam("before the PATCH")
        written = await self.inner.patch_service(changes, uploaded=uploaded, request_id=request_id)
        self.mishaps.seam("after the PATCH")
        return written

    async def write(self, change: Change, *, request_id: str) -> Written:
        self.mishaps.seam("before the write")
        written = await self.inner.write(change, request_id=request_id)
        self.mishaps.seam("after the write")
        return written
