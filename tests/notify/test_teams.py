"""Posting to a workflow: the envelope, the answers, and the URL that nobody gets to see."""

import pytest
from aiohttp import web

from apimend.model.errors import ApimendError, Rejected, Throttled, Unavailable
from apimend.report import card
from apimend.report.view import RunView
from script.card_samples import PLANNED
from tests.notify.stand import LINKS, SIGNATURE, Stand

CARD = card.render(RunView.of(PLANNED, links=LINKS))


async def test_a_card_arrives_in_the_envelope(stand: Stand) -> None:
    """
    The card reaches the inbox as it was made, in the form that the workflow's template reads.
    """
    await stand.teams().card("teams", CARD)

    assert [CARD] == stand.inbox.cards
    assert "message" == stand.inbox.messages[0].body["type"]


async def test_a_flow_may_want_the_bare_card(stand: Stand) -> None:
    """
    Without the envelope the card is the whole body; the default template refuses that.
    """
    with pytest.raises(Rejected, match="answered 400"):
        await stand.teams(envelope=False).card("teams", CARD)


@pytest.mark.parametrize(
    ("status", "headers", "expected", "after"),
    [
        pytest.param(429, {"Retry-After": "7"}, Throttled, 7.0, id="throttled, in seconds"),
        pytest.param(429, {"Retry-After": "Sun, 22 Nov 2026 14:06:00 GMT"}, Throttled, 60.0, id="throttled, as a date"),
        pytest.param(429, {"Retry-After": "soon"}, Throttled, None, id="throttled, in words"),
        pytest.param(429, {}, Throttled, None, id="throttled, without a word"),
        pytest.param(503, {"Retry-After": "30"}, Unavailable, 30.0, id="out of order"),
        pytest.param(500, {}, Unavailable, None, id="broken"),
        pytest.param(408, {}, Unavailable, None, id="too slow"),
    ],
)
async def test_some_refusals_are_for_now(
    stand: Stand, status: int, headers: dict[str, str], expected: type[ApimendError], after: float | None
) -> None:
    """
    A limit or an outage is an error to try again later, with the time that the server asked for.
    """
    stand.answers = [web.Response(status=status, headers=headers)]

    with pytest.raises(expected) as caught:
        await stand.teams().card("teams", CARD)
    assert after == caught.value.after  # type: ignore[attr-defined]  # only the family with a time has it


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 413])
async def test_other_refusals_are_final(stand: Stand, status: int) -> None:
    """
    What would be refused again is Rejected. A redirect is not followed: the signature would go elsewhere.
    """
    stand.answers = [web.Response(status=status, headers={"Location": stand.url + "/elsewhere"})]

    with pytest.raises(Rejected):
        await stand.teams().card("teams", CARD)
    assert 1 == stand.calls


async def test_no_answer_is_for_now(stand: Stand) -> None:
    """
    Where nobody listens, it is Unavailable.
    """
    gone = {"teams": f"https://127.0.0.1:9/?sig={SIGNATURE}"}

    with pytest.raises(Unavailable):
        await stand.teams(webhooks=gone).card("teams", CARD)


@pytest.mark.parametrize(
    "url",
    [f"https://127.0.0.1:9/?sig={SIGNATURE}", f"nonsense?sig={SIGNATURE}", f"https://[::?sig={SIGNATURE}"],
    ids=["nobody listens", "no scheme", "no host"],
)
async def test_an_error_never_shows_the_url(stand: Stand, url: str) -> None:
    """
    The URL is a secret: neither it nor its signature is in an error, its cause or its representation.
    """
    with pytest.raises(ApimendError) as caught:
        await stand.teams(webhooks={"teams": url}).card("teams", CARD)
    error = caught.value

    assert SIGNATURE not in f"{error} {error!r} {error.__cause__!r}"
    assert error.__suppress_context__


async def test_an_unknown_name_is_said(stand: Stand) -> None:
    """
    A name without a webhook is Rejected, and nothing is sent.
    """
    with pytest.raises(Rejected, match="no webhook named 'team-b'"):
        await stand.teams().card("team-b", CARD)
    assert 0 == stand.calls
