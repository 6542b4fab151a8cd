"""
The bricks that cards are built of: plain dicts of Adaptive Cards 1.5, and the look that all cards share.

`card` and `digest` put them together. Only `label`, `section` and `button` make elements that read markdown or
stand outside the text; they are given words of our own.
"""

from collections.abc import Sequence
from typing import Any

from apimend.model.plan import Severity
from apimend.report.kinds import Tone
from apimend.report.plain import breakable, clip, count

Element = dict[str, Any]

LABELS = "84px"
"""The column of badges and names: the longest of them fits."""

_COLOURS = {
    Severity.INFO: "default",
    Severity.LOW: "accent",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "attention",
    Severity.CRITICAL: "attention",
}


def card(body: Sequence[Element], actions: Sequence[Element], told: str) -> Element:
    """The whole. `told` is what a client says that can't show cards."""
    made: Element = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": told,
        "msteams": {"width": "Full"},
        "body": [*body[:1], *(_without_line(element) for element in body[1:2]), *body[2:]],
    }
    return {**made, "actions": list(actions)} if actions else made


def _without_line(element: Element) -> Element:
    """The coloured head ends in an edge of its own: what follows it needs no line above."""
    return {key: value for key, value in element.items() if key != "separator"}


def run(words: str, *, weight: str = "default", quiet: bool = False, size: str = "default") -> Element:
    """Words from anywhere: a TextRun knows no markdown. Date macros are the one thing that it does know."""
    made: Element = {"type": "TextRun", "text": breakable(words).replace("{{", "{\u200a{")}
    if weight != "default":
        made["weight"] = weight
    if size != "default":
        made["size"] = size
    if quiet:
        made["isSubtle"] = True
    return made


def text(*runs: Element, small: bool = False, gap: str = "none") -> Element:
    """A paragraph of runs."""
    inlines = [{**each, "size": "small"} for each in runs] if small else list(runs)
    return {"type": "RichTextBlock", "spacing": gap, "inlines": inlines}


def link(words: str, url: str) -> Element:
    """Words of ours that open a page."""
    action = button(words, url)
    return text({**run(words), "color": "accent", "selectAction": action}, small=True, gap="none")


def label(words: str, **more: Any) -> Element:
    """A TextBlock: words of ours only."""
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def section(words: str) -> Element:
    """The heading of a part of the card."""
    return label(words, weight="bolder", size="small", isSubtle=True, spacing="medium", separator=True)


def heading(tone: Tone, *, kicker: str, name: str, title: str, sentence: str) -> Element:
    """The coloured head."""
    return {
        "type": "Container",
        "style": tone.value,
        "bleed": True,
        "items": [
            label(kicker, weight="bolder", size="small", color=tone.colour),
            text(run(title, weight="bolder", size="large")),
            *([text(run(name, weight="bolder"))] if name else []),
            *([text(run(sentence), gap="small")] if sentence else []),
        ],
    }


def figure(name: str, value: str, under: str) -> Element:
    """A number with its name above and a remark below."""
    return {
        "type": "Column",
        "width": "stretch",
        "items": [
            label(name, size="small", isSubtle=True),
            text(run(value, weight="bolder", size="extraLarge" if len(value) < 16 else "large")),
            text(run(under, quiet=True), small=True),
        ],
    }


def columns(items: Sequence[Element]) -> Element:
    """Columns beside each other."""
    return {"type": "ColumnSet", "spacing": "medium", "columns": list(items)}


def entry(badge: str, colour: str, lines: Sequence[Element]) -> Element:
    """One item of a list, with a word at its left that says what it is."""
    mark = label(badge, weight="bolder", color=colour)
    return {
        "type": "ColumnSet",
        "spacing": "small",
        "columns": [
            {"type": "Column", "width": LABELS, "items": [mark]},
            {"type": "Column", "width": "stretch", "items": list(lines)},
        ],
    }


def facts(pairs: Sequence[tuple[str, str]], length: int) -> Element:
    """Names and values at the foot. Not a FactSet, whose values read markdown."""
    rows = [
        {
            "type": "ColumnSet",
            "spacing": "none",
            "columns": [
                {"type": "Column", "width": LABELS, "items": [text(run(name, quiet=True), small=True)]},
                {
                    "type": "Column",
                    "width": "stretch",
                    "items": [text(run(clip(value, length), quiet=True), small=True)],
                },
            ],
        }
        for name, value in pairs
        if value
    ]
    return {"type": "Container", "spacing": "medium", "separator": True, "items": rows}


def more(number: int, noun: str, url: str) -> list[Element]:
    """The honest line about what was left out."""
    if number <= 0:
        return []
    where = "open the run to see all" if url else "apimend runs shows all"
    return [label(f"and {count(number, 'more ' + noun)}: {where}", size="small", isSubtle=True, spacing="small")]


def severity_colour(severity: Severity) -> str:
    """The colour of a severity."""
    return _COLOURS[severity]


def button(title: str, url: str, style: str = "default") -> Element:
    """A button that opens a page."""
    return {"type": "Action.OpenUrl", "title": title, "url": url, "style": style}
