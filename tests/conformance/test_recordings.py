"""
The local Azure against the recordings of the real one.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.conformance.recordings import MATERIAL, MISSING, recordings
from tests.conformance.replay import Outcome, Story, play
from tests.conformance.stories import LEFT_OUT, STORIES

pytestmark = pytest.mark.skipif(not MATERIAL, reason=MISSING)
CASES = [(story, case) for story in STORIES for case in story.cases]


@cache
def outcome(number: int) -> Outcome:
    return play(STORIES[number], recordings())


@pytest.mark.nonconforming("replays requests of old versions, as they were recorded")
@pytest.mark.parametrize(("story", "case"), CASES, ids=[case for _, case in CASES])
def test_the_answer_is_the_recorded_one(story: Story, case: str) -> None:
    """
    Status, headers, layout and body are as recorded, save the differences that the story explains.
    """
    assert [] == outcome(STORIES.index(story)).problems[case]


@pytest.mark.nonconforming("replays requests of old versions, as they were recorded")
@pytest.mark.parametrize("number", range(len(STORIES)), ids=[story.name for story in STORIES])
def test_etags_move_when_they_were_recorded_to_move(number: int) -> None:
    """
    Within a story two etags are equal exactly where the recorded ones are.
    """
    etags = list(outcome(number).etags.values())
    unlike = [(one, other) for one in etags for other in etags if (one[0] == other[0]) != (one[1] == other[1])]

    assert [] == unlike


@pytest.mark.nonconforming("replays requests of old versions, as they were recorded")
@pytest.mark.parametrize("number", range(len(STORIES)), ids=[story.name for story in STORIES])
def test_every_explained_difference_is_still_there(number: int) -> None:
    """
    An explanation that nothing needs any more has to go.
    """
    explained = {(case, start) for case, starts in STORIES[number].apart.items() for start in starts}

    assert explained == outcome(number).used


def test_every_recording_is_replayed_or_left_out() -> None:
    """
    Each of the recorded cases is in one story, or in the list of those left out with the reason.
    """
    replayed = [case for _, case in CASES]

    assert sorted(recordings()) == sorted([*replayed, *LEFT_OUT])
