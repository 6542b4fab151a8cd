"""
Every file and every argument with anything in it: one message and an exit code, never a stack or a control character.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.terminal import Said, run, typed
from tests.report.hostile import NASTY
from tests.web.stand import Running, desired
from tests.web.test_fuzz import anything

HARMFUL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
quick = settings(max_examples=10, suppress_health_check=list(HealthCheck))
words = st.one_of(st.sampled_from(NASTY), st.text(max_size=60)).filter(lambda text: not text.startswith("-"))
contents = st.one_of(st.binary(max_size=200), anything.map(lambda value: json.dumps(value).encode()))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running(desired("report")) as running:
        yield running


def is_fine(said: Said) -> bool:
    """An exit code of ours, and text that a terminal can show."""
    told = said.out + said.err
    return said.code in range(5) and "Traceback" not in told and not HARMFUL.search(told)


@quick
@given(content=contents)
def test_any_file_of_settings(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """
    What is no file of settings is refused with its fault.
    """
    file = tmp_path_factory.mktemp("f") / "settings.json"
    file.write_bytes(content)
    said = run(["explain", "contoso-dev", "--settings", str(file)])

    assert is_fine(said)
    assert said.code == 1


@quick
@given(content=contents)
def test_any_desired_state(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """
    `validate` tells faults, or that there are none.
    """
    file = tmp_path_factory.mktemp("f") / "desired.yaml"
    file.write_bytes(content)

    assert is_fine(run(["validate", str(file)]))


@quick
@given(content=contents)
def test_any_file_of_events(running: Running, tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """
    `replay --event` hears events, and refuses anything else.
    """
    file: Path = tmp_path_factory.mktemp("f") / "event.json"
    file.write_bytes(content)

    assert is_fine(running.call(lambda world: typed(world, "replay", "--event", str(file))))


@pytest.mark.parametrize("command", ["explain", "plan", "undo", "relax", "runs", "certificates", "posture"])
@quick
@given(word=words)
def test_any_argument(running: Running, command: str, word: str) -> None:
    """
    A name of anything names no instance and no run, and can't move the cursor.
    """
    if "*" in word or "?" in word or (command == "runs" and not word):
        return  # a pattern names instances, and nothing lists the runs

    assert is_fine(
        running.call(lambda world: typed(world, command, word, *(["--yes"] if command in ("undo", "relax") else [])))
    )


@quick
@given(reason=words)
def test_any_reason(running: Running, reason: str) -> None:
    """
    A reason of anything is kept as one line.
    """
    said = running.call(lambda world: typed(world, "stop", "--reason", reason))
    running.call(lambda world: typed(world, "resume", "--yes"))

    assert is_fine(said)
