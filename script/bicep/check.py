"""
What is wrong in a folder of Bicep files, as sentences with file and line.

Called by `python -m script.bicep` and by tests/infra, which also tries it on files with one fault each.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pycep
from tree_sitter import Node

from script.bicep.members import faults, known
from script.bicep.read import BicepFile, body, descendants, line, literal, member, members, text
from script.bicep.values import embedded, resources

FUNCTIONS = frozenset(
    """
    concat contains empty endsWith environment extensionResourceId filter first format guid join last length
    loadJsonContent loadTextContent managementGroup map max min range reduce replace resourceGroup resourceId sort split
    startsWith string subscription subscriptionResourceId take tenant tenantResourceId toLower toUpper trim union
    uniqueString
    """.split()  # noqa: SIM905 - a list of words reads better as words
)

VERSIONS = {
    "Microsoft.Authorization/policyAssignments": "2023-04-01",
    "Microsoft.Authorization/policyDefinitions": "2023-04-01",
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.Authorization/roleDefinitions": "2022-04-01",
    "Microsoft.EventGrid/systemTopics": "2025-02-15",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": "2025-02-15",
    "Microsoft.EventGrid/topics": "2025-02-15",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2022-06-15",
    "Microsoft.Insights/workbooks": "2023-06-01",
    "Microsoft.KeyVault/vaults": "2023-07-01",
    "Microsoft.KeyVault/vaults/secrets": "2023-07-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2023-01-31",
    "Microsoft.OperationalInsights/workspaces": "2023-09-01",
    "Microsoft.Resources/resourceGroups": "2024-03-01",
    "Microsoft.Storage/storageAccounts": "2024-01-01",
    "Microsoft.Storage/storageAccounts/blobServices": "2024-01-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "2024-01-01",
    "Microsoft.Storage/storageAccounts/managementPolicies": "2024-01-01",
    "Microsoft.Storage/storageAccounts/queueServices": "2024-01-01",
    "Microsoft.Storage/storageAccounts/queueServices/queues": "2024-01-01",
    "Microsoft.Storage/storageAccounts/tableServices": "2024-01-01",
    "Microsoft.Storage/storageAccounts/tableServices/tables": "2024-01-01",
    "Microsoft.Web/serverfarms": "2024-04-01",
    "Microsoft.Web/sites": "2024-04-01",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "2024-04-01",
    "Microsoft.Web/sites/config": "2024-04-01",
}
"""The types that infra/ uses, each at one stable version that Azure has. Another one is added here first."""


def check(folder: Path) -> list[str]:
    """All faults in the files below a folder."""
    files = {path.resolve(): BicepFile(path) for path in sorted(folder.rglob("*.bicep"))}
    found = [fault for file in files.values() for fault in _file(file, files)]
    for path in sorted(folder.glob("*.parameters.json")):
        found += _parameters(path, files)
    for path in sorted((folder / "policy").glob("*.json")):
        for written in embedded(path, json.loads(path.read_text(encoding="utf-8"))):
            found += [*_version(written.place, written.type, written.version), *faults(written, known())]
    return found


@cache
def _second_parser() -> pycep.BicepParser:
    """Made once: reading its grammar takes half a second."""
    return pycep.BicepParser()


def _file(file: BicepFile, files: dict[Path, BicepFile]) -> Iterator[str]:
    lines = file.faults()
    if lines:
        yield from (f"{file.path}:{number}: this is no Bicep" for number in lines)
        return
    try:
        _second_parser().parse(text=file.text)
    except Exception as error:  # any failure of a parser is a finding about the file
        yield f"{file.path}: the second parser: {str(error).splitlines()[0]}"
    yield from _names(file)
    yield from _types(file)
    yield from _loaded(file)
    for node in file.declared("module").values():
        yield from _module(file, node, files)
    yield from _outputs(file, files)


def _names(file: BicepFile) -> Iterator[str]:
    known = {name for kind in ("parameter", "variable", "resource", "module") for name in file.declared(kind)}
    used = set()
    for use in file.uses():
        if use.called and use.name not in FUNCTIONS:
            yield f"{file.path}:{use.line}: there is no function {use.name}"
        if not use.called and use.name not in known | use.names:
            yield f"{file.path}:{use.line}: there is no {use.name}"
        used.add(use.name)
    for kind in ("parameter", "variable"):
        for name, node in file.declared(kind).items():
            if name not in used:
                yield f"{file.path}:{line(node)}: the {kind} {name} is not used"


def _types(file: BicepFile) -> Iterator[str]:
    for name, node in file.declared("resource").items():
        full, _, version = literal(node.named_children[1]).partition("@")
        if version:  # otherwise nested in its parent, which says the version
            yield from _version(f"{file.path}:{line(node)}: {name}", full, version)
    for written in resources(file):
        if written.type in VERSIONS:
            yield from faults(written, known())


def _version(place: str, full: str, version: str) -> Iterator[str]:
    if VERSIONS.get(full) != version:
        told = f"known is {VERSIONS[full]}" if full in VERSIONS else "the type is not known"
        yield f"{place} is {full}@{version}; {told}"


def _loaded(file: BicepFile) -> Iterator[str]:
    for node in descendants(file.root):
        if node.type != "call_expression" or not text(node).startswith("load"):
            continue
        path = file.path.parent / literal(node.named_children[1].named_children[0])
        if not path.is_file():
            yield f"{file.path}:{line(node)}: there is no file {path}"
        elif text(node).startswith("loadJsonContent"):
            json.loads(path.read_text(encoding="utf-8"))


def _module(file: BicepFile, node: Node, files: dict[Path, BicepFile]) -> Iterator[str]:
    where = f"{file.path}:{line(node)}"
    target = files.get((file.path.parent / literal(node.named_children[1])).resolve())
    if target is None:
        yield f"{where}: there is no module {literal(node.named_children[1])}"
        return
    given = set(members(member(body(node), "params")))
    for name in sorted(given - set(target.declared("parameter"))):
        yield f"{where}: {target.path.name} has no parameter {name}"
    for name in sorted(target.required() - given):
        yield f"{where}: {target.path.name} needs the parameter {name}"
    scope = member(body(node), "scope")
    kind = _scope_of(file, scope) if scope is not None else file.scope
    if kind != target.scope:
        yield f"{where}: {target.path.name} is for the scope {target.scope}, not {kind}"


def _scope_of(file: BicepFile, node: Node) -> str:
    written = text(node)
    declared = file.declared("resource").get(written)
    if declared is not None and literal(declared.named_children[1]).startswith("Microsoft.Resources/resourceGroups@"):
        return "resourceGroup"
    return written.partition("(")[0]


def _outputs(file: BicepFile, files: dict[Path, BicepFile]) -> Iterator[str]:
    """`module.outputs.name` has to be an output of the module."""
    for node in descendants(file.root):
        if node.type != "member_expression" or node.named_children[0].type != "member_expression":
            continue
        holder, name = node.named_children
        if text(holder.named_children[-1]) != "outputs":
            continue
        module = file.declared("module").get(text(holder.named_children[0]).partition("[")[0])
        target = None
        if module is not None:
            target = files.get((file.path.parent / literal(module.named_children[1])).resolve())
        if target is None or text(name) not in target.declared("output"):
            yield f"{file.path}:{line(node)}: there is no output {text(node)}"


def _parameters(path: Path, files: dict[Path, BicepFile]) -> Iterator[str]:
    """A parameter file gives what its template declares, and all that it requires."""
    given = set(json.loads(path.read_text(encoding="utf-8"))["parameters"])
    template = files[(path.parent / path.name.replace(".parameters.json", ".bicep")).resolve()]
    for name in sorted(given - set(template.declared("parameter"))):
        yield f"{path}: {template.path.name} has no parameter {name}"
    for name in sorted(template.required() - given):
        yield f"{path}: {template.path.name} needs the parameter {name}"
