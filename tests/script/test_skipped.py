from __future__ import annotations

from pathlib import Path

import pytest

from script.skipped import refused, skipped

RESULTS = """<testsuites><testsuite>
<testcase classname="tests.a" name="runs" />
<testcase classname="tests.a" name="tool"><skipped type="pytest.skip" message="Chromium is not installed" /></testcase>
<testcase classname="tests.a" name="data">
  <skipped type="pytest.skip" message="APIMEND_MATERIAL is not set" />
</testcase>
<testcase classname="tests.a" name="known"><skipped type="pytest.xfail" message="a bug" /></testcase>
</testsuite></testsuites>"""
TOOL = "tests.a::tool: Chromium is not installed"
DATA = "tests.a::data: APIMEND_MATERIAL is not set"


@pytest.mark.parametrize(
    ("material", "expected"),
    [pytest.param(False, [TOOL], id="without-material"), pytest.param(True, [TOOL, DATA], id="with-material")],
)
def test_a_skip_needs_an_accepted_reason(tmp_path: Path, material: bool, expected: list[str]) -> None:
    """
    A test skipped for a missing tool is refused; one skipped for the material only where the material is there.
    """
    results = tmp_path / "results.xml"
    results.write_text(RESULTS, encoding="utf-8")

    assert expected == refused(skipped(results), material=material)
