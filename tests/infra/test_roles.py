"""
What the deployment may do: the roles are what the rules declare, they suffice, and report mode can't write.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from demo.world import open_world
from script.bicep.read import BicepFile, body, literal, member, text
from script.roles import BUILT_IN, MADE, NEVER, allows, declared_reads, declared_writes, is_data_action
from script.roles import text as written
from tests.infra.grants import ROOT, grant, role_file
from tests.job.conftest import INSTANCE, desired, opened, touch

INFRA = ROOT / "infra"
OF_THE_APP = ("detect", "remediate")


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """A role assignment in infra/, as it is written."""

    file: str
    name: str
    holder: str
    role: str
    scope: str


def assignments() -> Iterator[Assignment]:
    """Every one, with the literal that a variable stands for in place of it."""
    for path in sorted(INFRA.rglob("*.bicep")):
        file = BicepFile(path)
        for name, node in file.declared("resource").items():
            if not literal(node.named_children[1]).startswith("Microsoft.Authorization/roleAssignments@"):
                continue
            made = body(node)
            role, scope = member(made, "properties", "roleDefinitionId"), member(made, "scope")
            holder = member(made, "properties", "principalId")
            assert role is not None
            assert holder is not None
            variable = text(role).rstrip(")").rpartition(" ")[2]
            known = file.declared("variable").get(variable)
            yield Assignment(
                file=path.relative_to(INFRA).as_posix(),
                name=name,
                holder=text(holder),
                role=literal(known.named_children[1]) if known is not None else text(role),
                scope=text(scope) if scope is not None else file.scope,
            )


HOLDERS = {
    "appPrincipalId": "app",
    "settingsPrincipalId": "settings",
    "eventsPrincipalId": "events",
    "deployerId": "deployer",
    "principalId": "app",
}
CUSTOM = {
    "modules/role-subscription.bicep",
    "modules/role-group.bicep",
    "modules/role-management-group.bicep",
    "modules/assign-management-group.bicep",
}


@pytest.mark.parametrize("name", list(MADE))
def test_roles_are_what_the_rules_declare(name: str) -> None:
    """
    The file of a role is what `python -m script.roles` writes; after a rule has changed, run it again.
    """
    found = (INFRA / "roles" / f"{name}.json").read_text(encoding="utf-8")

    assert written(MADE[name]()) == found


def test_all_that_is_declared_is_allowed() -> None:
    """
    Every action that a rule or the engine needs is in a role, or is a vault's and in Key Vault Reader.
    """
    reader = next(role for role in BUILT_IN if role.name == "Key Vault Reader")
    missing = [
        action
        for action in (*declared_reads(), *declared_writes())
        if not allows(role_file("detect"), action)
        and not allows(role_file("remediate"), action)
        and not (is_data_action(action) and any(fnmatchcase(action, one) for one in reader.data_actions))
    ]

    assert [] == missing


def test_the_reading_role_writes_nothing() -> None:
    """
    Whatever the role Detect allows is a read.
    """
    assert [] == [action for action in role_file("detect")["actions"] if not action.endswith("/read")]


@pytest.mark.parametrize("name", OF_THE_APP)
def test_no_role_of_the_app_reads_keys_or_grants_roles(name: str) -> None:
    """
    R26: keys, secrets, sign-in tokens, deletion of services and role assignments are out of reach.
    """
    role = role_file(name)

    assert [] == [action for action in role["actions"] for never in NEVER if fnmatchcase(action, never)]
    assert [] == [never for never in NEVER if allows(role, never.replace("*/", "Microsoft.ApiManagement/service/x/"))]


def test_every_assignment_is_declared() -> None:
    """
    Nothing in infra/ is granted that script/roles.py doesn't list, and all it lists is granted.
    """
    found = {
        (HOLDERS[one.holder], one.role) for one in assignments() if one.file not in CUSTOM and one.holder in HOLDERS
    }

    assert {(role.holder, role.id) for role in BUILT_IN} == found


def test_custom_roles_are_assigned_in_known_places_only() -> None:
    """
    Custom roles go through four modules, which assign nothing but the role they are handed.
    """
    found = {one.file for one in assignments() if one.role in ("definition.id", "roleId")}

    assert CUSTOM == found


def test_only_one_secret_can_be_read_and_not_by_the_app() -> None:
    """
    R26: the one role that reads secret values is on the webhook's own secret, for the platform's identity.
    """
    readers = {
        role.id
        for role in BUILT_IN
        if any(
            fnmatchcase("x/secrets/getSecret/action", a.replace("Microsoft.KeyVault/vaults", "x"))
            for a in role.data_actions
        )
    }
    found = [(one.holder, one.scope) for one in assignments() if one.role in readers]

    assert [("settingsPrincipalId", "webhook")] == found


def test_the_right_to_write_is_granted_apart() -> None:
    """
    Nothing but stage 3 loads the role that writes, so a deployment in report mode can't get it.
    """
    loading = [path.name for path in sorted(INFRA.rglob("*.bicep")) if "roles/remediate.json" in path.read_text()]

    assert ["remediate-tenant.bicep", "remediate.bicep"] == loading


async def test_the_reading_role_suffices_for_reports() -> None:
    """
    With Detect and Key Vault Reader alone, the app reports on every instance and is denied nothing.
    """
    text = (Path(ROOT) / "desired.sample.yaml").read_text(encoding="utf-8")
    async with open_world("sample", desired=text, ceiling="report") as world:
        grant(world, "detect")
        await world.app.door.sweep()
        await world.settle(12)
        denied = [
            f"{entry.method} {entry.path}"
            for entry in world.ours()
            if entry.status in (401, 403) and entry.place == "arm"
        ]

        assert [] == denied
        assert len(world.azure.store.of_type("Microsoft.ApiManagement/service")) <= len(await world.runs())


async def test_the_reading_role_can_not_write() -> None:
    """
    A deployment that is told to enforce but was granted Detect alone changes nothing, and says that it was denied.
    """
    async with opened(desired("enforce")) as world:
        grant(world, "detect")
        await world.arm("PATCH", INSTANCE, {"tags": {"touched": "now"}})
        await world.settle(120)
        written_by_us = [entry for entry in world.writes() if entry.status < 400]

        assert [] == written_by_us
        assert "failed" in {run["result"] for run in await world.runs()}


async def test_both_roles_suffice_to_mend() -> None:
    """
    With Detect and Remediate the instance converges.
    """
    async with opened(desired("enforce")) as world:
        grant(world, "detect", "remediate")
        await touch(world)

        assert "converged" == (await world.runs())[0]["result"]
