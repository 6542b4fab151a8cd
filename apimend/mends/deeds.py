"""
Mends that rules hand out with what they saw: the way of an instance to its vaults, and hosts that ask for certificates.

Each is one deed for which no rule has the right, or which the owner's code would take back. It decides nothing.
"""

import uuid
from collections.abc import Sequence

from apimend.mends.forms import Body, is_known
from apimend.mends.languages import Block, Code, Value, Var, as_json, terraform
from apimend.mends.mend import Mend
from apimend.model.access import CERTIFICATE_USER, Subnet, Vault
from apimend.model.azure import Hostname, Service
from apimend.model.ids import ResourceId

_CERTIFICATE_USER_ID = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba"
_PKCS12 = "application/x-pkcs12"


def grant(vault: Vault, principal: str) -> str:
    """The role with which the instance fetches certificates; an access policy where the vault has no roles."""
    if not vault.rbac:
        return _access_policy(vault, principal)
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{vault.id.key}/{principal.casefold()}"))
    role = Code(f"subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{_CERTIFICATE_USER_ID}')")
    return _text(
        Mend(
            target=vault.id.child("providers", "Microsoft.Authorization", "roleAssignments", name),
            arm={
                "properties": {
                    "roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"
                }
            },
            azurerm={
                "scope": vault.id.text,
                "role_definition_name": CERTIFICATE_USER,
                "principal_id": principal,
                "principal_type": "ServicePrincipal",
            },
            new=True,
            called=f"{vault.name}_certificate_user",
        )
    )  # fmt: skip


def _access_policy(vault: Vault, principal: str) -> str:
    reads: list[Value] = ["get", "list"]
    policy: Body = {
        "tenantId": Code("tenant().tenantId"), "objectId": principal, "permissions": {"secrets": reads}
    }  # fmt: skip
    return _text(
        Mend(
            target=vault.id.child("accessPolicies", "add"),
            arm={"properties": {"accessPolicies": [policy]}},
            azurerm={
                "key_vault_id": vault.id.text,
                "tenant_id": Var("tenant_id"),
                "object_id": principal,
                "secret_permissions": ["Get", "List"],
            },
            new=True,
            called=f"{vault.name}_reader",
        )
    )


def let_azure_in(vault: Vault) -> str:
    """A firewall that trusted services of Azure pass."""
    return _text(
        Mend(
            target=vault.id,
            arm={"properties": {"networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny"}}},
            azurerm={"network_acls": Block({"bypass": "AzureServices", "default_action": "Deny"})},
        )
    )


def identity(service: Service, user_assigned: bool) -> str:
    """A managed identity; a user-assigned one beside those that are there."""
    system = bool(service.system_principal) or not user_assigned
    held = [each.id.text for each in service.user_identities]
    kinds = [*(["SystemAssigned"] if system else []), *(["UserAssigned"] if user_assigned or held else [])]
    ids: list[Value] = [*held, *([Var("identity_id")] if user_assigned else [])]
    named: dict[str, Value] = {each: {} for each in [*held, *(["${identityId}"] if user_assigned else [])]}
    # Bicep takes a parameter for a key only within a text, so this one key is written as it stands.
    keys = Code(_keys(named)) if user_assigned else named
    return _text(
        Mend(
            target=service.id,
            arm={
                "identity": {
                    "type": ", ".join(kinds), **({"userAssignedIdentities": keys} if named else {})
                }
            },
            azurerm={
                "identity": Block({"type": ", ".join(kinds), **({"identity_ids": ids} if ids else {})})
            },
        )
    )  # fmt: skip


def _keys(named: dict[str, Value]) -> str:
    quoted = (each.replace("\\", "\\\\").replace("'", "\\'") for each in named)
    return "{ " + ", ".join(f"'{each}': {{}}" for each in quoted) + " }"


