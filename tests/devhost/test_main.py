from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from apimend.storage.sqlite import SqliteQueue
from devhost.__main__ import database, load_settings
from devhost.clock import RealClock
from tests.devhost.conftest import eventually

ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The sample app, served by a process of its own."""
    shutil.copy(Path(__file__).parent / "sample_app.py", tmp_path / "function_app.py")
    shutil.copy(ROOT / "host.json", tmp_path)
    (tmp_path / "local.settings.json").write_text('{"Values": {"APIMEND_STORAGE": "sqlite:data/app.db"}}')
    process = subprocess.Popen(
        [sys.executable, "-m", "devhost", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        # Tests that were started in the background ignore interrupts, and what they start would too.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        yield process, tmp_path
        process.kill()


def test_an_app_is_served_until_it_is_interrupted(served: tuple[subprocess.Popen[str], Path]) -> None:
    """
    `python -m devhost` prints its address, answers, takes messages from the embedded queue, and ends on Ctrl-C.
    """
    process, folder = served
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    with urllib.request.urlopen(f"{url}/pages/hello") as response:
        page = response.read()
    queue = SqliteQueue(folder / "data" / "app.db", RealClock())
    queue.put("sample", b"hello")
    eventually(lambda: queue.next_visible("sample") is None)
    queue.close()
    process.send_signal(signal.SIGINT)

    assert (b"hello", 0) == (page, process.wait(timeout=10))


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A value in local.settings.json counts only where the environment has none.
    """
    monkeypatch.setenv("SAMPLE_ONE", "environment")
    monkeypatch.setenv("SAMPLE_TWO", "")
    monkeypatch.delenv("SAMPLE_TWO")
    path = tmp_path / "local.settings.json"
    path.write_text('{"Values": {"SAMPLE_ONE": "file", "SAMPLE_TWO": "file"}}')
    load_settings(path)

    assert ("environment", "file") == (os.environ["SAMPLE_ONE"], os.environ["SAMPLE_TWO"])


def test_azure_storage_is_not_for_the_local_host() -> None:
    """
    With its messages in Azure Storage, the app has to be run by the real host, and we say so.
    """
    with pytest.raises(SystemExit, match="func start"):
        database("azure")
