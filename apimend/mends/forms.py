"""
How Terraform, Bicep and APIOps name the resources that mends are about: one table by ARM type.

A newer api-version, or another type of resource, changes this file. Argument names are those of azurerm 4, file names
those of the APIOps toolkit.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from apimend.mends.languages import Value
from apimend.model.ids import ResourceId

Body = Mapping[str, Value]
Keys = Callable[[ResourceId], Body]


@dataclass(frozen=True, kw_only=True)
class Form:
    """How the languages name a type of resource. `apiops` is its file; empty where APIOps doesn't keep it."""

    arm: str
    version: str
    azurerm: str = ""
    keys: Keys = field(default=lambda _: {})
    apiops: str = ""


def type_of(target: ResourceId) -> str:
    """The ARM type of a resource, in lower case."""
    namespace, *rest = target.key.rpartition("/providers/")[2].split("/")
    return "/".join((namespace, *rest[0::2]))


def is_known(target: ResourceId) -> bool:
    """Whether there is a form for resources of this type, and the id is whole."""
    kind = type_of(target)
    return kind in FORMS and (target.instance is not None or not kind.startswith(_APIM.casefold()))


def names_in(target: ResourceId) -> list[str]:
    """The names in an id, without that of the service itself."""
    names = target.text.rpartition("/providers/")[2].split("/")[2::2]
    return names[1:] if len(names) > 1 else names


def _beside(target: ResourceId) -> Body:
    return {"name": target.name, "resource_group_name": target.resource_group}


def _only_name(target: ResourceId) -> Body:
    return {"name": target.name}


def _below(key: str = "name") -> Keys:
    def keys(target: ResourceId) -> Body:
        service = target.instance
        assert service is not None
        group = service.resource_group
        named = {key: names_in(target)[0]} if key else {}
        return {**named, "api_management_name": service.name, "resource_group_name": group}

    return keys


def _of_gateway(target: ResourceId) -> Body:
    service = target.instance
    assert service is not None
    return {"name": target.name, "api_management_id": service.text, "gateway_name": names_in(target)[0]}


_APIM, _APIM_VERSION = "Microsoft.ApiManagement/service", "2024-05-01"


def _service(below: str = "", azurerm: str = "", keys: Keys = _beside, apiops: str = "") -> Form:
    return Form(arm=f"{_APIM}/{below}".rstrip("/"), version=_APIM_VERSION, azurerm=azurerm, keys=keys, apiops=apiops)


def _plain(arm: str, version: str, azurerm: str = "", keys: Keys = _beside) -> Form:
    return Form(arm=arm, version=version, azurerm=azurerm, keys=keys)


