"""
The stories of how services are made with hosts and authorities, refused, updated at once again, and deleted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from emulator.options import Options, Polling
from tests.conformance.replay import PASSWORD, Given, Send, Story, Wait
from tests.conformance.stories.tenants import NIL, not_recorded, on_group, on_service, service_id

SDK = "4f5285a3-9fd7-40ad-91b1-d8fc3823983d"
POLICY_TEST = (NIL, "cli_test_apim-000001", "cli-test-apim-policy-operations-000002")
V3 = (NIL, "asotest-rg-nbqudn", "asotest-apimanagementv3-esjrun")
FILE = "<elided: base64 PKCS#12>"
OURS: dict[str, Any] = {
    "tags": {"tag1": "value1", "tag2": "value2", "tag3": "value3"},
    "identity": {"type": "SystemAssigned"},
}
WHO = {"publisherEmail": "apim@autorestsdk.com", "publisherName": "autorestsdk"}

STATE = {
    "body/properties/provisioningState: 'Created'": "until 2023; then the same version says Activating (service/07)"
}


def host(kind: str, name: str, **further: Any) -> dict[str, Any]:
    return {"type": kind, "hostName": name, "encodedCertificate": FILE, "certificatePassword": PASSWORD, **further}


MAKING: tuple[Story, ...] = (
    Story(
        name="create with an authority",
        options=Options(old_versions=True, polling=Polling.BOTH, retry_after=60),
        tenant=on_group(SDK, "sdktestrg2280"),
        steps=(
            Given(
                "hostnames/01",
                {
                    **OURS,
                    "sku": {"name": "Basic", "capacity": 1},
                    "location": "westus2",
                    "properties": {
                        **WHO,
                        "certificates": [
                            {
                                "encodedCertificate": FILE,
                                "certificatePassword": PASSWORD,
                                "storeName": "CertificateAuthority",
                            }
                        ],
                    },
                },
            ),
        ),
        apart={"hostnames/01": STATE},
    ),
    Story(
        name="create with hosts",
        options=Options(old_versions=True, polling=Polling.BOTH, retry_after=60),
        tenant=on_group(SDK, "sdktestrg435"),
        steps=(
            Given(
                "hostnames/02",
                {
                    **OURS,
                    "sku": {"name": "Premium", "capacity": 2},
                    "location": "East US 2 EUAP",
                    "zones": ["1", "2"],
                    "properties": {
                        **WHO,
                        "hostnameConfigurations": [
                            host("Proxy", "gateway1.msitesting.net", defaultSslBinding=True),
                            host(
                                "Proxy",
                                "gateway2.msitesting.net",
                                defaultSslBinding=True,
                                negotiateClientCertificate=True,
                            ),
                            host("Portal", "portal1.msitesting.net"),
                            host("DeveloperPortal", "devportal1.msitesting.net"),
                        ],
                    },
                },
            ),
        ),
        apart={"hostnames/02": STATE},
    ),
    Story(
        name="a second place that is the first",
        tenant=on_group(NIL, "test_apimanagement_test_apiservice22500e21"),
        steps=("errors/06",),
    ),
    Story(
        name="an authorization of a provider that is gone",
        tenant=on_service(NIL, "asotest-rg-pwokuh", "asotest-apimanagement-sczlzm"),
        steps=("errors/03",),
    ),
    Story(
        name="polls of a deletion",
        options=Options(old_versions=True, polling=Polling.BOTH),
        service=service_id(*POLICY_TEST),
        tenant=on_service(*POLICY_TEST, location="West US"),
        steps=(
            Send(method="DELETE", path="", polled_by="service/20"),
            Wait(timedelta(seconds=20)),
            "service/20",
            Wait(timedelta(hours=1)),
            "service/21",
        ),
    ),
    Story(
        name="an update of a v2 service",
        options=Options(old_versions=True, polling=Polling.LOCATIONS),
        tenant=on_service(
            *V3,
            sku="BasicV2",
            location="East US",
            tags={"set": "before"},
            properties={"publisherEmail": "ASO@testing.com", "publisherName": "ASOTesting"},
        ),
        steps=("service/27",),
        apart={
            "*": {
                f"body/systemData/{name}: NoneType recorded": "the service is older than its system data"
                for name in ("createdAt", "createdBy", "createdByType")
            }
        },
    ),
    Story(
        name="import from a document",
        service=service_id(NIL, "cli_test_apim-000001", "clitest000003"),
        options=Options(old_versions=True),
        tenant=on_service(NIL, "cli_test_apim-000001", "clitest000003"),
        steps=("api-product/18", "api-product/19"),
        apart={
            "api-product/19": {
                "body/properties/displayName": "the name comes from the document, which is not read",
                "body/properties/description": "so does the description",
                **not_recorded("later versions have it", "properties/backendId"),
                **not_recorded(
                    "polls of later versions have them (named-value/01)",
                    "properties/authenticationSettings/oAuth2AuthenticationSettings",
                    "properties/authenticationSettings/openidAuthenticationSettings",
                ),
            }
        },
    ),
)
