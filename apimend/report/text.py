"""
A run as plain text: for the command line, the demo, and logs that people read. No colour, no control characters.
"""

import textwrap
from collections.abc import Iterator

from apimend.model.runs import Status
from apimend.report.diff import Line, Sign
from apimend.report.plain import minutes, moment
from apimend.report.view import ChangeView, FindingView, RunView, described

_WIDTH = 100


def render(view: RunView, *, details: bool = False) -> str:
    """The run, whole. `details` adds policy diffs and the snippets for the owner's code."""
    return "\n".join(_lines(view, details)).rstrip() + "\n"


def _lines(view: RunView, details: bool) -> Iterator[str]:
    yield f"{view.instance}: {view.headline}"
    yield from _wrap(view.sentence, "  ")
    yield ""
    yield from _facts(view)
    stage = None
    for change in view.changes:
        if change.stage is not stage:
            stage = change.stage
            yield from ("", f"  {change.stage_word.upper()}")
        yield from _change(change, details)
    if view.findings:
        yield from ("", "  LEFT TO A PERSON")
    for finding in view.findings:
        yield from _finding(finding, details)
    yield from _section("NEXT", view.next_steps, wrap=False)
    yield from _section("NOTE", view.notes)
    if view.pages.run:
        yield from ("", f"  {view.pages.run}")


def _facts(view: RunView) -> Iterator[str]:
    facts = {
        "Where": f"{view.resource_group}, subscription {view.subscription}",
        "Why": view.why,
        "When": moment(view.started),
        "Mode": view.mode.word + (f" ({view.declared})" if view.declared else ""),
        "Severity": view.severity.word,
        "Expected": _expected(view),
        "Outcome": described(view.counts) if any(status is not Status.PLANNED for status in view.counts) else "",
        "Coverage": f"{view.coverage.percent} ({view.coverage.operations})" if view.coverage else "",
        "Baseline": f"{view.posture.score} of 100 ({view.baseline})" if view.posture else "",
        "Observed": "; ".join(view.observed),
        "Run": view.run,
    }
    for name, value in facts.items():
        if value:
            yield from _wrap(value, f"  {name + ':':<11}", " " * 13)


def _expected(view: RunView) -> str:
    if not view.changes:
        return ""
    return " ".join((minutes(view.minutes).capitalize() + ".", *(view.downtime or ("No downtime expected.",))))


def _change(change: ChangeView, details: bool) -> Iterator[str]:
    status = "" if change.status is Status.PLANNED else f"  [{change.status.value}]"
    yield f"  {change.sign} {change.kind}: {change.target}{status}"
    yield from _wrap(" → ".join(filter(None, (change.was, change.will))), "      ")
    yield from _wrap(change.reason, "      ")
    yield from _wrap(_answer(change), "      ")
    if details:
        yield from (f"      {line}" for line in diff_lines(change.diff))
        yield from _hand_off(change)


def _answer(change: ChangeView) -> str:
    """Why an outcome is what it is, with Azure's own code; of what is only planned, the head of the text says it."""
    if change.status is Status.PLANNED:
        return ""
    azure = f" (Azure: {change.code})" if change.code else ""
    return f"{change.status.value.capitalize()}: {change.why}{azure}" if change.why or azure else ""


def diff_lines(lines: tuple[Line, ...]) -> Iterator[str]:
    """A diff as text, a line each."""
    for line in lines:
        yield f"{' ' if line.sign is Sign.SKIPPED else line.sign.value} {line.text}"


def _finding(finding: FindingView, details: bool) -> Iterator[str]:
    yield f"  ! {finding.severity.word}: {finding.code}, {finding.target}"
    yield from _wrap(finding.message, "      ")
    yield from _wrap(finding.why_left and f"Left alone: {finding.why_left}", "      ")
    if details:
        yield from _hand_off(finding)


def _hand_off(view: ChangeView | FindingView) -> Iterator[str]:
    yield from (f"      | {line}".rstrip() for line in view.hand_off)
    yield from _wrap(view.no_hand_off and f"No snippet: {view.no_hand_off}", "      ")


def _section(name: str, texts: tuple[str, ...], *, wrap: bool = True) -> Iterator[str]:
    """A list. Steps are not wrapped: many are commands to be copied."""
    if texts:
        yield from ("", f"  {name}")
    for text in texts:
        yield from _wrap(text, "  - ", "    ") if wrap else [f"  - {text}"]


def _wrap(text: str, first: str, rest: str | None = None) -> list[str]:
    """The text in lines; nothing is cut, and a word that is too long (a command, an id) stays whole."""
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
