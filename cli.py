"""
The side door: the same product from a terminal, against Azure or a local one.

It reads arguments and hands over to the commands; nothing here decides. `create` is for tests, `main` is what the
`apimend` script calls.
"""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from apimend.wiring import SystemClock
from apimend.wiring import command_line as product
from remediators import ALL

Work = Callable[[product.App, product.Screen], Awaitable[product.Exit]]
"""What a command does with the product, opened for it and closed afterwards."""

DECLARE, LOOK, DO = "Declare", "Look (nothing is written)", "Do"

_EPILOG = (
    "[bold]INSTANCE[/] is a name, a pattern such as 'contoso-*', or a resource id."
    "\n\n"
    "[bold]Exit codes:[/] 0 nothing to do, or done; 1 error; 2 there are changes; 3 refused, or it waits for approval; "
    "4 try again later."
)


class Output(str, Enum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"


class ModeWord(str, Enum):
    """How far a visit may go; the lowest of ceiling, declared and this counts."""

    REPORT = "report"
    ASK = "ask"
    ENFORCE = "enforce"


app = typer.Typer(
    name="apimend",
    cls=product.Commands,
    help="Keeps API Management instances demanding and checking client certificates.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Instance = Annotated[str, typer.Argument(metavar="INSTANCE", help="A name or a resource id.")]
Instances = Annotated[list[str], typer.Argument(metavar="INSTANCE", help="Names, patterns or resource ids.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings as in local.settings.json, before the environment's."),
]
DesiredFile = Annotated[
    Path | None, typer.Option("--desired", metavar="FILE", help="A desired state instead of APIMEND_DESIRED_STATE.")
]
OutputForm = Annotated[Output, typer.Option("--output", "-o", help="text, or json for programs.", show_default=False)]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log to the standard error.")]
Detailed = Annotated[bool, typer.Option("--detailed", help="Add policy diffs and snippets for the owner's code.")]
Probe = Annotated[bool, typer.Option("--probe", help="Shake hands with the gateway hosts from here as well.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its id.")]
AtLeast = Annotated[int, typer.Option("--at-least", min=0, max=100, help="End with 3 below this, of 100.")]
Wait = Annotated[bool, typer.Option("--wait", help="Visit here and now, and wait for the outcome.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the ledger.")]
LowerMode = Annotated[ModeWord | None, typer.Option("--mode", help="Lower the mode for this visit; it never rises.")]


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"apimend {product.version()}\n")
        raise typer.Exit


@app.callback()
def surroundings(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Keep what a test handed in, or take what is here."""
    if context.obj is None:
        context.obj = product.Surroundings(clock=SystemClock(), environ=os.environ, remediators=ALL, by=_user())


def command(panel: str, *, takes_desired: bool = False) -> Callable[[Callable[..., Work]], Callable[..., Work]]:
    """
    A command: its function has the options that are its own and gives the work; those that all have are added here.
    """
    shared: dict[str, tuple[Any, Any]] = {"desired": (DesiredFile, None)} if takes_desired else {}
    shared |= {"settings": (SettingsFile, None), "output": (OutputForm, Output.TEXT), "verbose": (Verbose, False)}

    def add(make: Callable[..., Work]) -> Callable[..., Work]:
        app.command(rich_help_panel=panel)(product.joined(make, _do, shared))
        return make

    return add


def _do(
    context: typer.Context,
    work: Work,
    *,
    settings: Path | None,
    output: Output,
    verbose: bool,
    desired: Path | None = None,
) -> None:
    """Open the product, do the work, and end the process with its exit code."""
    product.quiet(verbose=verbose)
    screen = _screen(output)
    with _told(screen):
        around = _around(context).with_file(settings).with_desired(desired)
        if settings is not None:
            product.export(around)
        _end(asyncio.run(_opened(around, work, screen)))


async def _opened(around: product.Surroundings, work: Work, screen: product.Screen) -> product.Exit:
    async with product.opened(around) as opened:
        return await work(opened, screen)


@app.command(rich_help_panel=DECLARE)
def validate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The desired state.")] = Path("desired.yaml"),
    settings: SettingsFile = None,
    output: OutputForm = Output.TEXT,
) -> None:
    """Check a desired state: every fault with its line, and how to mend it. Needs no Azure."""
    screen = _screen(output)
    with _told(screen):
        around = _around(context).with_file(settings)
        webhooks = around.settings.webhooks if settings else None
        _end(product.validate(screen, file, words=around.words(webhooks)))


@command(DECLARE, takes_desired=True)
def explain(instance: Instance) -> Work:
    """Show every value that holds for an instance: where it is written, and why that place counts."""
    return lambda app, screen: product.explain(app, screen, instance)


@command(DECLARE)
def init(
    instances: Annotated[
        list[str] | None, typer.Argument(metavar="INSTANCE", help="Names, patterns or ids; none: all that can be seen.")
    ] = None,
    file: Annotated[str, typer.Option("--file", "-f", help="Where to write it; - is the output.")] = "desired.yaml",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> Work:
    """Write a desired state that is equal to what is live: its plan is empty."""
    path = None if file == "-" else Path(file)
    return lambda app, screen: product.init(app, screen, instances or [], path=path, force=force)


@command(LOOK, takes_desired=True)
def plan(instances: Instances, detailed: Detailed = False, probe: Probe = False) -> Work:
    """Show what would be done, with the engine of the app. Nothing is written, recorded or sent."""
    return lambda app, screen: product.plan(
        app, screen, instances, details=detailed, prober=product.prober(app, wanted=probe)
    )


@command(LOOK)
def runs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its id.")] = "",
    instance: Annotated[str, typer.Option("--instance", metavar="INSTANCE", help="Only runs on this one.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many to list.")] = 20,
    detailed: Detailed = False,
) -> Work:
    """List the app's runs, or show one whole."""
    if run:
        return lambda app, screen: product.show_run(app, screen, run, details=detailed)
    return lambda app, screen: product.list_runs(app, screen, instance=instance, limit=limit)


@command(LOOK, takes_desired=True)
def coverage(
    instance: Instance,
    detailed: Annotated[bool, typer.Option("--detailed", help="Show every operation that is not covered.")] = False,
    probe: Probe = False,
    at_least: AtLeast = 0,
) -> Work:
    """Show which operations turn away a caller without an allowed certificate, and why the others don't."""
    return lambda app, screen: product.coverage(
        app, screen, instance, details=detailed, at_least=at_least, prober=product.prober(app, wanted=probe)
    )


@command(LOOK, takes_desired=True)
def posture(
    instance: Instance,
    form: Annotated[
        product.PostureForm, typer.Option("--format", help="How it is written.")
    ] = product.PostureForm.TEXT,
    detailed: Annotated[bool, typer.Option("--detailed", help="Add what is met, and snippets for the code.")] = False,
    at_least: AtLeast = 0,
) -> Work:
    """Show how an instance stands against the security baseline, and what would raise its score most."""
    return lambda app, screen: product.posture(app, screen, instance, form=form, details=detailed, at_least=at_least)


@command(LOOK, takes_desired=True)
def certificates(
    instance: Instance,
    graph: Annotated[bool, typer.Option("--graph", help="Draw what comes from where and is used by whom.")] = False,
) -> Work:
    """Show every certificate of an instance: where it comes from, when it ends, and what uses it."""
    return lambda app, screen: product.certificates(app, screen, instance, graph=graph)


@command(DO)
def apply(instances: Instances, mode: LowerMode = None, yes: Yes = False, wait: Wait = False) -> Work:
    """Show the plan, ask, and visit with the app's own lease: never above what is declared."""
    return lambda app, screen: product.apply(app, screen, instances, mode=_mode(mode), yes=yes, wait=wait)


@command(DO)
def replay(
    instances: Annotated[
        list[str] | None, typer.Argument(metavar="INSTANCE", help="Names, patterns or resource ids.")
    ] = None,
    event: Annotated[
        Path | None, typer.Option("--event", metavar="FILE", help="Events of either schema, or a dead-letter blob.")
    ] = None,
    run: Annotated[str, typer.Option("--run", metavar="RUN", help="The instance of an earlier run.")] = "",
    mode: LowerMode = None,
    wait: Wait = False,
) -> Work:
    """Have instances visited again: by name, by event, or by an earlier run."""
    manner = product.Manner(wait=wait)
    return lambda app, screen: product.replay(
        app, screen, instances or [], manner, event=event, run=run, mode=_mode(mode)
    )


@command(DO)
def sweep() -> Work:
    """Ring for every instance that can be seen, as the app's timer does."""
    return product.sweep


@command(DO)
def undo(run: Run, reason: Reason = "", yes: Yes = False, wait: Wait = False) -> Work:
    """Take back what a run wrote, where it is still as the run left it and nothing depends on it."""
    manner = product.Manner(yes=yes, wait=wait, reason=reason)
    return lambda app, screen: product.undo(app, screen, run, manner)


@command(DO)
def relax(
    instance: Instance,
    hours: Annotated[int, typer.Option("--hours", min=1, max=168, help="For how long.")] = 4,
    reason: Reason = "",
    yes: Yes = False,
    wait: Wait = False,
) -> Work:
    """Break glass: set our checks to observe within seconds, for some hours."""
    manner = product.Manner(yes=yes, wait=wait, reason=reason)
    return lambda app, screen: product.relax(app, screen, instance, manner, lasts=timedelta(hours=hours))


@command(DO)
def release(instance: Instance, reason: Reason = "", yes: Yes = False, wait: Wait = False) -> Work:
    """Take our checks out again, so that access depends on Apimend no longer."""
    manner = product.Manner(yes=yes, wait=wait, reason=reason)
    return lambda app, screen: product.release(app, screen, instance, manner)


@command(DO)
def stop(reason: Reason = "") -> Work:
    """Stop every write of the app, on all instances, from the next one on. It goes on looking and telling."""
    return lambda app, screen: product.stop(app, screen, reason=reason)


@command(DO)
def resume(yes: Yes = False) -> Work:
    """Lift the stop."""
    return lambda app, screen: product.resume(app, screen, yes=yes)


def _around(context: typer.Context) -> product.Surroundings:
    found = context.obj
    assert isinstance(found, product.Surroundings)
    return found


def _screen(output: Output) -> product.Screen:
    return product.Screen(out=sys.stdout, err=sys.stderr, answers=sys.stdin, as_json=output is Output.JSON)


@contextmanager
def _told(screen: product.Screen) -> Iterator[None]:
    """One clear message for what a person can do something about; anything else is a bug and rises."""
    try:
        yield
    except product.ApimendError as error:
        screen.fail(error)
        raise typer.Exit(int(product.of_error(error))) from error


def _mode(word: ModeWord | None) -> product.Mode | None:
    return None if word is None else product.Mode.parse(word.value)


def _end(code: product.Exit) -> None:
    raise typer.Exit(int(code))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def main(arguments: Sequence[str] | None = None) -> None:
    """The `apimend` script."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal that knows ASCII only shows ? instead of breaking off
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=given, prog_name="apimend")
    except Exception as error:  # the edge of the process: what rises here is a fault of ours
        if {"-v", "--verbose"} & set(given):
            raise
        _screen(Output.TEXT).fail(error)
        _screen(Output.TEXT).say("That is a fault of Apimend itself. --verbose shows where it happened.")
        sys.exit(int(product.Exit.ERROR))


if __name__ == "__main__":
    main()
