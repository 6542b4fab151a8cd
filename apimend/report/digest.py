"""
Many runs on one card: the daily digest, and what became of a flood.

`notify` computes which runs; this counts and shows them. Instances that need a person come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apimend.report import cardparts as parts
from apimend.report.card import Room, fitting
from apimend.report.cardparts import Element
from apimend.report.kinds import NoticeKind, Tone
from apimend.report.plain import clip, count, moment
from apimend.report.view import RunView

_NEEDS_NOBODY = frozenset(
    {
        NoticeKind.NO_CHANGES,
        NoticeKind.APPLIED,
        NoticeKind.STARTED,
        NoticeKind.UNDONE,
        NoticeKind.NOT_MANAGED,
        NoticeKind.GONE,
    }
)
_MOST_ROWS = 12


@dataclass(frozen=True, kw_only=True)
class DigestView:
    """
    What happened from `since` to `until`: the newest news of each instance, the worst first.

    `instances` is how many Apimend knows, `covered` and `operations` are their sums; both 0 where the digest is
    about a few instances only. `baseline` is the score of the `judged` instances together, of 100; None where none was
    judged. `page` leads to all runs.
    """

    label: str
    since: datetime
    until: datetime
    runs: tuple[RunView, ...]
    instances: int = 0
    covered: int = 0
    operations: int = 0
    baseline: int | None = None
    judged: int = 0
    page: str = ""

    @classmethod
    def of(cls, label: str, views: Sequence[RunView], *, since: datetime, until: datetime, **more: Any) -> "DigestView":
        """The digest of these runs."""
        newest = {view.instance_id.casefold(): view for view in sorted(views, key=lambda view: view.started)}
        ranked = sorted(newest.values(), key=lambda view: (not _open(view), -view.severity, view.instance.casefold()))
        return cls(label=label, since=since, until=until, runs=tuple(ranked), **more)

    @property
    def waiting(self) -> int:
        """How many instances need a person."""
        return sum(map(_open, self.runs))

    @property
    def title(self) -> str:
        """What the digest comes down to."""
        if not self.waiting:
            return "Nothing needs you"
        return f"{count(self.waiting, 'instance')} {'needs' if self.waiting == 1 else 'need'} a look"

    @property
    def percent(self) -> int:
        """Coverage of all instances together, rounded down."""
        return 100 if self.operations == 0 else self.covered * 100 // self.operations


def render(view: DigestView) -> dict[str, Any]:
    """The card, within the budget."""
    return fitting(lambda room: _card(view, room))


def _open(view: RunView) -> bool:
    return view.kind not in _NEEDS_NOBODY


def _card(view: DigestView, room: Room) -> dict[str, Any]:
    rows = min(_MOST_ROWS, room.changes * 2)
    shown = view.runs[:rows]
    tone = Tone.ACCENT if view.waiting else Tone.GOOD
    body = [
        parts.heading(tone, kicker=view.label, title=view.title, name="", sentence=_span(view)),
        *_figures(view),
        *([parts.section("Instances")] if shown else []),
        *(_row(run, room) for run in shown),
        *_more(len(view.runs) - len(shown), view.page),
    ]
    buttons = [parts.button("Open all runs", view.page)] if view.page else []
    return parts.card(body, buttons, f"{view.label}: {view.title}.")


def _span(view: DigestView) -> str:
    return f"{moment(view.since)} to {moment(view.until)}"


def _figures(view: DigestView) -> list[Element]:
    applied = sum(run.kind is NoticeKind.APPLIED for run in view.runs)
    figures = [parts.figure("Mended", f"{applied:,}", "instances" if applied != 1 else "instance")]
    if view.instances:
        known = parts.figure("Known", f"{view.instances:,}", "instances" if view.instances != 1 else "instance")
        figures.insert(0, known)
    if view.operations:
        under = f"{view.covered:,} of {count(view.operations, 'operation')}"
        figures.insert(0, parts.figure("Coverage", f"{view.percent} %", under))
    if view.baseline is not None:
        under = f"{count(view.judged, 'instance')} judged"
        figures.insert(1 if view.operations else 0, parts.figure("Baseline", f"{view.baseline} of 100", under))
    return [parts.columns(figures)]


def _row(view: RunView, room: Room) -> Element:
    name = parts.text(parts.run(clip(view.instance, 64), weight="bolder"))
    said = parts.text(parts.run(view.headline, quiet=True), small=True)
    link = {"selectAction": parts.button("Open the run", view.pages.run)} if view.pages.run else {}
    word = view.severity.word.capitalize() if _open(view) else view.kind.look.label
    colour = parts.severity_colour(view.severity) if _open(view) else view.kind.look.tone.colour
    return {**parts.entry(word, colour, [name, said]), **link}


def _more(number: int, page: str) -> list[Element]:
    if number <= 0:
        return []
    where = "open all runs to see them" if page else "apimend runs shows all"
    words = f"and {count(number, 'more instance')}: {where}"
    return [parts.label(words, size="small", isSubtle=True, spacing="small")]
