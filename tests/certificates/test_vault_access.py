"""
`vault_access_missing`: what stands between an identity and a certificate, with the command that mends it.
"""

from collections.abc import Callable

import pytest

from demo.world import World
from tests.certificates.conftest import (
    GROUP,
    VAULT,
    Content,
    asked,
    desired,
    look,
    opened,
    steps,
    told,
    writes_of_another_look,
)

RULE = "vault_access_missing"
USER = "88888888-8888-8888-8888-888888888888"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/fetcher"
PRINCIPAL = "99999999-9999-9999-9999-999999999999"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub"
SUBNET = f"{NETWORK}/subnets/apim"


def without_identity(content: Content) -> None:
    del content["services"][0]["identity"]


def without_role(content: Content) -> None:
    content["roles"] = []


def refused(content: Content) -> None:
    """No role, and a fetch that failed for it."""
    without_role(content)
    failed = {"id": "partner", "vault": "kv-certs/partner", "failed": "GET permission is missing"}
    content["services"][0]["certificates"] = [failed]


def with_policies(*secrets: str) -> Callable[[Content], None]:
    """A vault with access policies; the instance has one where `secrets` are named."""

    def alter(content: Content) -> None:
        content["roles"] = []
        entries = [{"principal": "contoso-map", "secrets": list(secrets)}] if secrets else []
        content["vaults"][0] |= {"rbac": False, "access_policies": entries}

    return alter


def shut(content: Content) -> None:
    content["vaults"][0]["firewall"] = True


def shut_to_all(content: Content) -> None:
    content["vaults"][0] |= {"firewall": True, "trusted_services": False}


def role_above(content: Content) -> None:
    content["roles"][0]["scope"] = "subscription"


def by_user(content: Content) -> None:
    """A user-assigned identity that has the role."""
    properties = {"clientId": USER, "principalId": PRINCIPAL}
    content["resources"] = [
        {
            "id": IDENTITY,
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
            "location": "westeurope",
            "properties": properties,
        }
    ]
    content["services"][0]["identity"] = {"system": True, "user": [IDENTITY]}
    content["roles"].append({"principal": PRINCIPAL, "role": "Key Vault Secrets User", "scope": VAULT})


def by_user_through_a_firewall(content: Content) -> None:
    by_user(content)
    shut(content)


@pytest.mark.parametrize(
    ("alter", "identity", "code", "step"),
    [
        (without_identity, "", "identity_absent", "az apim update --name contoso-map --resource-group rg-apim"),
        (without_role, "", "vault_access_missing", '"Key Vault Certificate User" --assignee-object-id'),
        (with_policies(), "", "vault_access_missing", "az keyvault set-policy --name kv-certs --object-id"),
        (with_policies("get"), "", "vault_access_missing", "--secret-permissions get list"),
        (shut_to_all, "", "vault_firewall", "az keyvault update --name kv-certs --bypass AzureServices"),
        (by_user_through_a_firewall, USER, "vault_firewall", "Take `identity` off the certificate partner"),
        (role_above, USER, "identity_absent", f"az identity list --query \"[?clientId=='{USER}'].id\""),
    ],
    ids=[
        "no identity",
        "no role",
        "no access policy",
        "an access policy without list",
        "a firewall without trusted services",
        "a user-assigned identity before a firewall",
        "an identity that the instance does not have",
    ],
)
async def test_it_names_the_command(alter: Callable[[Content], None], identity: str, code: str, step: str) -> None:
    """
    What keeps an instance from a vault is told, with the command that mends it, filled in; nothing is granted.
    """
    said = "certificates: [partner]" + (f"\nidentity: {identity}" if identity else "")
    async with opened(desired(said, mode="report"), alter=alter) as world:
        mark = world.mark()
        run = await look(world)

        assert [code] == told(run, by=RULE)
        assert step in steps(run, by=RULE)
        assert [] == world.writes(mark)


@pytest.mark.parametrize(
    ("alter", "identity"),
    [
        (lambda content: None, ""),
        (role_above, ""),
        (with_policies("get", "list"), ""),
        (with_policies("all"), ""),
        (shut, ""),
        (by_user, USER),
    ],
    ids=[
        "a role on the vault",
        "a role on the subscription",
        "an access policy",
        "an access policy for all",
        "a firewall that trusted services pass",
        "a user-assigned identity",
    ],
)
async def test_access_that_is_there_is_left_alone(alter: Callable[[Content], None], identity: str) -> None:
    """
    Where the identity can read the certificate nothing is told, and it is attached.
    """
    said = "certificates: [partner]" + (f"\nidentity: {identity}" if identity else "")
    async with opened(desired(said), alter=alter) as world:
        run = await look(world)

        assert [] == told(run, by=RULE)
        assert 0 == await writes_of_another_look(world)


async def test_nothing_is_asked_with_an_identity_that_is_not_there() -> None:
    """
    A call that can only fail is not made.
    """
    async with opened(desired("certificates: [partner]"), alter=without_identity) as world:
        mark = world.mark()
        await look(world)

        assert [] == world.writes(mark)


