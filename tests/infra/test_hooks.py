"""
What azd runs around a deployment, against a tenant that a stand-in for Azure CLI keeps.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "infra" / "hooks"
ONE, TWO = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
GROUP = "/providers/Microsoft.Management/managementGroups/contoso"
APP, POLICY, STRANGER = "the-app", "the-policy", "a-stranger"
OUTPUTS = {
    "AZURE_ENV_NAME": "prod",
    "AZURE_LOCATION": "westeurope",
    "APIMEND_APP_PRINCIPAL_ID": APP,
    "APIMEND_FUNCTION_APP_ID": f"/subscriptions/{ONE}/resourceGroups/rg-apimend-prod/providers/Microsoft.Web/sites/f",
    "APIMEND_STORAGE_ID": f"/subscriptions/{ONE}/resourceGroups/rg-apimend-prod/providers/Microsoft.Storage/s/s",
    "APIMEND_STORAGE_NAME": "stapimend",
    "APIMEND_EVENTS_IDENTITY_ID": "/events",
    "APIMEND_ACTION_GROUP_ID": "/people",
}


def role(name: str, scope: str, environment: str = "prod") -> dict[str, Any]:
    known = f"{name} ({environment}, {scope.rpartition('/')[2]})"
    return {"name": known.replace(" ", "_"), "roleName": known, "assignableScopes": [scope]}


def held(made: dict[str, Any], principal: str, scope: str) -> dict[str, Any]:
    identifier = f"{scope}/{made['name']}"
    return {"id": identifier, "roleDefinitionName": made["roleName"], "principalId": principal, "scope": scope}


def topic(subscription: str, name: str, group: str, environment: str | None, *names: str) -> dict[str, Any]:
    tags = {"azd-env-name": environment} if environment else None
    return {
        "subscription": subscription,
        "name": name,
        "resourceGroup": group,
        "tags": tags,
        "eventSubscriptions": list(names),
    }


def group(subscription: str, name: str, environment: str) -> dict[str, Any]:
    return {"subscription": subscription, "name": name, "tags": {"azd-env-name": environment}}


def tenant() -> dict[str, Any]:
    """Ours in two subscriptions and at a management group, beside what others have."""
    home, one, two = (
        f"/subscriptions/{ONE}/resourceGroups/rg-apimend-prod",
        f"/subscriptions/{ONE}",
        f"/subscriptions/{TWO}",
    )
    detect, remediate = role("Apimend Detect", GROUP), role("Apimend Remediate", two)
    subscribe, deliver = role("Apimend Subscribe", GROUP), role("Apimend Deliver", home)
    others = role("Apimend Detect", one, "test")
    reader = {"id": "reader", "roleDefinitionName": "Key Vault Reader", "principalId": APP, "scope": f"{two}/vault"}
    return {
        "subscriptions": [ONE, TWO],
        "above": {ONE: GROUP, TWO: GROUP},
        "definitions": [detect, remediate, subscribe, deliver, others],
        "assignments": [
            held(detect, APP, GROUP),
            held(subscribe, POLICY, GROUP),
            held(deliver, POLICY, home),
            held(remediate, APP, two),
            reader,
            held(others, STRANGER, one),
        ],
        "policies": [{"name": "apimend-subscribe", "kind": kind} for kind in ("assignment", "definition")],
        "topics": [
            topic(ONE, "evgst-apimend-subscription", "rg-apimend-events", "prod", "apimend-instances"),
            topic(TWO, "evgst-audit", "rg-audit", None, "audit", "apimend-instances", "apimend-vaults"),
            topic(TWO, "evgst-apimend-kv", "rg-kv", "test", "others"),
        ],
        "groups": [
            group(ONE, "rg-apimend-events", "prod"),
            group(TWO, "rg-apimend-events", "test"),
            group(ONE, "rg-apimend-prod", "prod"),
        ],
        "blobs": [],
        "deployments": [],
    }


def run(hook: str, before: dict[str, Any], folder: Path, **environ: str) -> tuple[dict[str, Any], str]:
    """A hook, with the tenant as it leaves it and what it prints."""
    az, file = folder / "az", folder / "tenant.json"
    az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("az.py")}" "$@"\n', encoding="utf-8")
    az.chmod(0o755)
    file.write_text(json.dumps(before), encoding="utf-8")
    variables = {**OUTPUTS, **environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "AZ_TENANT": str(file)}
    ran = subprocess.run(
        ["bash", HOOKS / f"{hook}.sh"], capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert 0 == ran.returncode, ran.stderr
    after: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return after, ran.stdout + ran.stderr


def test_teardown_leaves_nothing_of_ours_and_all_of_others(tmp_path: Path) -> None:
    """
    Roles, assignments, event subscriptions, topics, groups and the policy go; what others have beside them stays.
    """
    after, said = run("teardown", tenant(), tmp_path, APIMEND_MANAGEMENT_GROUP="contoso")

    assert ["Apimend Detect (test, " + ONE + ")"] == [one["roleName"] for one in after["definitions"]]
    assert [STRANGER] == [one["principalId"] for one in after["assignments"]]
    assert {"evgst-audit": ["audit"], "evgst-apimend-kv": ["others"]} == {
        one["name"]: one["eventSubscriptions"] for one in after["topics"]
    }
    assert [(TWO, "rg-apimend-events"), (ONE, "rg-apimend-prod")] == [
        (one["subscription"], one["name"]) for one in after["groups"]
    ]
    assert [] == after["policies"]
    assert "ERROR" not in said


def test_teardown_can_be_run_again(tmp_path: Path) -> None:
    """
    Where nothing is left, it finds nothing to do and ends well.
    """
    once, _ = run("teardown", tenant(), tmp_path, APIMEND_MANAGEMENT_GROUP="contoso")
    again, _ = run("teardown", once, tmp_path, APIMEND_MANAGEMENT_GROUP="contoso")

    assert once == again


def test_teardown_keeps_to_the_subscriptions_that_are_named(tmp_path: Path) -> None:
    """
    Somebody who sees many subscriptions can say which are meant.
    """
    after, _ = run("teardown", tenant(), tmp_path, APIMEND_TEARDOWN_SUBSCRIPTIONS=TWO)

    assert "apimend-instances" in after["topics"][0]["eventSubscriptions"]
    assert ["audit"] == after["topics"][1]["eventSubscriptions"]


def fresh(*topics: dict[str, Any]) -> dict[str, Any]:
    return {**tenant(), "topics": list(topics)}


def test_after_the_first_deployment_events_are_subscribed(tmp_path: Path) -> None:
    """
    A first desired state is put there, and events.bicep gets every parameter that it needs.
    """
    after, _ = run("postdeploy", fresh(), tmp_path)
    deployed = after["deployments"]

    assert (["desired.yaml"], "events.bicep") == (after["blobs"], deployed[0]["template"])
    assert {
        "environmentName=prod",
        "location=westeurope",
        f"functionAppId={OUTPUTS['APIMEND_FUNCTION_APP_ID']}",
        f"storageId={OUTPUTS['APIMEND_STORAGE_ID']}",
        "eventsIdentityId=/events",
        "actionGroupId=/people",
    } == set(deployed[0]["parameters"])


@pytest.mark.parametrize(
    ("topics", "environ", "said"),
    [
        pytest.param((), {"APIMEND_EVENTS": "false"}, "hears no events", id="not wanted"),
        pytest.param((), {"APIMEND_BY_MANAGEMENT_GROUP": "true"}, "infra/tenant.bicep", id="a management group"),
        pytest.param(
            (topic(ONE, "evgst-apimend-subscription", "rg-apimend-events", "blue", "apimend-instances"),),
            {},
            "go to the environment blue",
            id="another environment hears them",
        ),
    ],
)
def test_events_are_left_where_they_are(
    topics: tuple[dict[str, Any], ...], environ: dict[str, str], said: str, tmp_path: Path
) -> None:
    """
    A second environment takes no events away from the first, and says so.
    """
    after, told = run("postdeploy", fresh(*topics), tmp_path, **environ)

    assert ([], True) == (after["deployments"], said in told)


def test_a_desired_state_that_is_there_stays(tmp_path: Path) -> None:
    """
    Deploying again writes nothing over what the operators declared.
    """
    after, _ = run("postdeploy", {**fresh(), "blobs": ["desired.yaml"]}, tmp_path)

    assert (["desired.yaml"], 1) == (after["blobs"], len(after["deployments"]))
