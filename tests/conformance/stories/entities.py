"""
The stories of certificates, backends, gateways, named values, fragments, APIs, products and subscriptions.
"""

from __future__ import annotations

from typing import Any

from emulator.options import Options
from tests.conformance.replay import UPLOADED, Send, Story
from tests.conformance.stories.tenants import (
    ASO,
    ASO_V2,
    ECHO,
    LATER,
    MAPI,
    NET,
    NIL,
    POWERSHELL,
    VV,
    not_recorded,
    on_service,
    service_id,
)

LONG = (
    "This is a sample server Petstore server.  You can find out more about Swagger \n"
    '    at <a href="http://swagger.wordnik.com">http://swagger.wordnik.com</a> or on irc.freenode.net, #swagger.  '
    'For this sample,\n    you can use the api key "special-key" to test the authorization filters'
)
KEYS = {"subscriptionKeyParameterNames": {"header": "header1234", "query": "query1234"}}
SECOND = {"description": "api description updated", "apiRevisionDescription": "api description revision 2"}
ECHO_URL = "http://echoapi.cloudapp.net/api"
# What stood on the service whose list was recorded: id, name, path, backend, protocol, more properties.
REVISED: tuple[tuple[str, str, str, str, str, dict[str, Any]], ...] = (
    (
        "api-id-clone",
        "api display name clone",
        "api-path-clone",
        ECHO_URL,
        "https",
        {"description": "api description clone"},
    ),
    (
        "api-id",
        "api display name updated",
        "api-path-updated",
        ECHO_URL,
        "http",
        {"description": "api description updated"},
    ),
    ("api-id;rev=2", "api display name updated", "api-path-updated", f"{ECHO_URL}2", "http", {**SECOND, **KEYS}),
    ("api-id-wsdl", "Calculator", "api-path-wsdl", "http://www.dneonline.com", "https", {}),
    ("api-id-oai3-import", "Swagger Petstore", "api-path-oai3-import", "http://petstore.swagger.io/v1", "https", {}),
    (
        "api-id-swagger",
        "Swagger Sample App",
        "api-path-swagger",
        "http://petstore.swagger.wordnik.com/api",
        "https",
        {"description": LONG},
    ),
)


def declared(name: str, title: str, path: str, url: str, protocol: str, further: dict[str, Any]) -> dict[str, Any]:
    properties = {"protocols": [protocol], **further}
    return {"id": name, "name": title, "path": path, "service_url": url, "properties": properties}


