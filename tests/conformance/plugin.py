"""
The pytest plugin that checks every exchange of every local Azure in the test run against the OpenAPI files.

Activated in `tests/conftest.py`; without the material it does nothing. The test during which a bad exchange was made
fails, setup included. A test that speaks against the specification on purpose says so with
`@pytest.mark.nonconforming("why")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.azure import LocalAzure
from emulator.log import Exchange as Passed
from tests.conformance.openapi import Checker, Exchange
from tests.conformance.recordings import MATERIAL

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
        watch = Watch(Checker(Path(MATERIAL)))
        LocalAzure.watchers.append(watch)
        config.pluginmanager.register(watch, "conformance-watch")


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
