"""
The stories of key vaults.
"""

from __future__ import annotations

from tests.conformance.replay import Story
from tests.conformance.stories.tenants import filled, on_vault

HARD = {"body/attributes/recoveryLevel: 'Purgeable'": "the vault had no soft delete, which new ones always have"}
DELETED = {
    f"body/{member}: not recorded": HARD["body/attributes/recoveryLevel: 'Purgeable'"]
    for member in ("deletedDate", "recoveryId", "scheduledPurgeDate")
}
LISTED = {"body/value/0/attributes/recoveryLevel: 'Purgeable'": HARD["body/attributes/recoveryLevel: 'Purgeable'"]}
MADE = {
    f"body/policy/{member}": "made by the vault's own issuer; the emulator's certificates are imported"
    for member in ("issuer/name", "lifetime_actions/0/trigger", "x509_props/key_usage", "x509_props/validity_months")
}
IMPORTED = {
    f"body/policy/{member}": "the policy shows the certificate, which is another one here"
    for member in (
        "issuer/name",
        "x509_props/basic_constraints",
        "x509_props/ekus",
        "x509_props/key_usage",
        "x509_props/validity_months",
    )
}

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
        apart={
            "keyvault/01": {"body/error/message": "the code AKV10000 came with later versions (keyvault/16)"},
            "keyvault/04": HARD | MADE,
            "keyvault/05": HARD | {"body/value": "the value was left out of the recording"},
            "keyvault/08": HARD,
            "keyvault/10": HARD | MADE,
        },
    ),
    Story(
        name="one certificate in a vault",
        tenant=on_vault("cli-test-kv-ct-000002"),
        steps=(
            filled("cli-test-kv-ct-000002", {"cert1": ("7581487bf07f4e5a84a4b4f0f7066964",)}),
            "keyvault/06",
            "keyvault/09",
        ),
        apart={"keyvault/09": LISTED},
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
        apart={"keyvault/11": HARD | MADE | DELETED},
    ),
    Story(
        name="certificate from PEM",
        tenant=on_vault("cli-test-kv-ct-im-000002"),
        steps=("keyvault/14",),
        apart={"keyvault/14": HARD | IMPORTED | {"body/id": "a new version has an id of its own"}},
    ),
    Story(name="nothing pending", tenant=on_vault("cli-test-kv-ct-pe-000002"), steps=("keyvault/13",)),
)
