"""What is remembered of walks: bounded in age and size, and never past what touched it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from apimend.model.ids import InstanceId, ResourceId
from apimend.storage import names
from apimend.storage.database import Database
from apimend.storage.sqlite import SqliteRecords
from apimend.storage.walks import LASTS, LATE, MOST_PAGES, StoredMemory, StoredWalks, touched_unit
from devhost.clock import VirtualClock

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ID = InstanceId.of(
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.ApiManagement/service/a"
)
SCOPES = (
    "apis/orders",
    "apis/orders/operations/get",
    "apis/orders;rev=2/operations/get",
    "apis/status/operations/get",
    "products/gold",
    "workspaces/team/apis/orders/operations/get",
)
ORDERS = set(SCOPES[:3])
TEAM = {SCOPES[5]}
EVERYTHING = set(SCOPES)


class Stand:
    """Walks on a clock of their own."""

    def __init__(self, database: Database) -> None:
        self.clock = VirtualClock(NOW)
        self.records = SqliteRecords(database)
        self.walks = StoredWalks(self.records, self.clock)

    async def recall(self, instance: InstanceId = ID) -> StoredMemory:
        """The memory for a visit of a minute."""
        return await self.walks.recall(instance, until=self.clock.now() + timedelta(minutes=1))

    async def noted(self, *absent: str, present: tuple[str, ...] = ()) -> None:
        """A visit that asks these scopes now."""
        memory = await self.recall()
        await memory.note(absent=absent, present=present, asked=self.clock.now())
        await memory.save()

    def later(self, time: timedelta) -> None:
        """Time goes by."""
        self.clock.jump(self.clock.now() + time)

    async def known(self) -> set[str]:
        """The scopes that are remembered to have no policy."""
        memory = await self.recall()
        return {scope for scope in SCOPES if memory.is_absent(scope)}


@pytest.fixture
def stand() -> Iterator[Stand]:
    database = Database(":memory:")
    yield Stand(database)
    database.close()


async def test_what_was_asked_is_remembered_for_the_next_visit(stand: Stand) -> None:
    """
    Scopes without a policy are not asked again, those with one are known to have it; other instances don't mix in.
    """
    await stand.noted(*SCOPES[:2], present=(SCOPES[3],))
    memory, other = await stand.recall(), await stand.recall(InstanceId.of(f"{ID}b"))

    assert set(SCOPES[:2]) == await stand.known()
    assert (True, False) == (memory.is_present(SCOPES[3]), memory.is_present(SCOPES[0]))
    assert not any(other.is_absent(scope) for scope in SCOPES)


async def test_a_memory_gets_old(stand: Stand) -> None:
    """
    An event may be lost, so nothing is trusted past its age, and what is past it is deleted.
    """
    await stand.noted(*SCOPES)
    stand.later(LASTS)
    just_so = await stand.known()
    stand.later(timedelta(seconds=1))

    assert (EVERYTHING, set()) == (just_so, await stand.known())
    assert [] == [record.key async for record in stand.records.list(names.WALKS)]


TOUCHES = {
    "a policy of an operation": ("apis/orders/operations/get/policies/policy", ORDERS),
    "a policy of another revision": ("apis/orders;rev=2/policies/policy", ORDERS),
    "an API": ("apis/Orders", ORDERS),
    "a release, which makes another revision current": ("apis/orders/releases/r1", ORDERS),
    "a product": ("products/gold/policies/policy", {"products/gold"}),
    "an API of a workspace": ("workspaces/team/apis/orders", TEAM),
    "the policy of a workspace": ("workspaces/team/policies/policy", TEAM),
    "a workspace": ("workspaces/team", TEAM),
    "the global policy, which every visit reads": ("policies/policy", set[str]()),
    "a certificate": ("certificates/c", set[str]()),
    "a fragment": ("policyFragments/f", set[str]()),
    "a deployment from Git": ("tenant/configuration", EVERYTHING),
    "what nobody knows": ("surprises/s", EVERYTHING),
}


@pytest.mark.parametrize(("path", "forgotten"), TOUCHES.values(), ids=TOUCHES)
async def test_what_is_touched_is_forgotten(stand: Stand, path: str, forgotten: set[str]) -> None:
    """
    Whatever may have changed is asked again, with all that belongs to it, and nothing else.
    """
    await stand.noted(*SCOPES)
    stand.later(timedelta(hours=1))
    await stand.walks.touched(ID, ID.child(*path.split("/")), "write")

    assert EVERYTHING - forgotten == await stand.known()


SERVICE = "Microsoft.ApiManagement/service"
ON_SERVICE = {
    "a write": (ID, f"{SERVICE}/write", None),
    "a restore": (ID, f"{SERVICE}/restore/action", ""),
    "a deletion": (ID, f"{SERVICE}/delete", ""),
    "what no event says": (None, "", ""),
    "a vault": (ResourceId.of("/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"), "x", None),
}


@pytest.mark.parametrize(("touched", "operation", "unit"), ON_SERVICE.values(), ids=ON_SERVICE)
def test_a_service_update_changes_no_policy_but_a_restore_does(
    touched: ResourceId | None, operation: str, unit: str | None
) -> None:
    """
    Tags and hostnames are no reason to walk anew; what may have replaced everything is.
    """
    assert unit == touched_unit(ID, touched, operation)


@pytest.mark.parametrize(
    ("before", "known"), [(LATE, set[str]()), (LATE + timedelta(seconds=1), EVERYTHING)], ids=["shortly", "long"]
)
async def test_what_was_read_soon_after_a_write_may_be_what_was_there_before(
    stand: Stand, before: timedelta, known: set[str]
) -> None:
    """
    Azure may still show the old state for a while, so a read shortly after an event doesn't count either.
    """
    await stand.walks.touched(ID, None)
    stand.later(before)
    await stand.noted(*SCOPES)

    assert known == await stand.known()


async def test_a_person_wants_to_know_how_it_is_now(stand: Stand) -> None:
    """
    Answers from before he asked don't count; that there was a policy somewhere is remembered all the same.
    """
    await stand.noted(SCOPES[0], present=(SCOPES[3],))
    stand.later(timedelta(minutes=1))
    since = stand.clock.now()
    await stand.noted(SCOPES[1])
    memory = await stand.walks.recall(ID, until=since, since=since)

    assert [False, True] == [memory.is_absent(scope) for scope in SCOPES[:2]]
    assert memory.is_present(SCOPES[3])


async def test_a_memory_has_a_size(stand: Stand) -> None:
    """
    Beyond the most pages the oldest go, and are asked again; a page that can't be read goes too.
    """
    await stand.noted(SCOPES[0])
    for number in range(MOST_PAGES):
        stand.later(timedelta(seconds=1))
        await stand.noted(f"apis/a{number}")
    stand.later(timedelta(seconds=1))
    await stand.noted(SCOPES[4])
    stand.later(timedelta(seconds=1))
    key = names.join(names.of_resource(ID), names.oldest_first(stand.clock.now()))
    await stand.records.put(names.WALKS, key, b"nothing")

    assert {SCOPES[4]} == await stand.known()
    assert MOST_PAGES == len([record async for record in stand.records.list(names.WALKS)])


async def test_touches_stay_few(stand: Stand) -> None:
    """
    A storm of events on one API leaves one row, and an old one goes.
    """
    for number in range(20):
        await stand.walks.touched(ID, ID.child("apis", "orders", "operations", f"o{number}"), "write")
    rows = [record async for record in stand.records.list(names.WALK_TOUCHES)]
    stand.later(LASTS + LATE + timedelta(seconds=1))
    await stand.recall()

    assert (1, []) == (len(rows), [record async for record in stand.records.list(names.WALK_TOUCHES)])
