"""
A tenant in which every control passes, and for each control one change by which it fails.

The tenant is an ordinary one of the emulator; a change is made in its store, as if somebody had written it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator import Tenant
from emulator.arm.identities import system_principal
from emulator.store import Resource, Store

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUB}/resourceGroups/rg-apim"
SERVICE = f"{GROUP}/providers/Microsoft.ApiManagement/service/contoso-prod"
NET = f"{GROUP}/providers/Microsoft.Network"
VNET = f"{NET}/virtualNetworks/vnet"
SUBNET = f"{VNET}/subnets/apim"
NSG = f"{NET}/networkSecurityGroups/nsg"
FLOW = f"{NET}/networkWatchers/nw/flowLogs/flow"
GATEWAY = f"{NET}/applicationGateways/front"
FIREWALL = f"{NET}/applicationGatewayWebApplicationFirewallPolicies/waf"
INSIGHTS = f"{GROUP}/providers/Microsoft.Insights"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-prod"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/backups"
AUTH = "providers/Microsoft.Authorization"
ROLE = "/providers/Microsoft.Authorization/roleDefinitions"
OWNER, READER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ADMINS, ANOTHER = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
LONG_AGO = (NOW - timedelta(days=3)).isoformat()
P = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security."
CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
)  # fmt: skip
PROTOCOLS = ("Protocols.Tls10", "Protocols.Tls11", "Protocols.Ssl30")

GLOBAL = """<policies><inbound>
  <cors><allowed-origins><origin>https://shop.contoso.example</origin></allowed-origins></cors>
  <ip-filter action="allow"><address>10.0.0.4</address></ip-filter>
  <validate-client-certificate validate-trust="false">
    <identities><identity thumbprint="{thumbprint}" /></identities>
  </validate-client-certificate>
  <rate-limit-by-key calls="100" renewal-period="60" counter-key="@(context.Request.IpAddress)" />
  <validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="prevent" />
  <validate-jwt header-name="Authorization">
    <openid-config url="https://login.contoso.example/.well-known/openid-configuration" />
    <audiences><audience>orders</audience></audiences>
  </validate-jwt>
</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>"""
INNER = """<policies><inbound><base />
  <authentication-managed-identity resource="https://orders.contoso.example" />
