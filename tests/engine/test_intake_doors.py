"""
The intake's doors: what comes from elsewhere, is too much or was given up rings nothing it should not.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apimend.engine.deadletters import hear_again
from apimend.engine.intake import Intake
from apimend.events.parse import MAX_EVENT_CHARACTERS, MAX_EVENTS
from apimend.model.errors import BadInput, Gone
from apimend.model.ids import InstanceId
from apimend.model.runs import Progress
from apimend.storage.stores import Storage, open_sqlite
from devhost.clock import VirtualClock

SAMPLES = Path(__file__).parents[1] / "events"
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
ELSEWHERE = "99999999-9999-9999-9999-999999999999"


@dataclass(frozen=True)
class Door:
    """An intake, and the storage that its bells lie in."""

    intake: Intake
    storage: Storage

    async def rung(self, instance: InstanceId) -> bool:
        return await self.storage.bells.due(instance) is not None


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    clock = VirtualClock(datetime(2026, 11, 22, tzinfo=UTC))
    storage = open_sqlite(tmp_path / "apimend.db", clock)
    event = sample()
    intake = Intake(
        bells=storage.bells,
        ledger=storage.ledger,
        clock=clock,
        tenant=str(event["data"]["tenantId"]).casefold(),
        subscriptions=frozenset({SUBSCRIPTION}),
    )
    yield Door(intake, storage)
    await storage.close()


def sample(name: str = "arm-service-write") -> dict[str, Any]:
    event: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return event


def of(event: dict[str, Any]) -> InstanceId:
    return InstanceId.of(event["subject"])


async def test_an_event_of_ours_rings(door: Door) -> None:
    """
    The sample itself, from the declared tenant and subscription, rings its instance.
    """
    (heard,) = await door.intake.hear(json.dumps(sample()))

    assert (of(sample()),) == heard.rung
    assert await door.rung(of(sample()))


@pytest.mark.parametrize(
    ("tenant", "subscription", "expected"),
    [
        pytest.param(ELSEWHERE, SUBSCRIPTION, "It comes from another tenant.", id="another tenant"),
        pytest.param("", ELSEWHERE, "Its subscription is not declared.", id="another subscription"),
    ],
)
async def test_a_stranger_rings_nothing(door: Door, tenant: str, subscription: str, expected: str) -> None:
    """
    Events of another tenant or subscription are said to be so, and no row is written for them.
    """
    text = json.dumps(sample()).replace(SUBSCRIPTION, subscription)
    event = json.loads(text)
    event["data"]["tenantId"] = tenant or event["data"]["tenantId"]
    (heard,) = await door.intake.hear(json.dumps(event))

    assert (expected, ()) == (heard.why, heard.rung)
    assert not await door.rung(of(event))


async def test_a_stranger_among_the_known_silences_nobody(door: Door) -> None:
    """
    A vault's event rings every instance that is declared, whichever of the known ones come before it.
    """
    ours = of(sample())
    stranger = InstanceId.of(str(ours).replace(SUBSCRIPTION, ELSEWHERE))
    for instance in (stranger, ours):
        await door.storage.ledger.save_progress(Progress(instance=instance, managed=True))
    (heard,) = await door.intake.hear(json.dumps(sample("kv-certificate-near-expiry")))

    assert (ours,) == heard.rung
    assert await door.rung(ours)
    assert not await door.rung(stranger)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x" * 100, "It is no JSON", id="no json"),
        pytest.param(json.dumps({**sample(), "pad": "x" * MAX_EVENT_CHARACTERS}), "larger than any", id="too large"),
        pytest.param("[" + ",".join(["{}"] * (MAX_EVENTS + 1)) + "]", f"{MAX_EVENTS + 1} events", id="too many"),
        pytest.param("[" * 500_000, "beyond all measure", id="too deep"),
        pytest.param("[1, null]", "It is no event but a number.", id="no events"),
    ],
)
async def test_too_much_is_refused_and_never_breaks_the_function(door: Door, text: str, expected: str) -> None:
    """
    `hear` says what is wrong; the platform's door logs it and does not raise, because sending it again helps nobody.
    """
    with pytest.raises(BadInput, match=expected):
        await door.intake.hear(text)

    await door.intake.hear_quietly(text)


class Letters:
    """Dead letters in memory."""

    def __init__(self, **bodies: str) -> None:
        self.bodies = bodies

    async def names(self, *, limit: int = 1000) -> tuple[str, ...]:
        return tuple(self.bodies)[:limit]

    async def count(self) -> int:
        return len(self.bodies)

    async def read(self, name: str) -> str:
        if name not in self.bodies:
            raise Gone(name)
        return self.bodies[name]

    async def forget(self, name: str) -> None:
        del self.bodies[name]

    async def close(self) -> None: ...


async def test_a_dead_letter_rings_and_is_gone(door: Door) -> None:
    """
    A batch that Event Grid gave up rings like any event, once.
    """
    letters = Letters(batch=(SAMPLES / "dead-letter.json").read_text(encoding="utf-8"))
    heard = await hear_again(letters, door.intake, "batch")

    assert [True] == [bool(one.rung) for one in heard]
    assert 0 == await letters.count()


async def test_a_dead_letter_that_can_not_be_read_stays(door: Door) -> None:
    """
    What holds no event is left where a person can look at it.
    """
    letters = Letters(batch="no JSON")
    with pytest.raises(BadInput):
        await hear_again(letters, door.intake, "batch")

    assert 1 == await letters.count()
