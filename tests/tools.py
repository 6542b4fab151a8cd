"""
The programs that some tests need and pip can't bring: Chromium, and Azurite with its Node.js.

tests/conftest.py skips those tests where a program is missing, and says how to get it; CI refuses skipped tests.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Missing(Exception):
    """A program that isn't here, and how to get it."""


def chromium() -> str:
    """The path of a Chromium."""
    for name in CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found
    raise Missing("Chromium is not installed (Debian: apt-get install chromium)")


def azurite() -> tuple[str, str]:
    """How to start Azurite: Node.js and the script it runs."""
    script = ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
    # script/setup takes Node.js from PyPI, into the virtualenv, where the machine has none.
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None or not script.exists():
        raise Missing("Node.js or Azurite is not installed (`make test` installs both)")
    return node, str(script)
