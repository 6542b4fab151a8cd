"""
Hand-offs of the controls D1 to D11: protocols, ciphers, backends, certificates and vaults.
"""

import re

from apimend.mends import Block, Mend, Value
from apimend.report.handoff.spot import SECRET, Entry, Spot, Table

_SECURITY = "Microsoft.WindowsAzure.ApiManagement.Gateway.Security."
_VAULT: dict[str, tuple[Value, dict[str, Value]]] = {
    "enableSoftDelete": (True, {"soft_delete_retention_days": 90}),
    "enablePurgeProtection": (True, {"purge_protection_enabled": True}),
    "enableRbacAuthorization": (True, {"rbac_authorization_enabled": True}),
}
_CIPHER = re.compile(r"(aes)_(\d)")


def _switch_off(spot: Spot) -> Mend | None:
    """One key of customProperties."""
    key = spot.last
    name = _argument(key.removeprefix(_SECURITY))
    if not key.startswith(_SECURITY) or not name:
        return None
    return Mend(
        target=spot.instance,
        arm={"properties": {"customProperties": {key: "False"}}},
        azurerm={"security": Block({name: False})},
        note="Bicep sends the map whole: keep its other keys; the update takes 15 to 45 minutes",
    )


def _argument(switch: str) -> str:
    """The name that azurerm gives a switch of customProperties."""
    side, found, protocol = switch.rpartition("Protocols.")
    if found and side in ("", "Backend."):
        return f"{'backend' if side else 'frontend'}_{protocol.lower()}_enabled"
    cipher = switch.removeprefix("Ciphers.")
    if cipher == "TripleDes168":
        return "triple_des_ciphers_enabled"
    joined = _CIPHER.sub(r"\1\2", cipher.lower())
    return f"{joined}_ciphers_enabled" if cipher != switch else ""


def _no_plain_http(spot: Spot) -> Mend | None:
    if not spot.is_in("apis"):
        return None
    spoken = ["wss"] if "ws" in spot.evidence.observed.replace(",", " ").split() else ["https"]
    return Mend(target=spot.subject, arm={"properties": {"protocols": spoken}}, azurerm={"protocols": spoken})


def _by_https(spot: Spot) -> Mend | None:
    url = spot.evidence.observed
    scheme, _, rest = url.partition(":")
    safe = f"{'wss' if scheme.casefold() == 'ws' else 'https'}:{rest}"
    if scheme.casefold() not in ("http", "ws") or not spot.evidence.pointer.startswith("/properties/"):
        return None
    azurerm = {"url": "url", "serviceUrl": "service_url"}.get(spot.last)
    if azurerm is None:
        return None
    return Mend(target=spot.subject, arm={"properties": {spot.last: safe}}, azurerm={azurerm: safe})


def _validate(spot: Spot) -> Mend | None:
    names = {
        "validateCertificateChain": "validate_certificate_chain",
        "validateCertificateName": "validate_certificate_name",
    }
    if spot.last not in names:
        return None
    return Mend(
        target=spot.subject,
        arm={"properties": {"tls": {spot.last: True}}},
        azurerm={"tls": Block({names[spot.last]: True})},
        note="First trust the authority of its certificate, or this cuts its traffic",
    )


def _from_vault(spot: Spot) -> Mend | None:
    if not spot.is_in("certificates"):
        return None
    return Mend(
        target=spot.subject,
        arm={"properties": {"keyVault": {"secretIdentifier": SECRET}}},
        azurerm={"key_vault_secret_id": SECRET},
        note="secret_id: the certificate in the vault, without a version",
    )


def _protect_vault(spot: Spot) -> Mend | None:
    if spot.last == "defaultAction":
        shut: dict[str, Value] = {"bypass": "AzureServices", "defaultAction": "Deny"}
        block = Block({"bypass": "AzureServices", "default_action": "Deny"})
        return Mend(target=spot.subject, arm={"properties": {"networkAcls": shut}}, azurerm={"network_acls": block})
    if spot.last not in _VAULT:
        return None
    value, azurerm = _VAULT[spot.last]
    note = "Roles have to stand in for the access policies first" if spot.last == "enableRbacAuthorization" else ""
    return Mend(target=spot.subject, arm={"properties": {spot.last: value}}, azurerm=azurerm, note=note)


TABLE: Table = {
    "D1": Entry(make=_switch_off),
    "D2": Entry(make=_switch_off),
    "D3": Entry(make=_no_plain_http),
    "D4": Entry(
        make=_by_https, otherwise="The URL stands in a policy or a named value: its author writes https where it does."
    ),
    "D5": Entry(make=_validate),
    "D6": "Which credential the backend takes, whoever runs it decides.",
    "D7": "A successor is issued in the vault; code that names no version takes it by itself.",
    "D8": Entry(
        make=_from_vault,
        otherwise="A host's certificate moves to the vault with the whole list of hosts; whoever has the PFX does it.",
    ),
    "D9": "Why it is no longer fetched, the run tells as vault_access_missing, vault_firewall or vault_object_gone, "
    "each with what to do.",
    "D10": Entry(make=_protect_vault),
    "D11": "The plan of mutual TLS is the mend: its changes carry their own hand-off.",
}
