"""A run as JSON: as the schema says, and without anybody's policy."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from apimend.model.plan import Kind, Plan
from apimend.model.runs import Run
from apimend.report import json as run_json
from apimend.report.links import Links
from apimend.report.view import RunView
from script.card_samples import ATTACH, INSTANCE, PLANNED, RUNS, SECRET
from tests.report.hostile import hostile_runs

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "run.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(value: object) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(value)]


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_every_kind_fits_the_schema(run: Run) -> None:
    """
    The JSON of a run is as docs/run.schema.json says, and has no value of somebody's policy in it.
    """
    made = run_json.render(RunView.of(run, links=Links(base_url="https://a.example")))

    assert [] == faults(made)
    assert SECRET not in json.dumps(made)


@settings(max_examples=40)
@given(hostile_runs())
def test_hostile_words_fit_the_schema(run: Run) -> None:
    """
    Whatever names hold, it is JSON that any parser takes, and fits the schema.
    """
    text = json.dumps(run_json.render(RunView.of(run)))

    assert [] == faults(json.loads(text.encode("ascii")))


def test_the_schema_knows_every_key() -> None:
    """
    Every key that is written is described.
    """
    made = run_json.event_data(RunView.of(PLANNED))

    assert set() == set(made) - set(SCHEMA["properties"])
    assert set() == set(made["changes"][0]) - set(SCHEMA["properties"]["changes"]["items"]["properties"])
    assert set() == set(made["findings"][0]) - set(SCHEMA["properties"]["findings"]["items"]["properties"])


def test_an_event_is_bounded_and_counts_the_rest() -> None:
    """
    The data of an event has at most so many changes, and says how many were left out.
    """
    changes = [replace(ATTACH, target=INSTANCE.child("certificates", f"c{n}")) for n in range(130)]
    made = run_json.event_data(RunView.of(replace(PLANNED, plan=Plan.of(changes))))

    assert (100, {"changes": 30, "findings": 0}) == (len(made["changes"]), made["omitted"])
    assert not {"diff", "handOff"} & set(made["changes"][0])


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.POLICY])
def test_pre_images_stay_in_the_ledger(kind: Kind) -> None:
    """
    Neither `before` nor `after` of a change is in the JSON: only what was said of them for people.
    """
    change = replace(ATTACH, kind=kind, before=f'{{"k":"{SECRET}"}}', after=f'{{"k":"{SECRET}2"}}')
    made = run_json.render(RunView.of(replace(PLANNED, plan=Plan.of([change]))))

    assert SECRET not in json.dumps(made)
