"""The same change in the owner's code: certain, quoted, and without a value of somebody's policy."""

from dataclasses import replace

import pytest
from hypothesis import given

from apimend.model.plan import Change, canonical
from apimend.model.runs import Run
from apimend.report.handoff import of_change
from apimend.report.view import RunView
from script.card_samples import ATTACH, CHECK, INSTANCE, SECRET
from tests.report.hostile import hostile_runs

VAULT = {"secretIdentifier": "https://kv.vault.azure.net/secrets/a", "identityClientId": "c1"}


def told(change: Change) -> str:
    return "\n".join(of_change(change).lines)


def test_a_certificate_as_terraform() -> None:
    """
    A certificate from Key Vault is told as the resource that attaches it, with the names filled in.
    """
    attach = replace(ATTACH, hand_off="", after=canonical({"keyVault": VAULT}))

    assert 'resource "azurerm_api_management_certificate" "partner_a" {' in told(attach)
    assert '  key_vault_secret_id          = "https://kv.vault.azure.net/secrets/a"' in told(attach)


@pytest.mark.parametrize(
    ("below", "file"),
    [
        (("policies", "policy"), "policy.xml\n# Terraform, xml_content of azurerm_api_management_policy\n"),
        (("apis", "a", "policies", "policy"), "apis/a/policy.xml"),
        (("apis", "a", "operations", "b", "policies", "policy"), "apis/a/operations/b/policy.xml"),
        (("products", "p", "policies", "policy"), "products/p/policy.xml"),
    ],
    ids=["all APIs", "an API", "an operation", "a product"],
)
def test_a_check_as_apiops(below: tuple[str, ...], file: str) -> None:
    """
    A check is told with the file it belongs into, as the element alone.
    """
    found = told(replace(CHECK, target=INSTANCE.child(*below)))

    assert file in found
    assert "\n<validate-client-certificate " in found
    assert SECRET not in found


@pytest.mark.parametrize(
    "after", [None, "no JSON", "[]", '{"keyVault": null}', '{"keyVault": {"secretIdentifier": 1}}']
)
def test_what_is_not_certain_is_not_told(after: str | None) -> None:
    """
    A removal, and what isn't understood, has no snippet.
    """
    assert "" == told(replace(ATTACH, hand_off="", after=after))


def test_a_resource_of_another_kind_breaks_nothing() -> None:
    """
    A certificate of a workspace, which the table has no name for, gives a reason and no error.
    """
    target = INSTANCE.child("workspaces", "w", "certificates", "a")
    found = of_change(replace(ATTACH, target=target, hand_off="", after=canonical({"keyVault": VAULT})))

    assert ((), True) == (found.lines, bool(found.why_none))


def test_nothing_is_carried_out() -> None:
    """
    A hostile name can neither end its line nor be an expression of Terraform.
    """
    hostile = {"secretIdentifier": 'x"\n}\n${file("/etc/passwd")}%{if true}'}
    lines = told(replace(ATTACH, hand_off="", after=canonical({"keyVault": hostile}))).splitlines()

    assert 2 == lines.count("}")
    assert not any("${" in line.replace("$${", "").replace("\\${", "") for line in lines)
    assert not any("%{" in line.replace("%%{", "") for line in lines[: lines.index("}")])


@given(hostile_runs())
def test_a_hostile_run_has_snippets_of_plain_lines(run: Run) -> None:
    """
    Whatever a run holds, a line of its snippets is one line, without control characters.
    """
    lines = [line for change in RunView.of(run).changes for line in change.hand_off]

    assert [] == [line for line in lines if len(line.splitlines()) > 1 or min(line, default=" ") < " "]
