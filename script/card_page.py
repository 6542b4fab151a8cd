"""
The page in which the official renderer draws a card as Teams does, near enough.

`script.pictures` opens it in a browser; the demo writes one with everything in it, for people to open.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = (
    ROOT / "node_modules/adaptivecards/dist/adaptivecards.min.js",
    ROOT / "node_modules/markdown-it/dist/markdown-it.min.js",
)

# The sizes, colours and distances of Teams' light theme.
HOST = {
    "supportsInteractivity": True,
    "fontFamily": "'Segoe UI', 'Open Sans', 'Liberation Sans', sans-serif",
    "fontSizes": {"small": 12, "default": 14, "medium": 16, "large": 18, "extraLarge": 24},
    "fontWeights": {"lighter": 300, "default": 400, "bolder": 600},
    "lineHeights": {"small": 16, "default": 20, "medium": 22, "large": 24, "extraLarge": 32},
    "spacing": {"small": 8, "default": 12, "medium": 16, "large": 20, "extraLarge": 24, "padding": 16},
    "separator": {"lineThickness": 1, "lineColor": "#E1DFDD"},
    "actions": {"maxActions": 6, "buttonSpacing": 8, "actionsOrientation": "horizontal", "actionAlignment": "left"},
}
_INK = {
    "default": ("#242424", "#616161"),
    "accent": ("#4F52B2", "#616161"),
    "good": ("#237B4B", "#616161"),
    "warning": ("#835C00", "#616161"),
    "attention": ("#C4314B", "#616161"),
    "dark": ("#242424", "#616161"),
    "light": ("#FFFFFF", "#F0F0F0"),
}
_PAPER = {
    "default": "#FFFFFF",
    "emphasis": "#F5F5F5",
    "accent": "#E8EBFA",
    "good": "#E7F2DA",
    "warning": "#FBF6D9",
    "attention": "#FCF4F6",
}
STYLES = {
    name: {
        "backgroundColor": paper,
        "foregroundColors": {word: {"default": ink, "subtle": quiet} for word, (ink, quiet) in _INK.items()},
    }
    for name, paper in _PAPER.items()
}

LOOK = {**HOST, "containerStyles": STYLES}

PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 16px; background: #F5F5F5; width: 668px; box-sizing: content-box }
#card { background: #fff; border-radius: 6px; box-shadow: 0 1px 4px #0003; overflow: hidden }
.ac-adaptiveCard { outline: none }
.ac-pushButton { font: 600 14px 'Segoe UI', 'Open Sans', 'Liberation Sans', sans-serif; padding: 5px 12px;
  border: 1px solid #D1D1D1; border-radius: 4px; background: #fff; color: #242424 }
.ac-pushButton.style-positive { background: #5B5FC7; border-color: #5B5FC7; color: #fff }
.ac-pushButton.style-destructive { background: #fff; border-color: #C4314B; color: #C4314B }
</style><div id="card"></div>"""

DRAW = """([content, host]) => {
  AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
    result.outputHtml = window.markdownit().render(text); result.didProcess = true;
  };
  const card = new AdaptiveCards.AdaptiveCard();
  card.hostConfig = new AdaptiveCards.HostConfig(host);
  const context = new AdaptiveCards.SerializationContext();
  card.parse(content, context);
  const place = document.getElementById('card');
  place.replaceChildren(card.render());
  const warnings = [];
  for (let n = 0; n < context.eventCount; n++) warnings.push(context.getEventAt(n).message);
  const seen = [...place.querySelectorAll('.ac-textBlock, .ac-richTextBlock, .ac-pushButton')];
  const box = place.getBoundingClientRect();
  return {
    warnings,
    texts: seen.map(e => e.innerText),
    clipped: seen.filter(e => {
      const r = e.getBoundingClientRect();
      return e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1
        || r.right > box.right + 1 || r.bottom > box.bottom + 1;
    }).map(e => e.innerText),
    elements: place.querySelectorAll('script, img, iframe, a').length,
  };
}"""


def page(card: Mapping[str, Any], *, scripts: Sequence[Path] = SCRIPTS) -> str:
    """A page that draws this card by itself, renderer included. Raises FileNotFoundError without node_modules."""
    given = json.dumps([card, LOOK]).replace("</", "<\\/")
    parts = [*(script.read_text(encoding="utf-8") for script in scripts), f"({DRAW})({given})"]
    return PAGE + "".join(f"<script>{part}</script>" for part in parts)