</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"""


def assignment(name: str, role: str, principal: str, kind: str, scope: str = GROUP) -> dict[str, Any]:
    """A role assignment."""
    return {
        "id": f"{scope}/{AUTH}/roleAssignments/{name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{ROLE}/{role}", "principalId": principal, "principalType": kind, "scope": scope,
        },
    }  # fmt: skip


def alert(name: str, metric: str) -> dict[str, Any]:
    """A metric alert that reaches somebody."""
    return {
        "id": f"{INSIGHTS}/metricAlerts/{name}",
        "type": "Microsoft.Insights/metricAlerts",
        "location": "global",
        "properties": {
            "enabled": True,
            "scopes": [SERVICE],
            "criteria": {"allOf": [{"metricName": metric}]},
            "actions": [{"actionGroupId": f"{INSIGHTS}/actionGroups/team"}],
        },
    }


def change_alert(name: str, operation: str, field: str = "operationName") -> dict[str, Any]:
    """An activity log alert that reaches somebody."""
    return {
        "id": f"{INSIGHTS}/activityLogAlerts/{name}",
        "type": "Microsoft.Insights/activityLogAlerts",
        "location": "global",
        "properties": {
            "enabled": True,
            "scopes": [SUB],
            "condition": {"allOf": [{"field": field, "equals": operation}]},
            "actions": {"actionGroups": [{"actionGroupId": f"{INSIGHTS}/actionGroups/team"}]},
        },
    }


def event(name: str, operation: str, caller: str) -> dict[str, Any]:
    """An entry of the activity log."""
    return {
        "id": f"{SUB}/providers/Microsoft.Insights/eventtypes/management/values/{name}",
        "type": "Microsoft.Insights/eventtypes/management/values",
        "resourceId": SERVICE,
        "operationName": {"value": operation},
        "status": {"value": "Succeeded"},
        "caller": caller,
        "eventTimestamp": LONG_AGO,
    }


RESOURCES: list[dict[str, Any]] = [
    {
        "id": VNET,
        "type": "Microsoft.Network/virtualNetworks",
        "location": "westeurope",
        "properties": {
            "enableDdosProtection": True,
            "ddosProtectionPlan": {"id": f"{NET}/ddosProtectionPlans/plan"},
            "subnets": [{"id": SUBNET, "name": "apim", "properties": {"networkSecurityGroup": {"id": NSG}}}],
        },
    },
    {
        "id": NSG,
        "type": "Microsoft.Network/networkSecurityGroups",
        "location": "westeurope",
        "properties": {
            "securityRules": [
                {
                    "name": "management",
                    "properties": {
                        "direction": "Inbound", "access": "Allow", "priority": 100, "protocol": "Tcp",
                        "sourceAddressPrefix": "ApiManagement", "destinationPortRange": "3443",
                        "description": "The control plane of API Management",
                    },
                }
            ]
        },
    },
    {
        "id": FLOW,
        "type": "Microsoft.Network/networkWatchers/flowLogs",
        "location": "westeurope",
        "properties": {
            "targetResourceId": VNET,
            "enabled": True,
            "retentionPolicy": {"days": 120, "enabled": True},
            "flowAnalyticsConfiguration": {"networkWatcherFlowAnalyticsConfiguration": {"enabled": True}},
        },
    },
    {
        "id": FIREWALL,
        "type": "Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies",
        "location": "westeurope",
        "properties": {
            "policySettings": {"state": "Enabled", "mode": "Prevention", "requestBodyCheck": True},
            "managedRules": {"managedRuleSets": [{"ruleSetType": "Microsoft_BotManagerRuleSet"}]},
        },
    },
    {"id": f"{INSIGHTS}/actionGroups/team", "type": "Microsoft.Insights/actionGroups", "location": "global",
     "properties": {"enabled": True}},
    alert("requests", "Requests"), alert("capacity", "Capacity"), alert("duration", "Duration"),
    change_alert("nsg", "Microsoft.Network/networkSecurityGroups/write"),
    change_alert("policy", "Microsoft.Authorization/policyAssignments/write"),
    change_alert("health", "ServiceHealth", "category"),
    {
        "id": f"{GROUP}/providers/Microsoft.Security/automations/export",
        "type": "Microsoft.Security/automations",
        "location": "westeurope",
        "properties": {
            "isEnabled": True,
            "sources": [{"eventSource": "Alerts"}],
            "actions": [{"actionType": "Workspace"}, {"actionType": "LogicApp"}],
        },
    },
    {
        "id": f"{SERVICE}/providers/Microsoft.Insights/diagnosticSettings/all",
        "type": "Microsoft.Insights/diagnosticSettings",
        "properties": {"workspaceId": WORKSPACE, "logs": [{"categoryGroup": "allLogs", "enabled": True}]},
    },
    {
        "id": f"{SUB}/providers/Microsoft.Insights/diagnosticSettings/activity",
        "type": "Microsoft.Insights/diagnosticSettings",
        "properties": {
            "workspaceId": WORKSPACE,
            "logs": [{"category": c, "enabled": True} for c in ("Administrative", "Security", "Alert", "Policy")],
        },
    },
    {"id": WORKSPACE, "type": "Microsoft.OperationalInsights/workspaces", "location": "westeurope",
     "properties": {"retentionInDays": 30}},
    {"id": f"{WORKSPACE}/tables/ApiManagementGatewayLogs", "type": "Microsoft.OperationalInsights/workspaces/tables",
     "properties": {"totalRetentionInDays": 180}},
    event("backup", "Microsoft.ApiManagement/service/backup/action", "00000000-0000-4000-8000-00000000000b"),
    event("deploy", "Microsoft.ApiManagement/service/apis/write", "00000000-0000-4000-8000-00000000000b"),
    {"id": f"{SERVICE}/{AUTH}/locks/keep", "type": "Microsoft.Authorization/locks",
     "properties": {"level": "CanNotDelete"}},
    assignment("owners", OWNER, ADMINS, "Group"),
    {
        "id": f"{SERVICE}/{AUTH}/roleAssignmentScheduleInstances/active",
        "type": "Microsoft.Authorization/roleAssignmentScheduleInstances",
        "properties": {"principalId": ADMINS, "principalType": "Group", "assignmentType": "Activated"},
    },
    {
        "id": f"{SERVICE}/{AUTH}/roleEligibilityScheduleInstances/eligible",
        "type": "Microsoft.Authorization/roleEligibilityScheduleInstances",
        "properties": {"principalId": ADMINS, "principalType": "Group"},
    },
    {
        "id": f"{SERVICE}/{AUTH}/roleManagementPolicyAssignments/owner",
        "type": "Microsoft.Authorization/roleManagementPolicyAssignments",
        "properties": {"effectiveRules": [{"enabledRules": ["MultiFactorAuthentication"]}]},
    },
    {"id": f"{SUB}/providers/Microsoft.Security/pricings/Api", "type": "Microsoft.Security/pricings",
     "properties": {"pricingTier": "Standard"}},
    {"id": f"{SERVICE}/providers/Microsoft.Security/apiCollections/orders", "type": "Microsoft.Security/apiCollections",
     "properties": {}},
    {
        "id": f"{SUB}/providers/Microsoft.Security/securityContacts/default",
        "type": "Microsoft.Security/securityContacts",
        "properties": {
            "isEnabled": True, "emails": "security@contoso.example",
            "notificationsByRole": {"state": "On", "roles": ["Owner"]},
            "notificationsSources": [{"sourceType": "Alert", "minimalSeverity": "High"}],
        },
    },
    {
        "id": f"{SERVICE}/providers/Microsoft.Security/assessments/authenticated",
        "type": "Microsoft.Security/assessments",
        "properties": {"displayName": "APIs should be authenticated", "status": {"code": "Healthy"}},
    },
    {
        "id": f"{SUB}/{AUTH}/policyAssignments/benchmark",
        "type": "Microsoft.Authorization/policyAssignments",
        "properties": {
            "scope": SUB, "enforcementMode": "Default",
            "policyDefinitionId": "/providers/Microsoft.Authorization/policySetDefinitions/"
            "1f3afdf9-d0c9-4c3d-847f-89da613e70a8",
        },
    },
    {
        "id": STORAGE,
        "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope",
        "properties": {
            "networkAcls": {"defaultAction": "Deny"}, "allowBlobPublicAccess": False,
            "allowSharedKeyAccess": False, "minimumTlsVersion": "TLS1_2",
        },
    },
    {
        "id": f"{SERVICE}/portalconfigs/default",
        "type": "Microsoft.ApiManagement/service/portalconfigs",
        "properties": {
            "enableBasicAuth": False, "signin": {"require": True},
            "delegation": {"delegateRegistration": False, "delegateSubscription": False, "delegationUrl": None},
            "cors": {"allowedOrigins": []}, "csp": {"mode": "enabled"},
        },
    },
    {"id": f"{SERVICE}/portalsettings/signup", "type": "Microsoft.ApiManagement/service/portalsettings",
     "properties": {"enabled": False}},
    {
        "id": f"{SERVICE}/identityProviders/aad",
        "type": "Microsoft.ApiManagement/service/identityProviders",
        "properties": {"type": "aad", "clientLibrary": "MSAL-2", "allowedTenants": ["contoso.example"]},
    },
]  # fmt: skip

CONTENT: Mapping[str, Any] = {
    "tenant": "22222222-2222-2222-2222-222222222222",
    "subscriptions": [{"id": SUB.rpartition("/")[2], "name": "Contoso"}],
    "authorities": {"ca": {"subject": "CN=Contoso CA"}},
    "certificates": {"partner": {"subject": "CN=partner", "issued_by": "ca", "key": "rsa", "ends": "400d"}},
    "principals": [{"name": "apimend", "object_id": "66666666-6666-6666-6666-666666666666",
                    "client_id": "77777777-7777-7777-7777-777777777777"}],
    "vaults": [
        {
            "name": "kv-prod", "firewall": True, "rbac": True, "properties": {"enablePurgeProtection": True},
            "certificates": [{"name": "partner", "certificate": "partner"}],
        }
    ],
    "roles": [
        {"principal": "contoso-prod", "role": "Key Vault Secrets User", "scope": "vault kv-prod"},
        {"principal": "apimend", "role": "Reader", "scope": "subscription"},
        {"principal": "apimend", "role": "Key Vault Reader", "scope": "vault kv-prod"},
    ],
    "services": [
        {
            "name": "contoso-prod",
            "sku": "Premium",
            "capacity": 2,
            "identity": "system",
            "tags": {"owner": "team", "environment": "prod", "data-classification": "internal",
                     "backup-account": "backups"},
            "properties": {
                "virtualNetworkType": "External",
                "publicNetworkAccess": "Disabled",
                "virtualNetworkConfiguration": {"subnetResourceId": SUBNET},
                "privateEndpointConnections": [
                    {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
                ],
                "customProperties": {
                    **{f"{P}{side}{name}": "False" for side in ("", "Backend.") for name in PROTOCOLS},
                    **{f"{P}Ciphers.{name}": "False" for name in ("TripleDes168", *CIPHERS)},
                },
                "apiVersionConstraint": {"minApiVersion": "2021-08-01"},
            },
            "certificates": [{"id": "partner", "vault": "kv-prod/partner"}],
            "named_values": [{"id": "mode", "name": "mode", "value": "live"}],
            "backends": [
                {
                    "id": "orders", "url": "https://orders.contoso.example",
                    "properties": {
                        "tls": {"validateCertificateChain": True, "validateCertificateName": True},
                        "credentials": {"header": {"x-key": ["{{orders-key}}"]}},
                    },
                }
            ],
            "loggers": [
                {
                    "id": "insights",
                    "properties": {"loggerType": "applicationInsights", "credentials": {
                        "identityClientId": "SystemAssigned", "connectionString": "InstrumentationKey={{x}}"}},
                }
            ],
            "diagnostics": [
                {
                    "id": "applicationinsights",
                    "properties": {
                        "loggerId": f"{SERVICE}/loggers/insights", "alwaysLog": "allErrors", "verbosity": "information",
                        "sampling": {"samplingType": "fixed", "percentage": 50},
                        "frontend": {"request": {"headers": ["Accept"], "body": {"bytes": 0}}},
                    },
                }
            ],
            "apis": [
                {
                    "id": "orders", "path": "orders", "service_url": "https://orders.contoso.example",
                    "policy": INNER, "operations": [{"id": "list", "method": "GET", "url": "/orders"}],
                }
            ],
            "products": [{"id": "gold", "apis": ["orders"]}],
            "subscriptions": [{"id": "partner", "scope": "/products/gold"}],
            "gateways": [{"id": "site", "hostnames": [{"id": "h", "host": "site.contoso.example",
                                                      "certificate": "partner", "negotiate": True}], "apis": []}],
        }
    ],
    "resources": RESOURCES,
}  # fmt: skip


def tenant(**service: Any) -> Tenant:
    """The tenant; `service` alters its service."""
    content = copy.deepcopy(dict(CONTENT))
    content["services"][0].update(service)
    return Tenant.of(content)


@dataclass(frozen=True)
class Edit:
    """One change in the store: a value at a path in a resource's body; without a path the resource goes."""

    id: str
    path: str = ""
    value: Any = None

    def make(self, store: Store) -> None:
        """Make it."""
        found = store.get(self.id)
        if found is None:
            found = Resource(id=self.id, type=_type(self.id), name=self.id.rpartition("/")[2])
        if not self.path:
            store.remove(self.id, at=NOW)
            return
        body = copy.deepcopy(found.body)
        *above, last = self.path.split("/")
        place: Any = body
        for name in above:
            place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
            assert place is not None, f"{self.path} of {self.id}"
        if isinstance(place, list):
            place[int(last)] = self.value
        else:
            place[last] = self.value
        store.put(replace(found, body=body), at=NOW)


