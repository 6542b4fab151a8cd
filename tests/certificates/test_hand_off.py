"""
Hand-offs that need what a rule saw: the vault, the identity, the host; and every finding and change of a run has one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from demo.world import World, open_world
from tests.certificates.conftest import Content, desired, look, opened
from tests.certificates.test_vault_access import (
    USER,
    role_above,
    shut_to_all,
    with_policies,
    without_identity,
    without_role,
)
from tests.job.conftest import desired as declared
from tests.report.languages import AZURERM, bicep_members, is_member, terraform_arguments


def spoken(run: Mapping[str, Any]) -> list[str]:
    """What is not a name of its language, in all hand-offs of a run."""
    texts = [each["handOff"] for each in (*run["changes"], *run["findings"])]
    wrong = [name for text in texts for kind, name in terraform_arguments(text) if name not in AZURERM[kind]]
    members = [each for text in texts for each in bicep_members(text) if each[0].startswith("Microsoft.ApiManagement/")]
    return [*wrong, *(f"{kind} {path}" for kind, path in members if not is_member(kind, path))]


@pytest.mark.parametrize(
    ("alter", "identity", "code", "words"),
    [
        (without_identity, "", "identity_absent", ('identity {\n    type = "SystemAssigned"',)),
        (role_above, USER, "identity_absent", ("UserAssigned", "identity_ids = [var.identity_id]", "'${identityId}'")),
        (
            without_role,
            "",
            "vault_access_missing",
            ('resource "azurerm_role_assignment"', '"Key Vault Certificate User"', "roleAssignments@2022-04-01"),
        ),
        (
            with_policies(),
            "",
            "vault_access_missing",
            ('resource "azurerm_key_vault_access_policy"', "accessPolicies@2023-07-01"),
        ),
        (shut_to_all, "", "vault_firewall", ('bypass         = "AzureServices"', "bypass: 'AzureServices'")),
    ],
    ids=["no identity", "another identity", "no role", "no access policy", "a firewall"],
)
async def test_it_is_filled_in(
    alter: Callable[[Content], None], identity: str, code: str, words: tuple[str, ...]
) -> None:
    """
    The mend in the owner's code stands beside the command, with the names of what was seen.
    """
    said = "certificates: [partner]" + (f"\nidentity: {identity}" if identity else "")
    async with opened(desired(said, mode="report"), alter=alter) as world:
        run = await look(world)
        (found,) = [each for each in run["findings"] if each["code"] == code]

        assert [] == [each for each in words if each not in found["handOff"]]
        assert ("", []) == (found["noHandOff"], spoken(run))


@pytest.mark.parametrize(
    ("certificate", "code"),
    [("elliptic", "vault_certificate_ec"), ("sealed", "vault_certificate_not_exportable")],
)
async def test_a_certificate_made_anew(certificate: str, code: str) -> None:
    """
    A certificate that API Management can't use is told as its owner makes one that it can.
    """
    async with opened(desired(f"certificates: [{certificate}]", mode="report")) as world:
        run = await look(world)
        (found,) = [each for each in run["findings"] if each["code"] == code]

        assert 'resource "azurerm_key_vault_certificate"' in found["handOff"]
        assert '"exportable": true' in found["handOff"]
        assert [] == spoken(run)


async def visited(world: World) -> list[Mapping[str, Any]]:
    """The newest run of every instance of the tenant, whole."""
    await world.http("POST", "/api/replay", {"events": []})
    for instance in await (await world.app.door.wired()).azure.instances(frozenset()):
        await world.http("POST", "/api/replay", {"instance": str(instance)})
    await world.settle(120)
    return [(await world.http("GET", run["detail"]))[1] for run in await world.runs()]


async def test_every_finding_of_a_tenant_has_one() -> None:
    """
    In the sample tenant, each change and each finding of each run has snippets in the right words, or a reason.
    """
    async with open_world("sample", desired=declared("report"), ceiling="report") as world:
        runs = await visited(world)
        each = [one for run in runs for one in (*run["changes"], *run["findings"])]

        assert len(runs) > 1
        assert [] == [one for one in each if bool(one["handOff"]) == bool(one["noHandOff"])]
        assert [] == [word for run in runs for word in spoken(run)]
