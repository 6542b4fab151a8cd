"""
The tenants of the stories: one service, one resource group or one vault, with what the recorder had made before.

Called by the stories beside it; holds no case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.azure import LocalAzure
from emulator.vault.holdings import Version
from tests.conformance.replay import UPLOADED, Do

NIL = "00000000-0000-0000-0000-000000000000"
NET = "dbdbebc3-1f15-4e74-9ef2-7db25483cb15"
CERTIFICATES = {UPLOADED: {"subject": "CN=*.msitesting.net", "key": "rsa", "ends": "3000d"}}

ASO = (NIL, "asotest-rg-pwokuh", "asotest-apimanagement-sczlzm")
ASO_V2 = (NIL, "asotest-rg-zlmwur", "asotest-apimanagementv2-twykac")
CLI = (NIL, "cli_test_apim-000001", "clitest000002")
MAPI = ("74f34d9c-50ed-4d7a-a1a8-88d2aed13ac3", "ApiM-SDK-EastUS", "sdktestservicemapi")
POWERSHELL = (NET, "Apim-NetSdk-20210801", "powershellsdkservicetest")
VV = ("ea42f556-5106-4743-99b0-c129bfa71a47", "VV", "vvapimgmt1")

ECHO = {
    "id": "echo-api",
    "name": "Echo API",
    "path": "echo",
    "service_url": "http://echoapi.cloudapp.net/api",
    "operations": [{"id": "modify-resource", "method": "PUT", "url": "/resource", "name": "Modify Resource"}],
}
LATER = "later versions have it; the emulator answers one form for all versions"


def service_id(subscription: str, group: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ApiManagement/service/{name}"


def on_service(
    subscription: str, group: str, name: str, *, sku: str = "Developer", location: str = "West US 2", **further: Any
) -> dict[str, Any]:
    """
    A tenant with one service.
    """
    vaults = further.pop("vaults", [])
    roles = further.pop("roles", [])
    service = {"name": name, "resource_group": group, "location": location, "sku": sku, **further}
    return {
        "subscriptions": [{"id": subscription}],
        "certificates": CERTIFICATES,
        "vaults": vaults,
        "roles": roles,
        "services": [service],
    }


def on_group(subscription: str, group: str) -> dict[str, Any]:
    """
    A tenant with one empty resource group.
    """
    identifier = f"/subscriptions/{subscription}/resourceGroups/{group}"
    resource = {"id": identifier, "type": "Microsoft.Resources/resourceGroups", "location": "westus"}
    return {"subscriptions": [{"id": subscription}], "certificates": CERTIFICATES, "resources": [resource]}


def on_vault(name: str) -> dict[str, Any]:
    """
    A tenant with one empty vault.
    """
    return {"certificates": CERTIFICATES, "vaults": [{"name": name}]}


def filled(vault: str, certificates: Mapping[str, tuple[str, ...]]) -> Do:
    """
    Put certificates into a vault: their names and the ids of their versions.
    """

    def fill(azure: LocalAzure) -> None:
        for certificate, versions in certificates.items():
            for identifier in versions:
                held = Version(
                    id=identifier, created=azure.now(), updated=azure.now(), bundle=azure.certificate(UPLOADED)
                )
                azure.vaults.holdings.add(vault, certificate, held)

    return Do(fill)


def not_recorded(reason: str, *members: str) -> dict[str, str]:
    """
    Members that the emulator has and the recording has not.
    """
    return {f"body/{member}: not recorded": reason for member in members}
