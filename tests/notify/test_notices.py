"""Who hears what, and how often: through the real queue, the real ledger and the emulator's inbox."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from apimend.model.desired import Desired, Route
from apimend.model.errors import Rejected, Throttled, Unreadable
from apimend.model.ids import InstanceId
from apimend.model.plan import Severity
from apimend.model.posture import Assessment, Verdict
from apimend.model.runs import Result, Run
from apimend.notify.message import QUEUE, Message
from apimend.notify.notices import Flood, Notices
from apimend.posture.record import Posture, dumped, note_key
from script.card_samples import AT, INSTANCE, PLANNED, RUNS, plan
from tests.notify.stand import Stand

CONVERGED = replace(PLANNED, id="converged", result=Result.CONVERGED, plan=plan(()))


def later(run: Run, id: str, **span: float) -> Run:
    """The same visit again, later."""
    return replace(run, id=id, started=run.started + timedelta(**span), ended=run.ended + timedelta(**span))


def elsewhere(run: Run, number: int) -> Run:
    """The same for another instance."""
    instance = InstanceId.of(INSTANCE.text.replace("contoso-prod", f"contoso-{number}"))
    return replace(run, id=f"{run.id}-{number}", instance=instance)


def titles(stand: Stand) -> list[str]:
    """The title and the name on each card that arrived."""
    heads = [card["body"][0]["items"] for card in stand.inbox.cards]
    return [" · ".join(item["inlines"][0]["text"] for item in head[1:3]) for head in heads]


async def tell(stand: Stand, notices: Notices, *runs: Run, desired: Desired | None = None) -> None:
    """What the engine does at the end of a visit."""
    for run in runs:
        await notices.tell(await stand.keep(run), desired)


async def test_a_plan_is_posted(stand: Stand) -> None:
    """
    A run that is news reaches the default webhook through the queue.
    """
    notices = stand.notices()
    await tell(stand, notices, PLANNED)
    await stand.pass_time(notices, seconds=1)

    assert ["3 changes planned · contoso-prod"] == titles(stand)


async def test_messages_hold_no_news(stand: Stand) -> None:
    """
    A message on the queue names run, kind and route and nothing else.
    """
    await tell(stand, stand.notices(), PLANNED)
    body = stand.queue.peek(QUEUE)[0].body.decode()

    assert '{"v": 1, "kind": "plan", "run": "01JDB2Q8K3", "route": "teams", "tries": 0}' == body


async def test_a_converged_visit_is_no_news(stand: Stand) -> None:
    """
    Where all is in order nobody hears of it.
    """
    await tell(stand, stand.notices(), CONVERGED)

    assert () == tuple(stand.queue.peek(QUEUE))


@pytest.mark.parametrize("id", ["another", PLANNED.id], ids=["another visit", "the same run again"])
async def test_the_same_plan_is_posted_once(stand: Stand, id: str) -> None:
    """
    A later visit with the same plan, or a message that comes twice, makes no second card.
    """
    notices = stand.notices()
    await tell(stand, notices, PLANNED, later(PLANNED, id, hours=1))
    await stand.pass_time(notices, hours=2)

    assert 1 == len(stand.inbox.cards)


async def test_another_plan_is_news(stand: Stand) -> None:
    """
    A plan that differs is posted.
    """
    notices = stand.notices()
    fewer = replace(later(PLANNED, "fewer", hours=1), plan=plan(PLANNED.plan.changes[:1]))
    await tell(stand, notices, PLANNED)
    await stand.pass_time(notices, hours=1)
    await tell(stand, notices, fewer)
    await stand.pass_time(notices, seconds=1)

    assert ["3 changes planned · contoso-prod", "1 change planned · contoso-prod"] == titles(stand)


async def test_what_comes_back_is_news(stand: Stand) -> None:
    """
    After a visit that found all in order, the same plan is posted again.
    """
    notices = stand.notices()
    await tell(stand, notices, PLANNED)
    await stand.pass_time(notices, hours=1)
    await tell(stand, notices, later(CONVERGED, "c", hours=1), later(PLANNED, "back", hours=2))
    await stand.pass_time(notices, hours=2)

    assert 2 == len(stand.inbox.cards)


async def test_a_plan_that_was_overtaken_is_not_posted(stand: Stand) -> None:
    """
    A plan that could not be delivered until a later visit spoke is not posted any more.
    """
    notices = stand.notices()
    stand.inbox.throttle(1, retry_after=600)
    await tell(stand, notices, PLANNED)
    await stand.pass_time(notices, minutes=1)
    await tell(stand, notices, later(RUNS["applied"], "applied", minutes=1))
    await stand.pass_time(notices, hours=1)

    assert ["3 changes applied · contoso-prod"] == titles(stand)


async def test_an_outage_loses_nothing(stand: Stand) -> None:
    """
    While Teams throttles or is away, delivery is put off, and each card arrives once in the end.
    """
    notices = stand.notices()
    stand.answers = [web.Response(status=503) for _ in range(4)]
    stand.inbox.throttle(3, retry_after=90)
    await tell(stand, notices, RUNS["applied"], elsewhere(RUNS["failed"], 1))
    await stand.pass_time(notices, hours=12)

    assert {"3 changes applied · contoso-prod", "1 of 3 changes failed · contoso-1"} == set(titles(stand))
    assert 2 == len(stand.inbox.cards)


async def test_retry_after_is_obeyed(stand: Stand) -> None:
    """
    Nothing is posted before the time that Teams asked for.
    """
    notices = stand.notices()
    stand.inbox.throttle(1, retry_after=300)
    await tell(stand, notices, PLANNED)
    await stand.pass_time(notices, seconds=299)

    assert 1 == stand.calls
    await stand.pass_time(notices, seconds=2)
    assert 1 == len(stand.inbox.cards)


async def test_giving_up_is_loud(stand: Stand) -> None:
    """
    A message that could not be delivered for more than a day raises, so that it is parked where people look.
    """
    stand.inbox.throttle(1)
    await stand.keep(PLANNED)

    with pytest.raises(Throttled):
        await stand.notices().deliver(Message(kind="plan", run=PLANNED.id, route="teams", tries=32).written())


async def test_a_refused_card_is_loud(stand: Stand) -> None:
    """
    A webhook that is gone raises at once.
    """
    stand.answers = [web.Response(status=404)]
    await stand.keep(PLANNED)

    with pytest.raises(Rejected):
        await stand.notices().deliver(Message(kind="plan", run=PLANNED.id, route="teams").written())


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"v": 2}', '{"v": 1, "kind": 3}', '{"v": 1, "kind": "plan", "run": "x"}']
)
async def test_an_unknown_message_is_unreadable(stand: Stand, text: str) -> None:
    """
    A message of an unknown form or version is told apart from one that failed.
    """
    with pytest.raises(Unreadable):
        await stand.notices().deliver(text)


async def test_a_run_that_is_not_kept_yet_is_waited_for(stand: Stand) -> None:
    """
    A message that is faster than the ledger is tried again.
    """
    notices = stand.notices()
    await notices.tell(PLANNED, None)
    await stand.pass_time(notices, seconds=1)
    await stand.keep(PLANNED)
    await stand.pass_time(notices, minutes=5)

    assert 1 == len(stand.inbox.cards)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        pytest.param((Route(webhook="team-a"),), ["team-a"], id="declared"),
        pytest.param((Route(webhook="team-a"), Route(webhook="teams")), ["team-a", "teams"], id="two"),
        pytest.param((Route(webhook="team-a", severities=frozenset({"critical"})),), [], id="another severity"),
        pytest.param((Route(webhook="team-a", severities=frozenset({"medium"})),), ["team-a"], id="its severity"),
        pytest.param((Route(webhook="unheard-of"),), ["teams"], id="unknown: the default one"),
        pytest.param((), ["teams"], id="none: the default one"),
    ],
)
async def test_routes_are_followed(stand: Stand, routes: tuple[Route, ...], expected: list[str]) -> None:
    """
    A run is told on the routes declared for its instance that want its severity.
    """
    notices = stand.notices(routes=("teams", "team-a"))
    await tell(stand, notices, PLANNED, desired=Desired(instance=INSTANCE, routes=routes))

    assert expected == [Message.read(message.body.decode()).route for message in stand.queue.peek(QUEUE)]


async def test_without_webhooks_nothing_is_queued(stand: Stand) -> None:
    """
    Teams is optional.
    """
    await tell(stand, stand.notices(routes=()), PLANNED)

    assert () == tuple(stand.queue.peek(QUEUE))


async def test_a_flood_becomes_one_digest(stand: Stand) -> None:
    """
    Above the limit of a route the cards of a window become one digest at its end, which counts them all.
    """
    notices = stand.notices(flood=Flood(cards=3, window=timedelta(minutes=10)))
    await tell(stand, notices, *(elsewhere(PLANNED, number) for number in range(12)))
    await stand.pass_time(notices, hours=1)

    assert 4 == len(stand.inbox.cards)
    assert titles(stand)[-1].startswith("9 instances need a look")


async def test_callers_locked_out_never_wait(stand: Stand) -> None:
    """
    Lost negotiation is told at once, flood or not.
    """
    notices = stand.notices(flood=Flood(cards=0))
    await tell(stand, notices, RUNS["negotiation_lost"])
    await stand.pass_time(notices, seconds=1)

    assert ["Callers are being turned away · contoso-prod"] == titles(stand)


async def test_a_failure_that_passes_is_not_told(stand: Stand) -> None:
    """
    A visit that could not look and comes again by itself is told only if that goes on.
    """
    failed = replace(CONVERGED, id="f", result=Result.FAILED, error="Azure gave no answer.", next_visit=60.0)
    notices = stand.notices()
    await tell(stand, notices, failed, later(CONVERGED, "c", minutes=1))
    await stand.pass_time(notices, hours=1)
    assert [] == titles(stand)

    await tell(stand, notices, later(failed, "f2", hours=1), later(failed, "f3", hours=2))
    await stand.pass_time(notices, hours=1)
    assert ["The visit failed · contoso-prod"] == titles(stand)


async def test_a_day_has_one_digest(stand: Stand) -> None:
    """
    However often the sweep asks, there is one digest a day, with the coverage of all instances.
    """
    notices = stand.notices()
    for number, name in enumerate(("plan", "applied", "failed")):
        await stand.keep(elsewhere(RUNS[name], number))
    for _ in range(3):
        await notices.daily()
    await stand.pass_time(notices, seconds=1)

    assert [True] == [title.startswith("2 instances need a look") for title in titles(stand)]
    assert "6 of 108 operations" in str(stand.inbox.cards[0])


async def test_the_digest_tells_the_baseline_of_the_tenant(stand: Stand) -> None:
    """
    All instances together, each control by its weight: one that meets a high and one that fails a low is at 85 of 100.
    """
    notices = stand.notices()
    await stand.keep(elsewhere(RUNS["plan"], 0))
    await stand.keep(elsewhere(RUNS["applied"], 1))
    one, other = [progress.instance for progress in await stand.storage.ledger.instances()]
    await stand.storage.ledger.note(note_key(one), dumped(posture(one, Verdict.PASS, Severity.HIGH)))
    await stand.storage.ledger.note(note_key(other), dumped(posture(other, Verdict.FAIL, Severity.LOW)))
    await notices.daily()
    await stand.pass_time(notices, seconds=1)

    assert "85 of 100" in str(stand.inbox.cards[0])
    assert "2 instances judged" in str(stand.inbox.cards[0])


@pytest.mark.parametrize("note", ["", "no JSON", '{"v": 99}'], ids=["none", "broken", "of another version"])
async def test_a_baseline_that_cannot_be_read_is_left_out(stand: Stand, note: str) -> None:
    """
    A digest is sent without it.
    """
    notices = stand.notices()
    await stand.keep(elsewhere(RUNS["plan"], 0))
    (one,) = [progress.instance for progress in await stand.storage.ledger.instances()]
    await stand.storage.ledger.note(note_key(one), note)
    await notices.daily()
    await stand.pass_time(notices, seconds=1)

    assert 1 == len(stand.inbox.cards)
    assert "Baseline" not in str(stand.inbox.cards[0])


def posture(instance: InstanceId, verdict: Verdict, severity: Severity) -> Posture:
    """A posture of one control."""
    found = Assessment(
        control="N1", name="n", family="Network", title="t", verdict=verdict, severity=severity, reason="r", read=AT
    )
    return Posture(instance=instance, assessments=(found,))


async def test_an_approval_link_has_a_token_of_its_own(stand: Stand) -> None:
    """
    The token is made when the card is, and stands in the fragment of one link.
    """

    async def token(run: Run) -> str:
        return f"token-for-{run.id}"

    notices = stand.notices(token=token)
    await tell(stand, notices, RUNS["approval_needed"])
    await stand.pass_time(notices, seconds=1)

    card: dict[str, Any] = stand.inbox.cards[0]
    link = "https://apimend.contoso.example/runs/01JDB2Q8K4/approve#token-for-01JDB2Q8K4"
    assert link == card["actions"][0]["url"]
    assert 1 == str(card).count("token-for-")


async def test_systems_hear_of_it_once(stand: Stand) -> None:
    """
    Each run is published once, whatever comes twice, and the same plan is not published again.
    """
    notices = stand.notices(publishes=True, routes=())
    await tell(stand, notices, PLANNED, PLANNED, later(PLANNED, "again", hours=1), RUNS["applied"])
    await stand.pass_time(notices, hours=2)

    assert ["Apimend.Run.Planned", "Apimend.Run.Applied"] == [one.type for one in stand.topic.published]