ENTITIES: tuple[Story, ...] = (
    Story(
        name="certificate from a vault",
        service=service_id(*POWERSHELL),
        tenant=on_service(
            *POWERSHELL,
            identity="system",
            vaults=[{"name": "jikangsdkkeyvault", "certificates": [{"name": "sdkcert1", "certificate": UPLOADED}]}],
            roles=[
                {
                    "principal": "powershellsdkservicetest",
                    "role": "Key Vault Secrets User",
                    "scope": "vault jikangsdkkeyvault",
                }
            ],
        ),
        steps=(
            "certificate/02",
            "certificate/03",
            "certificate/04",
            "certificate/05",
            "certificate/06",
            "certificate/07",
            Send(method="DELETE", path="/certificates/cert1234"),
            "certificate/08",
        ),
    ),
    Story(
        name="certificate list",
        tenant=on_service(*VV, certificates=[{"id": "test", "uploaded": UPLOADED}]),
        steps=("certificate/01",),
    ),
    Story(
        name="certificate with an old version",
        tenant=on_service("a200340d-6b82-494d-9dbf-687ba6e33f9e", "powershelltest", "powershellsdkservice"),
        steps=("certificate/09", "certificate/10", "certificate/11"),
        apart={
            "certificate/09": {"body/count: not recorded": LATER},
            "*": {"body/properties/hasPrivateKey: not recorded": LATER},
        },
    ),
    Story(name="backend without settings", tenant=on_service(*ASO), steps=("backend/01",)),
    Story(
        name="backend",
        tenant=on_service(NET, "Apim-NetSdk-20220801", "sdktest20220801service"),
        steps=(
            "backend/02",
            "backend/03",
            "backend/04",
            "backend/05",
            "backend/06",
            "backend/07",
            "backend/08",
        ),
    ),
    Story(
        name="self-hosted gateway",
        tenant=on_service(*MAPI, apis=[ECHO], certificates=[{"id": "certificateId3686", "uploaded": UPLOADED}]),
        steps=(
            "gateway/01",
            "gateway/02",
            "gateway/03",
            "gateway/04",
            "gateway/06",
            "gateway/07",
            "gateway/08",
            "gateway/09",
            "gateway/10",
            "gateway/11",
        ),
        apart={"gateway/04": not_recorded(LATER, "properties/backendId")},
    ),
    Story(
        name="hostname of a self-hosted gateway",
        tenant=on_service(
            NET,
            "Apim-NetSdk-20220801",
            "sdktest20220801service",
            certificates=[{"id": "certificateId6940", "uploaded": UPLOADED}],
            gateways=[{"id": "gatewayid9284"}],
        ),
        steps=("gateway/05",),
    ),
    Story(
        name="named value and fragment",
        tenant=on_service(*ASO),
        steps=("named-value/01", "named-value/02", "named-value/03", "named-value/06", "named-value/07"),
    ),
    Story(
        name="named value and fragment on a v2 tier",
        tenant=on_service(*ASO_V2, sku="BasicV2"),
        steps=("named-value/04", "named-value/05", "named-value/08"),
    ),
    Story(
        name="secret named value",
        tenant=on_service(
            NIL,
            "cli_test_apim_nv-000001",
            "clitest000002",
            named_values=[{"id": "az-nv000004", "name": "nv-name000003", "value": "value", "secret": False}],
        ),
        steps=("named-value/09", "named-value/10", "named-value/11", "named-value/12"),
        apart={"named-value/10": not_recorded(LATER, "properties/provisioningState")},
    ),
    Story(
        name="API in a version set",
        service=service_id(*ASO),
        tenant=on_service(*ASO),
        steps=(
            Send(
                method="PUT",
                path="/apiVersionSets/asotest-vs-dcaude",
                body={
                    "properties": {
                        "displayName": "vs",
                        "description": "A version set for the account api",
                        "versioningScheme": "Segment",
                    }
                },
            ),
            "api-product/01",
            "api-product/02",
        ),
    ),
    Story(
        name="API deleted on a v2 tier",
        tenant=on_service(
            *ASO_V2, sku="BasicV2", apis=[{"id": "asotest-api-gckykx", "name": "x", "path": "x", "service_url": None}]
        ),
        steps=("api-product/03", "api-product/04"),
    ),
    Story(
        name="product deleted",
        tenant=on_service(*ASO, products=[{"id": "asotest-cust1-zwfpsw", "name": "x"}]),
        steps=("api-product/07", "api-product/08"),
    ),
    Story(
        name="API linked to a product",
        service=service_id(*ASO),
        tenant=on_service(*ASO, products=[{"id": "asotest-product2-pjxayh", "name": "x"}]),
        steps=(
            Send(
                method="PUT",
                path="/apis/asotest-api2-izuwkr",
                body={
                    "properties": {
                        "apiVersion": "2.0.0",
                        "apiRevision": "1",
                        "apiRevisionDescription": "First Revision",
                        "apiVersionDescription": "Second Version",
                        "description": "A Description about the api",
                        "displayName": "account-api2",
                        "path": "/account-api2",
                        "protocols": ["https"],
                        "subscriptionRequired": False,
                        "type": "http",
                    }
                },
            ),
            "api-product/09",
            "api-product/10",
            "api-product/11",
            "api-product/12",
        ),
    ),
    Story(
        name="subscription",
        tenant=on_service(*ASO),
        steps=("api-product/13", "api-product/14", "api-product/15"),
    ),
    Story(
        name="a subscription renamed with an old version",
        tenant=on_service(
            NIL,
            "cli_test_apim-000002",
            "clitest000003",
            subscriptions=[{"id": "apim_subscription-000001", "scope": "/apis"}],
        ),
        steps=("api-product/21",),
    ),
    Story(
        name="no APIs",
        tenant=on_service(NIL, "cli_test_apim-000001", "clitest000003"),
        steps=("api-product/16",),
    ),
    Story(
        name="APIs and their revisions",
        options=Options(old_versions=True, list_revisions=True),
        tenant=on_service(NIL, "cli_test_apim-000001", "clitest000003", apis=[declared(*one) for one in REVISED]),
        steps=("api-product/17", "api-product/20"),
        apart={
            "api-product/17": {f"body/value/{n}/properties/backendId: not recorded": LATER for n in range(6)},
            "api-product/20": not_recorded(
                LATER,
                "properties/backendId",
                "properties/authenticationSettings/oAuth2AuthenticationSettings",
                "properties/authenticationSettings/openidAuthenticationSettings",
            ),
        },
    ),
)
