"""The two things that a newcomer runs, as they are run: `make demo` and `make serve`."""

import io
import signal
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from demo.story import OUTPUT, tell
from script.card_page import page

ROOT = Path(__file__).parents[2]


async def test_the_story_comes_true() -> None:
    """
    Every claim of the demo comes true, and what it says to look at is there.
    """
    told = io.StringIO()
    code = await tell(Console(file=told, width=118, soft_wrap=True))

    assert 0 == code, told.getvalue()
    assert {"card.json", "run.html", "run.json"} <= {path.name for path in OUTPUT.iterdir()}


def test_what_is_served_leaves_nothing_behind(tmp_path: Path) -> None:
    """
    Whoever ends `make serve` finds neither an error nor its temporary folders.
    """
    command = [sys.executable, "-m", "demo.serve"]
    with subprocess.Popen(command, cwd=ROOT, env={"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True) as serve:
        assert serve.stdout is not None
        running = serve.stdout.readline()
        while "Then set" not in serve.stdout.readline():
            assert serve.poll() is None
        serve.send_signal(signal.SIGTERM)

    assert ("The app and its local Azure are running. Ctrl-C ends them.\n", 0) == (running, serve.returncode)
    assert [] == list(tmp_path.iterdir())


def test_a_card_can_not_end_the_script_that_draws_it(tmp_path: Path) -> None:
    """
    The page of a card holds its words as data, whatever they are.
    """
    renderer = tmp_path / "renderer.js"
    renderer.write_text("// draws", encoding="utf-8")
    made = page({"body": "</script><b>"}, scripts=[renderer])

    assert 2 == made.count("</script>")
