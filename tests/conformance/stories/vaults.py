"""
The stories of key vaults.
"""

from __future__ import annotations

from tests.conformance.replay import Story
from tests.conformance.stories.tenants import filled, on_vault

VAULTS: tuple[Story, ...] = (
    Story(
        name="certificates in a vault",
        tenant=on_vault("cli-test-kv-ct-000002"),
        steps=(
            filled(
                "cli-test-kv-ct-000002",
                {
                    "cert1": ("7581487bf07f4e5a84a4b4f0f7066964", "ae17ae72115a4080a4d47e38366db2ae"),
                    "cert2": ("6626e05794bc4077975ff926fffbe339",),
                },
            ),
            "keyvault/01",
            "keyvault/04",
            "keyvault/05",
            "keyvault/07",
            "keyvault/08",
            "keyvault/10",
        ),
    ),
    Story(
        name="one certificate in a vault",
        tenant=on_vault("cli-test-kv-ct-000002"),
        steps=(
            filled("cli-test-kv-ct-000002", {"cert1": ("7581487bf07f4e5a84a4b4f0f7066964",)}),
            "keyvault/06",
            "keyvault/09",
        ),
    ),
    Story(
        name="vault with a newer version",
        tenant=on_vault("cckeyvault1yghq6zt4ewg2e"),
        steps=(
            filled("cckeyvault1yghq6zt4ewg2e", {"cctest1": ("1" * 32,), "cctest2": ("2" * 32,)}),
            "keyvault/16",
            "keyvault/17",
        ),
    ),
    Story(
        name="certificate deleted",
        tenant=on_vault("cli-test-kv-ct-000002"),
        steps=(
            filled("cli-test-kv-ct-000002", {"cert2": ("9a9d432a87e0489d9276d65486af9ebf",)}),
            "keyvault/11",
        ),
    ),
    Story(name="certificate from PEM", tenant=on_vault("cli-test-kv-ct-im-000002"), steps=("keyvault/14",)),
    Story(name="nothing pending", tenant=on_vault("cli-test-kv-ct-pe-000002"), steps=("keyvault/13",)),
)
