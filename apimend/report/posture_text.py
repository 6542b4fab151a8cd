"""
A posture as text for a terminal or a log, and as CSV for a spreadsheet.

CSV cells that a spreadsheet would run as a formula are quoted by an apostrophe.
"""

import csv
import io
from collections.abc import Iterable, Iterator

from apimend.model.ids import InstanceId
from apimend.report.plain import clean
from apimend.report.posture import ControlView, PostureView

COLUMNS = (
    "instance", "control", "name", "family", "title", "verdict", "severity", "reason", "until", "subject", "pointer",
    "observed", "expected", "read", "mcsb", "azure_policy", "psrule", "cis", "others",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LINES = 5


def render(view: PostureView, *, everything: bool = False) -> str:
    """What needs somebody, by family; where asked everything, with snippets for the owner's code."""
    return "\n".join(_lines(view, everything=everything)) + "\n"


def _lines(view: PostureView, *, everything: bool) -> Iterator[str]:
    yield f"{view.instance.name}: {view.sentence}"
    if not view.controls:
        return
    if view.raises:
        most = "; ".join(f"{each.id} {each.title} (+{each.points})" for each in view.raises[:_LINES])
        yield f"Would raise it most: {most}"
    for family, points in view.families:
        shown = [each for each in view.controls if each.family == family and (everything or each.verdict.is_bad)]
        if shown:
            yield ""
            yield f"{family}: {points} of 100"
        for each in shown:
            yield from _control(each, view.instance, everything=everything)


def _control(each: ControlView, instance: InstanceId, *, everything: bool) -> Iterator[str]:
    yield f"  {each.id:<4}{each.verdict.value}, {each.severity.word}: {each.title}"
    if each.reason.rstrip(".") != each.title:
        yield f"      {each.reason}"
    for found in each.bad[:_LINES]:
        place = clean(f"{_within(found.subject, instance)} {found.pointer}")
        yield f"      {place} is {clean(found.observed)}, not {found.expected}"
    if len(each.bad) > _LINES:
        yield f"      and {len(each.bad) - _LINES} more"
    if each.verdict.is_bad and each.mend:
        yield f"      What to do: {each.mend}"
        if everything:
            yield from (f"      | {line}".rstrip() for line in each.hand_off)
            if each.no_hand_off:
                yield f"      No snippet: {each.no_hand_off}"


def _within(subject: str, instance: InstanceId) -> str:
    """What lies in the instance by its place there; anything else by its id."""
    if not f"{subject}/".casefold().startswith(f"{instance.key}/"):
        return subject
    return subject[len(instance.text) :].strip("/") or "service"


def render_csv(views: Iterable[PostureView]) -> str:
    """A row for each piece of evidence that speaks against a control, and one for each control without any."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for view in views:
        for each in view.controls:
            for row in _rows(view, each):
                writer.writerow([_cell(cell) for cell in row])
    return out.getvalue()


def _rows(view: PostureView, each: ControlView) -> Iterator[tuple[str, ...]]:
    head = (
        view.instance.text, each.id, each.name, each.family, each.title, each.verdict.value, each.severity.word,
        each.reason, f"{each.until:%Y-%m-%d}" if each.until else "",
    )  # fmt: skip
    ids = tuple(" ".join(names) for names in (each.mcsb, each.policy, each.psrule, each.cis, each.others))
    if not each.bad:
        yield (*head, "", "", "", "", each.read.isoformat(), *ids)
    for found in each.bad:
        place = (found.subject, found.pointer, found.observed, found.expected, found.read.isoformat())
        yield (*head, *place, *ids)


def _cell(text: str) -> str:
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
