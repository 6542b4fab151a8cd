"""
The pages for operators name what there is: alerts, cards, findings, roles, metrics, places of storage.
"""

import json
import re

import pytest

from apimend.report.kinds import NoticeKind
from apimend.telemetry import METRICS
from script.findings import codes
from script.roles import BUILT_IN, MADE
from tests.infra.grants import ROOT

INFRA, DOCS = ROOT / "infra", ROOT / "docs"
ALERTS = json.loads((INFRA / "app" / "alerts.json").read_text(encoding="utf-8"))
METRIC = re.compile(r"'(apimend\.[a-z_.]+)'")


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("alert", ALERTS, ids=[alert["name"] for alert in ALERTS])
def test_every_alert_has_a_runbook(alert: dict[str, str]) -> None:
    """
    The heading that an alert names is in docs/operate.md.
    """
    assert f"\n### {alert['runbook']}\n" in page("operate")


def test_alerts_in_templates_have_a_runbook() -> None:
    """
    So does the metric alert on a subscription's topic.
    """
    written = (INFRA / "modules" / "subscription-topic.bicep").read_text(encoding="utf-8")
    named = re.findall(r'docs/operate\.md, "([^"]+)"', written)

    assert [True] == [f"\n### {heading}\n" in page("operate") for heading in named]


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind.is_news], ids=lambda kind: kind.value)
def test_every_card_has_an_entry(kind: NoticeKind) -> None:
    """
    Whoever gets a card finds what to do about it.
    """
    assert f"\n| `{kind.value}` |" in page("operate")


def test_alerts_and_workbook_ask_for_metrics_that_are_sent() -> None:
    """
    A query for a metric that nobody sends would be silent for ever.
    """
    sent = {metric.name for metric in METRICS}
    workbook = (INFRA / "app" / "workbook.json").read_text(encoding="utf-8")
    asked = set(METRIC.findall(workbook)) | {name for alert in ALERTS for name in METRIC.findall(alert["query"])}

    assert set() == asked - sent
    assert set() == {metric.name for metric in METRICS if f"`{metric.name}`" not in page("operate")}


def test_every_finding_has_a_row() -> None:
    """
    docs/findings.md has a row for each code in the sources, and for no other.
    """
    documented = set(re.findall(r"^\| `([a-z0-9_]+)` \|", page("findings"), re.MULTILINE))
    found = set(codes())

    assert (set(), set()) == (found - documented, documented - found)


def test_every_role_is_explained() -> None:
    """
    docs/security.md names each custom and built-in role that the templates assign.
    """
    names = [str(make()["name"]) for make in MADE.values()] + [role.name for role in BUILT_IN]

    assert [] == [name for name in names if f"*{name}*" not in page("security")]


def test_every_place_of_storage_is_explained() -> None:
    """
    docs/data.md names every container and queue, and the table.
    """
    written = (INFRA / "app" / "storage.bicep").read_text(encoding="utf-8")
    places = [*re.findall(r"^  '([a-z-]+)' //", written, re.MULTILINE), "apimend-visits", "apimend-notices"]

    assert 7 == len(places)
    assert [] == [place for place in places if f"`{place}" not in page("data")]


def test_a_workbook_is_valid_json_with_queries() -> None:
    """
    Each tile has a query and a title.
    """
    items = json.loads((INFRA / "app" / "workbook.json").read_text(encoding="utf-8"))["items"]
    tiles = [item["content"] for item in items if item["type"] == 3]

    assert [] == [tile for tile in tiles if not (tile["query"] and tile["title"])]
    assert 10 < len(tiles)
