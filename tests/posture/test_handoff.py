"""
Every control that fails offers the same mend in the owner's code, or says why there is none.
"""

from __future__ import annotations

import json
import re

import pytest

from apimend.model.ids import InstanceId
from apimend.model.posture import Evidence, Verdict
from apimend.posture.control import Catalogue
from apimend.posture.record import Posture, merged
from apimend.report import posture_json, posture_text
from apimend.report.handoff import CONTROLS as TABLE
from apimend.report.handoff import HandOff, of_control
from apimend.report.posture import PostureView
from remediators import ALL
from remediators.posture import CONTROLS, STATEMENTS
from tests.posture.conftest import Looks
from tests.posture.stand import INSTANCE
from tests.posture.tenant import FAILING, NOW
from tests.report.languages import AZURERM, bicep_members, is_member, terraform_arguments

BY_A_PERSON = {"D6", "D7", "D9", "D11", "S3", "I5", "I10", "I11", "I12", "P2", "C4", "C5", "C6", "C10", "C12"}
"""Controls whose mend no code of the owner holds, or that a person has to decide first."""

SENTENCE = re.compile(r"[A-Z].{15,}\.")


def told(looks: Looks, control: str) -> HandOff:
    found = looks.failing[control][control]
    return of_control(control, found.verdict, INSTANCE, found.evidence)


def test_every_control_has_an_entry() -> None:
    """
    The tables have each control once, and no other.
    """
    assert {each.id for each in CONTROLS} == set(TABLE)


@pytest.mark.nonconforming("one control is shown with explicit nulls")
@pytest.mark.parametrize("control", sorted(FAILING))
def test_a_failing_control_has_snippets_or_a_reason(looks: Looks, control: str) -> None:
    """
    Where the mend can be said in code it is said with the names of what failed; elsewhere one sentence tells why not.
    """
    found = told(looks, control)

    assert (control in BY_A_PERSON) == (not found.lines)
    assert found.lines or SENTENCE.fullmatch(found.why_none)


@pytest.mark.parametrize("control", sorted(set(FAILING) - BY_A_PERSON))
def test_its_names_are_those_of_the_languages(looks: Looks, control: str) -> None:
    """
    Arguments are those of azurerm, members those of Microsoft's types of Bicep, files JSON, and nothing is left open.
    """
    text = "\n".join(told(looks, control).lines)

    assert [] == [f"{kind}: {name}" for kind, name in terraform_arguments(text) if name not in AZURERM[kind]]
    apim = [(kind, path) for kind, path in bicep_members(text) if kind.startswith("Microsoft.ApiManagement/")]
    assert [] == [f"{kind}: {path}" for kind, path in apim if not is_member(kind, path)]
    for file in re.findall(r"\.json\n(\{.*?\n\})", text, re.DOTALL):
        assert json.loads(file)["properties"]


def test_it_names_what_failed(looks: Looks) -> None:
    """
    The API that speaks plain HTTP is in the snippet of its control, with what it may speak.
    """
    text = "\n".join(told(looks, "D3").lines)

    assert 'resource "azurerm_api_management_api" "orders" {' in text
    assert 'protocols           = ["https"]' in text
    assert "apis/orders/apiInformation.json" in text


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.ATTESTED])
def test_what_is_met_needs_none(verdict: Verdict) -> None:
    """
    What passes, or has nothing to judge, has neither snippets nor a reason.
    """
    assert HandOff() == of_control("D3", verdict, INSTANCE, ())


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.ATTESTATION_MISSING, Verdict.ATTESTATION_EXPIRED])
@pytest.mark.parametrize("control", ["D3", STATEMENTS[0].id])
def test_what_can_t_be_seen_says_so(verdict: Verdict, control: str) -> None:
    """
    What could not be read, and what has to be attested, tells that instead of a snippet.
    """
    assert SENTENCE.fullmatch(of_control(control, verdict, INSTANCE, ()).why_none)


def test_many_alike_are_counted(looks: Looks) -> None:
    """
    Of a hundred APIs alike five are shown, and the others counted.
    """
    (one,) = (each for each in looks.failing["D3"]["D3"].evidence if each.ok is False)
    many = [evidence(one, subject=f"{INSTANCE.text}/apis/api-{number}") for number in range(100)]
    lines = of_control("D3", Verdict.FAIL, INSTANCE, many).lines

    assert 5 == sum(line.startswith("resource mended") for line in lines)
    assert "# and 95 more like these" == lines[-1]


@pytest.mark.parametrize("control", sorted(TABLE))
@pytest.mark.parametrize(
    "subject",
    ["", "no id", "/", "/x", "/subscriptions/s", "/providers/", f"{INSTANCE.text}/apis/a b", "/a/providers/b"],
)
def test_a_strange_subject_breaks_nothing(looks: Looks, control: str, subject: str) -> None:
    """
    Evidence about what is no resource of a known form gives a reason, not an error.
    """
    given = [evidence(each, subject=subject) for each in looks.failing[control][control].evidence]
    found = of_control(control, Verdict.FAIL, INSTANCE, given)

    assert bool(found.lines) != bool(found.why_none)


def evidence(one: Evidence, *, subject: str) -> Evidence:
    return Evidence(
        subject=subject, pointer=one.pointer, observed=one.observed, expected=one.expected, ok=one.ok, read=one.read,
        why=one.why,
    )  # fmt: skip


def test_every_door_shows_it(looks: Looks) -> None:
    """
    The JSON has it for each control, and the text where everything is asked for.
    """
    posture = merged(
        Posture(instance=InstanceId.of(INSTANCE.text)), tuple(looks.failing["D3"].values()), now=NOW, whole=True
    )
    view = PostureView.of(posture, Catalogue.of(ALL))
    (control,) = (each for each in posture_json.render(view)["controls"] if each["id"] == "D3")

    assert 'protocols           = ["https"]' in control["handOff"]
    assert '| resource "azurerm_api_management_api" "orders" {' in posture_text.render(view, everything=True)
    assert "azurerm" not in posture_text.render(view)
