"""Pages: escaped, without anything inline, and made for keyboards and screen readers too."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import given, settings

from apimend.model.runs import Run
from apimend.report import html
from apimend.report.links import Links
from apimend.report.view import RunView
from script.card_samples import PLANNED, RUNS, SECRET
from tests.report.hostile import hostile_runs

LINKS = Links(base_url="https://apimend.contoso.example")
VOID = frozenset({"meta", "link", "rect", "br"})


class Page(HTMLParser):
    """What a browser makes of a page: its tags with attributes, and whether they are nested as written."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.crossed.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(run: Run) -> Page:
    return Page(html.run_page(RunView.of(run, links=LINKS, token="t0ken")))


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_pages_are_well_formed_and_masked(run: Run) -> None:
    """
    The page of every kind closes what it opens, has one heading of the first level, and no value of a policy.
    """
    text = html.run_page(RunView.of(run, links=LINKS))
    made = Page(text)

    assert ([], []) == (made.crossed, made.open)
    assert 1 == len(made.all("h1"))
    assert SECRET not in text


def test_a_page_can_be_walked_without_a_mouse() -> None:
    """
    A page has a language, a title, landmarks, a link past the navigation, and heads for its tables; what scrolls
    can be focused.
    """
    made = page(PLANNED)

    assert [{"lang": "en"}] == made.all("html")
    assert [{"id": "main"}] == made.all("main")
    assert {"class": "skip", "href": "#main"} == made.all("a")[0]
    assert len(made.all("table")) == len(made.all("caption"))
    assert all(head.get("scope") in ("row", "col") for head in made.all("th"))
    assert all(block.get("tabindex") == "0" and block.get("aria-label") for block in made.all("pre"))


@settings(max_examples=40)
@given(hostile_runs())
def test_hostile_words_make_no_tags(run: Run) -> None:
    """
    Whatever names hold, a page has the tags that we wrote, nothing inline, and leads to our own pages only.
    """
    made = page(run)
    ours = {tag for _, text in _templates() for tag in re.findall(r"<([a-z][a-z0-9]*)", text)}

    assert ([], []) == (made.crossed, made.open)
    assert set() == {tag for tag, _ in made.tags} - ours
    assert not [name for _, attributes in made.tags for name in attributes if name.startswith("on") or name == "style"]
    assert not [
        link for link in made.all("a") if not re.match(r"/runs|/posture|/certificates|#main", link["href"] or "")
    ]


def test_nothing_stands_inline() -> None:
    """
    No template has a script, a style or a handler in it: the policy that pages are served with forbids them.
    """
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:")

    assert [] == [name for name, text in _templates() if inline.search(text)]
    assert "unsafe" not in html.CONTENT_SECURITY_POLICY


def test_the_token_is_on_no_page() -> None:
    """
    The page of a run never holds an approval's secret.
    """
    assert "t0ken" not in html.run_page(RunView.of(RUNS["approval_needed"], links=LINKS, token="t0ken"))


def test_a_list_leads_to_each_run() -> None:
    """
    The list has a row for each run with a link to it; an empty one says when there will be runs.
    """
    made = Page(html.runs_page([RunView.of(run) for run in RUNS.values()], root="/api"))
    links = [link["href"] for link in made.all("a")]

    assert [f"/api/runs/{run.id}" for run in RUNS.values()] == links[-len(RUNS) :]
    assert "No run yet" in html.runs_page([])


def test_a_run_leads_to_what_else_is_known_of_its_instance() -> None:
    """
    From a run it is one step to the table and graph of the certificates, and to the controls, of the same instance.
    """
    links = [str(each["href"]) for each in page(PLANNED).all("a")]
    wanted = quote(PLANNED.instance.text, safe="/")

    assert {f"/certificates?instance={wanted}", f"/posture/controls?instance={wanted}"} <= set(links)


def test_a_missing_name_is_an_error() -> None:
    """
    A template that asks for what it isn't given fails.
    """
    with pytest.raises(Exception, match="undefined"):
        html.render("runs.html.j2", root="")


def _templates() -> list[tuple[str, str]]:
    folder = html._TEMPLATES
    return [(path.name, path.read_text()) for path in sorted(folder.glob("*.j2"))]