def _type(id: str) -> str:
    parts = id.rpartition("/providers/")[2].split("/")
    return "/".join([parts[0], *parts[1::2]])


def policy(text: str, scope: str = "apis/orders") -> Edit:
    """Another policy at a scope."""
    return Edit(f"{SERVICE}/{scope}/policies/policy".replace("//", "/"), "properties/value", text)


def prepared(thumbprint: str) -> Iterable[Edit]:
    """What the declared form of a tenant has no word for."""
    yield policy(GLOBAL.format(thumbprint=thumbprint), "")
    yield Edit(SERVICE, "zones", ["1", "2"])
    yield Edit(SERVICE, "properties/customProperties/spare", "x")
    yield Edit(f"{SERVICE}/products/gold", "properties/approvalRequired", True)
    yield Edit(f"{SERVICE}/products/gold", "properties/groups", [{"name": "developers"}])
    yield Edit(f"{SERVICE}/namedValues/orders-key", "properties", {
        "displayName": "orders-key", "secret": True,
        "keyVault": {"secretIdentifier": "https://kv-prod.vault.azure.net/secrets/orders",
                     "lastStatus": {"code": "Success"}},
    })  # fmt: skip
    yield Edit(
        SERVICE,
        "properties/hostnameConfigurations/0/negotiateClientCertificate",
        True,
    )
    yield Edit(f"{SERVICE}/gateways/site/hostnameConfigurations/h", "properties/tls10Enabled", False)


