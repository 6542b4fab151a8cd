"""
Tests are coroutines, run on one loop together with the stand that they get.
"""

import asyncio
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from tests.notify.stand import Stand


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    runner = cast("asyncio.Runner", pyfuncitem.funcargs["runner"])
    names = pyfuncitem._fixtureinfo.argnames
    runner.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.fixturenames.append("runner") if "runner" not in item.fixturenames else None


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def stand(runner: asyncio.Runner, tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(tmp_path)
    runner.run(stand.open())
    yield stand
    runner.run(stand.close())