def service_endpoint(subnet: Subnet, endpoint: str) -> str:
    """A subnet that a closed vault can know."""
    every: list[str] = sorted({*subnet.service_endpoints, endpoint})
    listed: list[Value] = [{"service": each} for each in every]
    return _text(
        Mend(target=subnet.id, arm={"properties": {"serviceEndpoints": listed}}, azurerm={"service_endpoints": every})
    )


def let_out(group: ResourceId, tag: str, priority: int) -> str:
    """An outbound rule to what a service tag stands for."""
    told: dict[str, Value] = {
        "priority": priority,
        "direction": "Outbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "443",
        "sourceAddressPrefix": "VirtualNetwork",
        "destinationAddressPrefix": tag,
    }
    azurerm = {_snake(name): value for name, value in told.items()}
    return _text(
        Mend(
            target=group.child("securityRules", f"Allow{tag}"), arm={"properties": told}, azurerm=azurerm, new=True
        )
    )  # fmt: skip


def ask_for_certificates(service: Service, hosts: Sequence[Hostname]) -> str:
    """Negotiation: the service's own switch, or hosts that ask on classic tiers."""
    if not service.tier.is_classic:
        on: Body = {"enableClientCertificate": True}
        consumption = service.tier.refuses_without
        return _text(
            Mend(
                target=service.id,
                arm={"properties": on},
                azurerm={"client_certificate_enabled": True} if consumption else None,
                note="" if consumption else "azurerm has this argument for Consumption only",
            )
        )
    entries: list[Value] = [
        {"type": entry.type or "Proxy", "hostName": entry.host, "negotiateClientCertificate": True} for entry in hosts
    ]
    own = [entry.host for entry in hosts if entry.source.casefold() == "builtin"]
    blocks: list[Value] = [
        Block({"host_name": entry.host, "negotiate_client_certificate": True})
        for entry in hosts
        if entry.host not in own
    ]
    notes = ["Bicep sends the list whole: keep every other host and property"]
    if own:
        notes.append("azurerm leaves the default host to Azure")
    return _text(
        Mend(
            target=service.id,
            arm={"properties": {"hostnameConfigurations": entries}},
            azurerm={"hostname_configuration": Block({"proxy": blocks})} if blocks else None,
            note="; ".join(notes),
        )
    )


def host_from_vault(service: Service, host: Hostname) -> str:
    """A host whose certificate comes from Key Vault, so that its list can be sent."""
    entry: Body = {
        "type": host.type or "Proxy",
        "hostName": host.host,
        "certificateSource": "KeyVault",
        "keyVaultId": Var("secret_id"),
        "negotiateClientCertificate": True,
    }
    proxy = Block(
        {"host_name": host.host, "key_vault_certificate_id": Var("secret_id"), "negotiate_client_certificate": True}
    )
    return _text(
        Mend(
            target=service.id,
            arm={"properties": {"hostnameConfigurations": [entry]}},
            azurerm={"hostname_configuration": Block({"proxy": proxy})},
            note="secret_id: the certificate in the vault, without a version; Bicep sends the list whole",
        )
    )


def vault_certificate(vault: str, name: str) -> str:
    """A certificate of a vault as API Management takes it: an RSA key that can be exported, as PKCS #12."""
    key: Body = {"exportable": True, "key_type": "RSA", "key_size": 2048, "reuse_key": False}
    body: Body = {
        "name": name,
        "key_vault_id": Var("key_vault_id"),
        "certificate_policy": Block(
            {"key_properties": Block(key), "secret_properties": Block({"content_type": _PKCS12})}
        ),
    }
    policy: Body = {
        "key_props": {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False},
        "secret_props": {"contentType": _PKCS12},
    }
    told = terraform("azurerm_key_vault_certificate", name, body)
    return "\n\n".join(
        (
            f"# Terraform, changed in what is there\n{told}",
            "# Bicep can't make certificates of a vault: the same in the policy of the vault's certificate, for\n"
            "# az keyvault certificate create --policy\n" + as_json(policy),
        )
    )


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _text(mend: Mend) -> str:
    return mend.text if is_known(mend.target) else ""
