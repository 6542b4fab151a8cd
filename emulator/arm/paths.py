"""
What a path of Azure Resource Manager means: the type it names, the resource, the action asked, the scope.

Used by the front for roles and events. Pure text; no resource is looked at.
"""

from __future__ import annotations

from urllib.parse import unquote

# POSTs that read; they raise no event.
READS = ("/providers/microsoft.resourcegraph/resources", "/checknameavailability")
VERBS = {"PUT": "write", "PATCH": "write", "DELETE": "delete", "GET": "read", "HEAD": "read"}


def segments(path: str) -> list[str]:
    return [unquote(part) for part in path.split("/") if part]


def type_of(path: str) -> str:
    """
    The resource type a path names, through its last `providers` segment; empty for paths above providers.
    """
    parts = segments(path)
    at = max((i for i, part in enumerate(parts) if part.casefold() == "providers"), default=-1)
    if at < 0 or at + 1 >= len(parts):
        kinds = [part for part in parts[::2] if part]
        return f"Microsoft.Resources/{kinds[-1]}" if kinds else ""
    namespace, rest = parts[at + 1], parts[at + 2 :]
    return "/".join([namespace, *rest[::2]])


def operation_name(method: str, path: str) -> str | None:
    """
    The operation of a write (`Microsoft.ApiManagement/service/apis/write`); None for what raises no event.
    """
    verb = VERBS.get(method)
    if method == "POST":
        if path.casefold().endswith(READS):
            return None
        return f"{type_of(path)}/action"
    return f"{type_of(path)}/{verb}" if verb else None


def action_of(method: str, path: str) -> str:
    """
    The permission a call needs.
    """
    return operation_name(method, path) or f"{type_of(path)}/read"


def resource_of(method: str, path: str) -> str:
    """
    The resource a write concerns; for an action the one it is asked of.
    """
    parts = segments(path)
    return "/" + "/".join(parts[:-1] if method == "POST" else parts)


def scope_of(path: str) -> str:
    return "/" + "/".join(segments(path))
