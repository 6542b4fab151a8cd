"""
The terminal: plain lines into a pipe, colours for people, one clear message for an error, nothing that breaks it.
"""

import io
import json
import re
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from hypothesis import given, settings
from hypothesis import strategies as st

import cli
from apimend.commands.paint import painted
from apimend.commands.screen import Screen
from apimend.model.errors import BadInput, Denied, Fault
from apimend.model.runs import Run
from apimend.report.view import RunView
from apimend.wiring import command_line
from apimend.wiring.credential import SignedIn
from devhost.clock import VirtualClock
from script.card_samples import RUNS
from tests.cli.terminal import NOON, run, typed
from tests.job.conftest import desired, opened
from tests.report.hostile import hostile_runs

ROOT = Path(__file__).parents[2]
HOSTILE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
COMMANDS = sorted(each.name or getattr(each.callback, "__name__", "") for each in cli.app.registered_commands)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def screen(*, terminal: bool = False) -> tuple[Screen, io.StringIO]:
    """A screen, and what it shows."""
    out = Terminal() if terminal else io.StringIO()
    return Screen(out=out, err=out, answers=io.StringIO()), out


@settings(max_examples=40)
@given(made=hostile_runs(), terminal=st.booleans())
def test_hostile_names_do_not_reach_it(made: Run, terminal: bool) -> None:
    """
    Escape sequences, bidirectional marks and line ends in any text of a run are made harmless.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm-256color")
        shown, out = screen(terminal=terminal)
        shown.show(painted(RunView.of(made), details=True))
    own = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()) if terminal else out.getvalue()

    assert [] == HOSTILE.findall(own)


def test_errors_are_harmless() -> None:
    """
    The same for what a person typed, and what a server said.
    """
    shown, out = screen()
    shown.fail(BadInput([Fault(what="'\x1b]0;x\x07\u202e' is none.\r\nError: forged", where="x")]))

    assert ([], 1) == (HOSTILE.findall(out.getvalue()), out.getvalue().count("\n"))


def test_markup_is_text() -> None:
    """
    What looks like markup of the library that draws is shown as it is.
    """
    shown, out = screen()
    shown.say("[red]x[/] :smile: [link=https://evil.example]y[/link]")

    assert "[red]x[/] :smile: [link=https://evil.example]y[/link]\n" == out.getvalue()


def test_json_is_ascii() -> None:
    """
    No character of a text can act on a terminal, because each is escaped.
    """
    shown, out = screen()
    shown.emit({"name": "\u202e\u009b31m"})

    assert (True, {"name": "\u202e\u009b31m"}) == (out.getvalue().isascii(), json.loads(out.getvalue()))


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Red and green where somebody looks; with NO_COLOR or into a pipe none.
    """
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    seen = []
    for terminal, quiet in ((True, ""), (True, "1"), (False, "")):
        monkeypatch.setenv("NO_COLOR", quiet)
        shown, out = screen(terminal=terminal)
        shown.show(painted(RunView.of(RUNS["plan"])))
        seen.append("\x1b[1;3" in out.getvalue())

    assert [True, False, False] == seen


async def test_a_hostile_desired_state_is_explained_harmlessly() -> None:
    """
    Values from the file reach the terminal cleaned.
    """
    text = desired("report", more='    owner: "a\\u202e\\u200bb"\n')
    async with opened(text) as world:
        said = await typed(world, "explain", "contoso-dev")

        assert (0, []) == (said.code, HOSTILE.findall(said.out))


async def test_a_hostile_argument_is_answered_harmlessly() -> None:
    """
    A name that nobody has, with escape sequences in it.
    """
    async with opened(desired("report")) as world:
        said = await typed(world, "plan", "\x1b[2J\u202eodd")

        assert (1, []) == (said.code, HOSTILE.findall(said.err))


def test_the_help_lists_every_command() -> None:
    """
    Each command has its line, and the exit codes stand below.
    """
    said = run(["--help"])

    assert 0 == said.code
    assert [] == [name for name in COMMANDS if not re.search(rf"│ {name} ", said.out)]
    assert "Exit codes: 0" in said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_its_sentence(command: str) -> None:
    """
    `apimend COMMAND --help` says what each option is for.
    """
    said = run([command, "--help"])
    bare = [
        line for line in said.out.splitlines() if re.fullmatch(r"│ \*?\s+--\S+\s+(-\w\s+)?(<\w+>|[A-Z]+)?\s*│", line)
    ]

    assert (0, []) == (said.code, bare)


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["plan"], ["plan", "x", "--nonsense"], ["runs", "--limit", "0"], ["plan", "x", "-o", "xml"]],
)
def test_a_wrong_use_is_an_error(arguments: list[str]) -> None:
    """
    It ends with 1: a pipeline must not take it for changes.
    """
    assert 1 == run(arguments).code


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"APIMEND_MODES": "x"}, "Error: APIMEND_MODES: There is no such setting."),
        ({"APIMEND_MODE_CEILING": "write"}, "Error: APIMEND_MODE_CEILING: 'write' is none of report, ask, enforce."),
    ],
    ids=["unknown", "wrong"],
)
def test_settings_with_faults(environ: dict[str, str], told: str) -> None:
    """
    Each fault of the settings in one line, without a traceback.
    """
    said = run(["plan", "x"], environ)

    assert (1, True) == (said.code, said.err.startswith(told))


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "can't be read"), ("{", "no JSON"), ("[]", "no `Values`"), ('{"Values": {"a": 1}}', "no `Values`")],
    ids=["no file", "no JSON", "a list", "a number"],
)
def test_a_settings_file_with_faults(tmp_path: Path, content: str | None, told: str) -> None:
    """
    What `--settings` names has to be a local.settings.json.
    """
    path = tmp_path / "local.settings.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    said = run(["plan", "x", "--settings", str(path)])

    assert (1, True) == (said.code, told in said.err)


class Nobody:
    """A credential without anybody behind it."""

    async def get_token(self, *scopes: str, **options: object) -> AccessToken:
        raise ClientAuthenticationError("DefaultAzureCredential failed to retrieve a token …")

    async def close(self) -> None: ...
    async def __aenter__(self) -> "Nobody":
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def test_nobody_signed_in() -> None:
    """
    One sentence that says what to do, instead of a page on every way that was tried.
    """
    with pytest.raises(Denied, match=r"^Nobody is signed in to Azure\. Run `az login`") as raised:
        await SignedIn(Nobody(), VirtualClock(NOON)).get_token("https://management.azure.com/.default")

    assert "DefaultAzureCredential" not in str(raised.value)


def test_a_fault_of_ours_is_one_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Even a bug shows no traceback unless somebody asks for it; it ends with 1.
    """

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a\x1b[2Jb")

    monkeypatch.setattr(command_line, "validate", broken)
    with pytest.raises(SystemExit) as ended:
        cli.main(["validate", "x"])
    said = capsys.readouterr().err

    assert (1, []) == (ended.value.code, HOSTILE.findall(said))
    assert said.startswith("Error: KeyError: ")
    assert "Traceback" not in said
