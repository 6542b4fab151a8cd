"""
Kinds of resources that need no module of their own: plain settings over defaults.

Each is a value; what they have in common is in `entities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.arm.apis import API
from emulator.arm.errors import validation
from emulator.arm.kind import Kind, Write, merged, with_defaults
from emulator.routes import Source
from emulator.store import Json, Resource, parent_of

ADMINISTRATORS = (
    "Administrators is a built-in group containing the admin email account provided at the time of service creation. "
    "Its membership is managed by the system."
)


def _product(write: Write) -> tuple[Json, Mapping[str, Any]]:
    properties, hidden = merged(write)
    if not properties.get("displayName"):
        raise validation("displayName", "Product's display name should not be empty.")
    required = properties.get("subscriptionRequired", True)
    return {
        "displayName": None,
        "description": None,
        "terms": None,
        "subscriptionRequired": required,
        "approvalRequired": False if required else None,
        "subscriptionsLimit": None,
        "state": "notPublished",
        **properties,
    }, hidden


def _product_on_put(product: Resource) -> Json:
    service = parent_of(product.id)
    group = {
        "id": f"{service}/groups/administrators",
        "name": "Administrators",
        "description": ADMINISTRATORS,
        "builtIn": True,
        "type": "system",
        "externalId": None,
    }
    return {**product.properties, "groups": [group]}


def _backend(write: Write) -> tuple[Json, Mapping[str, Any]]:
    properties, hidden = merged(write)
    if properties.get("type") != "Pool":
        for name in ("url", "protocol"):
            if not properties.get(name):
                raise validation(name, f"Backend's {name} should not be empty.")
    else:
        # A pool has neither URL nor protocol; how Azure says so was not recorded.
        properties = {name: value for name, value in properties.items() if name not in ("url", "protocol") or value}
    return {"title": None, **properties}, hidden


def _workspace(write: Write) -> tuple[Json, Mapping[str, Any]]:
    properties, hidden = merged(write)
    if not properties.get("displayName"):
        raise validation("displayName", "Workspace's display name should not be empty.")
    return properties, hidden


WORKSPACE = Kind(segment="workspaces", label="Workspace", param="workspace", accept=_workspace)
PRODUCT = Kind(
    segment="products",
    label="Product",
    param="product",
    accept=_product,
    shown_on_put=_product_on_put,
    in_workspaces=True,
    source=Source.RECORDED,
)
BACKEND = Kind(
    segment="backends", label="Backend", param="backend", accept=_backend, in_workspaces=True, source=Source.RECORDED
)
LOGGER = Kind(
    segment="loggers", label="Logger", param="logger", accept=with_defaults(isBuffered=True), in_workspaces=True
)
DIAGNOSTIC = Kind(segment="diagnostics", label="Diagnostic", param="diagnostic", in_workspaces=True)
API_DIAGNOSTIC = Kind(segment="diagnostics", label="Diagnostic", param="diagnostic", parent=API, in_workspaces=True)
SCHEMA = Kind(
    segment="schemas",
    label="Schema",
    param="schema",
    parent=API,
    methods=("LIST", "HEAD", "GET", "PUT", "DELETE"),
    in_workspaces=True,
)
RESOLVER = Kind(segment="resolvers", label="Resolver", param="resolver", parent=API)
VERSION_SET = Kind(segment="apiVersionSets", label="Version set", param="versionSet", in_workspaces=True)
GROUP = Kind(segment="groups", label="Group", param="group_id", in_workspaces=True)
TAG = Kind(segment="tags", label="Tag", param="tag", in_workspaces=True)
USER = Kind(segment="users", label="User", param="user")
IDENTITY_PROVIDER = Kind(segment="identityProviders", label="Identity provider", param="identityProvider")
AUTHORIZATION_SERVER = Kind(segment="authorizationServers", label="Authorization server", param="authorizationServer")
CACHE = Kind(segment="caches", label="Cache", param="cache")

KINDS = (
    WORKSPACE,
    PRODUCT,
    BACKEND,
    LOGGER,
    DIAGNOSTIC,
    API_DIAGNOSTIC,
    SCHEMA,
    RESOLVER,
    VERSION_SET,
    GROUP,
    TAG,
    USER,
    IDENTITY_PROVIDER,
    AUTHORIZATION_SERVER,
    CACHE,
)