async def test_what_is_not_seen_is_unknown_until_azure_has_refused() -> None:
    """
    A role that is not seen may come through a group: it is told as unknown, and as certain once a fetch has failed.
    """
    async with opened(desired("certificates: [partner]", mode="report"), alter=without_role) as world:
        unknown = await look(world)
    async with opened(desired("certificates: [partner]", mode="report"), alter=refused) as world:
        certain = await look(world)

    assert ["low", "high"] == [
        next(f["severity"] for f in run["findings"] if f["code"] == RULE) for run in (unknown, certain)
    ]


def behind_a_subnet(*rules: dict[str, object]) -> Callable[[Content], None]:
    """The instance in a subnet with these outbound rules, before a vault that knows no trusted services."""

    def alter(content: Content) -> None:
        shut_to_all(content)
        group = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/apim-nsg"
        security = [{"name": str(n), "properties": {"direction": "Outbound", **rule}} for n, rule in enumerate(rules)]
        subnet = {"networkSecurityGroup": {"id": group}, "serviceEndpoints": [{"service": "Microsoft.Sql"}]}
        content["services"][0]["properties"] = {
            "virtualNetworkType": "External",
            "virtualNetworkConfiguration": {"subnetResourceId": SUBNET},
        }
        content["resources"] = [
            {
                "id": group,
                "type": "Microsoft.Network/networkSecurityGroups",
                "location": "westeurope",
                "properties": {"securityRules": security},
            },
            {
                "id": NETWORK,
                "type": "Microsoft.Network/virtualNetworks",
                "location": "westeurope",
                "properties": {"subnets": [{"id": SUBNET, "properties": subnet}]},
            },
        ]

    return alter


DENY = {"priority": 200, "access": "Deny", "destinationAddressPrefix": "Internet", "destinationPortRange": "*"}
ALLOW = {
    "priority": 100,
    "access": "Allow",
    "destinationAddressPrefixes": ["AzureKeyVault", "AzureActiveDirectory"],
    "destinationPortRanges": ["80", "400-500"],
}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((DENY,), ["network_blocks_vault", "network_endpoint_missing", "vault_firewall"]),
        ((DENY, ALLOW), ["network_endpoint_missing", "vault_firewall"]),
        ((), ["network_endpoint_missing", "vault_firewall"]),
    ],
    ids=["everything is denied", "the tags are allowed first", "no rules at all"],
)
async def test_a_virtual_network_is_looked_at(rules: tuple[dict[str, object], ...], expected: list[str]) -> None:
    """
    Rules that keep the instance from Key Vault and Entra ID are told, and a missing service endpoint.
    """
    async with opened(desired("certificates: [partner]", mode="report"), alter=behind_a_subnet(*rules)) as world:
        run = await look(world)

        assert expected == told(run, by=RULE)
        assert f"--ids {SUBNET} --service-endpoints Microsoft.KeyVault Microsoft.Sql" in steps(run, by=RULE)


async def drop_vault(world: World) -> None:
    """Somebody deletes the vault."""
    await world.arm("DELETE", VAULT)


async def test_a_deleted_vault_is_told_with_the_way_back() -> None:
    """
    A vault that was deleted and is kept is no vault that we may not see: recover and purge are filled in.
    """
    async with opened(desired("certificates: [partner]", mode="report")) as world:
        await drop_vault(world)
        await look(world)
        run = await asked(world)

        assert ["vault_deleted"] == told(run, by=RULE)
        assert "az keyvault recover --name kv-certs --location westeurope" in steps(run, by=RULE)
        assert "az keyvault purge --name kv-certs --location westeurope" in steps(run, by=RULE)


@pytest.mark.nonconforming("what the identity may read is taken away piece by piece")
async def test_a_vault_whose_fate_we_may_not_see_is_unknown() -> None:
    """
    Where the list of deleted vaults is not for us, nothing is claimed.
    """
    async with opened(desired("certificates: [partner]", mode="report")) as world:
        await drop_vault(world)
        body = {"error": {"code": "AuthorizationFailed", "message": "no"}}
        world.azure.faults.add(path="*/deletedVaults", status=403, times=None, body=body)
        await look(world)
        run = await asked(world)
        (finding,) = [one for one in run["findings"] if one["code"] == "vault_unseen"]

        assert ("low", False) == (finding["severity"], "not among the deleted" in finding["whyLeft"])
        assert "az keyvault recover --name kv-certs" in "".join(finding["steps"])


async def test_a_deleted_identity_is_told() -> None:
    """
    An identity that the service still names, and that is gone, can't be had back: a new one is needed.
    """

    def without_resource(content: Content) -> None:
        by_user(content)
        content["services"][0]["certificates"] = [{"id": "partner", "vault": "kv-certs/partner", "identity": USER}]

    said = f"certificates: [partner]\nidentity: {USER}"
    async with opened(desired(said, mode="report"), alter=without_resource) as world:
        world.azure.store.remove(IDENTITY)
        for entity in world.azure.store.of_type("Microsoft.ApiManagement/service/certificates"):
            entity.properties["keyVault"]["lastStatus"] = {"code": "NotFound", "message": "no such identity"}
        run = await look(world)

        assert ["identity_deleted"] == told(run, by=RULE)
        assert "az identity create --name fetcher --resource-group rg-apim" in steps(run, by=RULE)