FRONTED = (
    Edit(SERVICE, "properties/publicNetworkAccess", "Enabled"),
    Edit(SERVICE, "properties/privateEndpointConnections", None),
    Edit(GATEWAY, "location", "westeurope"),
    Edit(
        GATEWAY,
        "properties",
        {
            "sku": {"tier": "WAF_v2"},
            "firewallPolicy": {"id": FIREWALL},
            "backendAddressPools": [{"properties": {"backendAddresses": [{"fqdn": "contoso-prod.azure-api.net"}]}}],
        },
    ),
)
"""An Application Gateway in front of an open gateway: N6 and N7 have something to judge then."""

OPEN = """<policies><inbound><rate-limit calls="1" renewal-period="1" /></inbound>
<backend><forward-request /></backend></policies>"""
BASE = "<base />"


def _inner(*inbound: str, first: str = BASE) -> str:
    return INNER.replace(
        "<base />\n  <authentication-managed-identity", f"{first}{''.join(inbound)}<authentication-managed-identity", 1
    )


MIGHTY = assignment("mighty", OWNER, system_principal(SERVICE), "ServicePrincipal")
DEFENDER = f"{SERVICE}/providers/Microsoft.Security/assessments/authenticated"
EVENTS = f"{SUB}/providers/Microsoft.Insights/eventtypes/management/values"
EXPORT = f"{SUB}/providers/Microsoft.Insights/diagnosticSettings/activity"
FAILING: Mapping[str, tuple[Edit, ...]] = {
    "N1": (Edit(SERVICE, "properties/publicNetworkAccess", "Enabled"),),
    "N2": (Edit(SERVICE, "properties/publicNetworkAccess", "Enabled"),),
    "N3": (Edit(VNET, "properties/subnets/0/properties/networkSecurityGroup", None),),
    "N4": (Edit(NSG, "properties/securityRules/0/properties/sourceAddressPrefix", "Internet"),),
    "N5": (Edit(FLOW, "properties/enabled", False),),
    "N6": (*FRONTED, Edit(FIREWALL, "properties/policySettings/mode", "Detection")),
    "N7": (*FRONTED, policy(OPEN, ""), Edit(NSG, "properties/securityRules/0/properties/destinationPortRange", "443"),
           Edit(NSG, "properties/securityRules/0/properties/sourceAddressPrefix", "Internet")),
    "N8": (Edit(VNET, "properties/enableDdosProtection", False),),
    "D1": (Edit(SERVICE, f"properties/customProperties/{P}Protocols.Tls10", "True"),),
    "D2": (Edit(SERVICE, f"properties/customProperties/{P}Ciphers.TripleDes168", "True"),),
    "D3": (Edit(f"{SERVICE}/apis/orders", "properties/protocols", ["https", "http"]),),
    "D4": (Edit(f"{SERVICE}/backends/orders", "properties/url", "http://orders.contoso.example"),),
    "D5": (Edit(f"{SERVICE}/backends/orders", "properties/tls/validateCertificateChain", False),),
    "D6": (policy(INNER.replace('<authentication-managed-identity resource="https://orders.contoso.example" />', "")),),
    "D7": (Edit(f"{SERVICE}/certificates/partner", "properties/expirationDate", "2026-12-01T00:00:00Z"),),
    "D8": (Edit(f"{SERVICE}/certificates/partner", "properties/keyVault", None),),
    "D9": (Edit(f"{SERVICE}/certificates/partner", "properties/keyVault/lastStatus/code", "Forbidden"),),
    "D10": (Edit(VAULT, "properties/enablePurgeProtection", False),),
    "D11": (policy(OPEN, ""),),
    "S1": (Edit(f"{SERVICE}/namedValues/orders-key", "properties/keyVault", None),),
    "S2": (Edit(f"{SERVICE}/namedValues/mode", "properties/displayName", "orders-password"),),
    "S3": (policy(_inner('<set-header name="Authorization"><value>Basic QWxhZGRpbjpvcGVu</value></set-header>')),),
    "S4": (Edit(f"{SERVICE}/backends/orders", "properties/credentials/header/x-key", ["0123456789abcdef"]),),
    "S5": (Edit(f"{SERVICE}/diagnostics/applicationinsights", "properties/frontend/request/headers", ["Cookie"]),),
    "I1": (Edit(f"{SERVICE}/tenant/access", "properties", {"enabled": True}),),
    "I2": (Edit(f"{SERVICE}/portalconfigs/default", "properties/enableBasicAuth", True),),
    "I3": (Edit(f"{SERVICE}/identityProviders/aad", "properties/clientLibrary", "ADAL"),),
    "I4": (Edit(f"{SERVICE}/portalconfigs/default", "properties/signin/require", False),),
    "I5": (Edit(f"{SERVICE}/portalconfigs/default", "properties/delegation/delegateRegistration", True),),
    "I6": (Edit(f"{SERVICE}/subscriptions/partner", "properties/scope", f"{SERVICE}/apis"),),
    "I7": (policy(OPEN), Edit(f"{SERVICE}/apis/orders", "properties/subscriptionRequired", False)),
    "I8": (Edit(f"{SERVICE}/products/gold", "properties/subscriptionRequired", False),),
    "I9": (Edit(SERVICE, "identity", {"type": "None"}),),
    "I10": tuple(
        Edit(f"{GROUP}/{AUTH}/roleAssignments/mighty", f"properties/{name}", value)
        for name, value in MIGHTY["properties"].items()
    ),
    "I11": (Edit(f"{GROUP}/{AUTH}/roleAssignments/owners", "properties/principalType", "User"),),
    "I12": (
        Edit(f"{SERVICE}/{AUTH}/roleAssignmentScheduleInstances/active", "properties/assignmentType", "Assigned"),
    ),
    "P1": (policy(_inner(first="")),),
    "P2": (policy(_inner("<cors><allowed-origins><origin>*</origin></allowed-origins></cors>")),),
    "P3": (policy(_inner('<validate-jwt header-name="Authorization" require-signed-tokens="false" />')),),
    "P4": (policy(INNER.replace("<inbound><base />", "<inbound>")),),
    "P5": (policy(INNER.replace("<inbound><base />", "<inbound>")),),
    "L1": (Edit(f"{SERVICE}/providers/Microsoft.Insights/diagnosticSettings/all", "properties/logs/0/enabled", False),),
    "L2": (Edit(f"{WORKSPACE}/tables/ApiManagementGatewayLogs", "properties/totalRetentionInDays", 30),),
    "L3": (Edit(EXPORT, "properties/logs/1/enabled", False),),
    "L4": (Edit(f"{INSIGHTS}/metricAlerts/requests", "properties/enabled", False),),
    "L5": (Edit(f"{SERVICE}/diagnostics/applicationinsights", "properties/sampling/percentage", 0),),
    "L6": (Edit(f"{INSIGHTS}/activityLogAlerts/nsg", "properties/enabled", False),),
    "L7": (Edit(f"{SUB}/providers/Microsoft.Security/pricings/Api", "properties/pricingTier", "Free"),),
    "L8": (Edit(f"{GROUP}/providers/Microsoft.Security/automations/export", "properties/isEnabled", False),),
    "L9": (Edit(f"{SUB}/providers/Microsoft.Security/securityContacts/default", "properties/emails", ""),),
    "C1": (Edit(SERVICE, "tags/owner", ""),),
    "C2": (Edit(f"{SERVICE}/{AUTH}/locks/keep", "properties/level", "ReadOnly"),),
    "C3": (Edit(f"{SUB}/{AUTH}/policyAssignments/benchmark", "properties/enforcementMode", "DoNotEnforce"),),
    "C4": (
        Edit(DEFENDER, "properties/status/code", "Unhealthy"),
    ),
    "C5": (Edit(SERVICE, "properties/platformVersion", "stv1"),),
    "C6": (Edit(SERVICE, "sku/name", "Developer"),),
    "C7": (Edit(SERVICE, "sku/capacity", 1),),
    "C8": (Edit(SERVICE, "properties/apiVersionConstraint/minApiVersion", None),),
    "C9": (Edit(f"{SERVICE}/gateways/site/hostnameConfigurations/h", "properties/tls10Enabled", True),),
    "C10": (Edit(f"{SUB}/providers/Microsoft.Insights/eventtypes/management/values/backup"),),
    "C11": (Edit(STORAGE, "properties/allowSharedKeyAccess", True),),
    "C12": (
        Edit(f"{EVENTS}/deploy", "caller", "ada@contoso.example"),
    ),
}  # fmt: skip

PASSING: Mapping[str, tuple[Edit, ...]] = {"N6": FRONTED, "N7": FRONTED}
"""What a control needs so that there is something to pass."""
