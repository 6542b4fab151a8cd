"""
The memory of walks, on any Records: pages of scopes without a policy, and what was touched since.

Called by the engine and the intake. Nothing that is kept is trusted past `LASTS`, because an event may be lost, nor
past an event that touches it, even one that came shortly before the read: Azure may show what was there before. A
page counts as old as its first read. Pages hold names alone, compressed; texts may hold secrets, and stay in Azure.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apimend.model.errors import Unreadable
from apimend.model.ids import InstanceId, ResourceId
from apimend.ports import Clock, Record, Records
from apimend.storage import names
from apimend.storage.names import join, of_resource, oldest_first, part

LASTS = timedelta(hours=12)
"""How long an answer is remembered. A walk of the largest instance ends long before."""

LATE = timedelta(minutes=5)
"""How long after a write a read may still show what was there before."""

FRESH = timedelta(hours=1)
"""How long a visit looks at what an event named, although it is not listed: longer than a visit is ever put off."""

SCOPES_A_PAGE = 2000
MOST_PAGES = 200
"""More scopes than any tier allows operations for; what goes beyond is walked anew."""

_WITHOUT_POLICIES = frozenset(
    {
        *("apiversionsets", "authorizationservers", "backends", "caches", "certificates", "diagnostics", "gateways"),
        *("groups", "identityproviders", "issues", "loggers", "namedvalues", "notifications", "openidconnectproviders"),
        *("policyfragments", "portalconfigs", "portalrevisions", "portalsettings", "privateendpointconnections"),
        *("reports", "schemas", "subscriptions", "tags", "templates", "users"),
    }
)
"""Kinds below an instance, or a workspace, that hold no policy of a scope."""


@dataclass(frozen=True, kw_only=True)
class _Page:
    """Scopes that were asked at this time or later."""

    key: str
    asked: datetime
    absent: frozenset[str]
    present: frozenset[str]

    @classmethod
    def of(cls, record: Record) -> "_Page":
        """Raises Unreadable."""
        try:
            said = json.loads(zlib.decompress(record.body))
            asked = datetime.fromisoformat(said["asked"])
            return cls(
                key=record.key, asked=asked, absent=frozenset(said["absent"]), present=frozenset(said["present"])
            )
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise Unreadable(f"The page {record.key} of a walk has an unknown form: {error!r}") from error

    @property
    def body(self) -> bytes:
        """As it is stored."""
        said = {"asked": self.asked.isoformat(), "absent": sorted(self.absent), "present": sorted(self.present)}
        return zlib.compress(json.dumps(said).encode())


@dataclass(kw_only=True)
class StoredMemory:
    """Fulfils `ports.WalkMemory`."""

    records: Records
    clock: Clock
    instance: InstanceId
    until: datetime
    absent: set[str]
    present: set[str]
    touched: frozenset[str] = frozenset()
    _absent: set[str] = field(default_factory=set)
    _present: set[str] = field(default_factory=set)
    _asked: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.clock.now() >= self.until

    def now(self) -> datetime:
        return self.clock.now()

    def is_absent(self, scope: str) -> bool:
        return scope in self.absent

    def is_present(self, scope: str) -> bool:
        return scope in self.present

    def is_touched(self, scope: str) -> bool:
        return not self.touched.isdisjoint(_units_of(scope))

    async def note(self, *, absent: Iterable[str], present: Iterable[str], asked: datetime) -> None:
        """Several may walk at once in one visit: what one of them has noted is not noted again."""
        new_absent, new_present = set(absent) - self.absent, set(present) - self.present
        if not new_absent and not new_present:
            return
        self._asked = asked if self._asked is None else min(self._asked, asked)
        self._absent |= new_absent
        self._present |= new_present
        self.absent |= new_absent
        self.present |= new_present
        if len(self._absent) + len(self._present) >= SCOPES_A_PAGE:
            await self.save()

    async def save(self) -> None:
        if self._asked is None:
            return
        some = min(self._absent | self._present)
        key = join(of_resource(self.instance), oldest_first(self.clock.now()), names.digest(some))
        page = _Page(key=key, asked=self._asked, absent=frozenset(self._absent), present=frozenset(self._present))
        self._absent, self._present, self._asked = set(), set(), None
        await self.records.put(names.WALKS, page.key, page.body)


class StoredWalks:
    """Fulfils `ports.Walks`."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def recall(self, instance: InstanceId, *, until: datetime, since: datetime | None = None) -> StoredMemory:
        """The memory for a visit; pages and touches that no longer count are deleted on the way."""
        touches = await self._touches(instance)
        absent: set[str] = set()
        present: set[str] = set()
        for page in await self._pages(instance):
            present |= page.present
            if since is not None and page.asked < since:
                continue
            past = {unit for unit, at in touches.items() if at + LATE >= page.asked}
            absent |= {scope for scope in page.absent if past.isdisjoint(_units_of(scope))}
        return StoredMemory(
            records=self._records,
            clock=self._clock,
            instance=instance,
            until=until,
            absent=absent - present,
            present=present,
            touched=frozenset(unit for unit, at in touches.items() if unit and at + FRESH >= self._clock.now()),
        )

    async def touched(self, instance: InstanceId, touched: ResourceId | None, operation: str = "") -> None:
        """One row for each thing that holds policies: the latest touch counts, so that they stay few."""
        unit = touched_unit(instance, touched, operation)
        if unit is not None:
            body = json.dumps({"unit": unit, "at": self._clock.now().isoformat()}).encode()
            await self._records.put(names.WALK_TOUCHES, join(of_resource(instance), part(unit or "all")), body)

    async def _pages(self, instance: InstanceId) -> list[_Page]:
        found: list[_Page] = []
        async for record in self._records.list(names.WALKS, join(of_resource(instance), "")):
            try:
                page = _Page.of(record)
            except Unreadable:
                await self._records.delete(names.WALKS, record.key)
                continue
            if self._clock.now() - page.asked > LASTS:
                await self._records.delete(names.WALKS, page.key)
            else:
                found.append(page)
        for page in found[:-MOST_PAGES]:
            await self._records.delete(names.WALKS, page.key)
        return found[-MOST_PAGES:]

    async def _touches(self, instance: InstanceId) -> Mapping[str, datetime]:
        found: dict[str, datetime] = {}
        async for record in self._records.list(names.WALK_TOUCHES, join(of_resource(instance), "")):
            unit, at = _touch_of(record, self._clock.now())
            if self._clock.now() - at > LASTS + LATE:
                await self._records.delete(names.WALK_TOUCHES, record.key)
            else:
                found[unit] = at
        return found


