"""
One local Azure with a small tenant for each test that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.stand import Stand, running


@pytest.fixture
def stand() -> Iterator[Stand]:
    with running() as one:
        yield one
