"""
The page of the rules says what the rules say of themselves.
"""

from typing import Any

import pytest

from apimend.ports import Remediator, Safety
from remediators import ALL
from script.rules_document import DOCUMENT, PARTS, said, text


def test_the_page_is_that_of_the_rules() -> None:
    """
    docs/remediators.md is what `python -m script.rules_document` writes.
    """
    assert text() == DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_a_rule_says_everything(rule: Remediator[Any]) -> None:
    """
    What it finds, why that matters, what it changes, how safe that is, and where to read on.
    """
    first, parts = said(rule)

    assert list(PARTS) == list(parts)
    assert first
    assert all(parts.values())


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_permissions_tell_who_can_write(rule: Remediator[Any]) -> None:
    """
    A rule that only reports needs no permission to write, and every other one names those it needs.
    """
    assert (rule.safety is Safety.REPORT_ONLY) == (not rule.writes)
