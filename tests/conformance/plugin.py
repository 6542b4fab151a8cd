"""
The pytest plugin that checks every exchange of every local Azure in the test run against the OpenAPI files.

Activated in `tests/conftest.py`; without the material it does nothing. The test during which a bad exchange was made
fails, setup included. A test that speaks against the specification on purpose says so with
`@pytest.mark.nonconforming("why")`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance.openapi import Checker, Exchange
from tests.conformance.recordings import MATERIAL

if TYPE_CHECKING:
    from emulator.log import Exchange as Passed

JUDGED = frozenset({"arm", "vault"})


class Watch:
    """
    Judges exchanges as they pass and keeps what is wrong until the test ends.
    """

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._problems: list[str] = []

    def __call__(self, passed: Passed) -> None:
        if passed.place in JUDGED and not passed.fault:
            self._problems += self._checker.check(_exchange(passed))

    def pytest_collection_finish(self) -> None:
        """
        Only a run whose tests have imported the emulator has something to watch; no other pays for its import.
        """
        module = sys.modules.get("emulator.azure")
        if module is not None:
            module.LocalAzure.watchers.append(self)

    def drain(self) -> list[str]:
        problems, self._problems = self._problems, []
        return list(dict.fromkeys(problems))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        try:
            return (yield)
        finally:
            problems = self.drain()
            if problems and item.get_closest_marker("nonconforming") is None:
                pytest.fail("exchanges against the specification:\n  " + "\n  ".join(problems), pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "nonconforming(reason): speaks against the specification on purpose")
    if MATERIAL:
        config.pluginmanager.register(Watch(Checker(Path(MATERIAL))), "conformance-watch")


def _exchange(passed: Passed) -> Exchange:
    call, answer = passed.call, passed.answer
    headers = dict(answer.headers)
    if answer.body is not None:
        headers.setdefault("Content-Type", answer.content_type)
    return Exchange(
        door=passed.place,
        method=call.method,
        url=call.url,
        request_headers=call.headers,
        request_body=call.body,
        status=answer.status,
        response_headers=headers,
        response_body=answer.encoded(),
    )
