"""
The stand that the tests of notify share.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.notify.stand import Stand


@pytest_asyncio.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    stand = Stand(tmp_path)
    await stand.open()
    yield stand
    await stand.close()
