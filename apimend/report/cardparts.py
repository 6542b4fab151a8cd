"""
The bricks that cards are built of: plain dicts of Adaptive Cards 1.5, and the look that all cards share.

`card` and `digest` put them together. Only `label`, `section` and `button` make elements that read markdown or
stand outside the text; they are given words of our own.
"""

from collections.abc import Sequence
from typing import Any

from apimend.model.plan import Severity
from apimend.report.plain import clip, count

Element = dict[str, Any]

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
        "body": list(body),
    }
    return {**made, "actions": list(actions)} if actions else made


def run(words: str, *, weight: str = "default", quiet: bool = False, size: str = "default") -> Element:
    """Words from anywhere: a TextRun knows no markdown. Date macros are the one thing that it does know."""
    made: Element = {"type": "TextRun", "text": words.replace("{{", "{\u200a{")}
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


def label(words: str, **more: Any) -> Element:
    """A TextBlock: words of ours only."""
    return {"type": "TextBlock", "text": words, "wrap": True, **more}


def section(words: str) -> Element:
    """The heading of a part of the card."""
    return label(words, weight="bolder", size="small", isSubtle=True, spacing="medium", separator=True)


def heading(tone: str, *, kicker: str, name: str, title: str, sentence: str) -> Element:
    """The coloured head."""
    return {
        "type": "Container",
        "style": tone,
        "bleed": True,
        "items": [
            label(kicker, weight="bolder", size="small", color="default" if tone == "emphasis" else tone),
            {**text(run(title, weight="bolder", size="large")), "spacing": "none"},
            {**text(run(name, weight="bolder")), "spacing": "none"},
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
    mark = label(badge, size="small", weight="bolder", color=colour)
    return {
        "type": "ColumnSet",
        "spacing": "small",
        "columns": [
            {"type": "Column", "width": "76px", "items": [mark]},
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
                {"type": "Column", "width": "76px", "items": [label(name, size="small", isSubtle=True)]},
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
