"""
A run as an Adaptive Card 1.5, as Teams shows it: few words, to be taken in at a glance.

`notify` posts it. A card is small: what does not fit into 20 KB is left out, from the least important on, and the
card says what was left out and where the whole stands. Words that come from outside (names, messages, claims) stand
in TextRuns, which know no markdown, so nothing has to be escaped and nothing can be forgotten; TextBlocks hold our
own words only. Buttons open pages; none of them carries a function key.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from apimend.model.plan import Severity
from apimend.model.runs import Status
from apimend.report import cardparts as parts
from apimend.report.cardparts import Element
from apimend.report.kinds import NoticeKind
from apimend.report.plain import clip, minutes, moment
from apimend.report.view import ChangeView, FindingView, RunView

BUDGET = 20_000
"""Bytes of JSON in a card. Teams takes about 28 KB with the envelope; webhooks were seen to refuse from 21 KB on."""

_STATUS_COLOURS = {
    Status.PLANNED: "accent",
    Status.APPLIED: "good",
    Status.PENDING: "accent",
    Status.DEFERRED: "default",
    Status.REFUSED: "warning",
    Status.FAILED: "attention",
}
_FINDINGS_FIRST = frozenset(
    {
        NoticeKind.REFUSED,
        NoticeKind.FINDINGS,
        NoticeKind.NEGOTIATION_LOST,
        NoticeKind.FIGHT_DETECTED,
        NoticeKind.WAIVER_EXPIRING,
        NoticeKind.CERTIFICATE_EXPIRING,
    }
)


@dataclass(frozen=True, kw_only=True)
class Room:
    """How much a card may show of each thing, and how long a text may be."""

    changes: int
    findings: int
    steps: int
    length: int


_ROOMS = (
    Room(changes=6, findings=4, steps=3, length=240),
    Room(changes=4, findings=3, steps=2, length=160),
    Room(changes=3, findings=2, steps=1, length=120),
    Room(changes=1, findings=1, steps=1, length=80),
    Room(changes=0, findings=0, steps=0, length=60),
)


def render(view: RunView) -> dict[str, Any]:
    """The card of a run: the fullest that is within the budget."""
    return fitting(lambda room: _card(view, room))


def fitting(make: Callable[[Room], dict[str, Any]]) -> dict[str, Any]:
    """The card with the most room that stays within the budget; the barest one always does."""
    cards = map(make, _ROOMS)
    return next((card for card in cards if size(card) <= BUDGET), make(_ROOMS[-1]))


def size(card: dict[str, Any]) -> int:
    """The bytes of a card as it is sent."""
    return len(json.dumps(card).encode())


def _card(view: RunView, room: Room) -> dict[str, Any]:
    changes, findings = _changes(view, room), _findings(view, room)
    first, second = (findings, changes) if view.kind in _FINDINGS_FIRST else (changes, findings)
    body = [
        _heading(view, room),
        *_figures(view),
        *first,
        *second,
        *_next(view, room),
        parts.facts(_facts(view, room), room.length),
    ]
    told = f"{view.instance}: {view.headline}"
    return parts.card(body, _buttons(view), clip(told, 200))


def _heading(view: RunView, room: Room) -> Element:
    look = view.kind.look
    return parts.heading(
        look.tone,
        kicker=_kicker(view),
        name=clip(view.instance, 64),
        title=view.title,
        sentence=clip(view.sentence, room.length * 2),
    )


def _kicker(view: RunView) -> str:
    """The kind, and the severity from the point on where it should worry somebody."""
    severity = f" · {view.severity.word}" if view.severity >= Severity.HIGH else ""
    return f"{view.kind.look.label}{severity}"


def _figures(view: RunView) -> list[Element]:
    """The numbers that are read first: coverage, expected time, downtime."""
    figures = []
    if view.coverage:
        figures.append(parts.figure("Coverage", view.coverage.percent, view.coverage.operations))
    if view.posture:
        figures.append(parts.figure("Baseline", f"{view.posture.score} of 100", clip(view.baseline, 80)))
    if view.changes and view.kind in (NoticeKind.PLAN, NoticeKind.APPROVAL_NEEDED, NoticeKind.STARTED):
        figures.append(parts.figure("Expected", minutes(view.minutes).capitalize(), _downtime(view)))
    return [parts.columns(figures)] if figures else []


def _downtime(view: RunView) -> str:
    """What callers notice meanwhile."""
    return clip(view.downtime[0], 80) if view.downtime else "No downtime expected"


def _changes(view: RunView, room: Room) -> list[Element]:
    if not view.changes:
        return []
    shown = view.changes[: room.changes]
    more = parts.more(len(view.changes) - len(shown), "change", view.pages.run)
    return [
        parts.section("Changes"),
        *(_change(change, room) for change in shown),
        *more,
        *_code(view, view.pages.changes),
    ]


def _code(view: RunView, page: str) -> list[Element]:
    """The way to the same changes in the owner's code."""
    offered = page and any(change.hand_off for change in view.changes)
    return [parts.link("The same in the owner's code", page)] if offered else []


