"""
docs/command-line.md says what is so: every command, option and exit code has its place there.
"""

import re
from pathlib import Path

import pytest
import typer

import cli
from apimend.commands.exits import Exit

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
GROUP = typer.main.get_command(cli.app)
COMMANDS = getattr(GROUP, "commands", {})


def test_every_command_is_described() -> None:
    """
    The page has a row for each command, and none for a command that isn't there.
    """
    assert sorted(COMMANDS) == sorted(set(re.findall(r"^\| `apimend (\w+)", PAGE, re.MULTILINE)))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_described(command: str) -> None:
    """
    Each option of a command is mentioned.
    """
    options = {name for each in COMMANDS[command].params for name in each.opts if name.startswith("--")}

    assert set() == options - set(re.findall(r"--[a-z-]+", PAGE)) - {"--help"}


def test_no_option_is_made_up() -> None:
    """
    Every option that the page names exists.
    """
    known = {name for each in COMMANDS.values() for param in each.params for name in param.opts}

    assert set() == set(re.findall(r"(?<=`)--[a-z-]+", PAGE)) - known - {"--version", "--install-completion"}


def test_every_exit_code_is_described() -> None:
    """
    The page has a row for each exit code.
    """
    assert [code.value for code in Exit] == [int(code) for code in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)]
