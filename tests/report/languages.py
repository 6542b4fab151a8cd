"""
Reads the snippets of hand-offs again, by what azurerm and Bicep call things: an independent table and Microsoft's.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

_RESOURCE = re.compile(r"resource (\w+) '([^']+)' (existing )?= \{")
_BLOCK = re.compile(r'resource "(\w+)" "([^"]*)" \{')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_HEADING = re.compile(r"^## Resource (Microsoft\.ApiManagement/\S+)$|^## (\w+)$")
_MEMBER = re.compile(r"^\* \*\*([^*]+)\*\*: (.*)$")
_LINK = re.compile(r"\[\w+\]\(#(\w+)\)")

COMMON = {"name", "resource_group_name", "api_management_name"}
AZURERM = {
    "azurerm_api_management": {
        "name", "resource_group_name", "public_network_access_enabled", "identity", "identity.type",
        "identity.identity_ids", "client_certificate_enabled", "min_api_version", "zones", "tags",
        "security", "security.frontend_tls10_enabled", "security.frontend_tls11_enabled",
        "security.frontend_ssl30_enabled", "security.backend_tls10_enabled", "security.backend_tls11_enabled",
        "security.backend_ssl30_enabled", "security.triple_des_ciphers_enabled",
        "security.tls_ecdhe_ecdsa_with_aes256_cbc_sha_ciphers_enabled",
        "security.tls_ecdhe_ecdsa_with_aes128_cbc_sha_ciphers_enabled",
        "security.tls_ecdhe_rsa_with_aes256_cbc_sha_ciphers_enabled",
        "security.tls_ecdhe_rsa_with_aes128_cbc_sha_ciphers_enabled",
        "security.tls_rsa_with_aes128_gcm_sha256_ciphers_enabled",
        "security.tls_rsa_with_aes256_cbc_sha256_ciphers_enabled",
        "security.tls_rsa_with_aes128_cbc_sha256_ciphers_enabled",
        "security.tls_rsa_with_aes256_cbc_sha_ciphers_enabled",
        "security.tls_rsa_with_aes128_cbc_sha_ciphers_enabled",
        "hostname_configuration", "hostname_configuration.proxy", "hostname_configuration.proxy.host_name",
        "hostname_configuration.proxy.negotiate_client_certificate",
        "hostname_configuration.proxy.key_vault_certificate_id",
        "certificate", "certificate.encoded_certificate", "certificate.store_name",
    },
    "azurerm_api_management_api": COMMON | {"protocols", "service_url", "subscription_required"},
    "azurerm_api_management_backend": COMMON | {
        "url", "tls", "tls.validate_certificate_chain", "tls.validate_certificate_name", "credentials",
        "credentials.header", "credentials.query",
    },
    "azurerm_api_management_certificate": COMMON | {
        "key_vault_secret_id", "key_vault_identity_client_id", "data"
    },
    "azurerm_api_management_named_value": COMMON | {"secret", "value_from_key_vault", "value_from_key_vault.secret_id"},
    "azurerm_api_management_logger": COMMON | {
        "resource_id", "application_insights", "application_insights.connection_string"
    },
    "azurerm_api_management_diagnostic": {
        "identifier", "api_management_name", "resource_group_name", "sampling_percentage", "always_log_errors",
        "verbosity",
        *(
            f"{side}_{way}{rest}"
            for side in ("frontend", "backend")
            for way in ("request", "response")
            for rest in (
                "", ".body_bytes", ".data_masking", ".data_masking.headers", ".data_masking.headers.mode",
                ".data_masking.headers.value",
            )
        ),
    },
    "azurerm_api_management_product": {
        "product_id", "api_management_name", "resource_group_name", "subscription_required", "approval_required"
    },
    "azurerm_api_management_subscription": {
        "subscription_id", "api_management_name", "resource_group_name", "product_id", "allow_tracing"
    },
    "azurerm_api_management_identity_provider_aad": {
        "api_management_name", "resource_group_name", "client_library", "allowed_tenants"
    },
    "azurerm_api_management_gateway_host_name_configuration": {
        "name", "api_management_id", "gateway_name", "certificate_id", "host_name", "http2_enabled", "tls10_enabled",
        "request_client_certificate_enabled", "tls11_enabled",
    },
    "azurerm_api_management_gateway_certificate_authority": {
        "certificate_name", "api_management_id", "gateway_name", "is_trusted"
    },
    "azurerm_key_vault": {
        "name", "resource_group_name", "purge_protection_enabled", "rbac_authorization_enabled", "network_acls",
        "soft_delete_retention_days", "network_acls.bypass", "network_acls.default_action",
    },
    "azurerm_key_vault_access_policy": {"key_vault_id", "tenant_id", "object_id", "secret_permissions"},
    "azurerm_key_vault_certificate": {
        "name", "key_vault_id", "certificate_policy", "certificate_policy.key_properties",
        "certificate_policy.key_properties.exportable", "certificate_policy.key_properties.key_type",
        "certificate_policy.key_properties.key_size", "certificate_policy.key_properties.reuse_key",
        "certificate_policy.secret_properties", "certificate_policy.secret_properties.content_type",
    },
    "azurerm_storage_account": {
        "name", "resource_group_name", "allow_nested_items_to_be_public", "shared_access_key_enabled",
        "min_tls_version", "network_rules", "network_rules.default_action",
    },
    "azurerm_virtual_network": {
        "name", "resource_group_name", "subnet", "subnet.security_group", "ddos_protection_plan",
        "ddos_protection_plan.id", "ddos_protection_plan.enable",
    },
    "azurerm_subnet": {"name", "virtual_network_name", "resource_group_name", "service_endpoints"},
    "azurerm_network_security_group": {
        "name", "resource_group_name", "security_rule", "security_rule.source_address_prefix"
    },
    "azurerm_network_security_rule": {
        "name", "network_security_group_name", "resource_group_name", "priority", "direction", "access", "protocol",
        "source_port_range", "destination_port_range", "source_address_prefix", "destination_address_prefix",
    },
    "azurerm_network_watcher_flow_log": {
        "name", "network_watcher_name", "resource_group_name", "target_resource_id", "storage_account_id", "enabled",
        "retention_policy", "retention_policy.enabled", "retention_policy.days", "traffic_analytics",
        "traffic_analytics.enabled", "traffic_analytics.workspace_id", "traffic_analytics.workspace_region",
        "traffic_analytics.workspace_resource_id",
    },
    "azurerm_web_application_firewall_policy": {
        "name", "resource_group_name", "policy_settings", "policy_settings.enabled", "policy_settings.mode",
        "policy_settings.request_body_check", "managed_rules", "managed_rules.managed_rule_set",
        "managed_rules.managed_rule_set.type", "managed_rules.managed_rule_set.version",
    },
    "azurerm_role_assignment": {"scope", "role_definition_name", "principal_id", "principal_type"},
    "azurerm_management_lock": {"name", "scope", "lock_level"},
    "azurerm_subscription_policy_assignment": {"name", "subscription_id", "policy_definition_id", "enforce"},
    "azurerm_monitor_diagnostic_setting": {
        "name", "target_resource_id", "log_analytics_workspace_id", "log_analytics_destination_type", "enabled_log",
        "enabled_log.category", "enabled_log.category_group",
    },
    "azurerm_monitor_metric_alert": {
        "name", "resource_group_name", "scopes", "severity", "frequency", "window_size", "criteria", "action",
        "criteria.metric_namespace", "criteria.metric_name", "criteria.aggregation", "criteria.operator",
        "criteria.threshold", "criteria.dimension", "criteria.dimension.name", "criteria.dimension.operator",
        "criteria.dimension.values", "action.action_group_id",
    },
    "azurerm_monitor_activity_log_alert": {
        "name", "resource_group_name", "location", "scopes", "criteria", "criteria.category", "action",
        "criteria.operation_name", "action.action_group_id",
    },
    "azurerm_log_analytics_workspace_table": {"name", "workspace_id", "total_retention_in_days"},
    "azurerm_security_center_subscription_pricing": {"tier", "resource_type", "subplan"},
    "azurerm_security_center_automation": {
        "name", "resource_group_name", "location", "scopes", "source", "source.event_source", "action", "action.type",
        "action.resource_id",
    },
    "azurerm_security_center_contact": {"name", "email", "alert_notifications", "alerts_to_admins"},
}  # fmt: skip
"""The arguments of azurerm 4 that snippets may use: https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs"""

OPEN_MAPS = {"tags", "customProperties", "header", "query", "userAssignedIdentities"}
"""Maps whose keys are the owner's, or Azure's own long names."""


def terraform_arguments(text: str) -> Iterator[tuple[str, str]]:
    """(resource, argument) of every argument in a snippet, nested ones with dots."""
    kind, maps = "", 0
    path: list[str] = []
    for line in text.splitlines():
        bare = _STRING.sub("_", line).strip()
        opened = _BLOCK.match(line)
        if opened:
            kind, path = opened.group(1), []
        elif not kind or bare.startswith("#"):
            continue
        elif bare in ("}", "},"):
            if maps:
                maps -= 1
            elif path:
                path.pop()
            else:
                kind = ""
        elif maps:
            maps += bare.endswith("{")
        elif bare.endswith("= {"):
            yield kind, ".".join((*path, bare.split()[0]))
            maps += 1
        elif bare.endswith("{"):
            path.append(bare.split()[0])
            yield kind, ".".join(path)
        else:
            yield kind, ".".join((*path, bare.split()[0]))


def bicep_members(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(type, path) of every member in a snippet; the items of lists stand without an index."""
    kind = ""
    path: list[str] = []
    for line in text.splitlines():
        bare = line.strip()
        opened = _RESOURCE.match(line)
        if opened:
            kind, path = opened.group(2).partition("@")[0], []
        elif kind and line == "}":
            kind = ""
        elif kind and bare in ("}", "]"):
            path.pop()
        elif kind and bare in ("{", "["):
            path.append("")
        elif kind and ":" in _STRING.sub("_", bare):
            name = _STRING.match(bare) or re.match(r"\w+", bare)
            assert name, bare
            member = name.group().strip("'")
            yield kind, (*(part for part in path if part), member)
            if bare.endswith(("{", "[")):
                path.append(member)


@cache
def _types() -> dict[str, dict[str, str]]:
    material = os.environ.get("APIMEND_MATERIAL")
    if not material:
        pytest.skip("APIMEND_MATERIAL names no folder with Microsoft's types of Bicep")
    text = (Path(material) / "azure-specs/bicep-types/apimanagement/2024-05-01/types.md").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        heading, member = _HEADING.match(line), _MEMBER.match(line)
        if line.startswith("## "):
            current = {}
        if heading:
            name = (heading.group(1) or heading.group(2)).partition("@")[0].casefold()
            found[name] = current
        elif member:
            link = _LINK.search(member.group(2))
            current[member.group(1)] = link.group(1) if link else ""
    return found


def is_member(kind: str, path: tuple[str, ...]) -> bool:
    """Whether Microsoft's types of API Management have this member; those of other services are not looked up."""
    types = _types()
    at = types.get(kind.casefold())
    assert at is not None, kind
    for name in path:
        if at is None:
            return False
        if name not in at:
            return name in ("scope", "parent")
        if name in OPEN_MAPS:
            return True
        at = types.get(at[name].casefold()) if at[name] else None
    return True
