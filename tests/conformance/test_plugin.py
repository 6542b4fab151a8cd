"""
The plugin: a test that makes a bad exchange fails, and says which.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from emulator.http import Answer, Call
from emulator.log import Exchange
from tests.conformance.openapi import Checker
from tests.conformance.plugin import Watch
from tests.conformance.recordings import MATERIAL, MISSING

pytestmark = pytest.mark.skipif(not MATERIAL, reason=MISSING)
SERVICE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x"


def passed(*, place: str = "arm", fault: str = "", status: int = 200) -> Exchange:
    call = Call(
        method="GET",
        url=f"https://localhost{SERVICE}/certificates/c?api-version=2024-05-01",
        host="localhost",
        path=f"{SERVICE}/certificates/c",
        query={"api-version": "2024-05-01"},
        headers=CIMultiDictProxy(CIMultiDict()),
        body=b"",
        at=datetime(2026, 11, 22, tzinfo=UTC),
    )
    return Exchange(place=place, call=call, answer=Answer(status=status, body={"wrong": 1}), fault=fault)


@pytest.mark.parametrize(
    ("exchange", "count"),
    [
        pytest.param(passed(), 1, id="bad"),
        pytest.param(passed(fault="scripted"), 0, id="a scripted fault"),
        pytest.param(passed(place="teams"), 0, id="another door"),
    ],
)
def test_bad_exchanges_are_kept_until_the_test_ends(exchange: Exchange, count: int) -> None:
    """
    A bad exchange is kept once; what a test scripted, or what has no specification, is not judged.
    """
    watch = Watch(Checker(Path(MATERIAL)))
    watch(exchange)
    watch(exchange)

    assert count == len(watch.drain())
    assert [] == watch.drain()


def test_a_bad_exchange_fails_its_test() -> None:
    """
    The wrapper around a test's call raises with the list of problems.
    """
    watch = Watch(Checker(Path(MATERIAL)))

    class Item:
        def get_closest_marker(self, name: str) -> None:
            return None

    running = watch.pytest_runtest_call(Item())  # type: ignore[arg-type]  # a stand-in
    next(running)
    watch(passed())

    with pytest.raises(pytest.fail.Exception, match="'wrong' was unexpected"):
        next(running)
