"""
The same change in the owner's code: what to write into Terraform, Bicep or APIOps, where the rule gave no snippet.

The view calls it for every change. Of a policy it takes what the diff shows and nothing else, so no value of somebody's
policy gets into a snippet; texts are quoted so that none of them can end its line.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apimend.model.ids import InstanceId
from apimend.model.plan import Change, Kind
from apimend.report.diff import Line, Sign
from apimend.report.plain import clean

_FILES = (
    (re.compile(r"policies/policy"), "policy.xml", "azurerm_api_management_policy"),
    (re.compile(r"apis/[^/]+/policies/policy"), "", "azurerm_api_management_api_policy"),
    (re.compile(r"apis/[^/]+/operations/[^/]+/policies/policy"), "", "azurerm_api_management_api_operation_policy"),
    (re.compile(r"products/[^/]+/policies/policy"), "", "azurerm_api_management_product_policy"),
)


def snippet(change: Change, instance: InstanceId, lines: Sequence[Line]) -> str:
    """What the owner would write; empty where there is nothing that could be said for certain."""
    if change.hand_off or change.after is None:
        return change.hand_off
    if change.kind is Kind.POLICY:
        return _policy(change, lines)
    make = _OF_PROPERTIES.get(change.kind)
    try:
        owned = json.loads(change.after)
    except ValueError:
        return ""
    return make(change, instance, owned) if make and isinstance(owned, Mapping) else ""


def _policy(change: Change, lines: Sequence[Line]) -> str:
    """The elements that go in, and those that go out, with the file that they stand in."""
    below = change.target.below_instance
    found = next(((file, kind) for form, file, kind in _FILES if form.fullmatch(below)), None)
    if found is None:
        return ""
    file, resource = found[0] or below.removesuffix("/policies/policy") + "/policy.xml", found[1]
    told = [f"# APIOps, {clean(file)}; in Terraform, xml_content of {resource}"]
    for sign, what in ((Sign.ADDED, "# put in, where the diff shows it"), (Sign.REMOVED, "# take out")):
        meant = [line.text for line in lines if line.sign is sign]
        if meant:
            told += [what, *_dedented(meant)]
    return "\n".join(told) if len(told) > 1 else ""


def _dedented(lines: Sequence[str]) -> list[str]:
    least = min(len(line) - len(line.lstrip()) for line in lines)
    return [line[least:] for line in lines]


def _certificate(change: Change, instance: InstanceId, owned: Mapping[str, Any]) -> str:
    vault = owned.get("keyVault")
    if not isinstance(vault, Mapping) or not isinstance(vault.get("secretIdentifier"), str):
        return ""
    identity = vault.get("identityClientId")
    fields = {
        "name": change.target.name,
        "api_management_name": instance.name,
        "resource_group_name": instance.resource_group,
        "key_vault_secret_id": vault["secretIdentifier"],
        **({"key_vault_identity_client_id": identity} if isinstance(identity, str) else {}),
    }
    return _resource("azurerm_api_management_certificate", change.target.name, fields)


def _gateway_hostname(change: Change, instance: InstanceId, owned: Mapping[str, Any]) -> str:
    if owned != {"negotiateClientCertificate": True}:
        return ""
    return (
        "# Terraform, azurerm_api_management_gateway_host_name_configuration "
        f"{clean(change.target.name)}\nrequest_client_certificate_enabled = true"
    )


_OF_PROPERTIES: Mapping[Kind, Callable[[Change, InstanceId, Mapping[str, Any]], str]] = {
    Kind.CERTIFICATE: _certificate,
    Kind.GATEWAY_HOSTNAME: _gateway_hostname,
}


def _resource(kind: str, name: str, fields: Mapping[str, str]) -> str:
    width = max(map(len, fields))
    label = re.sub(r"[^a-z0-9_]", "_", name.lower())
    lines = [f"  {field.ljust(width)} = {_quoted(value)}" for field, value in fields.items()]
    return "\n".join(["# Terraform", f'resource "{kind}" "{label}" {{', *lines, "}"])


def _quoted(text: str) -> str:
    """A string of Terraform's language, in which nothing is carried out."""
    return json.dumps(clean(text), ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
