"""
Draws every card with the official renderer in headless Chromium: python -m script.pictures

Writes docs/cards/*.png. The tests use `Renderer` to see that nothing is clipped, empty or not understood. Needs
Chromium (Debian: apt-get install chromium) and node_modules (make test sets them up).
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from playwright.sync_api import Browser, Playwright, sync_playwright

from apimend.report import card, digest
from apimend.report.digest import DigestView
from apimend.report.links import Links
from apimend.report.view import RunView
from script.card_page import DRAW, LOOK, PAGE, SCRIPTS
from script.card_samples import AT, RUNS, elsewhere

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "cards"
WIDTH = 700
LINKS = Links(base_url="https://apimend.contoso.example")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A card as it was drawn, and what the renderer had to say. `elements` counts links, images and the like."""

    png: bytes
    warnings: list[str]
    texts: list[str]
    clipped: list[str]
    elements: int


def chromium() -> str | None:
    """Where Chromium is; None where it is not installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Renderer:
    """A browser with the renderer loaded, as long as it is entered."""

    def __init__(self, browser: str) -> None:
        self._path = browser

    def __enter__(self) -> "Renderer":
        self._playwright: Playwright = sync_playwright().start()
        self._browser: Browser = self._playwright.chromium.launch(executable_path=self._path, args=list(FLAGS))
        self._page = self._browser.new_page(viewport={"width": WIDTH, "height": 400})
        self._page.set_content(PAGE)
        for script in SCRIPTS:
            self._page.add_script_tag(content=script.read_text())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._browser.close()
        self._playwright.stop()

    def draw(self, made: Mapping[str, Any]) -> Drawn:
        """Draw one card."""
        told = self._page.evaluate(DRAW, [dict(made), LOOK])
        return Drawn(png=self._page.screenshot(full_page=True), **told)


def cards() -> dict[str, dict[str, Any]]:
    """The card of every kind, by name."""
    views = {name: RunView.of(run, links=LINKS, token="example") for name, run in RUNS.items()}
    made = {name: card.render(view) for name, view in views.items()}
    day = DigestView.of(
        "Daily digest",
        [RunView.of(elsewhere(run, name), links=LINKS) for name, run in RUNS.items()],
        since=AT - timedelta(days=1),
        until=AT,
        instances=41,
        covered=1_234,
        operations=1_418,
        baseline=71,
        judged=39,
        page=LINKS.runs(),
    )
    return {**made, "daily_digest": digest.render(day)}


def smaller(png: bytes) -> bytes:
    """The picture with a palette, where pngquant is installed (Debian: apt-get install pngquant)."""
    pngquant = shutil.which("pngquant")
    if pngquant is None:
        return png
    return subprocess.run([pngquant, "--quality=80-100", "--strip", "-"], input=png, capture_output=True).stdout or png


def main() -> int:
    """Draw all into docs/cards."""
    browser = chromium()
    if browser is None or not all(script.exists() for script in SCRIPTS):
        print("Needs Chromium (Debian: apt-get install chromium) and node_modules (npm ci).", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Renderer(browser) as renderer:
        for name, made in cards().items():
            drawn = renderer.draw(made)
            (FOLDER / f"{name}.png").write_bytes(smaller(drawn.png))
            complaints = json.dumps([*drawn.warnings, *drawn.clipped]) if drawn.warnings or drawn.clipped else ""
            print(f"{name}: {len(drawn.png):,} bytes {complaints}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
