"""
Where a person is sent: links to the pages of the function app.

No link ever carries a function key. The approval's token stands in the fragment, which no server, proxy or link
preview gets to see; the page sends it in the body of a POST.
"""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, kw_only=True)
class Links:
    """The pages below `base_url`; with an empty one there are no links, and the texts do without."""

    base_url: str = ""

    def run(self, run: str) -> str:
        """The page of a run."""
        return self._page("runs", run)

    def part(self, run: str, name: str) -> str:
        """A part of the page of a run: `changes` or `findings`, each with its hand-off."""
        page = self.run(run)
        return f"{page}#{name}" if page else ""

    def approve(self, run: str, token: str = "") -> str:
        """The page that shows the plan and asks for the second click."""
        page = self._page("runs", run, "approve")
        return f"{page}#{quote(token, safe='')}" if page and token else page

    def undo(self, run: str) -> str:
        """The page that shows what undoing a run would do."""
        return self._page("runs", run, "undo")

    def relax(self, run: str) -> str:
        """The page on which the check is set to observe."""
        return self._page("runs", run, "relax")

    def runs(self) -> str:
        """The list of runs."""
        return self._page("runs")

    def posture(self) -> str:
        """The posture of the tenant."""
        return self._page("posture")

    def _page(self, *parts: str) -> str:
        if not self.base_url:
            return ""
        return "/".join((self.base_url.rstrip("/"), *(quote(part, safe="") for part in parts)))
