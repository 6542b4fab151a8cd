"""
The pages in a real browser: the second click, hostile names, keyboards, dark mode, small screens.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from apimend.model.ids import InstanceId
from apimend.model.plan import Plan
from apimend.model.runs import Progress
from demo.world import World
from script.card_samples import ATTACH, CHECK, INSTANCE, NO_BASE, RUNS, finding
from script.pictures import FLAGS
from tests.report.hostile import NASTY
from tests.tools import chromium
from tests.web.stand import APPROVERS, Running, desired

pytestmark = pytest.mark.chromium

HOSTILE = "hostile-run"
PAGES = (
    "runs",
    "runs/RUN",
    "runs/RUN/approve",
    "runs/RUN/undo",
    "runs/RUN/relax",
    "posture",
    "certificates",
    "stop",
    "runs/none",
)
FOREIGN = "script:not([src='/approve.js']), img, iframe, object, form[action^='http'], a[href^='javascript']"
CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
  const behind = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll('main *, header *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) poor.push(e.className + ': ' + e.textContent.slice(0, 40));
  }
  return poor;
}"""

NAMES = """() => [...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .map(e => (e.labels?.[0]?.innerText ?? e.innerText ?? '').trim())"""


async def with_hostile_runs(world: World) -> None:
    """A run in which every word is hostile, of an instance that the posture shows."""
    words = " ".join(NASTY).replace("\ud800", "")
    change = replace(ATTACH, target=INSTANCE.child("x" * 300), was=words, will=words, reason=words, hand_off=words)
    edit = replace(CHECK, after=(CHECK.after or "").replace("D4DE20", "</pre><script>alert(1)</script>"))
    bad = replace(NO_BASE, message=words, why_left=words, steps=(words,))
    ends = finding("certificate_expiring", NO_BASE.severity, words, below="certificates/<b>x")
    run = replace(
        RUNS["approval_needed"],
        id=HOSTILE,
        started=world.clock.now(),
        ended=world.clock.now(),
        trigger=replace(RUNS["plan"].trigger, by=words, operation=words),
        plan=Plan.of([change, edit], [bad, ends], coverage=RUNS["plan"].plan.coverage),
        notes=(words,),
        declared=words,
    )
    ledger = (await world.app.door.wired()).storage.ledger
    await ledger.save_run(run)
    await ledger.save_progress(Progress(instance=InstanceId.of(INSTANCE.text), managed=True, seen=run.ended))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in() -> Iterator[Running]:
    text = desired("ask", more=APPROVERS)
    with Running(text, prepare=with_hostile_runs, APIMEND_SIGN_IN="appservice") as running:
        yield running


def opened(browser: Browser, running: Running, **more: Any) -> BrowserContext:
    return browser.new_context(extra_http_headers=running.person, base_url=running.url, **more)


def at(page: Page, path: str, run: str) -> list[str]:
    """Go there; what the browser complained about, but for the status of a page that isn't there."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto("/" + path.replace("RUN", run))
    return [text for text in said if "404" not in text]


@pytest.mark.parametrize("path", PAGES)
def test_hostile_words_stay_words(browser: Browser, signed_in: Running, path: str) -> None:
    """
    Whatever names, policies and claims hold, a page runs nothing, shows nothing foreign, and the browser complains of
    nothing; on a narrow screen nothing sticks out.
    """
    with opened(browser, signed_in, viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        said = at(page, path, HOSTILE)

        assert ([], 0) == (said, page.locator(FOREIGN).count())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, signed_in: Running, scheme: str) -> None:
    """
    In light and in dark, every text stands out from what is behind it by 4.5 to 1 or more.
    """
    with opened(browser, signed_in, color_scheme=scheme) as context:
        page = context.new_page()
        poor = {path: at(page, path, signed_in.run["run"]) + page.evaluate(CONTRAST) for path in PAGES}

        assert {} == {path: found for path, found in poor.items() if found}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_heard(browser: Browser, signed_in: Running, path: str) -> None:
    """
    One heading of the first level, landmarks, a title, and a name for every field, link and button.
    """
    with opened(browser, signed_in) as context:
        page = context.new_page()
        at(page, path, signed_in.run["run"])
        named: list[str] = page.evaluate(NAMES)

        assert (1, 1, 1) == tuple(page.get_by_role(role).count() for role in ("main", "navigation", "banner"))
        assert 1 == page.locator("h1").count()
        assert page.title().endswith("Apimend")
        assert all(named)


def test_looking_at_an_approval_writes_nothing_and_a_key_press_approves(browser: Browser, signed_in: Running) -> None:
    """
    Signed in, without a mouse and without JavaScript: the page shows plan and diff, and its button orders it.
    """
    with opened(browser, signed_in, java_script_enabled=False) as context:
        page = context.new_page()
        at(page, "runs/RUN/approve", signed_in.run["run"])
        page.get_by_label("Why").focus()
        page.keyboard.type("agreed")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/orders/*")

        assert page.locator("h1").inner_text()


def test_a_link_takes_a_second_click(browser: Browser) -> None:
    """
    The secret leaves the address bar, the plan is shown, and only the button approves; then the link is used up.
    """
    with Running(desired("ask"), APIMEND_APPROVAL="link") as running:
        page = browser.new_page()
        page.goto(running.link)
        page.get_by_role("button", name="Approve and apply").wait_for()
        address = page.url
        page.get_by_role("button", name="Approve and apply").click()
        page.get_by_role("heading", name="The changes are ordered").wait_for()
        page.goto("about:blank")
        page.goto(running.link)
        page.get_by_text("This link has been used").wait_for()

        assert "#" in running.link
        assert "#" not in address


def test_a_link_without_its_secret_shows_nothing(browser: Browser) -> None:
    """
    Whoever has the address alone, a link preview for one, is shown nothing of the plan.
    """
    with Running(desired("ask"), APIMEND_APPROVAL="link") as running:
        page = browser.new_page()
        page.goto(running.link.partition("#")[0])
        page.get_by_text("no secret in it").wait_for()

        assert "contoso-dev" not in page.content()
