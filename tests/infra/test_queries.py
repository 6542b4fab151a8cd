"""
The queries of alerts and workbook, as Microsoft's own parser of the Kusto query language reads them.
"""

import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "node_modules"
SCRIPT = Path(__file__).with_name("kusto.js")
ALERTS = json.loads((ROOT / "infra" / "app" / "alerts.json").read_text(encoding="utf-8"))
WORKBOOK = json.loads((ROOT / "infra" / "app" / "workbook.json").read_text(encoding="utf-8"))
QUERIES = {
    **{str(alert["name"]): str(alert["query"]) for alert in ALERTS},
    **{str(item["name"]): str(item["content"]["query"]) for item in WORKBOOK["items"] if item["type"] == 3},
}
FAULTS = {
    "no operator": "AppMetrics | wher Name == 'x'",
    "no column": "AppMetrics | where Nme == 'x'",
    "no function": "AppMetrics | summarize summ(Max)",
    "no table": "AppMetric | count",
}

pytestmark = pytest.mark.skipif(
    not (MODULES / "@kusto" / "language-service-next").is_dir(), reason="needs node_modules: npm ci"
)


@cache
def told() -> Mapping[str, list[str]]:
    """What the parser has against each query; asked once, because it takes two seconds to load."""
    asked = json.dumps(QUERIES | FAULTS)
    ran = subprocess.run(["node", SCRIPT, MODULES], input=asked, capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_understood(name: str) -> None:
    """
    Operators, functions and the columns of the table are there, and types fit.
    """
    assert [] == told()[name]


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_query_is_not(name: str) -> None:
    """
    What the parser has to find, it finds.
    """
    assert told()[name]
