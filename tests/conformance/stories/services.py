"""
The stories of the service resource and its long-running operations.
"""

from __future__ import annotations

from datetime import timedelta

from emulator.arm.service_body import CUSTOM_PROPERTIES
from emulator.options import Options, Polling
from tests.conformance.replay import Do, Story, Wait
from tests.conformance.stories.tenants import LATER, NIL, VV, not_recorded, on_group, on_service, service_id

OLD_POLLS = Options(old_versions=True, polling=Polling.LOCATION)
BEFORE_2021 = not_recorded(
    LATER,
    "properties/hostnameConfigurations/0/certificateSource",
    "properties/hostnameConfigurations/0/certificateStatus",
    "properties/hostnameConfigurations/0/identityClientId",
    "properties/natGatewayState",
    "properties/outboundPublicIPAddresses",
    "properties/platformVersion",
    "properties/privateEndpointConnections",
    "properties/publicIpAddressId",
    "properties/publicNetworkAccess",
    "systemData",
    "zones",
)
BEFORE_2022 = not_recorded(LATER, "properties/natGatewayState", "properties/outboundPublicIPAddresses")
SWITCHES = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security"
V2_SWITCHES = "this service had no Ssl30 and TripleDes168 before its first update; newer ones have (service/27)"
OLDER_THAN_SYSTEM_DATA = {
    f"body/systemData/{name}: NoneType recorded": "the service is older than its system data"
    for name in ("createdAt", "createdBy", "createdByType")
}
NETWORK = {
    "subnetResourceId": "/subscriptions/db1ab6f0-4769-4b27-930e-01e2ef9c123c/resourceGroups/testRG-5727/providers"
    "/Microsoft.Network/virtualNetworks/testvnet-568/subnets/testsubnet",
    "vnetid": NIL,
    "subnetname": None,
}

