"""What docs/emulator.md claims of the emulator."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from emulator import Options, inventory
from script.emulator_document import DOCUMENT, generated


def test_the_tables_are_as_generated() -> None:
    """
    The routes and options in the document are those of the code; script/emulator_document.py writes them anew.
    """
    text = DOCUMENT.read_text("utf-8")

    assert generated(text) == text


def test_every_option_says_what_it_decides() -> None:
    """
    No option is without the question that it answers.
    """
    rows = inventory.options_table().splitlines()[2:]

    assert [] == [row for row in rows if row.endswith("|  |")]


def test_the_documented_control_calls_exist() -> None:
    """
    Every control call that the document names is a route, and the other way round.
    """
    named = set(re.findall(r"/_emulator/[\w/{}-]+", DOCUMENT.read_text("utf-8").partition("## How far")[0]))
    own = {route.path for route in inventory.routes() if route.path.startswith("/_emulator/")}

    assert set() == named - own


def test_every_option_is_asked_for_somewhere() -> None:
    """
    No option is without effect: each is read by some module of the emulator.
    """
    folder = Path(inventory.__file__).parent
    code = "".join(path.read_text("utf-8") for path in folder.rglob("*.py") if path.name != "options.py")
    names = [one.name for one in dataclasses.fields(Options)]

    assert [] == [name for name in names if f".{name}" not in code]


async def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What the document shows for a test works as it stands, from the root of the repository.
    """
    monkeypatch.chdir(DOCUMENT.parents[1])
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)

    assert await names["test_something_of_yours"]() is None
