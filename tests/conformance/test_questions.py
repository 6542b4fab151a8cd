"""What nobody knows of Azure is played both ways, with the product."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest

from apimend.policy import Verdict
from emulator import Options
from tests.agreement.calls import ways
from tests.agreement.stand import generated
from tests.agreement.test_agreement import compared, judged
from tests.conformance.questions import ALLOWED_ONLY, ELSEWHERE, KNOBS, QUESTIONS, J, M, Question, enforcing
from tests.conformance.recordings import MATERIAL

ROOT = Path(__file__).parents[2]
DEFAULTS = {one.name: one.default for one in dataclasses.fields(Options)}
# What all questions of the main job have in common, the usual answers, is played once.
PLAYED = [
    (question, answer)
    for question in QUESTIONS
    for answer in question.answers
    if question.scenario is not enforcing or answer != DEFAULTS[question.option]
]
needs_facts = pytest.mark.skipif(not MATERIAL, reason="APIMEND_MATERIAL is not set: no facts to compare with")


class Watched(Options):
    """Options that remember which of them the local Azure asked for."""

    asked: ClassVar[set[str]] = set()

    def __getattribute__(self, name: str) -> Any:
        Watched.asked.add(name)
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("question", "answer"), PLAYED, ids=[f"{question.option}-{answer}" for question, answer in PLAYED]
)
@pytest.mark.nonconforming("plays answers that the specification doesn't give")
async def test_apimend_gets_along_with_either_answer(question: Question, answer: Any) -> None:
    """
    Whatever Azure does, the run ends as the question says, and the local Azure was really asked for that answer.
    """
    options = Watched(**{question.option: answer})
    Watched.asked.clear()
    ended = await question.scenario(options)

    assert (question.answers[answer], question.asked) == (ended, question.option in Watched.asked)


async def test_the_usual_answers_are_asked_for() -> None:
    """
    The main job depends on what the questions about it say, and on nothing else of theirs.
    """
    Watched.asked.clear()
    ended = await enforcing(Watched())
    concerned = {question.option: question.asked for question in QUESTIONS if question.scenario is enforcing}

    assert ALLOWED_ONLY == ended
    assert concerned == {option: option in Watched.asked for option in concerned}


@pytest.mark.nonconforming("plays answers that the specification doesn't give")
async def test_keys_that_do_not_count_make_no_verdict_too_good() -> None:
    """
    Where a gateway ignores keys that nobody asked for, verdicts that differ err on the careful side.
    """
    apart = set()
    async with generated(0, keys_count_where_not_required=False) as stand:
        async for service, judgement, verdict in judged(stand):
            for way in ways(stand, service, judgement):
                if await compared(stand, way, verdict):
                    apart.add(verdict)

    assert {Verdict.BYPASSED, Verdict.LOCKED_OUT} >= apart


def test_every_question_has_more_than_one_answer() -> None:
    """
    One of them is what the emulator does by default.
    """
    few = [one.option for one in QUESTIONS if len(one.answers) < 2]
    unusual = [one.option for one in QUESTIONS if DEFAULTS[one.option] not in one.answers]

    assert ([], []) == (few, unusual)


def test_every_option_is_a_question_or_a_knob() -> None:
    """
    An option that decides what Azure does is played with the product, or by tests of the gateway.
    """
    known = [*(one.option for one in QUESTIONS), *ELSEWHERE, *KNOBS]

    assert sorted(one.name for one in dataclasses.fields(Options)) == sorted(known)


@pytest.mark.parametrize("option", ELSEWHERE)
def test_what_is_played_elsewhere_is(option: str) -> None:
    """
    The tests that are named set the option.
    """
    place = ROOT / ELSEWHERE[option]
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))

    assert any(re.search(rf"\b{option}\b", file.read_text("utf-8")) for file in files)


@needs_facts
def test_every_open_question_of_the_facts_is_here() -> None:
    """
    Each clause of facts/apim.md J is quoted by a question, and each question quotes one that is there.
    """
    section = (Path(MATERIAL) / "facts" / "apim.md").read_text("utf-8").partition("## J. ")[2].partition("## K. ")[0]
    bullets = " ".join(section.partition("\n\n")[2].split()).removeprefix("- ").split(" - ")
    clauses = [clause.strip() for bullet in bullets for clause in bullet.split(";") if clause.strip()]
    quoted = [one.facts.removeprefix(J) for one in QUESTIONS if one.facts.startswith(J)]

    assert [] == [clause for clause in clauses if not any(words in clause for words in quoted)]
    assert [] == [words for words in quoted if not any(words in clause for clause in clauses)]


@needs_facts
def test_every_rule_from_experience_is_here() -> None:
    """
    Each [M] of rules.md, but for the line that explains the mark, is quoted by a question.
    """
    text = " ".join((Path(MATERIAL) / "rules.md").read_text("utf-8").split())
    marks = text.count("[M]") - text.count("[M] from experience")
    quoted = [one.facts.removeprefix(M) for one in QUESTIONS if one.facts.startswith(M)]

    assert marks == len(quoted)
    assert [] == [words for words in quoted if words not in text]
