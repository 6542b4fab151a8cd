"""
Where the desired state is kept: a file of the app, or a blob. Both fulfil `ports.DesiredSource`.

What was read is kept by its etag, faults included. A desired state that can't be read raises BadInput, never the
last good one: who broke the file has to hear of it, and until then nothing is written.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from apimend.documents.load import load
from apimend.documents.state import DesiredState
from apimend.documents.words import ANY, Words
from apimend.model.azure import Service
from apimend.model.desired import Desired
from apimend.model.errors import BadInput, Denied, Fault, Gone
from apimend.model.ids import InstanceId


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What was fetched: the bytes, and the etag to ask with the next time."""

    body: bytes
    etag: str


Fetch = Callable[[str | None], Awaitable[Fetched | None]]
"""Fetches the desired state unless it still has this etag: then None. Raises Gone, Denied or TryLater."""

ManagementGroups = Callable[[str], Awaitable[frozenset[str]]]
"""The names of the management groups above a subscription."""


class FetchedSource:
    """A desired state that is fetched, and parsed again only when its etag changes."""

    def __init__(
        self,
        name: str,
        fetch: Fetch,
        *,
        words: Words = ANY,
        management_groups: ManagementGroups | None = None,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._words = words
        self._management_groups = management_groups
        self._etag: str | None = None
        self._kept: DesiredState | BadInput | None = None
        self._lock = asyncio.Lock()

    async def resolve(self, service: Service) -> Desired | None:
        """What is declared for this instance; None where nothing selects it. Raises BadInput."""
        state = await self.state()
        return state.resolve(service, await self.groups_above(state, service))

    async def allows(self, instance: InstanceId) -> bool:
        """Whether the instance lies in a declared subscription. Raises BadInput."""
        return (await self.state()).allows(instance)

    async def state(self) -> DesiredState:
        """The desired state as it is now. Raises BadInput where it has faults or isn't there."""
        async with self._lock:
            await self._refresh()
            if not isinstance(self._kept, DesiredState):
                raise self._kept or self._unreadable("It could not be read.")
            return self._kept

    async def groups_above(self, state: DesiredState, service: Service) -> frozenset[str]:
        """The management groups above an instance, asked for only where an entry selects by them."""
        if not state.asks_for_management_groups:
            return frozenset()
        if self._management_groups is None:
            raise self._unreadable("It selects by management group, and these can't be read here.")
        return await self._management_groups(service.id.subscription)

    async def _refresh(self) -> None:
        try:
            fetched = await self._fetch(self._etag)
        except (Gone, Denied) as error:
            self._etag, self._kept = None, None
            raise self._unreadable(f"It can't be read: {error}.") from error
        if fetched is None:
            return
        try:
            text = fetched.body.decode("utf-8")
            self._kept = load(text, self._name, words=self._words)
        except UnicodeDecodeError:
            self._kept = self._unreadable("It is not in UTF-8.")
        except BadInput as error:
            self._kept = error
        self._etag = fetched.etag

    def _unreadable(self, what: str) -> BadInput:
        return BadInput([Fault(what=what, where="", file=self._name)])


class FileSource(FetchedSource):
    """The desired state in a file; looked at again whenever its time or size has changed."""

    def __init__(
        self,
        path: Path,
        *,
        words: Words = ANY,
        management_groups: ManagementGroups | None = None,
    ) -> None:
        super().__init__(
            path.name,
            _file(path),
            words=words,
            management_groups=management_groups,
        )


def _file(path: Path) -> Fetch:
    async def fetch(etag: str | None) -> Fetched | None:
        return await asyncio.to_thread(_read, path, etag)

    return fetch


def _read(path: Path, etag: str | None) -> Fetched | None:
    try:
        seen = path.stat()
        current = f"{seen.st_mtime_ns}-{seen.st_size}-{seen.st_ino}"
        return None if current == etag else Fetched(body=path.read_bytes(), etag=current)
    except OSError as error:
        raise Gone(error.strerror or "the file can't be opened") from error
