"""
What a service resource looks like: the members of an answer in the order in which the provider writes them.

Bodies come from recordings of 2022 to 2025. Hostname entries and certificates are made in `hostnames`; this module
knows no request.
"""

from __future__ import annotations

from typing import Any

from emulator.arm.tiers import is_classic, is_consumption, is_v2
from emulator.store import Json, Resource

PREFIX = "Microsoft.WindowsAzure.ApiManagement.Gateway."
CUSTOM_PROPERTIES = {
    f"{PREFIX}Security.Protocols.Tls10": "False",
    f"{PREFIX}Security.Protocols.Tls11": "False",
    f"{PREFIX}Security.Protocols.Ssl30": "False",
    f"{PREFIX}Security.Ciphers.TripleDes168": "False",
    f"{PREFIX}Security.Backend.Protocols.Tls10": "False",
    f"{PREFIX}Security.Backend.Protocols.Tls11": "False",
    f"{PREFIX}Security.Backend.Protocols.Ssl30": "False",
    f"{PREFIX}Protocols.Server.Http2": "False",
}
SENDER = "apimgmt-noreply@mail.windowsazure.com"
REGIONS = {
    "westeurope": "West Europe",
    "northeurope": "North Europe",
    "eastus": "East US",
    "eastus2": "East US 2",
    "westus": "West US",
    "westus2": "West US 2",
    "germanywestcentral": "Germany West Central",
    "uksouth": "UK South",
}
MEMBERS = [
    "publisherEmail",
    "publisherName",
    "notificationSenderEmail",
    "provisioningState",
    "targetProvisioningState",
    "createdAtUtc",
    "gatewayUrl",
    "gatewayRegionalUrl",
    "portalUrl",
    "developerPortalUrl",
    "dataApiUrl",
    "managementApiUrl",
    "scmUrl",
    "hostnameConfigurations",
    "publicIPAddresses",
    "privateIPAddresses",
    "additionalLocations",
    "virtualNetworkConfiguration",
    "customProperties",
    "virtualNetworkType",
    "certificates",
    "enableClientCertificate",
    "disableGateway",
    "natGatewayState",
    "outboundPublicIPAddresses",
    "apiVersionConstraint",
    "publicIpAddressId",
    "publicNetworkAccess",
    "privateEndpointConnections",
    "platformVersion",
    "configurationApi",
    "legacyPortalStatus",
    "developerPortalStatus",
]
READ_ONLY = frozenset(
    [
        "provisioningState",
        "targetProvisioningState",
        "createdAtUtc",
        "gatewayUrl",
        "gatewayRegionalUrl",
        "portalUrl",
        "developerPortalUrl",
        "managementApiUrl",
        "scmUrl",
        "publicIPAddresses",
        "privateIPAddresses",
        "outboundPublicIPAddresses",
        "privateEndpointConnections",
        "platformVersion",
        "dataApiUrl",
    ]
)
# What a new classic or Consumption service does not have before it is activated.
AFTER_ACTIVATION = (
    "gatewayRegionalUrl",
    "portalUrl",
    "developerPortalUrl",
    "managementApiUrl",
    "scmUrl",
    "publicIPAddresses",
    "customProperties",
)
# Consumption has no switches for these.
NOT_ON_CONSUMPTION = frozenset({f"{PREFIX}Security.Protocols.Ssl30", f"{PREFIX}Security.Ciphers.TripleDes168"})
STATES_SINCE = "2022-08-01"


def region(location: str) -> str:
    """
    The name of a region as the provider writes it back.
    """
    return REGIONS.get(location.replace(" ", "").casefold(), location)


def new_properties(name: str, sku: str, location: str, created_at: str) -> Json:
    """
    The properties of an idle service of a tier.
    """
    place = location.replace(" ", "").casefold()
    classic = is_classic(sku)
    properties: dict[str, Any] = {
        "publisherEmail": "api@contoso.com",
        "publisherName": "Contoso",
        "notificationSenderEmail": SENDER,
        "provisioningState": "Succeeded",
        "targetProvisioningState": "",
        "createdAtUtc": created_at,
        "gatewayUrl": f"https://{name}.azure-api.net",
        "gatewayRegionalUrl": f"https://{name}-{place}-01.regional.azure-api.net" if classic else None,
        "portalUrl": f"https://{name}.portal.azure-api.net" if classic else None,
        "developerPortalUrl": f"https://{name}.developer.azure-api.net" if classic else None,
        "managementApiUrl": f"https://{name}.management.azure-api.net" if classic else None,
        "scmUrl": f"https://{name}.scm.azure-api.net" if classic else None,
        "hostnameConfigurations": [],
        "publicIPAddresses": ["203.0.113.10"] if classic else None,
        "privateIPAddresses": None,
        "additionalLocations": None,
        "virtualNetworkConfiguration": None,
        "customProperties": custom_properties(sku),
        "virtualNetworkType": "None",
        "certificates": None,
        "natGatewayState": "Enabled" if is_v2(sku) else "Disabled",
        "outboundPublicIPAddresses": ["203.0.113.10"] if classic else None,
        "apiVersionConstraint": {"minApiVersion": None},
        "publicIpAddressId": None,
        "publicNetworkAccess": "Enabled",
        "privateEndpointConnections": None,
        "platformVersion": "stv2" if classic else "undetermined" if is_v2(sku) else "mtv1",
    }
    if not is_v2(sku):
        properties["disableGateway"] = False
    if is_v2(sku):
        properties |= {
            "dataApiUrl": None,
            "managementApiUrl": f"https://smapi.{place}.p.azurewebsites.net/",
            "configurationApi": None,
            "legacyPortalStatus": "Disabled",
            "developerPortalStatus": "Disabled",
        }
    return properties


def custom_properties(sku: str) -> dict[str, str]:
    """
    The protocol switches of a tier, all off.
    """
    left_out = NOT_ON_CONSUMPTION if is_consumption(sku) else frozenset()
    return {name: value for name, value in CUSTOM_PROPERTIES.items() if name not in left_out}


def activating(properties: Json, sku: str, api_version: str) -> Json:
    """
    The properties of a service that was just created: what activation brings is null, the states differ by tier and
    api-version.
    """
    if is_v2(sku):
        return {**properties, "provisioningState": "Created", "targetProvisioningState": ""}
    state = "Activating" if api_version >= STATES_SINCE else "Created"
    missing: Json = dict.fromkeys(AFTER_ACTIVATION)
    if is_classic(sku):
        missing |= {"outboundPublicIPAddresses": None, "platformVersion": "undetermined"}
    return {**properties, **missing, "provisioningState": state, "targetProvisioningState": "Activating"}


def ordered(properties: Json) -> Json:
    """
    Properties in the provider's order; members it doesn't know come last.
    """
    known = {name: properties[name] for name in MEMBERS if name in properties}
    return {**known, **{name: value for name, value in properties.items() if name not in known}}


def shown(service: Resource) -> Json:
    """
    A service as an answer shows it.
    """
    body = service.body
    return {
        "etag": service.etag.strip('"'),
        "properties": ordered(service.properties),
        "sku": body.get("sku"),
        "identity": body.get("identity"),
        "zones": body.get("zones"),
        "systemData": body.get("systemData"),
        "location": body.get("location"),
        "tags": body.get("tags") or {},
        "id": service.id,
        "name": service.name,
        "type": service.type,
    }
