"""
A posture whatever its evidence holds: harmless as text, in a spreadsheet, on a page, and for programs.
"""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from apimend.model.plan import Severity
from apimend.model.posture import Assessment, Evidence, Verdict
from apimend.posture.control import Catalogue
from apimend.posture.record import Posture, dumped, loaded
from apimend.report import html, posture_json, posture_ocsf, posture_sarif, posture_text
from apimend.report.posture import PostureView
from remediators import ALL
from remediators.posture import CONTROLS
from script.card_samples import INSTANCE
from tests.report.hostile import NASTY

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HARMFUL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
CATALOGUE = Catalogue.of(ALL)
words = st.one_of(st.sampled_from([*NASTY, "=1+1", "@x", "+x", "-x"]), st.text(max_size=60))
segment = st.text(st.characters(min_codepoint=33, exclude_characters="/"), min_size=1, max_size=20)


@st.composite
def hostile(draw: st.DrawFn) -> PostureView:
    """A posture of some controls, whose evidence holds anything."""
    found = []
    for control in draw(st.lists(st.sampled_from(CONTROLS), min_size=1, max_size=4, unique_by=lambda c: c.id)):
        subject = draw(st.one_of(words, segment.map(lambda name: f"{INSTANCE.text}/apis/{name}")))
        bad = Evidence(
            subject=subject,
            pointer=draw(
                st.one_of(words, st.sampled_from(["/properties/protocols", "/tags/owner", "line 1: inbound"]))
            ),
            observed=draw(words),
            expected=control.title,
            ok=False,
            read=NOW,
            why=draw(words),
        )
        found.append(
            Assessment(
                control=control.id,
                name=control.name,
                family=control.family.value,
                title=control.title,
                verdict=draw(st.sampled_from([Verdict.FAIL, Verdict.UNKNOWN, Verdict.WAIVED])),
                severity=Severity.HIGH,
                reason=draw(words),
                read=NOW,
                evidence=(bad,),
            )
        )
    return PostureView.of(Posture(instance=INSTANCE, assessments=tuple(found), looked=NOW, read=NOW), CATALOGUE)


class Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.events: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.events += [
            name for name, value in attrs if name.startswith("on") or (value or "").startswith("javascript:")
        ]


@settings(max_examples=50)
@given(hostile())
def test_a_page_and_a_text_are_harmless(view: PostureView) -> None:
    """
    No element, handler or control character comes from evidence.
    """
    page, text = Elements(), posture_text.render(view, everything=True)
    page.feed(html.render("controls.html.j2", root="", view=view))

    assert ([], set()) == (page.events, page.names & {"script", "img", "iframe", "object", "form"})
    assert [] == HARMFUL.findall(text)


@settings(max_examples=50)
@given(hostile())
def test_a_spreadsheet_runs_nothing(view: PostureView) -> None:
    """
    Every row has its columns, and no cell begins as a formula does.
    """
    rows = list(csv.reader(io.StringIO(posture_text.render_csv([view]))))

    assert {len(posture_text.COLUMNS)} == set(map(len, rows))
    assert [] == [cell for row in rows[1:] for cell in row if cell.startswith(("=", "+", "-", "@"))]


@settings(max_examples=50)
@given(hostile())
def test_programs_can_read_it(view: PostureView) -> None:
    """
    JSON, SARIF and OCSF are written for anything, and each control has a hand-off or its reason.
    """
    told = [posture_json.render(view), posture_sarif.render([view]), posture_ocsf.render(view)]

    assert told == json.loads(json.dumps(told, ensure_ascii=False).encode())
    assert all(bool(each.hand_off) != bool(each.no_hand_off) for each in view.controls)


@settings(max_examples=50)
@given(words)
def test_what_is_kept_is_read_again(word: str) -> None:
    """
    A note of the ledger gives back what was noted, whatever it held.
    """
    given_ = Assessment(
        control="N1",
        name="n",
        family="f",
        title=word,
        verdict=Verdict.FAIL,
        severity=Severity.LOW,
        reason=word,
        read=NOW,
    )
    posture = Posture(instance=INSTANCE, assessments=(given_, replace(given_, control="N2")))

    assert posture == loaded(INSTANCE, dumped(posture))