FORMS: Mapping[str, Form] = {
    form.arm.casefold(): form
    for form in (
        _service(azurerm="azurerm_api_management"),
        _service("apis", "azurerm_api_management_api", _below(), "apis/{0}/apiInformation.json"),
        _service("backends", "azurerm_api_management_backend", _below(), "backends/{0}/backendInformation.json"),
        _service("certificates", "azurerm_api_management_certificate", _below()),
        _service(
            "namedValues", "azurerm_api_management_named_value", _below(), "named values/{0}/namedValueInformation.json"
        ),
        _service("loggers", "azurerm_api_management_logger", _below(), "loggers/{0}/loggerInformation.json"),
        _service(
            "diagnostics",
            "azurerm_api_management_diagnostic",
            _below("identifier"),
            "diagnostics/{0}/diagnosticInformation.json",
        ),
        _service("apis/diagnostics", apiops="apis/{0}/diagnostics/{1}/diagnosticInformation.json"),
        _service(
            "products", "azurerm_api_management_product", _below("product_id"), "products/{0}/productInformation.json"
        ),
        _service(
            "subscriptions",
            "azurerm_api_management_subscription",
            _below("subscription_id"),
            "subscriptions/{0}/subscriptionInformation.json",
        ),
        _service("identityProviders", "azurerm_api_management_identity_provider_aad", _below("")),
        _service("portalconfigs"),
        _service("portalsettings"),
        _service("tenant"),
        _service(
            "gateways/hostnameConfigurations", "azurerm_api_management_gateway_host_name_configuration", _of_gateway
        ),
        _service(
            "gateways/certificateAuthorities",
            "azurerm_api_management_gateway_certificate_authority",
            lambda id: {
                {"name": "certificate_name"}.get(key, key): value for key, value in _of_gateway(id).items()
            },
        ),
        _plain("Microsoft.KeyVault/vaults", "2023-07-01", "azurerm_key_vault"),
        _plain(
            "Microsoft.KeyVault/vaults/accessPolicies", "2023-07-01", "azurerm_key_vault_access_policy", lambda _: {}
        ),
        _plain("Microsoft.Storage/storageAccounts", "2023-05-01", "azurerm_storage_account"),
        _plain("Microsoft.Network/virtualNetworks", "2024-05-01", "azurerm_virtual_network"),
        _plain("Microsoft.Network/virtualNetworks/subnets", "2024-05-01", "azurerm_subnet", lambda id: {
            "name": id.name, "virtual_network_name": id.segments[7], "resource_group_name": id.resource_group
        }),
        _plain("Microsoft.Network/networkSecurityGroups", "2024-05-01", "azurerm_network_security_group"),
        _plain(
            "Microsoft.Network/networkSecurityGroups/securityRules",
            "2024-05-01",
            "azurerm_network_security_rule",
            lambda id: {
                "name": id.name,
                "network_security_group_name": id.segments[7],
                "resource_group_name": id.resource_group,
            },
        ),
        _plain("Microsoft.Network/networkWatchers/flowLogs", "2024-05-01", "azurerm_network_watcher_flow_log",
               lambda id: {"name": id.name, "network_watcher_name": id.segments[7],
                           "resource_group_name": id.resource_group}),
        _plain(
            "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies",
            "2024-05-01",
            "azurerm_web_application_firewall_policy",
        ),
        _plain("Microsoft.Authorization/roleAssignments", "2022-04-01", "azurerm_role_assignment", lambda _: {}),
        _plain("Microsoft.Authorization/locks", "2020-05-01", "azurerm_management_lock", _only_name),
        _plain(
            "Microsoft.Authorization/policyAssignments",
            "2024-04-01",
            "azurerm_subscription_policy_assignment",
            _only_name,
        ),
        _plain(
            "Microsoft.Insights/diagnosticSettings",
            "2021-05-01-preview",
            "azurerm_monitor_diagnostic_setting",
            _only_name,
        ),
        _plain("Microsoft.Insights/metricAlerts", "2018-03-01", "azurerm_monitor_metric_alert"),
        _plain("Microsoft.Insights/activityLogAlerts", "2020-10-01", "azurerm_monitor_activity_log_alert"),
        _plain(
            "Microsoft.OperationalInsights/workspaces/tables",
            "2022-10-01",
            "azurerm_log_analytics_workspace_table",
            _only_name,
        ),
        _plain("Microsoft.Security/pricings", "2024-01-01", "azurerm_security_center_subscription_pricing",
               lambda _: {}),
        _plain("Microsoft.Security/automations", "2019-01-01-preview", "azurerm_security_center_automation"),
        _plain(
            "Microsoft.Security/securityContacts", "2023-12-01-preview", "azurerm_security_center_contact", _only_name
        ),
    )
}  # fmt: skip
"""How each type of resource is named, by its ARM type in lower case."""

POLICIES = (
    (re.compile(r"policies/policy"), "policy.xml", "azurerm_api_management_policy", "policies"),
    (
        re.compile(r"apis/[^/]+/policies/policy"),
        "apis/{0}/policy.xml",
        "azurerm_api_management_api_policy",
        "apis/policies",
    ),
    (
        re.compile(r"apis/[^/]+/operations/[^/]+/policies/policy"),
        "apis/{0}/operations/{1}/policy.xml",
        "azurerm_api_management_api_operation_policy",
        "apis/operations/policies",
    ),
    (
        re.compile(r"products/[^/]+/policies/policy"),
        "products/{0}/policy.xml",
        "azurerm_api_management_product_policy",
        "products/policies",
    ),
)
