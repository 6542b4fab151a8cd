"""
The sample app of devhost's tests on Microsoft's runtime: what the local host does with it is what Azure would do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from devhost.functions import read
from tests.devhost.sample_app import create
from tests.runtime.app import ROOT, Report, on_runtime

SAMPLE = ROOT / "tests" / "devhost" / "sample_app.py"
CALLS = (
    {"function": "on_event", "kind": "event", "event": {"id": "a"}},
    {"function": "on_event", "kind": "event", "event": {"id": "b", "specversion": "1.0"}},
    {"function": "on_event", "kind": "event", "event": {"id": "bad"}},
    {"function": "on_message", "kind": "queue", "body": "hello"},
    {"function": "on_message", "kind": "queue", "body": "fail"},
    {"function": "on_message", "kind": "queue", "body": "return"},
    {"function": "parked", "kind": "queue", "body": "text"},
    {"function": "tick", "kind": "timer"},
    {"function": "thing", "kind": "http", "method": "POST", "params": {"id": "1"}, "body": "text"},
    {"function": "page", "kind": "http", "params": {"path": "a"}},
    {"function": "broken", "kind": "http"},
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return on_runtime(SAMPLE, CALLS, scratch=tmp_path_factory.mktemp("runtime"))


def test_both_read_the_same_functions(report: Report) -> None:
    """
    The runtime finds the functions that the local host finds.
    """
    assert {each.name for each in read(create([]))} == set(report.functions)


def test_both_fail_the_same_calls(report: Report) -> None:
    """
    A call fails on the runtime where it fails here: an exception, and a value without a binding.
    """
    failed = [index for index, result in enumerate(report.results) if result.error]

    assert [2, 4, 5, 10] == failed


def test_http_answers_come_through(report: Report) -> None:
    """
    Status and body of an HTTP function come through as they do here.
    """
    thing = report.results[8]

    assert (201, '{"id": "1", "params": {}, "body": "text"}') == (thing.status, thing.body)


def test_a_bad_app_is_explained(tmp_path: Path) -> None:
    """
    An app that can't be indexed is reported with the runtime's own reason.
    """
    script = tmp_path / "function_app.py"
    script.write_text("import nowhere\n", encoding="utf-8")

    assert "No module named 'nowhere'" in on_runtime(script, (), scratch=tmp_path).error