def _touch_of(record: Record, now: datetime) -> tuple[str, datetime]:
    """What was touched, and when. A row that can't be read may have meant everything, and now."""
    try:
        said = json.loads(record.body)
        return str(said["unit"]), datetime.fromisoformat(said["at"])
    except (ValueError, KeyError, TypeError):
        return "", now


def touched_unit(instance: InstanceId, touched: ResourceId | None, operation: str) -> str | None:
    """
    What a write may have changed: an API with all its revisions, a product, a workspace, or everything (empty).

    None where it can't have changed the policy of a scope. What isn't known may have changed everything: a restore, a
    deployment from Git, a kind that Azure adds tomorrow.
    """
    if touched is None or not touched.within(instance):
        return None if touched is not None else ""
    segments = touched.below_instance.casefold().strip("/").split("/")
    if segments == [""]:
        return None if operation.casefold().endswith("/service/write") else ""
    within = ""
    if segments[0] == "workspaces" and len(segments) > 1:
        within, segments = f"workspaces/{segments[1]}", segments[2:]
        if not segments or segments[0] == "policies":
            return within
    if segments[0] in ("apis", "products") and len(segments) > 1:
        return f"{within}/{segments[0]}/{segments[1].partition(';rev=')[0]}".lstrip("/")
    if segments[0] in _WITHOUT_POLICIES or segments[0] == "policies":
        return None  # the global policy is read by every visit
    return within


def _units_of(scope: str) -> Iterator[str]:
    """Everything that a touch of which concerns a scope, as `touched_unit` names it."""
    yield ""
    segments = scope.split("/")
    if segments[0] == "workspaces":
        yield "/".join(segments[:2])
    for kind in ("apis", "products"):
        if kind in segments[::2]:
            end = segments[::2].index(kind) * 2 + 2
            yield "/".join(segments[:end]).partition(";rev=")[0]
