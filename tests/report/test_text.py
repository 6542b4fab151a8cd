"""Plain text: whole, and harmless in a terminal."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings

from apimend.model.runs import Result, Run
from apimend.report import text
from apimend.report.links import Links
from apimend.report.view import RunView
from script.card_samples import PLANNED, RUNS, SECRET, plan
from tests.report.hostile import hostile_runs


def test_a_plan_tells_what_where_and_why() -> None:
    """
    The text of a plan has the verdict in its first line, then the facts, the changes by stage and the findings.
    """
    lines = text.render(RunView.of(PLANNED, links=Links(base_url="https://a.example"))).splitlines()

    assert "contoso-prod: Dry run. 3 changes planned." == lines[0]
    assert "  Coverage:  5 % → 94 % (34 of 36 operations)" in lines
    assert "  + certificate: certificates/partner-a" in lines
    assert "  ! medium: policy_without_base, apis/legacy-orders" in lines
    assert "  https://a.example/runs/01JDB2Q8K3" == lines[-1]


def test_no_changes_is_a_sentence() -> None:
    """
    A converged run says that nothing changes, and what is true of the instance.
    """
    run = replace(PLANNED, result=Result.CONVERGED, plan=plan(()))
    lines = text.render(RunView.of(run)).splitlines()

    assert "contoso-prod: No changes" == lines[0]
    assert lines[1].startswith("  contoso-prod is as declared. 2 of 36 operations turn away callers")


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_details_show_checks_and_mask_the_rest(run: Run) -> None:
    """
    With details, the diff shows our element and never a value of somebody's policy.
    """
    shown = text.render(RunView.of(run), details=True)

    assert SECRET not in shown


@settings(max_examples=60, deadline=None)
@given(hostile_runs())
def test_hostile_words_cannot_move_the_cursor(run: Run) -> None:
    """
    Whatever a name holds, the text has no control or bidirectional character in it, and begins as ever.
    """
    shown = text.render(RunView.of(run), details=True)

    assert not {c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert shown.startswith("contoso-prod: ")
    assert shown.isprintable() or "\n" in shown
