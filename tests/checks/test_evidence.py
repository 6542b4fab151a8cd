"""What speaks for enforcing: how long it was observed, and the query that tells whom it would refuse."""

from datetime import UTC, datetime

import pytest

from apimend.evidence import Evidence
from apimend.model.check import Record

SINCE = datetime(2026, 11, 20, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONE = Evidence(service="contoso", since=SINCE, days=7, record=Record.TRACE, pins=("AB" * 20,))


def test_what_is_not_read_is_unknown() -> None:
    """
    The declared time and what has gone of it are said; who failed is unknown, not nobody.
    """
    expected = (
        "Callers who fail the check are recorded and let in since 2026-11-20 09:00 UTC, 2 of 7 declared days. "
        "Who they are is unknown here."
    )

    assert expected == ONE.message(NOW)


def test_enforcing_waits_for_the_declared_days() -> None:
    """
    Before the days are over the next step is to wait.
    """
    assert ONE.steps(NOW)[-1].startswith("Wait until 2026-11-27.")
    assert ONE.steps(datetime(2026, 11, 28, tzinfo=UTC))[-1].startswith("Declare `action: enforce`")


@pytest.mark.parametrize(
    ("record", "table"), [(Record.TRACE, "traces |"), (Record.METRIC, "customMetrics |")], ids=["trace", "metric"]
)
def test_the_query_has_the_names_filled_in(record: Record, table: str) -> None:
    """
    It can be pasted as it is.
    """
    query = Evidence(service="contoso", since=SINCE, days=7, record=record, pins=("AB" * 20,)).query

    assert query.startswith(table)
    assert {'startswith "contoso', "ago(7d)", f'!in ("{"AB" * 20}")'} <= {
        part for part in ('startswith "contoso', "ago(7d)", f'!in ("{"AB" * 20}")') if part in query
    }
