"""
A run on a terminal: the words of its RunView, indented and in colour.

`plan`, `apply` and `runs` show runs with it. Every text of a view is harmless already; nothing here reads a run.
"""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from apimend.model.plan import Severity
from apimend.model.runs import Status
from apimend.report.diff import Line, Sign
from apimend.report.kinds import Tone
from apimend.report.plain import minutes, moment
from apimend.report.view import ChangeView, FindingView, RunView, described

TONES = {
    Tone.NEUTRAL: "bold",
    Tone.ACCENT: "bold cyan",
    Tone.GOOD: "bold green",
    Tone.WARNING: "bold yellow",
    Tone.ATTENTION: "bold red",
}
SEVERITIES = {
    Severity.INFO: "dim",
    Severity.LOW: "blue",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold red",
}
_SIGNS = {"+": "bold green", "-": "bold red", "~": "bold yellow"}
_STATUSES = {Status.APPLIED: "green", Status.FAILED: "bold red", Status.REFUSED: "yellow"}
_LINES = {Sign.ADDED: "green", Sign.REMOVED: "red", Sign.SAME: "", Sign.SKIPPED: "dim"}


def painted(view: RunView, *, details: bool = False, kept: bool = True) -> RenderableType:
    """
    The run, whole. `details` adds policy diffs and the snippets for the owner's code; one that is not `kept` in the
    ledger has no id that leads anywhere.
    """
    return Group(*_parts(view, details, kept))


def heading(words: str) -> RenderableType:
    """What stands above a part of the output."""
    return Rule(Text(words, style="bold"), align="left", style="dim")


def facts(pairs: dict[str, str]) -> RenderableType:
    """Names and values below each other; those without a value are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        if value:
            table.add_row(name, Text(value))
    return _in(table, 2)


def _parts(view: RunView, details: bool, kept: bool) -> Iterator[RenderableType]:
    yield Text.assemble((view.instance, "bold"), "  ", (view.headline, TONES[view.kind.look.tone]))
    if view.sentence:
        yield _in(Text(view.sentence), 2)
    yield Text()
    yield facts(_facts(view) | ({"Run": view.run} if kept else {}))
    stage = None
    for change in view.changes:
        if change.stage is not stage:
            stage = change.stage
            yield from _title(change.stage_word)
        yield from _change(change, details)
    if view.findings:
        yield from _title("Left to a person")
    for finding in view.findings:
        yield from _finding(finding, details)
    yield from _list("Next", view.next_steps)
    yield from _list("Note", view.notes)
    if view.pages.run:
        yield from (Text(), _in(Text(view.pages.run, style="underline", overflow="fold"), 2))


def _facts(view: RunView) -> dict[str, str]:
    expected = " ".join((minutes(view.minutes).capitalize() + ".", *(view.downtime or ("No downtime expected.",))))
    happened = any(status is not Status.PLANNED for status in view.counts)
    return {
        "Where": f"{view.resource_group}, subscription {view.subscription}",
        "Why": view.why,
        "When": moment(view.started),
        "Mode": view.mode.word + (f" ({view.declared})" if view.declared else ""),
        "Severity": view.severity.word,
        "Expected": expected if view.changes else "",
        "Outcome": described(view.counts) if happened else "",
        "Coverage": f"{view.coverage.percent} ({view.coverage.operations})" if view.coverage else "",
    }


def _change(change: ChangeView, details: bool) -> Iterator[RenderableType]:
    status = "" if change.status is Status.PLANNED else f"  {change.status.value}"
    head = Text.assemble((f"{change.sign} ", _SIGNS[change.sign]), (change.kind, "dim"), f" {change.target}")
    yield _in(head.append(status, style=_STATUSES.get(change.status, "cyan")), 2)
    if change.was or change.will:
        arrow = " → " if change.was and change.will else ""
        yield _in(Text.assemble((change.was, "red"), (arrow, "dim"), (change.will, "green")), 6)
    if change.reason:
        yield _in(Text(change.reason, style="dim"), 6)
    if change.status is not Status.PLANNED and (change.why or change.code):
        azure = f" (Azure: {change.code})" if change.code else ""
        yield _in(Text(f"{change.status.value.capitalize()}: {change.why}{azure}"), 6)
    if details:
        yield from (_in(_diff_line(line), 6) for line in change.diff)
        yield from _hand_off(change)


def _diff_line(line: Line) -> Text:
    sign = " " if line.sign is Sign.SKIPPED else line.sign.value
    return Text(f"{sign} {line.text}", style=_LINES[line.sign], overflow="fold")


def _finding(finding: FindingView, details: bool) -> Iterator[RenderableType]:
    yield _in(
        Text.assemble(
            ("! ", SEVERITIES[finding.severity]),
            (finding.severity.word, SEVERITIES[finding.severity]),
            f" {finding.target}",
            (f"  {finding.code}", "dim"),
        ),
        2,
    )
    yield _in(Text(finding.message), 6)
    if finding.why_left:
        yield _in(Text(f"Left alone: {finding.why_left}", style="dim"), 6)
    if details:
        yield from _hand_off(finding)


def _hand_off(view: ChangeView | FindingView) -> Iterator[RenderableType]:
    for line in view.hand_off:
        yield _in(Text.assemble(("| ", "dim"), line, no_wrap=True, overflow="ignore"), 6)
    if view.no_hand_off:
        yield _in(Text(f"No snippet: {view.no_hand_off}", style="dim"), 6)


def _list(name: str, texts: tuple[str, ...]) -> Iterator[RenderableType]:
    if texts:
        yield from _title(name)
    for text in texts:
        table = Table.grid(padding=(0, 1))
        table.add_row(Text("-", style="dim"), Text(text, overflow="fold"))
        yield _in(table, 2)


def _title(words: str) -> Iterator[RenderableType]:
    yield Text()
    yield _in(Text(words.upper(), style="bold dim"), 2)


def _in(part: RenderableType, columns: int) -> RenderableType:
    return Padding(part, (0, 0, 0, columns), expand=False)
