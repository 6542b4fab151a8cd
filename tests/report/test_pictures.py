"""Cards as the official renderer draws them, in a real browser."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from apimend.model.plan import Plan
from apimend.report import card
from apimend.report.kinds import NoticeKind
from apimend.report.view import RunView
from script.card_page import SCRIPTS
from script.card_samples import ATTACH, INSTANCE, NO_BASE, PLANNED
from script.pictures import FOLDER, LINKS, Renderer, cards, chromium
from tests.report.hostile import NASTY

OURS = 1
"""The link to the same changes in the owner's code."""

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(not all(script.exists() for script in SCRIPTS), reason="needs node_modules: npm ci"),
]


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer(chromium() or "") as renderer:
        yield renderer


def test_every_card_is_drawn_whole(renderer: Renderer) -> None:
    """
    The renderer understands every card without a warning, and no text is clipped or empty.
    """
    drawn = {name: renderer.draw(made) for name, made in cards().items()}

    assert {} == {name: each.warnings for name, each in drawn.items() if each.warnings}
    assert {} == {name: each.clipped for name, each in drawn.items() if each.clipped}
    assert [] == [name for name, each in drawn.items() if not all(text.strip() for text in each.texts)]


def test_every_card_has_its_picture() -> None:
    """
    docs/cards holds a picture of every card, and none of a card that is gone.
    """
    assert sorted(cards()) == sorted(path.stem for path in Path(FOLDER).glob("*.png"))


@pytest.mark.parametrize("words", NASTY, ids=range(len(NASTY)))
def test_hostile_words_are_drawn_as_words(renderer: Renderer, words: str) -> None:
    """
    Whatever a name holds, it makes no link, image, script or date of its own, and stays within the card.
    """
    change = replace(ATTACH, target=INSTANCE.child("x" * 300), was=words, will=words, reason=words)
    finding = replace(NO_BASE, message=words, why_left=words, steps=(words,))
    run = replace(
        PLANNED,
        trigger=replace(PLANNED.trigger, by=words, operation=words),
        plan=Plan.of([change], [finding]),
        notes=(words,),
        declared=words,
    )
    drawn = renderer.draw(card.render(RunView.of(run, links=LINKS)))

    assert (OURS, [], []) == (drawn.elements, drawn.clipped, drawn.warnings)


def test_a_date_macro_is_drawn_as_text(renderer: Renderer) -> None:
    """
    The one macro that texts of a card know is not carried out in words from outside.
    """
    run = replace(PLANNED, notes=("{{DATE(2026-01-01T00:00:00Z)}}",))
    drawn = renderer.draw(card.render(RunView.of(run, links=LINKS)))

    assert any("DATE(2026-01-01T00:00:00Z)" in text for text in drawn.texts)


def test_every_kind_is_described() -> None:
    """
    docs/cards/README.md tells of every kind of card, and shows each picture that it names.
    """
    told = (FOLDER / "README.md").read_text()

    assert [] == [kind.value for kind in NoticeKind if kind.is_news and f"| `{kind.value}` |" not in told]
    assert [] == [name for name in cards() if f"({name}.png)" not in told]
