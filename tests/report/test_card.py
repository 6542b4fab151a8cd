"""Cards: valid, small, and out of reach of whatever a name holds."""

import copy
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft6Validator

from apimend.model.plan import Plan
from apimend.model.runs import Run
from apimend.report import card
from apimend.report.links import Links
from apimend.report.view import RunView
from script.card_samples import ATTACH, INSTANCE, NO_BASE, PLANNED, RUNS, SECRET
from tests.report.hostile import MARK, hostile_runs

LINKS = Links(base_url="https://apimend.contoso.example")
SCHEMA = json.loads((Path(__file__).parent / "schema-1.5.json").read_text())
VALIDATOR = Draft6Validator({**SCHEMA, "anyOf": [{"$ref": "#/definitions/AdaptiveCard"}]})


def render(run: Run, *, token: str = "") -> dict[str, Any]:
    return card.render(RunView.of(run, links=LINKS, token=token))


def faults(made: dict[str, Any]) -> list[str]:
    """What the official schema has against a card; it doesn't know Teams' own extension."""
    plain = copy.deepcopy(made)
    plain.pop("msteams", None)
    return [error.message for error in VALIDATOR.iter_errors(plain)]


def elements(value: Any, type_: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") == type_:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from elements(each, type_)


def words(made: dict[str, Any]) -> list[str]:
    """Every text that a person sees."""
    return [each["text"] for type_ in ("TextRun", "TextBlock") for each in elements(made, type_)]


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_every_kind_is_valid(run: Run) -> None:
    """
    The card of every kind validates against the official schema of version 1.5.
    """
    made = render(run)

    assert [] == faults(made)


def test_the_schema_would_notice_a_mistake() -> None:
    """
    The schema is strict: an unknown property is a fault.
    """
    made = render(PLANNED)
    made["body"][0]["colour"] = "red"

    assert faults(made)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_a_card_names_kind_and_instance(run: Run) -> None:
    """
    Every card says what it is about and where, and no text in it is empty.
    """
    made = render(run)
    view = RunView.of(run)

    assert any(view.kind.look.label in text for text in words(made))
    assert INSTANCE.name in words(made)
    assert all(text.strip() for text in words(made))


def test_buttons_open_pages_of_the_run() -> None:
    """
    An approval's token stands in the fragment of its link, and no link carries a query, where a key could stand.
    """
    made = render(RUNS["approval_needed"], token="t0ken")

    run = "https://apimend.contoso.example/runs/01JDB2Q8K4"
    assert [f"{run}/approve#t0ken", run] == [action["url"] for action in made["actions"]]
    assert all("?" not in action["url"] for action in made["actions"])


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("plan", ["Open the run"]),
        ("applied", ["Open the run", "Undo"]),
        ("negotiation_lost", ["Relax the check", "Open the run"]),
        ("undone", ["Open the run"]),
    ],
)
def test_buttons_fit_the_kind(name: str, titles: list[str]) -> None:
    """
    A card offers what makes sense for its run and nothing else.
    """
    assert titles == [action["title"] for action in render(RUNS[name])["actions"]]


def test_without_pages_there_are_no_buttons() -> None:
    """
    Where no address of the pages is configured, a card has no buttons, and is still valid.
    """
    made = card.render(RunView.of(PLANNED))

    assert "actions" not in made
    assert [] == faults(made)


def test_a_huge_plan_is_cut_and_says_so() -> None:
    """
    A card stays within its budget; what is left out is counted.
    """
    changes = [replace(ATTACH, target=INSTANCE.child("certificates", f"c{n}" * 40), will="x" * 900) for n in range(300)]
    findings = [replace(NO_BASE, message=f"{n} " * 400) for n in range(200)]
    made = render(replace(PLANNED, plan=Plan.of(changes, findings)))

    assert card.BUDGET >= card.size(made)
    assert any(text.startswith("and 29") and text.endswith("open the run to see all") for text in words(made))
    assert "300 changes planned" in words(made)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_no_policy_text_reaches_a_card(run: Run) -> None:
    """
    A value from somebody's policy is in no card.
    """
    assert SECRET not in json.dumps(render(run))


@settings(max_examples=60, deadline=None)
@given(hostile_runs())
def test_hostile_words_stay_words(run: Run) -> None:
    """
    Whatever names, messages and claims hold: the card is valid and small, hostile words stand in TextRuns only,
    no unseen character is among them, and every link leads to our pages.
    """
    made = render(run)

    assert [] == faults(made)
    assert card.BUDGET >= card.size(made)
    assert not [block for block in elements(made, "TextBlock") if MARK in block["text"]]
    assert not [text for text in words(made) if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text)]
    assert not [text for text in words(made) if "{{" in text]
    assert all(action["url"].startswith(LINKS.base_url + "/runs/") for action in made["actions"])
