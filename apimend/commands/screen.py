"""
The terminal: results to the standard output, everything else beside it, and nothing that could break it.

Every command is handed a Screen. On a terminal it has colours and progress; into a pipe or a file it writes plain
lines. Rich's markup is off: texts reach it as they are, and they come here cleaned.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, TypeVar

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from apimend.model.errors import ApimendError, BadInput, Fault
from apimend.report.plain import clean

T = TypeVar("T")
U = TypeVar("U")

WIDE = 100
"""Columns where nobody says how wide the output is."""

_AT_ONCE = 4


class Screen:
    """Where a command shows what it found. `as_json` asks for one JSON document instead of text."""

    def __init__(self, *, out: TextIO, err: TextIO, answers: TextIO, as_json: bool = False) -> None:
        self.as_json = as_json
        self._answers = answers
        self._out = _console(out)
        self._err = _console(err)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks at the results right now."""
        return self._out.is_terminal

    def show(self, *parts: RenderableType) -> None:
        """Part of the result, for people."""
        if self.is_terminal:
            self._out.print(*parts, sep="\n", crop=False)
            return
        with self._out.capture() as captured:
            self._out.print(*parts, sep="\n", crop=False)
        self._out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().split("\n")[:-1]))

    def write(self, text: str) -> None:
        """A result that is a file of its own, byte for byte."""
        self._out.file.write(text)
        self._out.file.flush()

    def emit(self, body: object) -> None:
        """The result, for programs. Escaped to ASCII, so that a terminal shows what is there."""
        self.write(json.dumps(body, indent=2) + "\n")

    def say(self, text: str, *, style: str = "") -> None:
        """A remark beside the result."""
        self._err.print(Text(clean(text), style=style), soft_wrap=True)

    def ask(self, question: str) -> bool:
        """Whether a person agrees: by a `y` alone. Nobody there means no."""
        self._err.print(Text.assemble((clean(question), "bold"), " [y/N] "), end="", soft_wrap=True)
        answer = self._answers.readline()
        if not self._err.is_terminal or not answer:
            self._err.print()
        return answer.strip().casefold() in ("y", "yes")

    def require_answers(self) -> None:
        """Raises BadInput where nobody can be asked: a program reads along."""
        if self.as_json:
            fault = Fault(what="Nobody can be asked with --output json.", where="", mend="Add --yes.")
            raise BadInput([fault])

    def fail(self, error: Exception) -> None:
        """What went wrong: each fault once, in plain words, without a traceback."""
        if self.as_json:
            self.emit({"error": _described(error)})
            return
        faults = error.faults if isinstance(error, BadInput) else ()
        lines = [str(fault) for fault in faults] or [_message(error)]
        for line in lines:
            self._err.print(Text.assemble(("Error: ", "bold red"), clean(line)), soft_wrap=True)

    async def each(self, what: str, items: Sequence[U], work: Callable[[U], Awaitable[T]]) -> list[T]:
        """Do the work for all items, a few at a time, and show how far it is; the results in the items' order."""
        bound = asyncio.Semaphore(_AT_ONCE)
        with self.progress(what, len(items)) as advance:

            async def one(item: U) -> T:
                async with bound:
                    done = await work(item)
                advance()
                return done

            return list(await asyncio.gather(*map(one, items)))

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """A line that says what is going on, on a terminal only; it is gone at the end."""
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
        columns += [BarColumn(), MofNCompleteColumn()] if total and total > 1 else []
        shown = Progress(
            *columns, TimeElapsedColumn(), console=self._err, transient=True, disable=not self._err.is_terminal
        )
        with shown:
            task = shown.add_task(clean(what), total=total)
            yield lambda: shown.advance(task)


def _console(file: TextIO) -> Console:
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


def _described(error: Exception) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": _kind(error), "message": _message(error)}
    if isinstance(error, BadInput):
        found["faults"] = [described(fault) for fault in error.faults]
    return found


def _message(error: Exception) -> str:
    """Its words; of an error that isn't ours its name too, which often says more."""
    return str(error) if isinstance(error, ApimendError) else f"{type(error).__name__}: {error}"


def _kind(error: Exception) -> str:
    return type(error).__name__ if isinstance(error, ApimendError) else "Error"


def described(fault: Fault) -> dict[str, Any]:
    """A fault for programs."""
    return {
        "what": fault.what,
        "where": fault.where,
        "mend": fault.mend,
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
    }
