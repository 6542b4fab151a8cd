"""
What members the objects of our resource types have, and which values: taken from Microsoft's management libraries.

`python -m script.bicep.members` writes members.json for whatever infra/ uses; run it where the azure-mgmt-* libraries
of LIBRARIES are installed, after a resource type or a new object was added. The gate (`check`) needs the file alone.
The libraries speak for one api-version each, mostly a newer one than ours: a member that they don't know is a fault, a
member that our version doesn't know yet is not seen.
"""

import enum
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from script.bicep.read import BicepFile
from script.bicep.values import Written, resources

FILE = Path(__file__).with_name("members.json")
INFRA = Path(__file__).parents[2] / "infra"
ANYTHING = "*"
# Its name says what it holds; the names of app settings are the app's own, and tests/infra knows them.
CONFIG = "Microsoft.Web/sites/config"

LIBRARIES = {
    "Microsoft.Authorization/policyAssignments": ("resource.policy", "PolicyAssignment"),
    "Microsoft.Authorization/policyDefinitions": ("resource.policy", "PolicyDefinition"),
    "Microsoft.Authorization/roleAssignments": ("authorization.v2022_04_01", "RoleAssignmentCreateParameters"),
    "Microsoft.Authorization/roleDefinitions": ("authorization.v2022_04_01", "RoleDefinition"),
    "Microsoft.EventGrid/systemTopics": ("eventgrid", "SystemTopic"),
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": ("eventgrid", "EventSubscription"),
    "Microsoft.EventGrid/topics": ("eventgrid", "Topic"),
    "Microsoft.Insights/actionGroups": ("monitor", "ActionGroupResource"),
    "Microsoft.Insights/components": ("applicationinsights.v2020_02_02", "ApplicationInsightsComponent"),
    "Microsoft.Insights/metricAlerts": ("monitor", "MetricAlertResource"),
    "Microsoft.Insights/scheduledQueryRules": ("monitor", "ScheduledQueryRuleResource"),
    "Microsoft.Insights/workbooks": ("applicationinsights.v2023_06_01", "Workbook"),
    "Microsoft.KeyVault/vaults": ("keyvault", "Vault"),
    "Microsoft.KeyVault/vaults/secrets": ("keyvault", "Secret"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi.v2024_11_30", "Identity"),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics", "Workspace"),
    "Microsoft.Resources/resourceGroups": ("resource.resources", "ResourceGroup"),
    "Microsoft.Storage/storageAccounts": ("storage", "StorageAccount"),
    "Microsoft.Storage/storageAccounts/blobServices": ("storage", "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("storage", "BlobContainer"),
    "Microsoft.Storage/storageAccounts/managementPolicies": ("storage", "ManagementPolicy"),
    "Microsoft.Storage/storageAccounts/queueServices": ("storage", "QueueServiceProperties"),
    "Microsoft.Storage/storageAccounts/queueServices/queues": ("storage", "StorageQueue"),
    "Microsoft.Storage/storageAccounts/tableServices": ("storage", "TableServiceProperties"),
    "Microsoft.Storage/storageAccounts/tableServices/tables": ("storage", "Table"),
    "Microsoft.Web/serverfarms": ("web", "AppServicePlan"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": ("web", "CsmPublishingCredentialsPoliciesEntity"),
    "Microsoft.Web/sites/config": ("web", "SiteAuthSettingsV2"),
}

Members = dict[str, dict[str, Any]]
"""For each object of a type (a dotted path): its members, each with null, `*` or the list of its values."""


@cache
def known() -> dict[str, Members]:
    """What the file says."""
    found: dict[str, Members] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def objects(value: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects in what is sent, with their paths; lists have none of their own."""
    if isinstance(value, list):
        for one in value:
            yield from objects(one, path)
    if isinstance(value, Mapping):
        yield path, value
        for name, one in value.items():
            yield from objects(one, f"{path}.{name}".lstrip("."))


def faults(written: Written, table: dict[str, Members]) -> Iterator[str]:
    """The members and values of a resource that Azure does not know."""
    members = table.get(written.type)
    if members is None:
        yield f"{written.place}: {written.type} is not in members.json; run python -m script.bicep.members"
        return
    for path, value in objects(written.sent):
        if written.type == CONFIG and written.sent.get("name") == "appsettings" and path == "properties":
            continue
        allowed = members.get(path)
        if allowed is None:
            if not _open(members, path):
                yield f"{written.place}: {path} is not in members.json; run python -m script.bicep.members"
            continue
        for name, one in value.items():
            place = f"{path}.{name}".lstrip(".")
            if name not in allowed:
                yield f"{written.place}: {place} is no member; known are {', '.join(sorted(allowed))}"
            elif isinstance(allowed[name], list) and isinstance(one, str) and one not in allowed[name]:
                yield f"{written.place}: {place} is {one!r}; known are {', '.join(allowed[name])}"


def _open(members: Mapping[str, Any], path: str) -> bool:
    """Whether something above an object takes whatever it is given."""
    while path:
        path, _, name = path.rpartition(".")
        if members.get(path, {}).get(name) == ANYTHING:
            return True
    return False


# From here on: reading the libraries.


def _fields(model: Any) -> dict[tuple[str, ...], str]:
    """The members of a model by their path in JSON, each with its type as text."""
    found: dict[tuple[str, ...], str] = {}
    for one in (model, *_derived(model)):
        for attribute in getattr(one, "_attribute_map", {}).values():
            path = tuple(part.replace("\0", ".") for part in attribute["key"].replace("\\.", "\0").split("."))
            found.setdefault(path, attribute["type"])
        for base in one.__mro__:
            for name, field in vars(base).items():
                if type(field).__name__ == "_RestField":
                    found.setdefault((field._rest_name_input or name,), str(base.__annotations__.get(name)))
    return found


def _derived(model: Any) -> Iterator[Any]:
    for one in model.__subclasses__():
        yield one
        yield from _derived(one)


def _named(module: Any, kind: str) -> Any:
    """The model or enumeration that a type's text names."""
    for name in reversed(re.findall(r"\w+", kind)):
        found = getattr(module, name, None)
        if isinstance(found, type) and (issubclass(found, enum.Enum) or _fields(found)):
            return found
    return None


def _describe(module: Any, model: Any, prefix: tuple[str, ...], value: Mapping[str, Any], path: str) -> Members:
    fields = _fields(model)
    below = {where: kind for where, kind in fields.items() if where[: len(prefix)] == prefix}
    allowed: dict[str, Any] = {}
    for where, kind in sorted(below.items()):
        target = _named(module, kind)
        is_choice = isinstance(target, type) and issubclass(target, enum.Enum)
        name = where[len(prefix)]
        if len(where) > len(prefix) + 1:
            allowed.setdefault(name, None)
        elif is_choice:
            allowed[name] = sorted({str(one.value) for one in target})
        else:
            is_open = target is None and (kind.startswith("{") or "dict[" in kind or "Any" in kind or kind == "object")
            allowed[name] = ANYTHING if is_open or kind.startswith("{") or "dict[" in kind else None
    if not path:
        allowed["name"] = None  # in the path of a call, so some models have none
    found: Members = {path: allowed}
    for name, one in value.items():
        inner = one if isinstance(one, list) else [one]
        kind = fields.get((*prefix, name), "")
        target = _named(module, kind) if kind else None
        for each in inner:
            if not isinstance(each, Mapping) or allowed.get(name) == ANYTHING:
                continue
            place = f"{path}.{name}".lstrip(".")
            if kind and target is not None:
                deeper = _describe(module, target, (), each, place)
            elif not kind:
                deeper = _describe(module, model, (*prefix, name), each, place)
            else:
                deeper = {}
            for key, members in deeper.items():
                found.setdefault(key, {}).update(members)
    return found


def described(folder: Path) -> dict[str, Members]:
    """The table for every resource in a folder."""
    found: dict[str, Members] = {}
    for path in sorted(folder.rglob("*.bicep")):
        for written in resources(BicepFile(path)):
            library, name = LIBRARIES[written.type]
            module = importlib.import_module(f"azure.mgmt.{library}.models")
            sent = {name: one for name, one in written.sent.items() if isinstance(one, dict | list)}
            table = found.setdefault(written.type, {})
            for key, members in _describe(module, getattr(module, name), (), sent, "").items():
                table.setdefault(key, {}).update(members)
    return found


def main() -> None:
    """Write the file."""
    FILE.write_text(text(described(INFRA)), encoding="utf-8")


def text(table: dict[str, Members]) -> str:
    """The file: an object a line, so that a difference can be read."""
    types = []
    for kind, members in sorted(table.items()):
        lines = [f"  {json.dumps(path)}: {json.dumps(allowed, sort_keys=True)}" for path, allowed in members.items()]
        types.append(f" {json.dumps(kind)}: {{\n" + ",\n".join(sorted(lines)) + "\n }")
    return "{\n" + ",\n".join(types) + "\n}\n"


if __name__ == "__main__":
    main()
