"""
Runs whose every word from outside is hostile: for the tests of all renderers.
"""

from dataclasses import replace

from hypothesis import strategies as st

from apimend.model.plan import Change, Finding, Plan
from apimend.model.runs import Outcome, Run, Status
from script.card_samples import CHANGES, NO_BASE, RUNS, UPLOADED

MARK = "HOSTILE"

NASTY = (
    "**bold** [link](https://evil.example) `code` # title",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b[0m\x07\r\nINJECTED: line",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "{{DATE(2026-01-01T00:00:00Z)}} ${expression} @{triggerBody()} {{ 7*7 }}",
    "a" * 5_000,
    "e" + "\u0301" * 400,
    "\ud800 lone surrogate",
    '"><a href="javascript:alert(1)">x</a>',
    "- item\n- item\n\n---\n| a | b |",
    "</td></table></details>",
)

words = st.builds(
    lambda before, nasty, after: f"{before}{MARK}{nasty}{after}",
    st.text(max_size=20),
    st.one_of(st.sampled_from(NASTY), st.text(max_size=60)),
    st.text(max_size=20),
)
names = st.text(
    st.characters(min_codepoint=33, exclude_characters="/\x7f", exclude_categories=["Zs", "Zl", "Zp"]), min_size=1
).filter(lambda name: not any(character.isspace() for character in name))


@st.composite
def hostile_changes(draw: st.DrawFn) -> Change:
    """A change with hostile words and a hostile name."""
    change = draw(st.sampled_from(CHANGES))
    return replace(
        change,
        target=change.target.child(MARK + draw(names)),
        reason=draw(words),
        was=draw(words),
        will=draw(words),
        downtime=draw(words),
        hand_off=draw(words),
    )


@st.composite
def hostile_findings(draw: st.DrawFn) -> Finding:
    """A finding with hostile words."""
    finding = draw(st.sampled_from((NO_BASE, UPLOADED)))
    return replace(
        finding,
        target=finding.target.child(MARK + draw(names)),
        message=draw(words),
        why_left=draw(words),
        steps=(draw(words),),
        hand_off=draw(words),
    )


@st.composite
def hostile_runs(draw: st.DrawFn) -> Run:
    """A run of any kind with hostile words wherever words come from outside."""
    run = draw(st.sampled_from(list(RUNS.values())))
    changes = draw(st.lists(hostile_changes(), max_size=3))
    findings = [*run.plan.findings, *draw(st.lists(hostile_findings(), max_size=3))]
    outcomes = [
        Outcome(change=change.id, status=draw(st.sampled_from(Status)), why=draw(words), code=draw(words))
        for change in changes
    ]
    return replace(
        run,
        trigger=replace(run.trigger, by=draw(words), operation=draw(words), event_id=draw(words)),
        plan=Plan.of(changes, findings, coverage=run.plan.coverage, coverage_after=run.plan.coverage_after),
        outcomes=tuple(outcomes),
        notes=(draw(words),),
        declared=draw(words),
        error=draw(st.one_of(st.just(""), words)),
    )
