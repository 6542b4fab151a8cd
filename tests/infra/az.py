"""
Stands in for Azure CLI where a hook of infra/ runs: a tenant in a JSON file, and the few commands that hooks use.

Run as a program by the tests of hooks, with the file named by AZ_TENANT. Queries are read by the library that Azure CLI
reads them with. A command or an option that it doesn't know ends with 2, as in Azure CLI.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jmespath

Tenant = dict[str, Any]
OPTIONS = (
    "account-name assignee auth-mode container-name custom-role-only file ids location management-group name "
    "output query resource-group scope subscription system-topic-name template-file"
)


class Refused(Exception):
    """What Azure answers with an error."""


def main() -> int:
    """One command."""
    words = []
    for word in sys.argv[1:]:
        if word.startswith("-"):
            break
        words.append(word)
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in OPTIONS.split():
        parser.add_argument(f"--{name}")
    for flag in ("all", "yes", "only-show-errors"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--parameters", nargs="*", action="append")
    given = parser.parse_args(sys.argv[1 + len(words) :])
    command = COMMANDS.get(" ".join(words))
    if command is None:
        print(f"az: there is no {' '.join(words)}", file=sys.stderr)
        return 2
    file = Path(os.environ["AZ_TENANT"])
    tenant: Tenant = json.loads(file.read_text(encoding="utf-8"))
    try:
        found = command(tenant, given)
    except Refused as refused:
        print(f"ERROR: {refused}", file=sys.stderr)
        return 1
    file.write_text(json.dumps(tenant), encoding="utf-8")
    _print(jmespath.search(given.query, found) if given.query else found, given.output)
    return 0


def _print(found: Any, output: str | None) -> None:
    if output == "none" or found is None:
        return
    if output != "tsv":
        print(json.dumps(found))
        return
    for row in found if isinstance(found, list) else [found]:
        print("\t".join(_cell(cell) for cell in (row if isinstance(row, list) else [row])))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _take(tenant: Tenant, table: str, **members: Any) -> None:
    """Delete what has these members; Azure refuses to delete what isn't there."""
    kept = [one for one in tenant[table] if any(one[name] != value for name, value in members.items())]
    if len(kept) == len(tenant[table]):
        raise Refused(f"{table} {members} was not found")
    tenant[table] = kept


def _find(tenant: Tenant, table: str, **members: Any) -> Any:
    for one in tenant[table]:
        if all(one[name] == value for name, value in members.items()):
            return one
    raise Refused(f"{table} {members} was not found")


def _assignments(tenant: Tenant, given: argparse.Namespace) -> Any:
    if given.scope:
        return [one for one in tenant["assignments"] if one["scope"] == given.scope]
    inside = f"/subscriptions/{given.subscription}"
    return [
        one
        for one in tenant["assignments"]
        if one["scope"].startswith(inside) and given.assignee in (None, one["principalId"])
    ]


def _definitions(tenant: Tenant, given: argparse.Namespace) -> Any:
    """Those that can be assigned at a scope: also such as come from above."""
    above = tenant["above"].get(given.scope.split("/")[2], "")
    return [
        one
        for one in tenant["definitions"]
        if any(given.scope.startswith(scope) or scope == above for scope in one["assignableScopes"])
    ]


def _drop_definition(tenant: Tenant, given: argparse.Namespace) -> Any:
    role = _find(tenant, "definitions", name=given.name)
    if given.scope not in role["assignableScopes"]:
        raise Refused("the scope is not one of the role's")
    if any(one["roleDefinitionName"] == role["roleName"] for one in tenant["assignments"]):
        raise Refused("there are existing role assignments referencing the role")
    _take(tenant, "definitions", name=given.name)


def _drop_topic(tenant: Tenant, given: argparse.Namespace) -> Any:
    topic = _find(tenant, "topics", subscription=given.subscription, name=given.name)
    _take(tenant, "topics", subscription=given.subscription, name=topic["name"])


def _drop_event_subscription(tenant: Tenant, given: argparse.Namespace) -> Any:
    topic = _find(tenant, "topics", subscription=given.subscription, name=given.system_topic_name)
    if given.name not in topic["eventSubscriptions"]:
        raise Refused("not found")
    topic["eventSubscriptions"].remove(given.name)


def _show_topic(tenant: Tenant, given: argparse.Namespace) -> Any:
    return _find(tenant, "topics", resourceGroup=given.resource_group, name=given.name)


def _drop_group(tenant: Tenant, given: argparse.Namespace) -> Any:
    _take(tenant, "groups", subscription=given.subscription, name=given.name)


def _show_group(tenant: Tenant, given: argparse.Namespace) -> Any:
    return _find(tenant, "groups", subscription=given.subscription, name=given.name)


def _deploy(tenant: Tenant, given: argparse.Namespace) -> Any:
    tenant["deployments"].append(
        {"template": given.template_file, "parameters": [one for group in given.parameters for one in group]}
    )


COMMANDS: dict[str, Callable[[Tenant, argparse.Namespace], Any]] = {
    "account list": lambda tenant, given: [{"id": one} for one in tenant["subscriptions"]],
    "deployment sub create": _deploy,
    "eventgrid system-topic delete": _drop_topic,
    "eventgrid system-topic event-subscription delete": _drop_event_subscription,
    "eventgrid system-topic list": lambda tenant, given: [
        one for one in tenant["topics"] if one["subscription"] == given.subscription
    ],
    "eventgrid system-topic show": _show_topic,
    "group delete": _drop_group,
    "group show": _show_group,
    "policy assignment delete": lambda tenant, given: _take(tenant, "policies", name=given.name, kind="assignment"),
    "policy definition delete": lambda tenant, given: _take(tenant, "policies", name=given.name, kind="definition"),
    "role assignment delete": lambda tenant, given: _take(tenant, "assignments", id=given.ids),
    "role assignment list": _assignments,
    "role definition delete": _drop_definition,
    "role definition list": _definitions,
    "storage blob exists": lambda tenant, given: {"exists": given.name in tenant["blobs"]},
    "storage blob upload": lambda tenant, given: tenant["blobs"].append(given.name),
}

if __name__ == "__main__":
    sys.exit(main())
