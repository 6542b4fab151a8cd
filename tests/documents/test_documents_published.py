"""
What is published about the language agrees with it: the schema, the sample, the page.
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from apimend.documents import DesiredState, load, schema
from apimend.documents.state import BUILT_IN
from apimend.model.azure import Service
from apimend.model.desired import Desired, Mode
from apimend.model.errors import BadInput
from apimend.model.ids import InstanceId
from apimend.model.tiers import tier

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "desired-state.md").read_text()
SAMPLE = (ROOT / "desired.sample.yaml").read_text()
TENANT = ROOT / "emulator" / "tenants" / "sample.yaml"
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"


def blocks(kind: str) -> list[str]:
    """The fenced blocks of one kind on the page."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def example(text: str) -> DesiredState:
    return load(text if text.startswith("version:") else "version: 1\n" + text)


def service(name: str, subscription: str, group: str, sku: str, tags: dict[str, str]) -> Service:
    id = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ApiManagement/service/{name}"
    return Service(
        id=InstanceId.of(id),
        name=name,
        location="",
        tier=tier(sku),
        etag="",
        provisioning_state="Succeeded",
        target_state="",
        hostnames=(),
        enable_client_certificate=None,
        tags=tags,
    )


def plain(text: str) -> Any:
    """A text as an editor's YAML reader sees it; dates are texts to a JSON Schema."""
    yaml = YAML(typ="safe", pure=True)
    return json.loads(json.dumps(yaml.load(text), default=str))


def test_the_schema_is_that_of_the_models() -> None:
    """
    docs/desired-state.schema.json is what `python -m apimend.documents.schema` prints.
    """
    assert schema.text() == (ROOT / "docs" / "desired-state.schema.json").read_text()


@pytest.mark.parametrize("text", [SAMPLE, *blocks("yaml")])
def test_what_is_published_is_valid_by_the_schema(text: str) -> None:
    """
    The sample and every example of the page are valid for an editor that knows the schema.
    """
    whole = {"version": 1} | plain(text)

    assert [] == [error.message for error in jsonschema.Draft202012Validator(schema.schema()).iter_errors(whole)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{}", id="no version"),
        pytest.param("{version: 1, x: 1}", id="unknown key"),
        pytest.param("{version: 1, defaults: {mode: Enforce}}", id="unknown word"),
        pytest.param("{version: 1, defaults: {hosts: {'a b': plain}}}", id="a key that is no host"),
        pytest.param("{version: 1, defaults: {window: never}}", id="no window"),
        pytest.param("{version: 1, defaults: null}", id="null"),
        pytest.param("{version: 1, instances: [{name: a, match: {name: []}}]}", id="empty list"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(text: str) -> None:
    """
    An editor marks what loading would refuse.
    """
    with pytest.raises(BadInput):
        load(text)

    assert not jsonschema.Draft202012Validator(schema.schema()).is_valid(plain(text))


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_example_loads(text: str) -> None:
    """
    Every example of the page is without fault.
    """
    assert isinstance(example(text), DesiredState)


def test_the_broken_example_has_the_faults_that_are_shown() -> None:
    """
    The page shows the very faults that its broken example has.
    """
    (broken,) = blocks("yaml broken")
    with pytest.raises(BadInput) as caught:
        load(broken)

    assert str(caught.value) in PAGE


def test_the_explained_example_says_what_is_shown() -> None:
    """
    The page shows what explain says of its example.
    """
    (shown,) = blocks("text explain")
    state = load(next(text for text in blocks("yaml") if "contoso-pilot" in text))
    explained = state.explain(service("contoso-pilot", SUBSCRIPTION, "rg", "Premium", {"env": "prod"}))
    told = [(line.field, line.value, str(line.place), line.why) for line in explained if line.why != "built in"]

    assert [tuple(re.split(r" {2,}", line)) for line in shown.splitlines()] == told


def test_the_page_names_every_key() -> None:
    """
    Every key of the language stands on the page.
    """
    definitions = schema.schema()
    keys = set(definitions["properties"]) | {
        key for part in definitions["$defs"].values() for key in part.get("properties", {})
    }

    assert set() == {key for key in keys if not re.search(rf"\b{key}\b", PAGE)}


def test_what_is_built_in_is_what_rules_get() -> None:
    """
    What explain calls built in is what a Desired without a word has.
    """
    desired = Desired(instance=InstanceId.of(service("a1", SUBSCRIPTION, "rg", "Premium", {}).id.text))

    assert (
        BUILT_IN["mode"],
        BUILT_IN["environment"],
        BUILT_IN["expiryDays"],
        BUILT_IN["onNegotiationLost"],
        BUILT_IN["uploadedCertificates"],
        BUILT_IN["negotiate"],
    ) == (
        desired.mode.word,
        desired.environment,
        str(desired.expiry_days),
        desired.on_negotiation_lost.value,
        desired.uploaded.value,
        str(desired.negotiate).lower(),
    )


def test_the_sample_is_that_of_the_sample_tenant() -> None:
    """
    The sample selects every instance of the sample tenant, and names only what stands in its vaults.
    """
    tenant = YAML(typ="safe", pure=True).load(TENANT.read_text())
    state = load(SAMPLE, "desired.sample.yaml")
    vaults = {vault["name"]: {entry["name"] for entry in vault["certificates"]} for vault in tenant["vaults"]}
    services = [
        service(s["name"], s["subscription"], s["resource_group"], s["sku"], s["tags"]) for s in tenant["services"]
    ]

    assert all(entry.certificate in vaults[entry.vault] for entry in state.document.certificates.values())
    assert {s.name: (Mode.ASK if s.name == "contoso-dev" else Mode.REPORT) for s in services} == {
        s.name: desired.mode for s in services if (desired := state.resolve(s))
    }
