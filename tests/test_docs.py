"""
The README and the pages in docs/ say what is so: links lead somewhere, examples load, commands exist.
"""

import re
from pathlib import Path

import pytest

from apimend.documents import load

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("**/*.md"))]
LINK = re.compile(r"(?:\]\(|src=\")([^)#\"\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """
    Every relative link of a page, pictures included, names a file that is there.
    """
    found = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [] == [link for link in found if not (page.parent / link).exists()]


def test_the_example_of_the_readme_loads() -> None:
    """
    The desired state shown in the README has no fault.
    """
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)

    assert load(example, "README.md") is not None


def test_the_commands_of_the_readme_exist() -> None:
    """
    Every make target that the README names is in the Makefile.
    """
    targets = set(re.findall(r"`?make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert [] == [target for target in sorted(targets) if f"\n{target}:" not in makefile]
