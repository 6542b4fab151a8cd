"""
The shape of a command line: wrong use ends with an exit code of ours, and options that many commands have stand once.

`cli` builds its commands with it. It knows neither the product nor what a command does.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from apimend.commands.exits import Exit


class Commands(TyperGroup):
    """The commands, with exit codes for pipelines."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        with _without_two():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        with _without_two():
            return super().invoke(ctx)


@contextmanager
def _without_two() -> Iterator[None]:
    """A wrong use of the command line ends with 1: 2 means that there are changes."""
    try:
        yield
    except typer.TyperException as error:
        if not isinstance(error, (typer.Exit, typer.Abort)):
            error.exit_code = int(Exit.ERROR)
        raise


def joined(
    make: Callable[..., Any], do: Callable[..., None], shared: Mapping[str, tuple[Any, Any]]
) -> Callable[..., None]:
    """
    A function for Typer with the options of `make` and the shared ones, each an annotation and a default.

    It calls `do` with the context, what `make` gave for its own options, and the shared ones by name.
    """

    def carried_out(context: typer.Context, **given: Any) -> None:
        common = {name: given.pop(name) for name in shared}
        do(context, make(**given), **common)

    own = inspect.signature(make, eval_str=True).parameters.values()
    parameters = [
        _parameter("context", typer.Context),
        *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own),
        *(_parameter(name, annotation, default) for name, (annotation, default) in shared.items()),
    ]
    _shown_as(carried_out, make, parameters)
    return carried_out


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _shown_as(function: Any, make: Callable[..., Any], parameters: Sequence[inspect.Parameter]) -> None:
    """What Typer reads of a function: its name, its text and its parameters."""
    function.__name__, function.__doc__ = make.__name__, make.__doc__
    function.__signature__ = inspect.Signature(parameters)
    function.__annotations__ = {each.name: each.annotation for each in parameters}
