"""How the app starts: what its import loads, and what wiring leaves open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from apimend.model.errors import Unavailable
from apimend.settings import Settings
from apimend.wiring import wire
from devhost.clock import RealClock

ROOT = Path(__file__).parents[1]
HEAVY = ("aiohttp", "azure.core", "azure.data", "azure.identity", "azure.keyvault", "azure.mgmt", "azure.storage")


class Identity:
    """A credential that says whether it was let go."""

    def __init__(self) -> None:
        self.closed = 0

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise AssertionError("wiring asks for no token")

    async def close(self) -> None:
        self.closed += 1

    async def __aenter__(self) -> Identity:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def test_indexing_loads_no_azure_sdk() -> None:
    """
    Importing the function app, by which the platform indexes it, loads neither an Azure SDK nor an HTTP library.
    """
    code = f"import sys, function_app; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


async def test_wiring_that_fails_lets_go(tmp_path: Path) -> None:
    """
    Where storage can't be opened, what was opened before is closed: the next message wires the app anew.
    """
    identity = Identity()
    settings = Settings.load({"APIMEND_STORAGE": f"sqlite:{tmp_path}/nowhere/a.db"})
    with pytest.raises(Unavailable):
        await wire(settings, clock=RealClock(), remediators=(), credential=identity)

    assert 1 == identity.closed


async def test_closing_lets_everything_go(tmp_path: Path) -> None:
    """
    A wired app gives back its identity, its files and its connections, each once.
    """
    identity = Identity()
    settings = Settings.load({"APIMEND_STORAGE": f"sqlite:{tmp_path}/a.db"})
    wired = await wire(settings, clock=RealClock(), remediators=(), credential=identity)
    await wired.close()
    await wired.close()

    assert (1, True) == (identity.closed, wired.azure.session.closed)