def _change(change: ChangeView, room: Room) -> Element:
    planned = change.status is Status.PLANNED
    badge = change.stage_word if planned else change.status.value.capitalize()
    lines = [parts.text(parts.run(clip(change.target, 80), weight="bolder"))]
    if change.was or change.will:
        lines.append(_before_after(change, room))
    said = change.reason if planned else change.why
    if said:
        code = f" ({change.code})" if change.code else ""
        lines.append(parts.text(parts.run(clip(said, room.length) + code, quiet=True), small=True))
    return parts.entry(badge, "default" if planned else _STATUS_COLOURS[change.status], lines)


def _before_after(change: ChangeView, room: Room) -> Element:
    was, will = clip(change.was, room.length), clip(change.will, room.length)
    arrow = [parts.run("  →  ", quiet=True)] if was and will else []
    return parts.text(
        *([parts.run(was, quiet=True)] if was else []),
        *arrow,
        *([parts.run(will)] if will else []),
    )


def _findings(view: RunView, room: Room) -> list[Element]:
    if not view.findings:
        return []
    shown = view.findings[: room.findings]
    more = parts.more(len(view.findings) - len(shown), "finding", view.pages.run)
    return [parts.section("Left to a person"), *(_finding(view, finding, room) for finding in shown), *more]


def _finding(view: RunView, finding: FindingView, room: Room) -> Element:
    lines = [parts.text(parts.run(clip(finding.target, 80), weight="bolder"))]
    if finding.message != view.sentence:
        lines.append(parts.text(parts.run(clip(finding.message, room.length))))
    if finding.why_left:
        lines.append(parts.text(parts.run(clip(finding.why_left, room.length), quiet=True), small=True))
    if finding.hand_off and view.pages.findings:
        lines.append(parts.link("The same in the owner's code", view.pages.findings))
    return parts.entry(finding.severity.word.capitalize(), parts.severity_colour(finding.severity), lines)


def _next(view: RunView, room: Room) -> list[Element]:
    """What to do now."""
    steps = view.next_steps
    if not steps:
        return []
    shown = [parts.text(parts.run(clip(step, room.length)), gap="small") for step in steps[: room.steps]]
    return [parts.section("Next"), *shown, *parts.more(len(steps) - len(shown), "step", view.pages.run)]


def _facts(view: RunView, room: Room) -> Sequence[tuple[str, str]]:
    return (
        *(("Note", note) for note in view.notes[: room.steps]),
        ("Caused by", view.why),
        ("Where", f"{view.resource_group} · {view.subscription}"),
        ("From outside", clip("; ".join(view.observed), room.length)),
        ("Severity", view.severity.word),
        ("Mode", view.mode.word + (f" · {view.declared}" if view.declared else "")),
        ("Visited", f"{moment(view.started)} · run {view.run}"),
    )


def _buttons(view: RunView) -> list[Element]:
    pages = view.pages
    wanted = (
        ("Review and approve", pages.approve, "positive"),
        ("Relax the check", pages.relax, "destructive"),
        ("Open the run", pages.run, "default"),
        ("Undo", pages.undo, "default"),
    )
    return [parts.button(title, url, style) for title, url, style in wanted if url]
