"""
The stories of what finds services and vaults: Resource Graph, lists of resources, vaults in Azure Resource Manager.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.replay import Given, Story
from tests.conformance.stories.tenants import LATER, NIL, VV, not_recorded

ELIDED = "the recording leaves the other items out"
ADDRESS = "Microsoft.Network/publicIPAddresses"
LATER_VAULTS = (
    "properties/enableRbacAuthorization",
    "properties/enableSoftDelete",
    "properties/publicNetworkAccess",
    "properties/softDeleteRetentionInDays",
)


def vault(group: str, name: str, location: str, tags: dict[str, str] | None = None) -> dict[str, Any]:
    return {"name": name, "resource_group": group, "location": location, "tags": tags or {}}


DISCOVERY: tuple[Story, ...] = (
    Story(
        name="a table of resources",
        tenant={
            "subscriptions": [{"id": NIL}],
            "resources": [
                {
                    "id": f"/subscriptions/{NIL}/resourceGroups/rg/providers/{ADDRESS}/{number}",
                    "location": "westus",
                }
                for number in range(18)
            ],
        },
        steps=(Given("discovery/02", {"query": "resources"}),),
        apart={"discovery/02": {"body/data/rows": ELIDED}},
    ),
    Story(
        name="vaults of a subscription",
        tenant={
            "subscriptions": [{"id": VV[0]}],
            "vaults": [
                {
                    **vault("test_keyvault", "cckeyvault1yghq6zt4ewg2e", "southcentralus", {"product_id": "13742"}),
                    "rbac": False,
                    "properties": {
                        "sku": {"family": "A", "name": "Standard"},
                        "enabledForDiskEncryption": False,
                        "enabledForTemplateDeployment": False,
                    },
                }
            ],
        },
        steps=("discovery/03",),
        apart={
            "discovery/03": {
                **{f"body/value/0/{member}: not recorded": LATER for member in LATER_VAULTS},
                "body/value/0/properties/accessPolicies": "who had which permission there says nothing here",
                "body/value/0/properties/networkAcls": "nor do its addresses",
                "body/nextLink: missing": "Azure names a page after the last one; what that holds was not recorded",
            }
        },
    ),
    Story(
        name="resources of one type",
        tenant={
            "subscriptions": [{"id": NIL}],
            "vaults": [
                vault("azps-test-group", "azps-test-kv2", "eastus"),
                vault("azps-test-group", "azps-test-kv4", "southcentralus"),
                vault("bim-rg", "bim-kv5", "eastus2euap", {"k1": "v1"}),
            ],
        },
        steps=("discovery/04",),
        apart={"discovery/04": {"body/value: 4 items": ELIDED}},
    ),
    Story(
        name="a vault",
        tenant={
            "subscriptions": [{"id": NIL}],
            "vaults": [
                {
                    **vault("cli_test_keyvault_cert_import000001", "cli-test-kv-ct-im-000002", "eastus2"),
                    "properties": {"sku": {"family": "A", "name": "premium"}, "enableSoftDelete": False},
                }
            ],
        },
        steps=("keyvault/15",),
        apart={
            "keyvault/15": {
                **not_recorded(LATER, *(one for one in LATER_VAULTS if "Soft" not in one and "soft" not in one)),
                **not_recorded(LATER, "properties/networkAcls"),
                "body/properties/accessPolicies": "who had which permission there says nothing here",
            }
        },
    ),
)
