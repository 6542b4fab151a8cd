"""
A run, and a list of runs, as pages: no build step, no script of their own, one stylesheet.

`web` serves them with CONTENT_SECURITY_POLICY, which forbids inline scripts and styles; so do the templates.
Whatever comes from outside is escaped by Jinja and stands in <bdi>, so that its direction ends with it. Further
pages extend `page.html.j2` through `render`.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from apimend.model.plan import Severity
from apimend.model.runs import Status
from apimend.report.plain import clean, count, day, minutes, moment, seconds
from apimend.report.view import RunView

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STYLESHEET = "style.css"
"""The name under which the stylesheet is served, beside the pages; `root` leads there."""

_TEMPLATES = Path(__file__).parent / "templates"


def run_page(view: RunView, *, root: str = "") -> str:
    """The page of one run. `root` is the path below which the pages are served, without a slash at its end."""
    return render("run.html.j2", root=root, view=view)


def runs_page(views: Sequence[RunView], *, root: str = "", heading: str = "Runs") -> str:
    """The list of runs, as given: newest first."""
    return render("runs.html.j2", root=root, views=views, heading=heading)


def render(template: str, **values: Any) -> str:
    """Any page that extends `page.html.j2`; a name that a template misses is an error, never an empty text."""
    return _environment().get_template(template).render(**values)


@cache
def stylesheet() -> str:
    """The one stylesheet of all pages."""
    return (_TEMPLATES / STYLESHEET).read_text(encoding="utf-8")


@cache
def script(name: str) -> str:
    """One of the few scripts, by its file name: each is a file of its own, never inline."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clean": clean,
        "moment": moment,
        "minutes": minutes,
        "seconds": seconds,
        "count": count,
        "day": day,
    }
    environment.globals |= {"Status": Status, "Severity": Severity}
    return environment
