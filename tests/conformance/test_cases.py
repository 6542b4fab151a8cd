"""
The project's own cases: the behaviours of the real Azure, written from the same facts as the recordings.

Each file under `cases/` is a story in JSON. They hold without the material, so that the likeness of the local Azure is
proved wherever the project is tested.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.recordings import Recording
from tests.conformance.replay import Outcome, Step, Story, Wait, play

ARM = "management.azure.com"
FILES = sorted((Path(__file__).parent / "cases").glob("*.json"))


@cache
def story(path: Path) -> tuple[Story, Mapping[str, Recording]]:
    """
    A file as a story, and its cases in the form of recordings.
    """
    raw = json.loads(path.read_text("utf-8"))
    steps: list[Step] = []
    cases: dict[str, Recording] = {}
    for step in raw["steps"]:
        if "wait_minutes" in step:
            steps.append(Wait(timedelta(minutes=step["wait_minutes"])))
            continue
        name = f"{path.stem}/{step['case']}"
        cases[name] = Recording(case=name, request=_request(raw, step), response=step["response"])
        steps.append(name)
    return Story(name=path.stem, tenant=raw["tenant"], steps=tuple(steps)), cases


def _request(raw: Mapping[str, Any], step: Mapping[str, Any]) -> dict[str, Any]:
    request = {"headers": {}, "body": None, "host": ARM, "query": {}, **step["request"]}
    on_arm = request["host"] == ARM
    below = on_arm and "/providers/" not in request["path"]
    version = "2024-05-01" if on_arm else "7.5"
    return {
        **request,
        "path": (raw["base"] if below else "") + request["path"],
        "query": {"api-version": version, **request["query"]},
    }


@cache
def outcome(path: Path) -> Outcome:
    return play(*story(path))


CASES = [(path, case) for path in FILES for case in story(path)[0].cases]


@pytest.mark.parametrize(("path", "case"), CASES, ids=[case for _, case in CASES])
def test_the_answer_is_as_it_should_be(path: Path, case: str) -> None:
    """
    Status, headers, layout and body are those of the case; a body given as `contains` may have further members.
    """
    assert [] == outcome(path).problems[case]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_etags_move_as_they_should(path: Path) -> None:
    """
    Within a file two etags are equal exactly where the cases' etags are.
    """
    etags = list(outcome(path).etags.values())
    unlike = [(one, other) for one in etags for other in etags if (one[0] == other[0]) != (one[1] == other[1])]

    assert [] == unlike
