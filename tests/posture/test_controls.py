"""
Every control passes where all is well, fails for one change, and knows what a tier can't have.
"""

from __future__ import annotations

import pytest

from apimend.model.posture import Verdict
from remediators.posture import CONTROLS, STATEMENTS
from tests.posture.conftest import TIERS, Looks
from tests.posture.tenant import FAILING, PASSING

IDS = [control.id for control in CONTROLS]

NOT_IN = {
    "Developer": {"C7"},
    "Basic": {"N3", "N4", "N5", "N8", "I2", "I3", "C7", "C9"},
    "Standard": {"N3", "N4", "N5", "N8", "C7", "C9"},
    "Premium": set(),
    "Isolated": {"N2"},
    "Consumption": {
        "N2", "N3", "N4", "N5", "N8", "D2", "I1", "I2", "I3", "I4", "I5", "L1", "L2", "L7", "C7", "C9", "C10",
    },
    "BasicV2": {"N2", "N3", "N4", "N5", "N8", "D2", "I1", "L7", "C7", "C9", "C10"},
    "StandardV2": {"N4", "N8", "D2", "I1", "L7", "C9", "C10"},
    "PremiumV2": {"N8", "D2", "I1", "L7", "C9", "C10"},
}  # fmt: skip
"""What each tier does not have, beside what the state of the tenant leaves nothing to judge for."""

NOTHING_THERE = {"N6", "N7"}
"""The gateway is not open, so no firewall has to stand in front."""


def test_there_are_as_many_controls_as_the_baseline_has() -> None:
    """
    62 controls can be observed and 17 have to be attested, each under an id and a name of its own.
    """
    assert (62, 17) == (len(CONTROLS), len(STATEMENTS))
    assert 79 == len({each.id for each in CONTROLS} | {each.id for each in STATEMENTS})
    assert 79 == len({each.name for each in CONTROLS} | {each.name for each in STATEMENTS})


@pytest.mark.nonconforming("one control is shown with explicit nulls")
@pytest.mark.parametrize("control", IDS)
def test_it_passes_where_all_is_well(looks: Looks, control: str) -> None:
    """
    In the tenant where all is well, every control passes and says by what.
    """
    found = looks.passing[control][control] if control in PASSING else looks.base[control]

    assert Verdict.PASS == found.verdict, found.reason
    assert found.evidence


@pytest.mark.parametrize("control", IDS)
def test_it_fails_for_one_change(looks: Looks, control: str) -> None:
    """
    One property that is not as it should be makes it fail, with the resource, the place and the value.
    """
    found = looks.failing[control][control]
    bad = [each for each in found.evidence if each.ok is False]

    assert Verdict.FAIL == found.verdict, found.reason
    assert all(each.subject.startswith("/subscriptions/") and each.pointer and each.why for each in bad)


def test_a_change_fails_no_more_than_it_has_to(looks: Looks) -> None:
    """
    Of the changes that touch one property only, most fail just one control.
    """
    alone = [
        control
        for control, found in looks.failing.items()
        if [control] == [each for each, a in found.items() if a.verdict is Verdict.FAIL]
    ]

    assert set() == set(alone) - set(FAILING)
    assert len(alone) >= 35


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_is_not_blamed_for_what_it_can_not_have(looks: Looks, tier: str) -> None:
    """
    What a tier does not have is not applicable there, and the reason names the tier.
    """
    found = looks.tiers[tier]
    beside = {id for id, each in found.items() if each.verdict is Verdict.NOT_APPLICABLE and tier in each.reason}

    assert NOT_IN[tier] == beside
    assert not [id for id in beside - NOTHING_THERE if not found[id].reason]


@pytest.mark.parametrize("tier", TIERS)
def test_every_control_gives_one_verdict_on_every_tier(looks: Looks, tier: str) -> None:
    """
    A whole look leaves no control out, whatever the tier.
    """
    assert {each.id for each in CONTROLS} | {each.id for each in STATEMENTS} == set(looks.tiers[tier])