SERVICES: tuple[Story, ...] = (
    Story(
        name="services of a subscription",
        tenant=on_service(
            *VV,
            location="East US",
            properties={
                "publisherEmail": "admin@example.com",
                "publisherName": "example.com",
                "customProperties": dict.fromkeys(CUSTOM_PROPERTIES, "false"),
            },
        ),
        steps=("discovery/01",),
        apart={
            "discovery/01": not_recorded(
                LATER, "value/0/properties/natGatewayState", "value/0/properties/outboundPublicIPAddresses"
            )
        },
    ),
    Story(
        name="a child of nothing",
        tenant=on_group(NIL, "asotest-rg-pwokuh"),
        steps=("errors/02",),
    ),
    Story(
        name="a child of a service that never was",
        tenant=on_group(NIL, "test_apimanagement_test_usr9b7e0b1e"),
        steps=("errors/07",),
    ),
    Story(name="no such group", tenant={"subscriptions": [{"id": NIL}]}, steps=("errors/01",)),
    Story(
        name="create, the same again, delete, in the oldest style",
        options=OLD_POLLS,
        tenant=on_group(NIL, "cli_test_apim-000001"),
        steps=(
            "service/01",
            Wait(timedelta(minutes=1)),
            "service/02",
            Wait(timedelta(hours=1)),
            "service/03",
            "service/04",
            "service/05",
            Wait(timedelta(hours=1)),
            "service/06",
        ),
        apart={
            **dict.fromkeys(("service/03", "service/04", "service/05"), BEFORE_2021),
            "service/01": {
                **BEFORE_2021,
                "body/properties/gatewayUrl: 'None' recorded": "later versions know it before activation",
                "body/properties/hostnameConfigurations/0/hostName: 'None' recorded": "later versions know it",
            },
        },
    ),
    Story(
        name="create and tag a Developer service",
        options=Options(old_versions=True, polling=Polling.BOTH),
        tenant=on_group(NIL, "asotest-rg-pwokuh"),
        steps=(
            "service/07",
            Wait(timedelta(minutes=1)),
            "service/08",
            Wait(timedelta(hours=1)),
            "service/09",
            "service/10",
            "service/11",
        ),
    ),
    Story(
        name="create and tag a v2 service",
        options=Options(old_versions=True, polling=Polling.BOTH),
        tenant=on_group(NIL, "asotest-rg-zlmwur"),
        steps=(
            "service/12",
            Wait(timedelta(hours=1)),
            "service/13",
            Wait(timedelta(hours=1)),
            "service/14",
        ),
        apart={
            "*": {
                f"body/properties/customProperties/{SWITCHES}": V2_SWITCHES,
                "body/properties/outboundPublicIPAddresses: list": "the newest recording has null (service/27)",
                "body/systemData: 'None' recorded": "later versions have it at once",
                **OLDER_THAN_SYSTEM_DATA,
            }
        },
    ),
    Story(
        name="Consumption with client certificates, failing",
        options=OLD_POLLS,
        tenant=on_group(NIL, "cli_test_apim_client_cert-000001"),
        steps=(
            Do(
                lambda azure: azure.provider.operations.fail_next(
                    service_id(NIL, "cli_test_apim_client_cert-000001", "cli-test-apim-000002")
                )
            ),
            "service/15",
            Wait(timedelta(hours=1)),
            "service/16",
        ),
        apart={
            "service/15": BEFORE_2022,
            "service/16": {"body/error/message": "goes on about the region and names a correlation id"},
        },
    ),
    Story(
        name="Consumption with an identity",
        options=OLD_POLLS,
        tenant=on_group(NIL, "cli_test_apim_mi-000001"),
        steps=("service/17", Wait(timedelta(hours=1)), "service/18"),
        apart={"*": BEFORE_2022},
    ),
    Story(
        name="create, in the style of 2025",
        options=Options(old_versions=True, polling=Polling.BOTH),
        tenant=on_group(NIL, "cli_test_apim-000001"),
        steps=("service/19",),
    ),
    Story(
        name="PATCH that changes nothing",
        tenant=on_service(
            "azure_subscription_id",
            "myjstest",
            "myserviceyyy2",
            sku="Standard",
            location="East US",
            properties={"publisherEmail": "foo@contoso.com", "publisherName": "foo"},
        ),
        apart={"service/22": BEFORE_2022},
        steps=("service/22",),
    ),
    Story(
        name="tags of a service in a network",
        options=Options(old_versions=True, polling=Polling.LOCATION, tags_update_is_long=True, retry_after=60),
        tenant=on_service(
            "db1ab6f0-4769-4b27-930e-01e2ef9c123c",
            "testRG-5727",
            "testapi-139",
            location="East US",
            identity="system",
            properties={
                "publisherEmail": "Sample@Sample.com",
                "publisherName": "sample",
                "platformVersion": "stv1",
                "virtualNetworkType": "Internal",
                "virtualNetworkConfiguration": NETWORK,
                "privateIPAddresses": ["10.0.1.5"],
            },
        ),
        apart={
            "*": {
                **BEFORE_2022,
                **not_recorded("the platform before stv2 has no such switch", "properties/disableGateway"),
            }
        },
        steps=(
            "service/23",
            Wait(timedelta(minutes=1)),
            "service/24",
            Wait(timedelta(hours=1)),
            "service/25",
            "service/26",
        ),
    ),
    Story(
        name="the newest polls",
        options=Options(old_versions=True, polling=Polling.LOCATIONS),
        tenant=on_service(
            NIL,
            "asotest-rg-nbqudn",
            "asotest-apimanagementv3-esjrun",
            sku="BasicV2",
            location="East US",
            properties={"publisherEmail": "ASO@testing.com", "publisherName": "ASOTesting"},
        ),
        steps=("service/28", "service/29", Wait(timedelta(hours=1)), "service/30"),
        apart={
            "*": OLDER_THAN_SYSTEM_DATA,
            "service/29": {"location: not recorded": "the note of the case says that it was not transcribed"},
        },
    ),
)
